//! Creates topics (rules 22 and 23).

use crate::{
    Context, Decision, MAX_PARTITIONS_PER_REQUEST, Refusal, ReplicaAssignment,
    alter_configs::check_configs,
    new_partitions::{check_replicas, new_partition, number, place, too_many},
    topic_name::{check_topic_name, collide, may_collide},
};
use klamm_metadata::{ConfigResource, Configs, Image, proto, uuid_bytes};
use klamm_types::{BrokerId, ErrorCode, Uuid};
use std::collections::{BTreeMap, BTreeSet};

/// Kafka's own metadata lies under this name; it is never a topic of clients.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// Topics to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTopics {
    /// The topics.
    pub topics: Vec<CreatableTopic>,
    /// Only says what would happen.
    pub validate_only: bool,
}

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatableTopic {
    /// Its name.
    pub name: String,
    /// −1: the default, or as many as there are assignments.
    pub num_partitions: i32,
    /// −1: the default, or as the assignments have it.
    pub replication_factor: i32,
    /// Who keeps which partition; empty: the controller chooses.
    pub assignments: Vec<ReplicaAssignment>,
    /// Its configs; a value of `None` is refused.
    pub configs: Vec<(String, Option<String>)>,
}

/// What became of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its name.
    pub name: String,
    /// What was, or would have been, created.
    pub result: Result<Created, Refusal>,
}

/// A new topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Created {
    /// Its id; zero if the request only validates.
    pub topic_id: Uuid,
    /// How many partitions it has.
    pub num_partitions: i32,
    /// How many replicas each has.
    pub replication_factor: i32,
}

pub(crate) fn decide(
    image: &Image,
    request: &CreateTopics,
    ctx: &Context,
) -> Decision<Vec<CreatedTopic>> {
    let answer = |topic: &CreatableTopic, result| CreatedTopic {
        name: topic.name.clone(),
        result,
    };
    if partitions_wanted(request, ctx) > MAX_PARTITIONS_PER_REQUEST {
        let refused = request.topics.iter().map(|t| answer(t, Err(too_many())));
        return Decision::unchanged(refused.collect());
    }
    let mut batch = Batch::new(image, request, ctx);
    let mut created = Vec::with_capacity(request.topics.len());
    for (index, topic) in request.topics.iter().enumerate() {
        created.push(answer(topic, batch.create(index, topic)));
    }
    Decision {
        records: batch.records,
        response: created,
    }
}

fn partitions_wanted(request: &CreateTopics, ctx: &Context) -> usize {
    let wanted = |topic: &CreatableTopic| match topic.num_partitions {
        _ if !topic.assignments.is_empty() => topic.assignments.len(),
        -1 => usize::try_from(ctx.settings.num_partitions).unwrap_or(0),
        count => usize::try_from(count).unwrap_or(0),
    };
    let all = request.topics.iter().map(wanted);
    all.fold(0, usize::saturating_add)
}

/// The records of one request, as they come together.
struct Batch<'a> {
    image: &'a Image,
    ctx: &'a Context<'a>,
    validate_only: bool,
    /// How often the request names a topic.
    mentions: BTreeMap<&'a str, usize>,
    /// Names given away in this request.
    new_names: BTreeSet<&'a str>,
    new_ids: BTreeSet<Uuid>,
    records: Vec<proto::Record>,
}

impl<'a> Batch<'a> {
    fn new(image: &'a Image, request: &'a CreateTopics, ctx: &'a Context<'a>) -> Self {
        let mut mentions = BTreeMap::new();
        for topic in &request.topics {
            *mentions.entry(topic.name.as_str()).or_default() += 1;
        }
        Batch {
            image,
            ctx,
            validate_only: request.validate_only,
            mentions,
            new_names: BTreeSet::new(),
            new_ids: BTreeSet::new(),
            records: Vec::new(),
        }
    }

    fn create(&mut self, index: usize, topic: &'a CreatableTopic) -> Result<Created, Refusal> {
        self.check_name(&topic.name)?;
        self.check_configs(topic)?;
        let replicas = if topic.assignments.is_empty() {
            self.choose(index, topic)?
        } else {
            check_assignments(self.image, topic)?
        };
        let mut created = Created {
            topic_id: Uuid::ZERO,
            num_partitions: number(replicas.len()),
            replication_factor: number(replicas.first().map_or(0, Vec::len)),
        };
        self.new_names.insert(&topic.name);
        if !self.validate_only {
            created.topic_id = self.draw_id(index)?;
            self.push(created.topic_id, topic, &replicas);
        }
        Ok(created)
    }

