//! Stories of a log, crashed at every change on disk.

use super::crash_scenario::Scenario;
use super::fixture::*;
use crate::{Log, LogConfig};
use klamm_records::BatchBuilder;
use klamm_types::LeaderEpoch;

/// A segment holds three batches, each but the first indexed.
const TINY: LogConfig = LogConfig {
    segment_bytes: 400,
    index_interval_bytes: 1,
    ..SMALL
};

#[test]
fn appends_and_flushes() {
    let mut scenario = Scenario::new(TINY);
    scenario.fill(0, 2);
    scenario.flush();
    scenario.append(&[batch(4, 0, 2), batch(6, 1, 1), batch(7, 1, 3)]);
    scenario.fill(2, 1);
    scenario.flush();
    scenario.checkpoint();
    scenario.fill(2, 2);
    scenario.check_crashes();
}

#[test]
fn rolls() {
    let mut scenario = Scenario::new(TINY);
    scenario.fill(0, 4);
    scenario.flush();
    scenario.fill(0, 4);
    scenario.checkpoint();
    scenario.flush();
    let batches: Vec<_> = (0..9).map(|i| batch(16 + 2 * i, 1, 2)).collect();
    scenario.append(&batches);
    scenario.flush();
    scenario.fill(1, 1);
    scenario.check_crashes();
}

#[test]
fn producers() {
    let mut scenario = Scenario::new(TINY);
    for sequence in 0..4 {
        let end = scenario.end();
        scenario.append(&[sequenced(end, 7, sequence), sequenced(end + 1, 8, sequence)]);
        if sequence == 1 {
            scenario.flush();
            scenario.snapshot_producers();
        }
    }
    scenario.flush();
    scenario.truncate_to(5);
    scenario.append(&[sequenced(5, 7, 3)]);
    scenario.close_and_reopen();
    scenario.append(&[sequenced(6, 8, 2)]);
    scenario.check_crashes();
}

#[test]
fn snapshots_of_what_was_truncated() {
    let mut scenario = Scenario::new(TINY);
    scenario.fill(0, 3);
    scenario.snapshot_producers();
    scenario.flush();
    scenario.truncate_to(4);
    scenario.append(&[sequenced(4, 7, 0)]);
    scenario.append(&[sequenced(5, 7, 1)]);
    scenario.append(&[sequenced(6, 8, 0)]);
    scenario.flush();
    scenario.check_crashes();
}

#[test]
fn transactions() {
    let mut scenario = Scenario::new(TINY);
    for round in 0..6 {
        for producer in [7, 8] {
            scenario.append(&[transactional(scenario.end(), producer, round)]);
        }
        scenario.append(&[marker(scenario.end(), 7, round % 2 == 0)]);
        match round {
            1 => scenario.flush(),
            2 => scenario.append(&[marker(scenario.end(), 8, false)]),
            3 => scenario.truncate_to(7),
            4 => scenario.reopen_after_kill(),
            _ => {}
        }
    }
    scenario.flush();
    scenario.append(&[marker(scenario.end(), 8, false)]);
    scenario.close_and_reopen();
    scenario.check_crashes();
}

#[test]
fn truncations() {
    let mut scenario = Scenario::new(TINY);
    scenario.fill(0, 8);
    scenario.flush();
    scenario.truncate_to(11);
    scenario.fill(1, 1);
    scenario.flush();
    scenario.fill(1, 6);
    scenario.truncate_to(12);
    scenario.fill(2, 4);
    scenario.truncate_to(2);
    scenario.flush();
    scenario.fill(3, 5);
    scenario.check_crashes();
}

#[test]
fn truncations_to_where_segments_begin() {
    let mut scenario = Scenario::new(TINY);
    scenario.fill(0, 9);
    scenario.flush();
    scenario.checkpoint();
    for epoch in 1..5 {
        let target = scenario.end() - 6;
        scenario.truncate_to(target);
        scenario.fill(epoch, 3);
    }
    scenario.flush();
    scenario.check_crashes();
}

#[test]
fn full_truncations() {
    let mut scenario = Scenario::new(TINY);
    scenario.fill(0, 5);
    scenario.flush();
    scenario.checkpoint();
    scenario.truncate_fully_and_start_at(100);
    scenario.fill(1, 4);
    scenario.flush();
    scenario.truncate_fully_and_start_at(4);
    scenario.fill(2, 5);
    scenario.flush();
    scenario.check_crashes();
}

