//! Changes of settings. The codes were read off an Apache Kafka 4.3.1 server, where the comments do not say otherwise.

use crate::{
    altering::{
        APPEND, BROKER, BROKER_LOGGER, CLIENT_METRICS, DELETE, GROUP, Op, SET, SUBTRACT, TOPIC,
        alter, alteration, replacement, value,
    },
    asking::{Asking, assert_code, fresh},
    shared_cluster::shared_cluster,
};
use klamm_types::ErrorCode as E;

/// Changes a resource or is told why not, in words too.
#[track_caller]
fn check(broker: &mut Asking, kind: i8, name: &str, ops: &[Op], expected: E) {
    let shown: String = format!("{kind} {name:?} {ops:?}")
        .chars()
        .take(300)
        .collect();
    let answer = alter(broker, kind, name, ops);
    assert_code(&shown, answer.error_code, expected);
    let message = answer.error_message.as_deref().unwrap_or_default();
    assert_eq!(
        message.is_empty(),
        expected == E::None,
        "{shown}: {message}"
    );
    assert_eq!((answer.resource_type, &*answer.resource_name), (kind, name));
}

fn topic() -> String {
    let topic = fresh("altered");
    shared_cluster().create_topic(&topic, 1);
    topic
}

#[test]
fn settings_of_topics() {
    let (topic, mut broker) = (topic(), Asking::any(shared_cluster()));
    let throttled = "leader.replication.throttled.replicas";
    let long = "0:1,".repeat(8190) + "0:1";
    for (op, name, value, expected) in [
        (SET, "retention.ms", Some("5"), E::None),
        (SET, "retention.ms", Some(" 7 "), E::None),
        (SET, "retention.ms", Some("soon"), E::InvalidConfig),
        (SET, "retention.ms", Some("-5"), E::InvalidConfig),
        (SET, "retention.ms", None, E::InvalidRequest),
        (DELETE, "retention.ms", None, E::None),
        (DELETE, "retention.ms", Some("ignored"), E::None),
        (APPEND, "retention.ms", Some("1"), E::InvalidConfig),
        (SUBTRACT, "retention.ms", Some("1"), E::InvalidConfig),
        (SET, "no.such.setting", Some("1"), E::InvalidConfig),
        (APPEND, "no.such.setting", Some("1"), E::InvalidConfig),
        (DELETE, "no.such.setting", None, E::None),
        (SET, "log.retention.ms", Some("1"), E::InvalidConfig),
        (APPEND, "cleanup.policy", Some(" burn "), E::InvalidConfig),
        (APPEND, "cleanup.policy", Some(""), E::InvalidConfig),
        (APPEND, "cleanup.policy", None, E::InvalidRequest),
        (SUBTRACT, "cleanup.policy", None, E::InvalidRequest),
        (SET, "cleanup.policy", Some(""), E::None),
        (APPEND, throttled, Some("x"), E::InvalidConfig),
        (SET, throttled, Some(&long), E::None),
        // Fits, and then no more.
        (APPEND, throttled, Some("2:3"), E::None),
        (APPEND, throttled, Some("4:5"), E::InvalidConfig),
        (SET, "remote.storage.enable", Some("true"), E::InvalidConfig),
        (SET, "min.insync.replicas", Some("9"), E::None),
        // Kafka: UNKNOWN_SERVER_ERROR.
        (9, "retention.ms", Some("5"), E::InvalidRequest),
        // Kafka takes it, and nothing comes of it.
        (SET, "local.retention.ms", Some("5"), E::InvalidConfig),
    ] {
        check(&mut broker, TOPIC, &topic, &[(op, name, value)], expected);
    }
}

#[test]
fn settings_are_judged_together() {
    let (topic, mut broker) = (topic(), Asking::any(shared_cluster()));
    let min = |value| (SET, "min.compaction.lag.ms", Some(value));
    let max = |value| (SET, "max.compaction.lag.ms", Some(value));
    let mut check = |ops: &[Op], expected| check(&mut broker, TOPIC, &topic, ops, expected);
    check(&[min("50")], E::None);
    check(&[max("40")], E::InvalidConfig);
    check(&[max("40"), min("30")], E::None);
    check(&[min("20"), min("30")], E::InvalidRequest);
    check(
        &[min("20"), (SET, "retention.ms", Some("x"))],
        E::InvalidConfig,
    );
    let (kept, _) = value(
        &mut Asking::any(shared_cluster()),
        TOPIC,
        &topic,
        "min.compaction.lag.ms",
    );
    assert_eq!(kept.as_deref(), Some("30"), "all or nothing");
}

#[test]
fn resources() {
    let (topic, mut broker) = (topic(), Asking::any(shared_cluster()));
    let fine = [(SET, "retention.ms", Some("5"))];
    let wrong = [(SET, "no.such.setting", Some("5"))];
    let mut check = |kind, name: &str, ops: &[Op], code| check(&mut broker, kind, name, ops, code);
    check(TOPIC, &fresh("missing"), &fine, E::UnknownTopicOrPartition);
    check(TOPIC, &fresh("missing"), &wrong, E::InvalidConfig);
    check(TOPIC, "", &fine, E::InvalidRequest);
    check(TOPIC, "no spaces", &fine, E::InvalidTopicException);
    check(TOPIC, &topic, &[], E::None);
    check(0, "any", &fine, E::InvalidRequest);
    check(77, "any", &fine, E::InvalidRequest);
    check(BROKER_LOGGER, "1", &fine, E::InvalidConfig);
    let session = |value| [(SET, "consumer.session.timeout.ms", Some(value))];
    let group = fresh("group");
    check(GROUP, &group, &session("50000"), E::None);
    check(GROUP, &group, &session("1"), E::InvalidConfig);
    check(GROUP, &group, &wrong, E::InvalidConfig);
    check(GROUP, "", &session("50000"), E::InvalidRequest);
    // Kafka serves telemetry.
    let interval = [(SET, "interval.ms", Some("5000"))];
    check(CLIENT_METRICS, "m", &interval, E::InvalidRequest);
}