    fn check_name(&self, name: &str) -> Result<(), Refusal> {
        if self.mentions.get(name).is_some_and(|count| *count > 1) {
            return Err(duplicate_topic(name));
        }
        if name == METADATA_TOPIC {
            let message = format!("{name} is no topic of clients");
            return Err(Refusal::new(ErrorCode::TopicAuthorizationFailed, message));
        }
        let invalid = |message| Refusal::new(ErrorCode::InvalidTopicException, message);
        check_topic_name(name).map_err(invalid)?;
        if self.image.topic_id(name).is_some() {
            let message = format!("topic {name:?} already exists");
            return Err(Refusal::new(ErrorCode::TopicAlreadyExists, message));
        }
        if may_collide(name) {
            let existing = self.image.topics_by_name().map(|topic| &*topic.name);
            let mut others = existing.chain(self.new_names.iter().copied());
            if let Some(other) = others.find(|other| collide(name, other)) {
                return Err(invalid(format!(
                    "topic name {name:?} collides with existing topic {other:?}"
                )));
            }
        }
        Ok(())
    }

    fn check_configs(&self, topic: &CreatableTopic) -> Result<(), Refusal> {
        let invalid = |message| Refusal::new(ErrorCode::InvalidConfig, message);
        let nulls = topic.configs.iter().filter(|(_, value)| value.is_none());
        let nulls: Vec<&str> = nulls.map(|(name, _)| name.as_str()).collect();
        if !nulls.is_empty() {
            let nulls = nulls.join(", ");
            return Err(invalid(format!("configs without a value: {nulls}")));
        }
        let mut configs = Configs::new();
        for (name, value) in &topic.configs {
            let value = value.clone().unwrap_or_default();
            if configs.insert(name.clone(), value).is_some() {
                return Err(invalid(format!("config {name:?} is given more than once")));
            }
        }
        let changed: Vec<&str> = configs.keys().map(String::as_str).collect();
        let resource = ConfigResource::Topic(topic.name.clone());
        check_configs(self.image, self.ctx, &resource, &configs, &changed)
    }

    /// Replicas as the controller chooses them.
    fn choose(&self, index: usize, topic: &CreatableTopic) -> Result<Vec<Vec<BrokerId>>, Refusal> {
        let settings = self.ctx.settings;
        let wanted = |number, default| match number {
            -1 => usize::try_from(default).ok(),
            number => usize::try_from(number).ok(),
        };
        let replication_factor = wanted(
            topic.replication_factor,
            settings.default_replication_factor,
        );
        let Some(replication_factor) = replication_factor.filter(|count| *count > 0) else {
            let message = "the replication factor must be 1 or more, or -1 for the default";
            let code = ErrorCode::InvalidReplicationFactor;
            return Err(Refusal::new(code, message));
        };
        let partitions = wanted(topic.num_partitions, settings.num_partitions);
        let Some(partitions) = partitions.filter(|count| *count > 0) else {
            let message = "the number of partitions must be 1 or more, or -1 for the default";
            return Err(Refusal::new(ErrorCode::InvalidPartitions, message));
        };
        let seed = self.ctx.draws.seed.wrapping_add(index as u64);
        place(self.image, partitions, replication_factor, seed)
    }

    fn draw_id(&mut self, index: usize) -> Result<Uuid, Refusal> {
        let drawn = self.ctx.draws.topic_ids.get(index).copied();
        let is_free =
            |id: &Uuid| *id != Uuid::ZERO && *id != Uuid::ONE && self.image.topic(*id).is_none();
        match drawn.filter(is_free) {
            Some(id) if self.new_ids.insert(id) => Ok(id),
            _ => Err(Refusal::new(
                ErrorCode::UnknownServerError,
                "no fresh id for the topic was drawn",
            )),
        }
    }

    fn push(&mut self, id: Uuid, topic: &CreatableTopic, replicas: &[Vec<BrokerId>]) {
        let record = proto::TopicRecord {
            name: topic.name.clone(),
            topic_id: uuid_bytes(id),
        };
        self.records.push(record.into());
        for (name, value) in &topic.configs {
            let record = proto::ConfigRecord {
                resource_type: proto::ConfigResourceType::Topic.into(),
                resource_name: topic.name.clone(),
                name: name.clone(),
                value: value.clone(),
            };
            self.records.push(record.into());
        }
        for (index, replicas) in (0..).zip(replicas) {
            let record = new_partition(self.image, id, index, replicas);
            self.records.push(record.into());
        }
    }
}

/// A refusal of a topic that a request names twice.
pub(crate) fn duplicate_topic(name: &str) -> Refusal {
    let message = format!("the request names topic {name:?} more than once");
    Refusal::new(ErrorCode::InvalidRequest, message)
}

