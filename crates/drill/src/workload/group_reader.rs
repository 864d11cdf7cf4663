//! A consumer that is a member of a group.

use super::{REST, Stage, reader, reading};
use crate::history::{Action, Key, Kind, MicroOp, Operation, PartitionName};
use klamm_client::{GroupConsumer, GroupOptions, StartOffset};
use std::{collections::BTreeSet, time::Duration};
use tokio::time::sleep;

/// A member that is silent for so long is left out by its group. Less than in most places, so that a drill sees it.
const SESSION_TIMEOUT: Duration = Duration::from_secs(10);
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);

/// Reads its share until told otherwise.
pub(super) async fn read(stage: Stage, slot: usize, mut control: reader::Control) {
    let Some(topic) = stage.options.keys.first().map(|name| name.topic.clone()) else {
        return;
    };
    let options = GroupOptions {
        consumer: reading(),
        start: StartOffset::Earliest,
        session_timeout: SESSION_TIMEOUT,
        heartbeat_interval: HEARTBEAT_INTERVAL,
        ..GroupOptions::default()
    };
    let client = stage.options.client(&format!("member-{slot}"));
    let mut member = GroupConsumer::new(client, &topic, [topic.clone()], options);
    let subscribe = || Action::Subscribe(stage.options.all_keys());
    stage.record(slot, Kind::Invoke, subscribe());
    stage.record(slot, Kind::Ok, subscribe());
    let (mut before, mut joins) = (BTreeSet::new(), 0);
    while control.go_on().await {
        let nothing = vec![MicroOp::Poll(Vec::new())];
        stage.record(slot, Kind::Invoke, Action::Poll(nothing));
        let outcome = member.poll().await;
        let now = assigned(&stage, &member);
        // What was lost and won back in between goes on at the committed offset as well.
        let rebalanced = match member.joins() == joins {
            true => Vec::new(),
            false => before.union(&now).copied().collect(),
        };
        let polled = Operation {
            rebalanced,
            ..reader::poll_outcome(&stage, slot, outcome)
        };
        stage.journal.record(polled);
        (before, joins) = (now, member.joins());
        sleep(REST).await;
    }
}

fn assigned(stage: &Stage, member: &GroupConsumer) -> BTreeSet<Key> {
    let assignment = member.assignment();
    let is_mine = |name: &PartitionName| {
        let mut mine = assignment.iter();
        mine.any(|(topic, partition)| (&**topic, *partition) == (&*name.topic, name.partition))
    };
    let keys = (0..).map(Key).zip(stage.options.keys.iter());
    keys.filter(|(_, name)| is_mine(name))
        .map(|(key, _)| key)
        .collect()
}
