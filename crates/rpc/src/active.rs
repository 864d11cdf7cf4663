//! What a client knows about who is the active controller.

use crate::ActiveController;
use tokio::sync::watch;

/// Nobody is known to be active.
pub(crate) fn nobody(controller_epoch: i32) -> ActiveController {
    ActiveController {
        controller_id: -1,
        controller_epoch,
        endpoint: String::new(),
    }
}

/// Whether somebody is named.
pub(crate) fn is_somebody(active: &ActiveController) -> bool {
    active.controller_id >= 0 && !active.endpoint.is_empty()
}

/// The newest news about the active controller; its epoch never falls.
#[derive(Debug)]
pub(crate) struct ActiveKnown(watch::Sender<ActiveController>);

impl ActiveKnown {
    pub(crate) fn new() -> ActiveKnown {
        ActiveKnown(watch::Sender::new(nobody(-1)))
    }

    pub(crate) fn get(&self) -> Option<ActiveController> {
        Some(self.0.borrow().clone()).filter(is_somebody)
    }

    pub(crate) fn watch(&self) -> watch::Receiver<ActiveController> {
        self.0.subscribe()
    }

    /// Takes news unless they are older than what is known. "Nobody" of the epoch that is known
    /// is no news either: the controller that says so may just not have heard yet.
    pub(crate) fn observe(&self, news: ActiveController) {
        self.0.send_if_modified(|known| {
            let newer = news.controller_epoch > known.controller_epoch;
            let names = news.controller_epoch == known.controller_epoch && is_somebody(&news);
            let changed = (newer || names) && news != *known;
            if changed {
                *known = news;
            }
            changed
        });
    }

    /// Forgets `failed`, unless somebody else has become known meanwhile.
    pub(crate) fn forget(&self, failed: &ActiveController) {
        self.0.send_if_modified(|known| {
            let same = known == failed;
            if same {
                *known = nobody(known.controller_epoch);
            }
            same
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active(controller_id: i32, controller_epoch: i32) -> ActiveController {
        ActiveController {
            controller_id,
            controller_epoch,
            endpoint: format!("localhost:{}", 9000 + controller_id),
        }
    }

    #[test]
    fn only_newer_news_count() {
        let known = ActiveKnown::new();
        assert_eq!(known.get(), None);
        known.observe(active(1, 5));
        known.observe(active(2, 4));
        assert_eq!(known.get(), Some(active(1, 5)));
        known.observe(nobody(5));
        assert_eq!(known.get(), Some(active(1, 5)));
        known.observe(nobody(6));
        assert_eq!(known.get(), None);
        known.observe(active(2, 6));
        assert_eq!(known.get(), Some(active(2, 6)));
    }

    #[test]
    fn forgetting_spares_a_newer_one() {
        let known = ActiveKnown::new();
        known.observe(active(1, 5));
        known.observe(active(2, 6));
        known.forget(&active(1, 5));
        assert_eq!(known.get(), Some(active(2, 6)));
        known.forget(&active(2, 6));
        assert_eq!(known.get(), None);
        known.observe(active(2, 6));
        assert_eq!(known.get(), Some(active(2, 6)));
    }
}
