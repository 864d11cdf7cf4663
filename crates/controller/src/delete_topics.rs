//! Deletes topics (rule 24).

use crate::{Context, Decision, Refusal};
use klamm_metadata::{Image, Topic, proto, uuid_bytes};
use klamm_types::{ErrorCode, Uuid};
use std::{collections::BTreeMap, sync::Arc};

/// Topics to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteTopics {
    /// The topics, each named in one way.
    pub topics: Vec<TopicRef>,
}

/// A topic by name or by id: exactly one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TopicRef {
    /// Its name.
    pub name: Option<String>,
    /// Its id; zero counts as none.
    pub topic_id: Option<Uuid>,
}

/// What became of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTopic {
    /// Its name, as far as it is known.
    pub name: Option<String>,
    /// Its id; zero if it is not known.
    pub topic_id: Uuid,
    /// Whether it is gone.
    pub result: Result<(), Refusal>,
}

pub(crate) fn decide(
    image: &Image,
    request: &DeleteTopics,
    ctx: &Context,
) -> Decision<Vec<DeletedTopic>> {
    if !ctx.settings.delete_topic_enable {
        let message = "delete.topic.enable is false";
        let refusal = Refusal::new(ErrorCode::TopicDeletionDisabled, message);
        let refused = request.topics.iter();
        let refused = refused.map(|topic| answer(topic, Err(refusal.clone())));
        return Decision::unchanged(refused.collect());
    }
    let found: Vec<_> = request.topics.iter().map(|t| find(image, t)).collect();
    let mut mentions = BTreeMap::<Uuid, usize>::new();
    for topic in found.iter().flatten() {
        *mentions.entry(topic.id).or_default() += 1;
    }
    let mut records = Vec::new();
    let mut deleted = Vec::with_capacity(found.len());
    for (wanted, found) in request.topics.iter().zip(found) {
        let result = found.and_then(|topic| {
            if mentions.get(&topic.id) > Some(&1) {
                return Err(crate::create_topics::duplicate_topic(&topic.name));
            }
            let topic_id = uuid_bytes(topic.id);
            records.push(proto::RemoveTopicRecord { topic_id }.into());
            Ok(topic)
        });
        deleted.push(answer(wanted, result));
    }
    Decision {
        records,
        response: deleted,
    }
}

fn answer(wanted: &TopicRef, result: Result<&Arc<Topic>, Refusal>) -> DeletedTopic {
    match result {
        Ok(topic) => DeletedTopic {
            name: Some(topic.name.to_string()),
            topic_id: topic.id,
            result: Ok(()),
        },
        // Nothing is said about a topic beyond what was asked.
        Err(refusal) => DeletedTopic {
            name: wanted.name.clone(),
            topic_id: wanted.topic_id.unwrap_or(Uuid::ZERO),
            result: Err(refusal),
        },
    }
}

fn find<'a>(image: &'a Image, wanted: &TopicRef) -> Result<&'a Arc<Topic>, Refusal> {
    let id = wanted.topic_id.filter(|id| !id.is_zero());
    match (&wanted.name, id) {
        (Some(name), None) => image.topic_by_name(name).ok_or_else(|| {
            let message = format!("there is no topic {name:?}");
            Refusal::new(ErrorCode::UnknownTopicOrPartition, message)
        }),
        (None, Some(id)) => image.topic(id).ok_or_else(|| {
            let message = format!("no topic has the id {id}");
            Refusal::new(ErrorCode::UnknownTopicId, message)
        }),
        _ => {
            let message = "a topic is named either by name or by id";
            Err(Refusal::new(ErrorCode::InvalidRequest, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Request, Response, lab::Lab};
    use klamm_types::ErrorCode as E;

    fn name(name: &str) -> TopicRef {
        TopicRef {
            name: Some(name.into()),
            topic_id: None,
        }
    }

    fn id(id: Uuid) -> TopicRef {
        TopicRef {
            name: None,
            topic_id: Some(id),
        }
    }

    fn delete(lab: &mut Lab, topics: Vec<TopicRef>) -> Vec<(Option<String>, Uuid, E)> {
        let response = lab.ask(&Request::DeleteTopics(DeleteTopics { topics }));
        let Response::DeleteTopics(deleted) = response else {
            panic!("{response:?}")
        };
        let row = |one: DeletedTopic| {
            let code = one.result.err().map_or(E::None, |refusal| refusal.code);
            (one.name, one.topic_id, code)
        };
        deleted.into_iter().map(row).collect()
    }

    #[test]
    fn by_name_and_by_id() {
        let mut lab = Lab::new(1);
        let a = lab.create("a", &[&[1]]).topic_id;
        let b = lab.create("b", &[&[1]]).topic_id;
        let stranger = Uuid([9; 16]);
        let deleted = delete(&mut lab, vec![name("a"), name("c"), id(stranger), id(b)]);
        let expected = [
            (Some("a".to_owned()), a, E::None),
            (Some("c".to_owned()), Uuid::ZERO, E::UnknownTopicOrPartition),
            (None, stranger, E::UnknownTopicId),
            (Some("b".to_owned()), b, E::None),
        ];
        assert_eq!(deleted, expected);
        assert_eq!(lab.image.topic_count(), 0);
    }

    #[test]
    fn twice_or_in_both_ways_or_in_none() {
        let mut lab = Lab::new(1);
        let a = lab.create("a", &[&[1]]).topic_id;
        lab.create("b", &[&[1]]);
        let both = TopicRef {
            topic_id: Some(a),
            ..name("a")
        };
        let wanted = vec![name("a"), id(a), both, TopicRef::default(), name("b")];
        let codes: Vec<_> = delete(&mut lab, wanted).into_iter().map(|d| d.2).collect();
        let mut expected = [E::InvalidRequest; 5];
        expected[4] = E::None;
        assert_eq!(codes, expected);
        assert!(lab.image.topic(a).is_some());
    }

    #[test]
    fn unless_it_is_switched_off() {
        let mut lab = Lab::with_topic();
        lab.settings.delete_topic_enable = false;
        let deleted = delete(&mut lab, vec![name("t")]);
        assert_eq!(deleted[0].2, E::TopicDeletionDisabled);
        assert_eq!(lab.image.topic_count(), 1);
    }

    #[test]
    fn configs_go_with_the_topic() {
        let mut lab = Lab::with_topic();
        lab.set("a", Some("1"));
        delete(&mut lab, vec![name("t")]);
        lab.create("t", &[&[1]]);
        assert_eq!(lab.image.topic_config("t", "a"), None);
    }
}
