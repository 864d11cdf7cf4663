//! openraft's messages as they travel and lie on disk: postcard, a compact form of serde.

use serde::{Serialize, de::DeserializeOwned};
use std::io;

/// The bytes of `message`.
///
/// # Errors
/// The message cannot be serialised; none of openraft's is like that.
pub(crate) fn encode<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    postcard::to_stdvec(message).map_err(io::Error::other)
}

/// The message that `bytes` hold. Lengths inside are bounded by what is left of `bytes`.
///
/// # Errors
/// They hold no such message.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    postcard::from_bytes(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller_node::ControllerNode;
    use crate::raft_types::{EncodedBatch, Entry, LogId, SnapshotMeta, TypeConfig, Vote};
    use openraft::{
        EntryPayload, Membership, StoredMembership,
        entry::RaftEntry,
        raft::{AppendEntriesRequest, VoteRequest},
    };
    use std::collections::{BTreeMap, BTreeSet};

    fn round_trip<T: Serialize + DeserializeOwned>(message: &T) -> T {
        decode(&encode(message).unwrap()).unwrap()
    }

    #[test]
    fn openraft_messages_survive_a_positional_format() {
        let log_id = LogId::new(7.into(), 42);
        let nodes: BTreeMap<u64, ControllerNode> = (1..=3)
            .map(|id| (id, ControllerNode::at(format!("node{id}:9093"))))
            .collect();
        let membership =
            Membership::new(vec![nodes.keys().copied().collect::<BTreeSet<_>>()], nodes).unwrap();
        let meta = SnapshotMeta {
            last_log_id: Some(log_id),
            last_membership: StoredMembership::new(Some(log_id), membership.clone()),
        };
        assert_eq!(round_trip(&meta), meta);

        let batch = EncodedBatch(bytes::Bytes::from_static(b"records"));
        let entries = vec![
            Entry::new(log_id, EntryPayload::Blank),
            Entry::new(log_id, EntryPayload::Normal(batch)),
            Entry::new(log_id, EntryPayload::Membership(membership)),
        ];
        let append: AppendEntriesRequest<TypeConfig> = AppendEntriesRequest {
            vote: Vote::new_committed(7, 2),
            prev_log_id: Some(log_id),
            entries: entries.clone(),
            leader_commit: None,
        };
        let back = round_trip(&append);
        assert_eq!(back.entries, entries);
        assert_eq!(back.vote, append.vote);

        let vote: VoteRequest<TypeConfig> = VoteRequest::new(Vote::new(8, 1), Some(log_id));
        assert_eq!(round_trip(&vote), vote);
    }

    #[test]
    fn absurd_lengths_are_refused() {
        let mut bytes = encode(&vec![1_u64; 3]).unwrap();
        bytes[0] = 0xff;
        bytes.splice(1..1, [0xff, 0xff, 0xff, 0x0f]);
        assert!(decode::<Vec<u64>>(&bytes).is_err());
    }
}
