//! What is written is read back, and what no operation says is refused.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::super::operation::{Leaders, Node, PartitionName, Phase};
use super::*;

fn json(operation: &Operation) -> String {
    let mut out = String::new();
    to_json(operation, &mut out);
    out
}

fn keys() -> impl Strategy<Value = Vec<Key>> {
    vec(any::<u32>().prop_map(Key), 0..4)
}

fn micro_op(kind: Kind) -> impl Strategy<Value = MicroOp> {
    let offset = 0..i64::MAX;
    let value = 0..=VALUE_MAX;
    let send = (
        any::<u32>(),
        value.clone(),
        proptest::option::of(offset.clone()),
    )
        .prop_map(|(key, value, offset)| MicroOp::Send {
            key: Key(key),
            value,
            offset,
        });
    let pairs = vec((offset, value), 0..4);
    // Keys are read back in the order of their names.
    let poll = btree_map(any::<u32>().prop_map(|key| key.to_string()), pairs, 0..3);
    let poll = poll.prop_map(move |partitions: BTreeMap<String, _>| {
        if kind == Kind::Invoke {
            return MicroOp::Poll(Vec::new());
        }
        let partitions = partitions.into_iter();
        MicroOp::Poll(
            partitions
                .map(|(key, pairs)| (Key(key.parse().unwrap()), pairs))
                .collect(),
        )
    });
    prop_oneof![send, poll]
}

fn client_action(kind: Kind) -> impl Strategy<Value = Action> {
    prop_oneof![
        vec(micro_op(kind), 0..4).prop_map(Action::Send),
        vec(micro_op(kind), 0..4).prop_map(Action::Poll),
        vec(micro_op(kind), 0..4).prop_map(Action::Txn),
        (keys(), any::<bool>()).prop_map(|(keys, seek_to_beginning)| Action::Assign {
            keys,
            seek_to_beginning
        }),
        keys().prop_map(Action::Subscribe),
        keys().prop_map(Action::DebugTopicPartitions),
        Just(Action::Crash),
    ]
}

fn nemesis_action() -> impl Strategy<Value = Action> {
    let setup = (".*", any::<u64>(), 0..3_i32).prop_map(|(target, seed, nodes)| {
        Action::Setup(Setup {
            keys: vec![PartitionName {
                topic: "drill".to_owned(),
                partition: 7,
            }],
            nodes: (0..nodes).map(Node).collect(),
            target,
            seed,
            ..Setup::default()
        })
    });
    let fault = ("[a-z]{2,5}(-[a-z]{1,5})?x", 0..4_usize, keys(), ".*").prop_map(
        |(fault, phase, keys, detail)| {
            Action::Fault(FaultNote {
                fault,
                phase: Phase::ALL[phase],
                scenario: "random".to_owned(),
                round: 4,
                nodes: vec![Node(1), Node(3)],
                keys,
                detail,
            })
        },
    );
    let leaders = (proptest::option::of(any::<i32>()), keys()).prop_map(|(controller, keys)| {
        Action::Leaders(Leaders {
            controller: controller.map(Node),
            leaders: keys.into_iter().map(|key| (key, Node(-1))).collect(),
        })
    });
    let remark = ".*".prop_map(Action::Remark);
    prop_oneof![setup, fault, leaders, remark]
}

fn operation() -> impl Strategy<Value = Operation> {
    let client = (any::<u32>(), 0..4_usize).prop_flat_map(|(process, kind)| {
        let kind = Kind::ALL[kind];
        client_action(kind)
            .prop_map(move |action| Operation::new(Process::Client(process), kind, action, 0))
    });
    let nemesis = nemesis_action().prop_map(|action| Operation::nemesis(action, 0));
    let rare = (
        any::<u64>(),
        any::<u64>(),
        proptest::option::of(any::<u64>()),
        proptest::option::of(any::<u32>()),
        keys(),
        proptest::option::of(".*"),
    );
    (prop_oneof![client, nemesis], rare).prop_map(
        |(operation, (index, time_ns, due_ns, producer, rebalanced, error))| Operation {
            index,
            time_ns,
            due_ns,
            producer,
            rebalanced,
            error,
            ..operation
        },
    )
}

proptest! {
    #[test]
    fn an_operation_comes_back_as_it_was(operation in operation()) {
        let line = json(&operation);
        prop_assert!(!line.contains('\n'), "{line}");
        prop_assert_eq!(from_json(&line).map_err(|error| format!("{error}: {line}")), Ok(operation));
    }

    #[test]
    fn no_line_panics(line in ".*") {
        let _ = from_json(&line);
    }
}

#[test]
fn a_line_of_jepsens_shape_is_read() {
    let line = r#"{"index":3,"time":9,"process":2,"type":"ok","f":"txn","error":["timeout",5],
        "value":[["send",1,[null,4]],["send",1,5],["poll",{"2":[[0,8]]}],["poll"]]}"#;
    let operation = from_json(line).unwrap();
    let send = |value| MicroOp::Send {
        key: Key(1),
        value,
        offset: None,
    };
    assert_eq!(
        operation.action,
        Action::Txn(vec![
            send(4),
            send(5),
            MicroOp::Poll(vec![(Key(2), vec![(0, 8)])]),
            MicroOp::Poll(Vec::new()),
        ])
    );
    assert_eq!(operation.error.as_deref(), Some(r#"["timeout",5]"#));
}

#[test]
fn what_no_operation_says_is_refused() {
    let cases = [
        (r#"{"index":0}"#, "missing field"),
        (
            r#"{"index":0,"time":0,"process":-1,"type":"ok","f":"crash"}"#,
            "no process: -1",
        ),
        (
            r#"{"index":0,"time":0,"process":1,"type":"maybe","f":"crash"}"#,
            "no type is called",
        ),
        (
            r#"{"index":0,"time":0,"process":1,"type":"ok","f":"dance"}"#,
            "no client does",
        ),
        (
            r#"{"index":0,"time":0,"process":1,"type":"ok","f":"send","value":7}"#,
            "no list",
        ),
        (
            r#"{"index":0,"time":0,"process":1,"type":"ok","f":"send","value":[["send",1,-4]]}"#,
            "no value of a drill: -4",
        ),
        (
            r#"{"index":0,"time":0,"process":1,"type":"ok","f":"send","value":[["send",1,[-4,1]]]}"#,
            "no offset: -4",
        ),
        (
            r#"{"index":0,"time":0,"process":1,"type":"ok","f":"poll","value":[["poll",{"x":[]}]]}"#,
            "no key",
        ),
        (
            r#"{"index":0,"time":0,"process":"nemesis","type":"info","f":"kill","value":{}}"#,
            "missing field `phase`",
        ),
    ];
    for (line, expected) in cases {
        let error = from_json(line).unwrap_err().to_string();
        assert!(error.contains(expected), "{line}: {error}");
    }
}
