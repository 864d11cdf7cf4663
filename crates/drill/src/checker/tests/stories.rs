//! Small histories, written by hand, for what chance does not bring about.

use super::super::{Anomaly, EvidenceBuilder};
use super::{names, verdict};
use crate::history::{Action, Key, Kind, MicroOp, Operation, Process};

/// A history that is written down operation by operation.
#[derive(Default)]
struct Story(Vec<Operation>);

impl Story {
    fn tell(&mut self, process: u32, kind: Kind, action: Action) -> &mut Self {
        let index = self.0.len() as u64;
        let mut operation = Operation::new(Process::Client(process), kind, action, index);
        operation.index = index;
        self.0.push(operation);
        self
    }

    /// An operation that begins and at once ends.
    fn did(&mut self, process: u32, kind: Kind, action: Action) -> &mut Self {
        self.tell(process, Kind::Invoke, action.clone())
            .tell(process, kind, action)
    }

    fn sent(&mut self, process: u32, key: u32, offset: i64, value: u64) -> &mut Self {
        self.did(
            process,
            Kind::Ok,
            Action::Send(vec![send(key, Some(offset), value)]),
        )
    }

    fn read(&mut self, process: u32, key: u32, pairs: &[(i64, u64)]) -> &mut Self {
        self.did(process, Kind::Ok, Action::Poll(vec![poll(key, pairs)]))
    }

    fn found(&self) -> Vec<Anomaly> {
        names(&verdict(&self.0))
    }
}

fn send(key: u32, offset: Option<i64>, value: u64) -> MicroOp {
    MicroOp::Send {
        key: Key(key),
        value,
        offset,
    }
}

fn poll(key: u32, pairs: &[(i64, u64)]) -> MicroOp {
    MicroOp::Poll(vec![(Key(key), pairs.to_vec())])
}

fn assign(keys: &[u32], seek_to_beginning: bool) -> Action {
    Action::Assign {
        keys: keys.iter().copied().map(Key).collect(),
        seek_to_beginning,
    }
}

#[test]
fn a_send_of_unknown_outcome_proves_nothing_until_part_of_it_is_read() {
    let mut story = Story::default();
    let unknown = Action::Send(vec![send(0, Some(0), 1), send(1, None, 1)]);
    story
        .did(0, Kind::Info, unknown)
        .sent(1, 0, 0, 2)
        .read(2, 0, &[(0, 2)]);
    assert_eq!(story.found(), []);
    // Its other value was read: it took effect, so its offset counts.
    story.read(2, 1, &[(5, 1)]);
    assert_eq!(
        story.found(),
        [Anomaly::LostWrite, Anomaly::InconsistentOffsets]
    );
}

#[test]
fn a_write_is_lost_only_before_what_was_read() {
    let mut story = Story::default();
    story.sent(0, 0, 0, 10).sent(0, 0, 1, 11).sent(0, 0, 2, 12);
    assert_eq!(story.found(), [Anomaly::Unseen]);
    story.read(1, 0, &[(0, 10)]);
    assert_eq!(story.found(), [Anomaly::Unseen]);
    story.read(1, 0, &[(2, 12)]);
    assert_eq!(story.found(), [Anomaly::LostWrite]);
    let verdict = verdict(&story.0);
    let finding = &verdict.found[0].first[0];
    assert_eq!(
        finding.text,
        "value 11 was acknowledged at offset 1 of key 0; it was never read, though offset 2 was"
    );
    assert_eq!(finding.operations, [3, 9]);
}

#[test]
fn what_the_last_reading_does_not_find_is_gone_though_it_was_read_before() {
    let mut story = Story::default();
    story
        .sent(0, 0, 0, 10)
        .sent(0, 0, 1, 11)
        .sent(0, 1, 0, 12)
        .read(1, 0, &[(0, 10), (1, 11)]);
    story
        .did(2, Kind::Ok, assign(&[0], true))
        .read(2, 0, &[(0, 10)]);
    let verdict = verdict(&story.0);
    let texts = verdict.found[0].first.iter().map(|finding| &finding.text);
    let expected = [
        "1 record of key 0 could not be found at the end, though 1 had been read before; it was read up to offset 1",
        "1 record of key 1 were acknowledged and not read by the end; nothing of it was read",
    ];
    assert_eq!(texts.collect::<Vec<_>>(), expected);
    story.read(2, 0, &[(1, 11)]).read(3, 1, &[(0, 12)]);
    assert_eq!(story.found(), []);
}

