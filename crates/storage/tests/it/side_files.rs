//! Every file beside the batches may be lost or damaged.

use crate::fixture::*;
use klamm_records::set_partition_leader_epoch;
use klamm_storage::{Log, OpenOptions};
use klamm_types::LeaderEpoch;
use std::{fs, path::Path};

struct Damage {
    name: &'static str,
    apply: fn(&Path),
}

const DAMAGES: [Damage; 5] = [
    Damage {
        name: "removed",
        apply: |path| fs::remove_file(path).unwrap(),
    },
    Damage {
        name: "emptied",
        apply: |path| fs::write(path, b"").unwrap(),
    },
    Damage {
        name: "zeroed",
        apply: |path| {
            let size = fs::metadata(path).unwrap().len() as usize;
            fs::write(path, vec![0; size]).unwrap();
        },
    },
    Damage {
        name: "cut",
        apply: |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len().saturating_sub(3)]).unwrap();
        },
    },
    Damage {
        name: "scrambled",
        apply: |path| {
            let bytes: Vec<_> = fs::read(path)
                .unwrap()
                .iter()
                .map(|byte| byte ^ 0xa5)
                .collect();
            fs::write(path, bytes).unwrap();
        },
    },
];

fn make(dir: &Path) -> Log {
    let mut log = open_new(dir);
    fill(&mut log, 0, 15);
    for i in 0..10 {
        log.append(&sequenced(30 + i, 7, i as i32)).unwrap();
    }
    fill(&mut log, 5, 15);
    // As the leader of the last epoch would write them.
    let mut append = |mut batch: Vec<u8>| {
        set_partition_leader_epoch(&mut batch, LeaderEpoch(5));
        log.append(&batch).unwrap();
    };
    for i in 0..15 {
        let end = 70 + 4 * i64::from(i);
        append(transactional(end, 8, i));
        append(transactional(end + 1, 9, i));
        append(marker(end + 2, 8, false));
        append(marker(end + 3, 9, i % 3 == 0));
    }
    append(transactional(130, 8, 15));
    log
}

/// Everything a reader can see.
fn view(log: &Log) -> impl PartialEq + std::fmt::Debug + use<> {
    let reader = log.reader();
    let times: Vec<_> = (0..2_000)
        .step_by(61)
        .map(|t| reader.offset_for_timestamp(t).unwrap())
        .collect();
    let places: Vec<_> = (0..log.log_end_offset())
        .map(|offset| reader.read(offset, 1, i64::MAX, true).unwrap().base_offset)
        .collect();
    let epochs = log.epochs();
    let newest = reader.offset_of_max_timestamp().unwrap();
    let undecided = reader.first_undecided_offset(log.log_end_offset());
    // Not the last stable offsets: they only tell when a search may end.
    let aborted = reader.aborted_transactions(0, i64::MAX).unwrap();
    let aborted: Vec<_> = aborted
        .iter()
        .map(|aborted| {
            (
                aborted.producer_id,
                aborted.first_offset,
                aborted.last_offset,
            )
        })
        .collect();
    (
        (undecided, aborted),
        read_all(&reader),
        times,
        places,
        epochs,
        newest,
        last_sequence(log),
    )
}

fn last_sequence(log: &Log) -> Option<i32> {
    let (_, state) = log.producers().iter().next()?;
    state.batches.back().map(|batch| batch.last_sequence)
}

#[test]
fn rebuilt_indexes_are_those_that_were_lost() {
    let dir = temp_dir();
    let mut log = make(dir.path());
    log.close().unwrap();
    let contents = || {
        let names = files(dir.path(), "index");
        names
            .into_iter()
            .map(|name| (fs::read(dir.path().join(&name)).unwrap(), name))
            .collect()
    };
    let before: Vec<_> = contents();
    for name in files(dir.path(), "index") {
        fs::remove_file(dir.path().join(name)).unwrap();
    }
    open(dir.path(), CRASHED).0.close().unwrap();
    let after: Vec<_> = contents();
    assert_eq!(after, before);
}