#[test]
fn advances_of_the_start() {
    let mut scenario = Scenario::new(TINY);
    scenario.fill(0, 5);
    scenario.fill(1, 5);
    scenario.flush();
    scenario.checkpoint();
    scenario.advance_start_offset(9);
    scenario.fill(1, 2);
    scenario.flush();
    scenario.checkpoint();
    scenario.advance_start_offset(17);
    scenario.advance_start_offset(24);
    scenario.fill(2, 3);
    scenario.check_crashes();
}

#[test]
fn retention() {
    for file_delete_delay_ms in [0, 60_000] {
        let config = LogConfig {
            delete: true,
            file_delete_delay_ms,
            ..TINY
        };
        let mut scenario = Scenario::new(config);
        scenario.fill(0, 6);
        scenario.append(&[sequenced(12, 7, 0)]);
        scenario.flush();
        scenario.checkpoint();
        scenario.fill(1, 7);
        scenario.retain(1_500, -1);
        scenario.fill(1, 1);
        scenario.checkpoint();
        scenario.remove_old_segments();
        scenario.fill(1, 1);
        scenario.flush();
        scenario.retain(-1, 100);
        scenario.checkpoint();
        scenario.remove_old_segments();
        let purge = |log: &mut Log| assert!(log.flusher().purge_removed(0, true).is_ok());
        scenario.step("purge", purge, |_| {});
        scenario.fill(2, 2);
        // Everything goes, the active segment too.
        scenario.retain(0, -1);
        scenario.checkpoint();
        scenario.remove_old_segments();
        scenario.fill(3, 4);
        scenario.flush();
        scenario.retain(250, -1);
        scenario.reopen_after_kill();
        scenario.fill(4, 1);
        scenario.check_crashes();
    }
}

#[test]
fn stops_and_starts() {
    let mut scenario = Scenario::new(TINY);
    scenario.close_and_reopen();
    scenario.fill(0, 4);
    scenario.close_and_reopen();
    scenario.fill(1, 1);
    scenario.reopen_after_kill();
    scenario.fill(2, 3);
    scenario.flush();
    scenario.reopen_after_kill();
    scenario.close_and_reopen();
    scenario.check_crashes();
}

#[test]
fn indexes_of_many_entries() {
    let config = LogConfig {
        index_interval_bytes: 1,
        segment_bytes: 20_000,
        ..SMALL
    };
    let mut scenario = Scenario::new(config);
    // The newest batch is not the last, so the time index ends long before the offset index.
    let batch_at = |i: i64| batch_of(i, 0, 1, 1_000 + 1_000 * i.min(120 - i));
    for from in [0, 30, 60] {
        let batches: Vec<_> = (from..from + 30).map(batch_at).collect();
        scenario.append(&batches);
    }
    scenario.flush();
    scenario.append(&[batch_at(90)]);
    scenario.check_crashes_with(10);
}

#[test]
fn recoveries_that_cut() {
    let mut scenario = Scenario::new(TINY);
    scenario.fill(0, 7);
    scenario.step(
        "sync the folder",
        |log| crate::disk::sync_dir(log.dir()).unwrap(),
        |_| {},
    );
    // The second segment lost its last batch; the third one must go, and not come back.
    scenario.tear(1, 140, 6);
    scenario.reopen_after_kill();
    scenario.fill(1, 2);
    scenario.check_crashes();
}

#[test]
fn compactions() {
    let config = LogConfig {
        compact: true,
        ..TINY
    };
    let keyed = |offset: i64| {
        let mut builder = BatchBuilder::new(offset).leader_epoch(LeaderEpoch(offset as i32 / 20));
        for i in 0..2 {
            let key = ["a", "b", "c", "d"][((offset + i) % 7 % 4) as usize];
            builder.append(
                1_000 + offset + i,
                Some(key.as_bytes()),
                Some(&[7; 50]),
                &[],
            );
        }
        builder.build().unwrap().to_vec()
    };
    let mut scenario = Scenario::new(config);
    for round in 1..3 {
        while scenario.end() < 24 * round {
            scenario.append(&[keyed(scenario.end())]);
        }
        scenario.flush();
        scenario.checkpoint();
        scenario.compact();
    }
    scenario.append(&[keyed(scenario.end())]);
    scenario.close_and_reopen();
    scenario.check_crashes();
}
