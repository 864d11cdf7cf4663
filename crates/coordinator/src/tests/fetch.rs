//! OffsetFetch: rule 105.

use super::lab::*;
use crate::{RequestBody, Response};
use klamm_protocol::messages::{
    offset_fetch_request::OffsetFetchRequestGroup,
    offset_fetch_response::{
        OffsetFetchResponseGroup, OffsetFetchResponsePartitions, OffsetFetchResponseTopics,
    },
};
use klamm_types::{ErrorCode as E, Uuid};

fn fetched(lab: &mut Lab, body: RequestBody) -> OffsetFetchResponseGroup {
    let id = lab.ask(8, body);
    match lab.answer(id) {
        Some(Response::OffsetFetch(response)) => response.clone(),
        other => panic!("not an OffsetFetch answer: {other:?}"),
    }
}

fn fetching_all(group_id: &str) -> RequestBody {
    RequestBody::OffsetFetch {
        group: OffsetFetchRequestGroup {
            group_id: group_id.into(),
            topics: None,
            ..Default::default()
        },
        require_stable: true,
    }
}

#[test]
fn an_offset_comes_back_as_it_was_committed() {
    let mut lab = Lab::new();
    lab.commit("g", -1, "", 42);
    let expected = OffsetFetchResponseTopics {
        name: TOPIC.into(),
        topic_id: TOPIC_ID,
        partitions: vec![OffsetFetchResponsePartitions {
            partition_index: 0,
            committed_offset: 42,
            committed_leader_epoch: 4,
            metadata: Some("note".into()),
            error_code: 0,
        }],
    };
    for body in [fetching("g", TOPIC_ID), fetching_all("g")] {
        let response = fetched(&mut lab, body);
        check(response.error_code, E::None);
        assert_eq!(response.topics, std::slice::from_ref(&expected));
    }
}

#[test]
fn without_a_commit_there_is_no_offset_and_no_error() {
    let mut lab = Lab::new();
    let response = fetched(&mut lab, fetching("unknown", TOPIC_ID));
    check(response.error_code, E::None);
    let partition = &response.topics[0].partitions[0];
    assert_eq!(partition.committed_offset, -1);
    assert_eq!(partition.committed_leader_epoch, -1);
    assert_eq!(partition.metadata.as_deref(), Some(""));
    check(partition.error_code, E::None);
    assert!(fetched(&mut lab, fetching_all("unknown")).topics.is_empty());
    assert_eq!(lab.state("unknown"), "Dead");
}

#[test]
fn offsets_of_an_earlier_topic_of_the_name_are_not_served() {
    let mut lab = Lab::new();
    lab.commit("g", -1, "", 42);
    for (topic_id, offset) in [(TOPIC_ID, 42), (Uuid::ZERO, 42), (Uuid([1; 16]), -1)] {
        let response = fetched(&mut lab, fetching("g", topic_id));
        assert_eq!(response.topics[0].partitions[0].committed_offset, offset);
        assert_eq!(response.topics[0].topic_id, topic_id);
    }
}

#[test]
fn an_offset_is_told_only_once_it_cannot_be_lost() {
    let mut lab = Lab::new();
    lab.commits = false;
    let commit = lab.commit("g", -1, "", 42);
    let fetch = lab.ask(8, fetching("g", TOPIC_ID));
    let other = lab.ask(8, fetching("other", TOPIC_ID));
    assert!(lab.is_parked(fetch), "42 is not in the log yet");
    assert!(!lab.is_parked(other), "not about that group");
    lab.commit_outstanding();
    assert_eq!(lab.committed(commit), E::None);
    assert!(!lab.is_parked(fetch));
}