/// That there was a transaction index only the batches know, which a clean stop vouches for.
fn is_unnoticed(damage: &Damage, suffix: &str, options: OpenOptions) -> bool {
    damage.name == "removed" && suffix == ".txnindex" && options != CRASHED
}

fn check(suffix: &str, options: OpenOptions, close: bool) {
    let source = temp_dir();
    let mut log = make(source.path());
    let expected = view(&log);
    if close {
        log.close().unwrap();
    } else {
        log.flusher().flush().unwrap();
    }
    let victims = files(source.path(), suffix);
    assert!(!victims.is_empty(), "{suffix}");
    let victims = [0, victims.len() / 2, victims.len() - 1].map(|i| &victims[i]);
    let damages = DAMAGES.iter();
    for damage in damages.filter(|damage| !is_unnoticed(damage, suffix, options)) {
        for victim in victims {
            let dir = temp_dir();
            copy(source.path(), dir.path());
            (damage.apply)(&dir.path().join(victim));
            let (log, report) = open(dir.path(), options);
            let what = format!("{victim} {}, {options:?}: {report:?}", damage.name);
            assert_eq!(report.bytes_truncated, 0, "{what}");
            assert!(view(&log) == expected, "{what}");
        }
    }
}

fn check_all(suffix: &str) {
    check(suffix, CLEAN, true);
    check(suffix, CRASHED, false);
    check(
        suffix,
        OpenOptions {
            recovery_point: 50,
            ..CRASHED
        },
        false,
    );
    check(
        suffix,
        OpenOptions {
            recovery_point: 130,
            ..CRASHED
        },
        false,
    );
}

#[test]
fn offset_indexes() {
    check_all(".index");
}

#[test]
fn time_indexes() {
    check_all(".timeindex");
}

#[test]
fn leader_epochs() {
    check_all("leader-epoch-checkpoint");
}

#[test]
fn producer_snapshots() {
    check_all(".snapshot");
}

#[test]
fn transaction_indexes() {
    check_all(".txnindex");
}

/// Every byte of a side file flipped in one bit, and the file cut before it.
fn check_every_byte(suffix: &str, options: OpenOptions, close: bool) {
    let source = temp_dir();
    let mut log = make(source.path());
    let expected = view(&log);
    match close {
        true => log.close().unwrap(),
        false => drop(log.flusher().flush().unwrap()),
    }
    let victims = files(source.path(), suffix);
    let victims = [0, victims.len() / 2, victims.len() - 1].map(|i| &victims[i]);
    for victim in victims {
        let bytes = fs::read(source.path().join(victim)).unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            let cut = &bytes[..at];
            for damaged in [&flipped[..], cut] {
                if suffix == ".txnindex" && damaged == cut && at > 0 && at % 34 == 0 {
                    continue; // nothing but the batches tells that entries are missing
                }
                let dir = temp_dir();
                copy(source.path(), dir.path());
                fs::write(dir.path().join(victim), damaged).unwrap();
                let (log, report) = open(dir.path(), options);
                let what = format!("{victim} at {at} {damaged:?}, {options:?}: {report:?}");
                assert_eq!(report.bytes_truncated, 0, "{what}");
                assert!(view(&log) == expected, "{what}");
            }
        }
    }
}

#[test]
fn every_byte_after_a_clean_stop() {
    for suffix in [
        ".index",
        ".timeindex",
        ".snapshot",
        ".txnindex",
        "leader-epoch-checkpoint",
    ] {
        check_every_byte(suffix, CLEAN, true);
    }
}

#[test]
fn every_byte_after_a_crash() {
    let options = OpenOptions {
        recovery_point: 50,
        ..CRASHED
    };
    for suffix in [
        ".index",
        ".timeindex",
        ".snapshot",
        ".txnindex",
        "leader-epoch-checkpoint",
    ] {
        check_every_byte(suffix, options, false);
    }
}
