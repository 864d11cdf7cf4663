use super::*;
use crate::{
    Request, Response,
    lab::{Lab, error},
};
use klamm_types::{BrokerId, ErrorCode as E};

fn ask(lab: &mut Lab, resource: ConfigResource, ops: &[(&str, ConfigOp)]) -> E {
    let ops = ops
        .iter()
        .map(|(name, op)| ((*name).to_owned(), op.clone()));
    let ops = ops.collect();
    let request = AlterConfigs {
        resources: vec![ResourceChange {
            resource,
            ops,
            replace: false,
        }],
        validate_only: false,
    };
    error(&lab.ask(&Request::AlterConfigs(request)))
}

#[test]
fn set_and_deleted() {
    let mut lab = Lab::with_topic();
    lab.set("a", Some("1"));
    assert_eq!(lab.image.topic_config("t", "a"), Some("1"));
    let before = lab.image.clone();
    lab.set("a", Some("1"));
    lab.set("b", None);
    assert_eq!(lab.image, before, "what is so already takes no record");
    lab.set("a", None);
    let topic = ConfigResource::Topic("t".into());
    assert_eq!(lab.image.configs(&topic), None);
}

#[test]
fn brokers_have_a_common_default() {
    let mut lab = Lab::new(1);
    let set = |value: &str| ConfigOp::Set(value.into());
    let all = ConfigResource::Broker(None);
    let one = ConfigResource::Broker(Some(BrokerId(1)));
    assert_eq!(
        ask(&mut lab, all, &[("a", set("1")), ("b", set("1"))]),
        E::None
    );
    assert_eq!(ask(&mut lab, one, &[("a", set("2"))]), E::None);
    let value = |id, name| lab.image.broker_config(Some(BrokerId(id)), name);
    assert_eq!(value(1, "a"), Some("2"));
    assert_eq!(value(1, "b"), Some("1"));
    assert_eq!(value(2, "a"), Some("1"));
}

#[test]
fn a_resource_changes_whole_or_not_at_all() {
    let mut lab = Lab::with_topic();
    let before = lab.image.clone();
    let set = |value: &str| ConfigOp::Set(value.into());
    let topic = |name: &str| ConfigResource::Topic(name.into());
    for (resource, ops, expected) in [
        (
            topic("t"),
            [("a", set("1")), ("b", set("wrong"))],
            E::InvalidConfig,
        ),
        (
            topic("t"),
            [("a", set("1")), ("a", set("2"))],
            E::InvalidRequest,
        ),
        (
            topic("u"),
            [("a", set("1")), ("b", set("2"))],
            E::UnknownTopicOrPartition,
        ),
    ] {
        assert_eq!(ask(&mut lab, resource, &ops), expected);
    }
    assert_eq!(lab.image, before);
}

#[test]
fn a_resource_that_is_named_twice_does_not_change_at_all() {
    let mut lab = Lab::with_topic();
    let change = |value: &str| ResourceChange {
        resource: ConfigResource::Topic("t".into()),
        ops: vec![("a".into(), ConfigOp::Set(value.into()))],
        replace: false,
    };
    let response = lab.ask(&Request::AlterConfigs(AlterConfigs {
        resources: vec![change("1"), change("2")],
        validate_only: false,
    }));
    let Response::AlterConfigs(altered) = response else {
        panic!("{response:?}")
    };
    let refused = |one: &AlteredResource| one.result.clone().unwrap_err().code;
    let codes: Vec<E> = altered.resources.iter().map(refused).collect();
    assert_eq!(codes, [E::InvalidRequest; 2]);
    assert_eq!(lab.image.topic_config("t", "a"), None);
}

/// The expectations were read off an Apache Kafka 4.3.1 server.
#[test]
fn elements_come_and_go() {
    use ConfigOp::{Append, Delete, Set, Subtract};
    let mut lab = Lab::with_topic();
    let topic = ConfigResource::Topic("t".into());
    // The default of "list" is "x".
    for (op, expected) in [
        (Append("y".into()), Some("x,y")),
        (Append("y, x".into()), Some("x,y")),
        (Subtract("x".into()), Some("y")),
        (Subtract("x".into()), Some("y")),
        (Subtract("y".into()), Some("")),
        (Append("x,y".into()), Some("x,y")),
        (Delete, None),
        (Subtract("y".into()), Some("x")),
        (Set(" x, y".into()), Some(" x, y")),
        (Append("z".into()), Some("x,y,z")),
    ] {
        let code = ask(&mut lab, topic.clone(), &[("list", op.clone())]);
        assert_eq!(code, E::None, "{op:?}");
        assert_eq!(lab.image.topic_config("t", "list"), expected, "{op:?}");
    }
    for op in [Append("1".into()), Subtract("1".into())] {
        let code = ask(&mut lab, topic.clone(), &[("a", op)]);
        assert_eq!(code, E::InvalidConfig, "not a list");
    }
    let long = "9".repeat(CONFIG_VALUE_BYTES_MAX);
    let code = ask(&mut lab, topic, &[("list", Append(long))]);
    assert_eq!(code, E::InvalidConfig);
}

