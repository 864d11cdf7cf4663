//! Where the controllers are, by everything that this one has heard.
//!
//! There are three sources, and each may be out of date: the configuration of this start, the
//! membership in the log, and what a controller said itself. So a controller may have several
//! addresses; one at which nobody answers gives way to the next.

use crate::{
    controller_node::ControllerNode,
    raft_types::{NodeId, StoredMembership},
};
use klamm_types::Uuid;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Addresses kept for one controller.
const ADDRESSES_MAX: usize = 4;

/// Shared by everything that talks to other controllers.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressBook(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    configured: BTreeSet<NodeId>,
    /// The one to try first comes first; never empty.
    addresses: BTreeMap<NodeId, Vec<String>>,
    members: BTreeMap<NodeId, ControllerNode>,
    voters: BTreeSet<NodeId>,
}

impl AddressBook {
    /// Knows what the configuration says.
    pub(crate) fn new(configured: BTreeMap<NodeId, String>) -> AddressBook {
        let inner = Inner {
            configured: configured.keys().copied().collect(),
            addresses: configured.into_iter().map(|(k, v)| (k, vec![v])).collect(),
            ..Inner::default()
        };
        AddressBook(Arc::new(Mutex::new(inner)))
    }

    /// The membership is this, as far as this controller's log goes. The addresses that it had
    /// when this controller started are older than the configuration; what changes later is newer.
    pub(crate) fn learn(&self, membership: &StoredMembership) {
        let mut inner = self.lock();
        let members: BTreeMap<NodeId, ControllerNode> = membership
            .nodes()
            .map(|(id, node)| (*id, node.clone()))
            .collect();
        let before = std::mem::replace(&mut inner.members, members.clone());
        inner.voters = membership.voter_ids().collect();
        for (id, node) in members {
            let is_news = before
                .get(&id)
                .is_some_and(|old| old.endpoint != node.endpoint);
            let known = inner.addresses.entry(id).or_default();
            put(known, node.endpoint, is_news);
        }
        let Inner {
            configured,
            addresses,
            members,
            ..
        } = &mut *inner;
        addresses.retain(|id, _| configured.contains(id) || members.contains_key(id));
    }

    /// The controller itself says where it is.
    pub(crate) fn heard(&self, id: NodeId, endpoint: &str) {
        let mut inner = self.lock();
        if let Some(known) = inner.addresses.get_mut(&id) {
            put(known, endpoint.to_owned(), true);
        }
    }

    /// Nobody answers at that address: another one is tried first from now on, if there is one.
    pub(crate) fn failed(&self, id: NodeId, endpoint: &str) {
        let mut inner = self.lock();
        if let Some(known) = inner.addresses.get_mut(&id)
            && known.first().is_some_and(|first| first == endpoint)
        {
            known.rotate_left(1);
        }
    }

    /// The address to try first.
    pub(crate) fn endpoint(&self, id: NodeId) -> Option<String> {
        self.lock().addresses.get(&id)?.first().cloned()
    }

    /// Every address of a controller.
    pub(crate) fn endpoints(&self, id: NodeId) -> Vec<String> {
        self.lock().addresses.get(&id).cloned().unwrap_or_default()
    }

    /// The folder with which a controller takes part; zero if that is not known.
    pub(crate) fn directory_id(&self, id: NodeId) -> Uuid {
        let inner = self.lock();
        let member = inner.members.get(&id);
        member.map_or(Uuid::ZERO, |member| member.directory_id)
    }

    /// Who votes by the log, in the order of their ids; nobody before the first entry.
    pub(crate) fn voters(&self) -> BTreeSet<NodeId> {
        self.lock().voters.clone()
    }

    /// Everybody whose address is known, in the order of their ids.
    pub(crate) fn everybody(&self) -> Vec<NodeId> {
        self.lock().addresses.keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes an address: as the first one, or as the last one if it is new.
fn put(known: &mut Vec<String>, endpoint: String, first: bool) {
    if first {
        known.retain(|other| *other != endpoint);
        known.insert(0, endpoint);
        known.truncate(ADDRESSES_MAX);
    } else if !known.contains(&endpoint) && known.len() < ADDRESSES_MAX {
        known.push(endpoint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openraft::Membership;

    fn membership(nodes: &[(NodeId, &str)]) -> StoredMembership {
        let nodes: BTreeMap<NodeId, ControllerNode> = nodes
            .iter()
            .map(|(id, endpoint)| (*id, ControllerNode::at(*endpoint)))
            .collect();
        let voters = vec![nodes.keys().copied().filter(|id| *id < 4).collect()];
        StoredMembership::new(None, Membership::new(voters, nodes).unwrap())
    }

    #[test]
    fn the_newest_word_counts_and_others_are_kept() {
        let configured = BTreeMap::from([(1, "one:1".to_owned()), (2, "two:2".to_owned())]);
        let book = AddressBook::new(configured);
        assert!(book.voters().is_empty());
        // The log is older than the configuration.
        book.learn(&membership(&[(1, "one:1"), (2, "old:2"), (4, "four:4")]));
        assert_eq!(book.endpoints(2), ["two:2", "old:2"]);
        assert_eq!(book.endpoint(4).as_deref(), Some("four:4"));
        assert_eq!(book.voters(), [1, 2].into());
        assert_eq!(book.everybody(), [1, 2, 4]);
        // It has changed while this controller runs.
        book.learn(&membership(&[(1, "one:1"), (2, "new:2")]));
        assert_eq!(book.endpoints(2), ["new:2", "two:2", "old:2"]);
        assert_eq!(book.endpoint(4), None);

        book.failed(2, "two:2");
        assert_eq!(book.endpoint(2).as_deref(), Some("new:2"));
        book.failed(2, "new:2");
        assert_eq!(book.endpoints(2), ["two:2", "old:2", "new:2"]);
        book.heard(2, "heard:2");
        assert_eq!(book.endpoint(2).as_deref(), Some("heard:2"));
        for port in 0..9 {
            book.heard(2, &format!("heard:{port}"));
        }
        assert_eq!(book.endpoints(2).len(), ADDRESSES_MAX);
    }
}