/// The replicas of a manual assignment, by partition.
fn check_assignments(image: &Image, topic: &CreatableTopic) -> Result<Vec<Vec<BrokerId>>, Refusal> {
    let both = |what| {
        let message = format!("{what} must be -1 where replicas are assigned by hand");
        Refusal::new(ErrorCode::InvalidRequest, message)
    };
    if topic.replication_factor != -1 {
        return Err(both("the replication factor"));
    }
    if topic.num_partitions != -1 {
        return Err(both("the number of partitions"));
    }
    let invalid = |message| Refusal::new(ErrorCode::InvalidReplicaAssignment, message);
    let mut by_index = BTreeMap::new();
    let mut replication_factor = None;
    for assignment in &topic.assignments {
        let partition = assignment.partition;
        check_replicas(image, partition, &assignment.broker_ids, replication_factor)?;
        replication_factor = Some(assignment.broker_ids.len());
        let replicas = assignment.broker_ids.clone();
        if by_index.insert(partition, replicas).is_some() {
            let message = format!("partition {partition} is assigned more than once");
            return Err(invalid(message));
        }
    }
    if !by_index.keys().copied().eq(0..number(by_index.len())) {
        let message = "the assigned partitions must be numbered 0, 1, 2, … without gaps";
        return Err(invalid(message.to_owned()));
    }
    Ok(by_index.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Request, Response,
        lab::{Lab, creatable, error},
    };
    use klamm_types::ErrorCode as E;

    fn create(lab: &mut Lab, topics: Vec<CreatableTopic>) -> Vec<CreatedTopic> {
        let validate_only = false;
        let request = CreateTopics {
            topics,
            validate_only,
        };
        match lab.ask(&Request::CreateTopics(request)) {
            Response::CreateTopics(created) => created,
            other => panic!("{other:?}"),
        }
    }

    fn codes(created: &[CreatedTopic]) -> Vec<E> {
        let code = |one: &CreatedTopic| one.result.as_ref().err().map_or(E::None, |e| e.code);
        created.iter().map(code).collect()
    }

    /// What one topic is answered on a cluster of three brokers with the topic `t`.
    fn check(topic: CreatableTopic, expected: E) {
        let mut lab = Lab::with_topic();
        let before = lab.image.clone();
        let created = create(&mut lab, vec![topic.clone()]);
        assert_eq!(codes(&created), [expected], "{topic:?}");
        assert_eq!(lab.image == before, expected != E::None, "{topic:?}");
    }

    fn sized(num_partitions: i32, replication_factor: i32) -> CreatableTopic {
        CreatableTopic {
            num_partitions,
            replication_factor,
            ..creatable("new")
        }
    }

    fn assigned(replicas: &[(i32, &[i32])]) -> CreatableTopic {
        let assignments = replicas.iter().map(|(partition, ids)| ReplicaAssignment {
            partition: *partition,
            broker_ids: ids.iter().copied().map(BrokerId).collect(),
        });
        CreatableTopic {
            assignments: assignments.collect(),
            ..creatable("new")
        }
    }

    #[test]
    fn names() {
        for (name, expected) in [
            ("new", E::None),
            ("", E::InvalidTopicException),
            ("..", E::InvalidTopicException),
            ("no spaces", E::InvalidTopicException),
            ("t", E::TopicAlreadyExists),
            ("__cluster_metadata", E::TopicAuthorizationFailed),
        ] {
            check(creatable(name), expected);
        }
    }

    #[test]
    fn names_that_collide() {
        let mut lab = Lab::new(1);
        let names = ["a.b", "a_b", "a.b.c", "a-b"];
        let created = create(&mut lab, names.map(creatable).into());
        let collides = E::InvalidTopicException;
        assert_eq!(codes(&created), [E::None, collides, E::None, E::None]);
        let created = create(&mut lab, vec![creatable("a_b"), creatable("a.b_c")]);
        assert_eq!(codes(&created), [collides, collides]);
    }

    #[test]
    fn names_given_twice() {
        let mut lab = Lab::new(1);
        let created = create(&mut lab, ["a", "b", "a"].map(creatable).into());
        assert_eq!(
            codes(&created),
            [E::InvalidRequest, E::None, E::InvalidRequest]
        );
        assert_eq!(lab.image.topic_count(), 1);
    }

    #[test]
    fn sizes() {
        for (partitions, replication_factor, expected) in [
            (1, 3, E::None),
            (-1, -1, E::None),
            (0, 1, E::InvalidPartitions),
            (-2, 1, E::InvalidPartitions),
            (1, 0, E::InvalidReplicationFactor),
            (1, -2, E::InvalidReplicationFactor),
            (1, 4, E::InvalidReplicationFactor),
            (1, i32::MAX, E::InvalidReplicationFactor),
            (10_000, 1, E::None),
            (10_001, 1, E::PolicyViolation),
            (i32::MAX, 1, E::PolicyViolation),
        ] {
            check(sized(partitions, replication_factor), expected);
        }
    }

    #[test]
    fn a_request_is_limited_as_a_whole() {
        let mut lab = Lab::new(1);
        let mut topics = vec![sized(6000, 1), sized(6000, 1)];
        topics[1].name = "other".into();
        let created = create(&mut lab, topics);
        assert_eq!(codes(&created), [E::PolicyViolation; 2]);
    }

    #[test]
    fn defaults_are_the_clusters() {
        let mut lab = Lab::new(3);
        lab.settings.num_partitions = 4;
        lab.settings.default_replication_factor = 2;
        let created = create(&mut lab, vec![creatable("new")]);
        let created = created[0].result.clone().unwrap();
        assert_eq!((created.num_partitions, created.replication_factor), (4, 2));
        let topic = lab.image.topic(created.topic_id).unwrap();
        assert_eq!(topic.partitions.len(), 4);
        for (_, partition) in topic.partitions() {
            assert_eq!(partition.replicas.len(), 2);
            assert_eq!(partition.isr, partition.replicas);
            assert_eq!(Some(partition.leader), partition.preferred_leader());
        }
    }

    #[test]
    fn assignments() {
        let invalid = E::InvalidReplicaAssignment;
        check(assigned(&[(1, &[2, 3]), (0, &[3, 1])]), E::None);
        check(assigned(&[(0, &[1]), (2, &[2])]), invalid);
        check(assigned(&[(1, &[1])]), invalid);
        check(assigned(&[(0, &[1]), (0, &[2])]), invalid);
        check(assigned(&[(0, &[1]), (1, &[2, 3])]), invalid);
        check(assigned(&[(0, &[])]), invalid);
        check(assigned(&[(0, &[1, 1])]), invalid);
        check(assigned(&[(0, &[1, 9])]), invalid);
        let topic = assigned(&[(0, &[1])]);
        check(
            CreatableTopic {
                num_partitions: 1,
                ..topic.clone()
            },
            E::InvalidRequest,
        );
        check(
            CreatableTopic {
                replication_factor: 1,
                ..topic
            },
            E::InvalidRequest,
        );
    }

    #[test]
    fn fenced_replicas_are_not_in_sync_and_never_alone() {
        let mut lab = Lab::new(3);
        lab.ask(&Request::FenceBroker(lab.broker(1)));
        let created = create(&mut lab, vec![assigned(&[(0, &[1])])]);
        assert_eq!(codes(&created), [E::InvalidReplicaAssignment]);
        lab.create("t", &[&[1, 2, 3]]);
        assert_eq!(lab.state(), "2 @0 isr 2,3");
        let created = create(&mut lab, vec![sized(1, 3)]);
        assert_eq!(
            codes(&created),
            [E::None],
            "fenced brokers count as replicas"
        );
        for id in [2, 3] {
            lab.ask(&Request::FenceBroker(lab.broker(id)));
        }
        let created = create(&mut lab, vec![creatable("other")]);
        assert_eq!(codes(&created), [E::InvalidReplicationFactor]);
    }

    #[test]
    fn configs() {
        let with = |configs: &[(&str, Option<&str>)]| CreatableTopic {
            configs: configs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)))
                .collect(),
            ..creatable("new")
        };
        let long = "x".repeat(crate::alter_configs::CONFIG_VALUE_BYTES_MAX + 1);
        check(with(&[("a", Some("1")), ("b", Some("2"))]), E::None);
        check(
            with(&[("a", Some("1")), ("a", Some("1"))]),
            E::InvalidConfig,
        );
        check(with(&[("a", None)]), E::InvalidConfig);
        check(with(&[("a", Some("wrong"))]), E::InvalidConfig);
        check(with(&[("a", Some(&long))]), E::InvalidConfig);
        let mut lab = Lab::new(1);
        create(&mut lab, vec![with(&[("a", Some("1"))])]);
        assert_eq!(lab.image.topic_config("new", "a"), Some("1"));
    }

    #[test]
    fn validating_changes_nothing() {
        let mut lab = Lab::with_topic();
        let before = lab.image.clone();
        let response = lab.ask(&Request::CreateTopics(CreateTopics {
            topics: vec![sized(5, 2), creatable("t")],
            validate_only: true,
        }));
        assert_eq!(error(&response), E::TopicAlreadyExists);
        let Response::CreateTopics(created) = response else {
            panic!("{response:?}")
        };
        assert_eq!(created[0].result.clone().unwrap().num_partitions, 5);
        assert_eq!(lab.image, before);
    }
}