#[test]
fn a_replacement_removes_what_it_does_not_name() {
    let mut lab = Lab::with_topic();
    lab.set("a", Some("1"));
    lab.set("b", Some("1"));
    let replace = |resource| {
        Request::AlterConfigs(AlterConfigs {
            resources: vec![ResourceChange {
                resource,
                ops: vec![("b".into(), ConfigOp::Set("2".into()))],
                replace: true,
            }],
            validate_only: false,
        })
    };
    let topic = ConfigResource::Topic("t".into());
    assert_eq!(error(&lab.ask(&replace(topic))), E::None);
    assert_eq!(lab.image.topic_config("t", "a"), None);
    assert_eq!(lab.image.topic_config("t", "b"), Some("2"));
    let of_all = replace(ConfigResource::Broker(None));
    assert_eq!(
        error(&lab.ask(&of_all)),
        E::InvalidConfig,
        "takes the minimum"
    );
}

#[test]
fn one_minimum_holds_for_all_brokers() {
    let mut lab = Lab::new(1);
    let (all, one) = (None, Some(BrokerId(1)));
    let minimum = |lab: &Lab| {
        let value = lab.image.broker_config(None, MIN_INSYNC_REPLICAS);
        value.map(str::to_owned)
    };
    assert_eq!(minimum(&lab).as_deref(), Some("1"), "from the beginning");
    let set = ConfigOp::Set("2".into());
    for (broker, op, expected) in [
        (all, set.clone(), E::None),
        (all, ConfigOp::Delete, E::InvalidConfig),
        (one, set, E::InvalidConfig),
        (one, ConfigOp::Delete, E::InvalidConfig),
    ] {
        let resource = ConfigResource::Broker(broker);
        let code = ask(&mut lab, resource, &[(MIN_INSYNC_REPLICAS, op.clone())]);
        assert_eq!(code, expected, "{broker:?} {op:?}");
    }
    assert_eq!(minimum(&lab).as_deref(), Some("2"));
}

#[test]
fn unclean_elections_begin_where_they_are_allowed() {
    let of_topic = ConfigResource::Topic("t".into());
    let of_all = ConfigResource::Broker(None);
    let of_one = ConfigResource::Broker(Some(BrokerId(1)));
    let set = |value: &str| ConfigOp::Set(value.into());
    // What is set before, and what then; whether it elects.
    for (before, resource, op, elects) in [
        (None, &of_topic, set(" TRUE"), true),
        (None, &of_topic, set("false"), false),
        (None, &of_all, set("true"), true),
        (None, &of_one, set("true"), false),
        (Some((&of_topic, "false")), &of_all, set("true"), false),
        (Some((&of_all, "false")), &of_topic, set("true"), true),
    ] {
        let mut lab = Lab::new(2);
        lab.create("t", &[&[1, 2]]);
        if let Some((resource, value)) = before {
            let code = ask(
                &mut lab,
                resource.clone(),
                &[(UNCLEAN_ELECTION, set(value))],
            );
            assert_eq!(code, E::None);
        }
        // 2 leaves the ISR, then 1 and with it the last who is eligible.
        lab.ask(&Request::FenceBroker(lab.broker(2)));
        lab.ask(&Request::FenceBroker(lab.broker(1)));
        lab.restart(2, true);
        lab.ask(&Request::UnfenceBroker(lab.broker(2)));
        assert!(!lab.partition().has_leader(), "{}", lab.state());
        ask(
            &mut lab,
            resource.clone(),
            &[(UNCLEAN_ELECTION, op.clone())],
        );
        let what = format!("{before:?}, {resource:?} {op:?}");
        assert_eq!(lab.partition().has_leader(), elects, "{what}");
    }
}

#[test]
fn the_offset_tells_when_changes_are_known() {
    let mut lab = Lab::with_topic();
    let response = lab.set("a", Some("1"));
    let Response::AlterConfigs(altered) = response else {
        panic!("{response:?}")
    };
    assert_eq!(altered.metadata_offset, lab.image.offset());
}

#[test]
fn there_is_a_limit_on_everything() {
    let mut lab = Lab::with_topic();
    let topic = ConfigResource::Topic("t".into());
    let set = || ConfigOp::Set("1".into());
    let long = "x".repeat(CONFIG_NAME_BYTES_MAX + 1);
    let code = ask(&mut lab, topic.clone(), &[(&long, set())]);
    assert_eq!(code, E::InvalidConfig);
    let names: Vec<String> = (0..=CONFIGS_PER_RESOURCE_MAX)
        .map(|i| format!("c{i}"))
        .collect();
    let ops: Vec<_> = names.iter().map(|name| (name.as_str(), set())).collect();
    let (first, most) = ops.split_first().unwrap();
    assert_eq!(ask(&mut lab, topic.clone(), most), E::None);
    assert_eq!(
        ask(&mut lab, topic.clone(), std::slice::from_ref(first)),
        E::InvalidConfig
    );
    let delete = ("c1", ConfigOp::Delete);
    assert_eq!(ask(&mut lab, topic.clone(), &[delete]), E::None);
    assert_eq!(ask(&mut lab, topic, std::slice::from_ref(first)), E::None);
}
