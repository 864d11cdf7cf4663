//! The id of the cluster that this controller belongs to, once it is known.

use std::sync::Arc;
use tokio::sync::watch;
use tonic::Status;

/// Shared by everything that talks to other nodes; it is set once and never changes.
#[derive(Clone, Debug)]
pub(crate) struct ClusterId(Arc<watch::Sender<Option<String>>>);

impl ClusterId {
    pub(crate) fn new(known: Option<String>) -> ClusterId {
        ClusterId(Arc::new(watch::Sender::new(known)))
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Option<String>> {
        self.0.subscribe()
    }

    pub(crate) fn get(&self) -> Option<String> {
        self.0.borrow().clone()
    }

    /// As it travels: empty while it is not known.
    pub(crate) fn on_the_wire(&self) -> String {
        self.get().unwrap_or_default()
    }

    /// Learns the id; the first one stays.
    pub(crate) fn learn(&self, id: &str) {
        self.0.send_if_modified(|known| {
            let new = known.is_none();
            if new {
                *known = Some(id.to_owned());
            }
            new
        });
    }

    /// Refuses a message from a node of another cluster. A node that knows no id yet is welcome.
    pub(crate) fn check(&self, theirs: &str) -> Result<(), Box<Status>> {
        match &*self.0.borrow() {
            Some(ours) if !theirs.is_empty() && ours != theirs => {
                Err(Box::new(Status::permission_denied(format!(
                    "this controller belongs to cluster {ours}, not to {theirs}"
                ))))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_id_stays_and_others_are_refused() {
        let id = ClusterId::new(None);
        assert!(id.check("a").is_ok());
        id.learn("a");
        id.learn("b");
        assert_eq!(id.get().as_deref(), Some("a"));
        assert!(id.check("a").is_ok());
        assert!(id.check("").is_ok());
        assert!(id.check("b").is_err());
    }
}