#[test]
fn settings_of_brokers() {
    let cluster = shared_cluster();
    let id = cluster.broker_ids()[0];
    let mut broker = Asking::connect(cluster.broker_address(id));
    let (me, other) = (id.to_string(), (id + 1).to_string());
    // Name, value, what comes of setting it for all brokers and for one.
    for (name, value, of_all, of_one) in [
        (
            "log.retention.hours",
            "5",
            E::InvalidRequest,
            E::InvalidRequest,
        ),
        ("node.id", "5", E::InvalidRequest, E::InvalidRequest),
        ("log.dirs", "/x", E::InvalidRequest, E::InvalidRequest),
        ("num.partitions", "5", E::InvalidRequest, E::InvalidRequest),
        (
            "log.retention.ms",
            "soon",
            E::InvalidRequest,
            E::InvalidRequest,
        ),
        (
            "log.retention.ms",
            "0",
            E::InvalidRequest,
            E::InvalidRequest,
        ),
        ("log.roll.ms", "0", E::InvalidRequest, E::InvalidRequest),
        (
            "log.segment.bytes",
            "5000",
            E::InvalidRequest,
            E::InvalidRequest,
        ),
        (
            "compression.type",
            "zip",
            E::InvalidRequest,
            E::InvalidRequest,
        ),
        (
            "message.max.bytes",
            "-5",
            E::InvalidRequest,
            E::InvalidRequest,
        ),
        (
            "min.insync.replicas",
            "0",
            E::InvalidRequest,
            E::InvalidRequest,
        ),
        ("min.insync.replicas", "2", E::None, E::InvalidConfig),
        (
            "listeners",
            "PLAINTEXT://:1",
            E::InvalidRequest,
            E::InvalidRequest,
        ),
        (
            "ssl.keystore.location",
            "/x",
            E::InvalidRequest,
            E::InvalidRequest,
        ),
        ("sasl.jaas.config", "x", E::InvalidRequest, E::None),
        ("some.plugin.thing", "x", E::None, E::None),
    ] {
        let set = [(SET, name, Some(value))];
        check(&mut broker, BROKER, "", &set, of_all);
        check(&mut broker, BROKER, &me, &set, of_one);
    }
    let set = [(SET, "log.retention.ms", Some("604800000"))];
    check(&mut broker, BROKER, &other, &set, E::InvalidRequest);
    check(&mut broker, BROKER, "one", &set, E::InvalidRequest);
    let minimum = [(DELETE, "min.insync.replicas", None)];
    check(&mut broker, BROKER, "", &minimum, E::InvalidConfig);
    for name in [
        "some.plugin.thing",
        "sasl.jaas.config",
        "no.such",
        "log.dirs",
    ] {
        for resource in ["", &me] {
            check(
                &mut broker,
                BROKER,
                resource,
                &[(DELETE, name, None)],
                E::None,
            );
        }
    }
}

#[test]
fn validating_changes_nothing() {
    let (topic, mut broker) = (topic(), Asking::any(shared_cluster()));
    let before = value(&mut broker, TOPIC, &topic, "retention.ms");
    for (text, expected) in [("5", E::None), ("x", E::InvalidConfig)] {
        let ops = [(SET, "retention.ms", Some(text))];
        let answer = broker.ask(&alteration(TOPIC, &topic, &ops, true), 1);
        assert_code("validate", answer.responses[0].error_code, expected);
    }
    assert_eq!(value(&mut broker, TOPIC, &topic, "retention.ms"), before);
}

#[test]
fn a_resource_comes_once() {
    let (topic, mut broker) = (topic(), Asking::any(shared_cluster()));
    let mut request = alteration(TOPIC, &topic, &[(SET, "retention.ms", Some("5"))], false);
    request.resources.push(request.resources[0].clone());
    let answer = broker.ask(&request, 1);
    for response in answer.responses {
        assert_code("twice", response.error_code, E::InvalidRequest);
    }
    assert_eq!(value(&mut broker, TOPIC, &topic, "retention.ms").1, 5);
}

#[test]
fn replacements() {
    let (topic, mut broker) = (topic(), Asking::any(shared_cluster()));
    let mut replace = |configs: &[(&str, Option<&str>)]| {
        let answer = broker.ask(&replacement(TOPIC, &topic, configs), 2);
        let code = answer.responses[0].error_code;
        let mut own = |name| value(&mut broker, TOPIC, &topic, name).0;
        (code, own("retention.ms"), own("segment.ms"))
    };
    let week = Some("604800000".to_owned());
    let five = Some("5".to_owned());
    let both = [("retention.ms", Some("5")), ("segment.ms", Some("5"))];
    assert_eq!(replace(&both), (0, five.clone(), five.clone()));
    assert_eq!(replace(&both[..1]), (0, five.clone(), week.clone()));
    let wrong = [("segment.ms", Some("x"))];
    let refused = (E::InvalidConfig.code(), five.clone(), week.clone());
    assert_eq!(replace(&wrong), refused);
    let null = [("segment.ms", None)];
    let refused = (E::InvalidRequest.code(), five, week.clone());
    assert_eq!(replace(&null), refused);
    assert_eq!(replace(&[]), (0, week.clone(), week));
}