#[test]
fn who_began_before_the_last_acknowledgement_is_not_the_last_reader() {
    let mut story = Story::default();
    story
        .did(2, Kind::Ok, assign(&[0], true))
        .sent(0, 0, 0, 10)
        .read(1, 0, &[(0, 10)]);
    assert_eq!(story.found(), []);
}

#[test]
fn what_was_invoked_and_never_answered_may_be_read() {
    let mut story = Story::default();
    story
        .tell(0, Kind::Invoke, Action::Send(vec![send(0, None, 7)]))
        .read(1, 0, &[(0, 7)]);
    assert_eq!(story.found(), []);
}

#[test]
fn a_value_is_no_phantom_only_after_it_was_sent_there() {
    let mut story = Story::default();
    story.read(1, 0, &[(0, 7)]).sent(0, 0, 0, 7);
    assert_eq!(story.found(), [Anomaly::Phantom]);
    let mut story = Story::default();
    story
        .sent(0, 1, 0, 7)
        .read(1, 0, &[(0, 7)])
        .read(1, 1, &[(0, 7)]);
    assert_eq!(story.found(), [Anomaly::Phantom]);
}

#[test]
fn a_consumer_goes_on_where_it_was_unless_the_partition_was_away() {
    let begin = || {
        let mut story = Story::default();
        (0..6).for_each(|at| {
            story.sent(0, 0, at, at as u64);
        });
        story.read(9, 0, &[(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
        story.read(1, 0, &[(1, 1), (2, 2)]);
        story
    };
    let mut again = begin();
    assert_eq!(
        again
            .did(1, Kind::Ok, assign(&[0, 4], false))
            .read(1, 0, &[(2, 2)])
            .found(),
        [Anomaly::NonmonotonicPoll]
    );
    let mut skip = begin();
    assert_eq!(
        skip.did(1, Kind::Ok, assign(&[0], false))
            .read(1, 0, &[(4, 4)])
            .found(),
        [Anomaly::PollSkip]
    );
    let mut away = begin();
    away.did(1, Kind::Ok, assign(&[4], false))
        .did(1, Kind::Ok, assign(&[0], false));
    assert_eq!(away.read(1, 0, &[(0, 0)]).found(), []);
    let mut refused = begin();
    refused.did(1, Kind::Fail, assign(&[4], false));
    assert_eq!(refused.read(1, 0, &[(4, 4)]).found(), [Anomaly::PollSkip]);
    let mut seek = begin();
    seek.did(1, Kind::Ok, assign(&[0], true));
    let all = [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5)];
    assert_eq!(seek.read(1, 0, &all).found(), []);
    assert_eq!(
        seek.did(1, Kind::Ok, assign(&[0], true))
            .read(1, 0, &all[1..])
            .found(),
        [Anomaly::PollSkip]
    );
    let mut subscribed = begin();
    subscribed.did(1, Kind::Ok, Action::Subscribe(vec![Key(0)]));
    assert_eq!(subscribed.read(1, 0, &[(0, 0)]).found(), []);
    let mut rebalanced = begin();
    rebalanced.read(1, 0, &[(0, 0)]);
    rebalanced.0.last_mut().unwrap().rebalanced = vec![Key(0)];
    assert_eq!(rebalanced.found(), []);
    // It counts for later polls as well, and within the poll that saw it nothing is certain.
    let mut later = begin();
    later.read(1, 4, &[]);
    later.0.last_mut().unwrap().rebalanced = vec![Key(0)];
    assert_eq!(later.read(1, 0, &[(0, 0)]).found(), []);
    let mut within = begin();
    within.read(1, 0, &[(3, 3), (0, 0)]);
    within.0.last_mut().unwrap().rebalanced = vec![Key(0)];
    assert_eq!(within.found(), []);
}

#[test]
fn a_poll_that_failed_leaves_the_consumer_where_it_was() {
    let mut story = Story::default();
    story
        .sent(0, 0, 0, 1)
        .sent(0, 0, 1, 2)
        .sent(0, 0, 2, 3)
        .read(1, 0, &[(0, 1)]);
    story.did(1, Kind::Fail, Action::Poll(vec![poll(0, &[(1, 2)])]));
    assert_eq!(story.read(1, 0, &[(1, 2), (2, 3)]).found(), []);
}

#[test]
fn holes_that_nobody_wrote_are_no_skips() {
    let mut story = Story::default();
    story
        .sent(0, 0, 0, 1)
        .sent(0, 0, 7, 2)
        .read(1, 0, &[(0, 1)])
        .read(1, 0, &[(7, 2)]);
    assert_eq!(story.found(), []);
}

#[test]
fn the_order_of_a_producer_spans_its_processes() {
    let sends = |producers: [Option<u32>; 2]| {
        let mut story = Story::default();
        for process in [0, 1] {
            let invoked = Action::Send(vec![send(0, None, u64::from(process))]);
            story.tell(process, Kind::Invoke, invoked);
            story.0.last_mut().unwrap().producer = producers[process as usize];
        }
        story.tell(1, Kind::Ok, Action::Send(vec![send(0, Some(4), 1)]));
        story.tell(0, Kind::Ok, Action::Send(vec![send(0, Some(5), 0)]));
        story.read(2, 0, &[(4, 1), (5, 0)]).found()
    };
    assert_eq!(sends([Some(7), Some(7)]), [Anomaly::NonmonotonicSend]);
    assert_eq!(sends([Some(7), Some(8)]), []);
    assert_eq!(sends([None, None]), []);
    let mut story = Story::default();
    story
        .sent(3, 0, 5, 1)
        .sent(3, 0, 4, 2)
        .read(2, 0, &[(4, 2), (5, 1)]);
    assert_eq!(story.found(), [Anomaly::NonmonotonicSend]);
}

#[test]
fn transactions_that_read_from_one_another_are_a_cycle() {
    let transactions = |kinds: [Kind; 2]| {
        let mut story = Story::default();
        let first = Action::Txn(vec![send(0, Some(0), 1), poll(1, &[(0, 2)])]);
        let second = Action::Txn(vec![send(1, Some(0), 2), poll(0, &[(0, 1)])]);
        story
            .tell(0, Kind::Invoke, first.clone())
            .tell(1, Kind::Invoke, second.clone());
        story.tell(0, kinds[0], first).tell(1, kinds[1], second);
        story.read(2, 0, &[(0, 1)]).read(2, 1, &[(0, 2)]).found()
    };
    assert_eq!(transactions([Kind::Ok, Kind::Ok]), [Anomaly::ReadCycle]);
    assert_eq!(transactions([Kind::Ok, Kind::Info]), [Anomaly::ReadCycle]);
    assert_eq!(transactions([Kind::Ok, Kind::Fail]), [Anomaly::AbortedRead]);
}

#[test]
fn transactions_that_write_around_one_another_are_told_and_tolerated() {
    let mut story = Story::default();
    let first = Action::Txn(vec![send(0, Some(0), 1), send(1, Some(1), 2)]);
    let second = Action::Txn(vec![send(1, Some(0), 3), send(0, Some(1), 4)]);
    story
        .tell(0, Kind::Invoke, first.clone())
        .tell(1, Kind::Invoke, second.clone());
    story.tell(0, Kind::Ok, first).tell(1, Kind::Ok, second);
    story
        .read(2, 0, &[(0, 1), (1, 4)])
        .read(2, 1, &[(0, 3), (1, 2)]);
    assert_eq!(story.found(), [Anomaly::WriteCycle]);
    assert!(verdict(&story.0).is_valid());
}

#[test]
fn plain_sends_of_several_records_are_no_transactions() {
    let mut story = Story::default();
    story.did(
        0,
        Kind::Info,
        Action::Send(vec![send(0, None, 1), send(0, None, 2)]),
    );
    assert_eq!(story.read(1, 0, &[(0, 1)]).found(), []);
    let mut story = Story::default();
    story.did(
        0,
        Kind::Info,
        Action::Txn(vec![send(0, None, 1), send(0, None, 2)]),
    );
    assert_eq!(
        story.read(1, 0, &[(0, 1)]).found(),
        [Anomaly::TornTransaction]
    );
}

#[test]
fn what_is_no_history_is_refused() {
    let crash = |index, process, kind| {
        let mut operation = Operation::new(Process::Client(process), kind, Action::Crash, 0);
        operation.index = index;
        operation
    };
    let cases = [
        (
            vec![crash(0, 1, Kind::Invoke), crash(0, 1, Kind::Info)],
            "operation 0: its index is not larger than that before",
        ),
        (
            vec![crash(0, 1, Kind::Invoke), crash(1, 1, Kind::Invoke)],
            "operation 1: process 1 invokes it, but its operation 0 is outstanding",
        ),
        (
            vec![crash(4, 2, Kind::Ok)],
            "operation 4: process 2 completes what it did not invoke",
        ),
    ];
    for (operations, expected) in cases {
        let mut builder = EvidenceBuilder::new();
        let errors = operations.iter().filter_map(|op| builder.observe(op).err());
        let errors: Vec<_> = errors.map(|error| error.to_string()).collect();
        assert_eq!(errors, [expected]);
    }
}
