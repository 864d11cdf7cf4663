//! What survives a coordinator.

use super::lab::*;
use super::random::Dice;
use crate::{GroupShard, Record, ReplayError, Replayed};
use bytes::Bytes;
use klamm_protocol::{
    messages::{
        group_metadata_key::GroupMetadataKey,
        group_metadata_value::{GroupMetadataValue, MemberMetadata},
        offset_commit_key::OffsetCommitKey,
        offset_commit_value::OffsetCommitValue,
    },
    record,
};
use klamm_types::ErrorCode as E;

#[test]
fn a_stable_group_goes_on_without_a_rebalance() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 2);
    lab.commit("g", generation_id, &members[0], 11);
    lab.load_again();
    assert_eq!(lab.state("g"), "Stable");
    for member_id in &members {
        assert_eq!(lab.heartbeat("g", generation_id, member_id), E::None);
    }
    let id = lab.commit("g", generation_id, &members[1], 12);
    assert_eq!(lab.committed(id), E::None);
    assert_eq!(lab.fetch("g"), 12);
    let id = lab.sync("g", generation_id, &members[1], &[]);
    assert_eq!(&lab.synced(id).assignment[..], b"1");
}

#[test]
fn sessions_start_anew() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 2);
    lab.advance(i64::from(SESSION_MS) - 1);
    lab.load_again();
    lab.advance(i64::from(SESSION_MS) - 1);
    assert_eq!(lab.heartbeat("g", generation_id, &members[0]), E::None);
    lab.advance(1);
    assert_eq!(
        lab.heartbeat("g", generation_id, &members[1]),
        E::UnknownMemberId
    );
}

#[test]
fn a_rebalance_that_was_under_way_starts_over() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 1);
    let (newcomer, join) = lab.newcomer("g");
    lab.load_again();
    check(lab.joined(join).error_code, E::NotCoordinator);
    assert_eq!(lab.state("g"), "Stable");
    assert_eq!(lab.heartbeat("g", generation_id, &members[0]), E::None);
    let id = lab.join(joining("g", &newcomer));
    check(lab.joined(id).error_code, E::UnknownMemberId);
}

#[test]
fn records_of_every_version_are_read() {
    let member = MemberMetadata {
        member_id: "m".into(),
        client_id: "c".into(),
        client_host: "/h".into(),
        session_timeout: 9_000,
        subscription: subscription(&[TOPIC]),
        ..Default::default()
    };
    let group = GroupMetadataValue {
        protocol_type: "consumer".into(),
        generation: 3,
        protocol: Some("range".into()),
        leader: Some("m".into()),
        members: vec![member],
        ..Default::default()
    };
    let group_key = record::encode_key(&GroupMetadataKey { group: "g".into() }).unwrap();
    let offset_key = record::encode_key(&OffsetCommitKey {
        group: "g".into(),
        topic: TOPIC.into(),
        partition: 0,
    })
    .unwrap();
    for version in 0..=4 {
        let offset = OffsetCommitValue {
            offset: 77,
            ..Default::default()
        };
        let mut lab = Lab::new();
        lab.shard = GroupShard::new(lab.config.clone());
        let value = record::encode_versioned(version, &group).unwrap();
        lab.shard.replay(&group_key, Some(&value)).unwrap();
        let value = record::encode_versioned(version, &offset).unwrap();
        lab.shard.replay(&offset_key, Some(&value)).unwrap();
        lab.shard.loaded(lab.now_ms);
        assert_eq!(lab.heartbeat("g", 3, "m"), E::None, "version {version}");
        assert_eq!(lab.fetch("g"), 77, "version {version}");
        lab.advance(9_000);
        assert_eq!(lab.state("g"), "Empty", "version {version}");
    }
}

#[test]
fn a_log_of_apache_kafka_is_understood() {
    // Key and value of records that Apache Kafka 4.3.1 wrote, and one of a type unknown here.
    let mut lab = Lab::new();
    lab.shard = GroupShard::new(lab.config.clone());
    let key = Bytes::from_static(b"\0\x02\0\x02ks");
    let value = Bytes::from_static(
        b"\0\x03\0\x08consumer\0\0\0\x02\xff\xff\xff\xff\0\0\x01\xa1\xff\xa2\x86\x6f\0\0\0\0",
    );
    assert_eq!(lab.shard.replay(&key, Some(&value)), Ok(Replayed::Applied));
    let key = Bytes::from_static(b"\0\x03\0\x01x");
    let value = Bytes::from_static(b"\0\0\0\0\0\x01\0");
    assert_eq!(
        lab.shard.replay(&key, Some(&value)),
        Ok(Replayed::Ignored { record_type: 3 })
    );
    lab.shard.loaded(lab.now_ms);
    assert_eq!(lab.state("ks"), "Empty");
    assert_eq!(lab.state("x"), "Dead");
}

#[test]
fn a_record_that_contradicts_itself_is_put_right() {
    let member = |member_id: &str| MemberMetadata {
        member_id: member_id.into(),
        group_instance_id: Some("same".into()),
        session_timeout: SESSION_MS,
        ..Default::default()
    };
    let group = GroupMetadataValue {
        protocol_type: "consumer".into(),
        generation: 3,
        protocol: Some("range".into()),
        leader: Some("nobody".into()),
        members: vec![member("m"), member("n"), member("n")],
        ..Default::default()
    };
    let mut lab = Lab::new();
    lab.shard = GroupShard::new(lab.config.clone());
    let key = record::encode_key(&GroupMetadataKey { group: "g".into() }).unwrap();
    let value = record::encode_versioned(3, &group).unwrap();
    lab.shard.replay(&key, Some(&value)).unwrap();
    lab.shard.loaded(lab.now_ms);
    lab.shard.assert_consistent(lab.now_ms);
    assert_eq!(lab.heartbeat("g", 3, "m"), E::UnknownMemberId);
    assert_eq!(lab.heartbeat("g", 3, "n"), E::None);
}

#[test]
fn a_damaged_log_never_panics() {
    let mut lab = Lab::new();
    let (members, generation_id) = lab.stable_group("g", 2);
    lab.commit("g", generation_id, &members[0], 11);
    let records: Vec<Record> = lab.log.iter().map(|(_, record)| record.clone()).collect();
    let mut dice = Dice(7);
    for _ in 0..2_000 {
        let mut shard = GroupShard::new(lab.config.clone());
        for record in &records {
            let key = damage(&mut dice, &record.key);
            let value = record.value.as_ref().map(|value| damage(&mut dice, value));
            // Whether it makes sense is not asked here.
            let _: Result<Replayed, ReplayError> = shard.replay(&key, value.as_ref());
        }
        lab.shard = shard;
        lab.shard.loaded(lab.now_ms);
        lab.shard.assert_consistent(lab.now_ms);
        lab.outstanding.clear();
        // Whether its protocol is still the group's depends on the damage.
        lab.join_version(3, joining("g", ""));
        lab.advance(100_000);
        lab.shard.assert_consistent(lab.now_ms);
    }
}

/// Flips, cuts or lengthens some bytes, or none.
fn damage(dice: &mut Dice, bytes: &Bytes) -> Bytes {
    let mut bytes = bytes.to_vec();
    match dice.roll(4) {
        0 if !bytes.is_empty() => {
            let at = dice.roll(bytes.len() as u64) as usize;
            bytes[at] = dice.roll(256) as u8;
        }
        1 => bytes.truncate(dice.roll(bytes.len() as u64 + 1) as usize),
        2 => bytes.push(dice.roll(256) as u8),
        _ => {}
    }
    bytes.into()
}
