//! **Metadata log matching.** What a broker has replayed is what the quorum has committed, up to
//! where it has come; and it never goes back.
//!
//! Source: the TLA+ model of KIP-966 (MetadataLogMatchingProperty).

use crate::world::World;
use klamm_metadata::Image;

const NAME: &str = "metadata log matching";

impl World {
    /// The quorum has come at least as far as every broker.
    pub(crate) fn check_nothing_is_forgotten(&mut self) {
        let agreed = self.quorum.log.len();
        let known = self
            .brokers
            .iter()
            .map(|b| b.process.as_ref().map_or(0, |p| p.batches));
        if let Some(known) = known.max().filter(|known| *known > agreed) {
            let what = format!("a broker knows {known} batches, {agreed} are committed");
            self.fail(NAME, what);
        }
    }

    /// A broker has replayed something.
    pub(crate) fn check_metadata(&mut self, index: usize, before: &Image) {
        let Some(process) = &self.brokers[index].process else {
            return;
        };
        let (from, to) = (before.offset(), process.image.offset());
        if to < from {
            let what = format!(
                "the metadata of b{} went from {from} back to {to}",
                index + 1
            );
            return self.fail(NAME, what);
        }
        let last = process.batches.checked_sub(1);
        let agreed = last.map(|last| self.quorum.images.get(last));
        if agreed.is_some_and(|agreed| agreed != Some(&process.image)) {
            let what = format!("b{} at {to} has what was never agreed on", index + 1);
            self.fail(NAME, what);
        }
    }
}
