//! **Assignments.** Who is in sync, eligible or leading is a replica. A reassignment ends where it
//! was last asked to lead, once those that are new are in the ISR, and all where there are fewer
//! than before; one that is cancelled ends where it began. No removal leaves fewer candidates than
//! `min.insync.replicas`, and no cancellation leaves none, where there were more.
//!
//! Source: KIP-455; ARCHITECTURE.md, "The control plane".
//!
//! What a removal costs is noted here as well: see [`Ghost::note_removal`].

use crate::{
    ghost::Ghost,
    metadata::min_isr,
    reassign::{Wish, except, is_reassigned},
    world::World,
};
use klamm_metadata::{Image, Partition, RecoveryState, proto::Record};
use klamm_types::{BrokerId, TopicPartition};
use std::collections::BTreeSet;

const NAME: &str = "assignments";

impl World {
    /// The quorum has committed a record at `offset`.
    pub(crate) fn check_assignment(
        &mut self,
        offset: i64,
        record: &Record,
        before: &Image,
        after: &Image,
    ) {
        let met = |wish: &Wish| wish.is_met_by(offset, record);
        // Another controller may have decided the same on another image, in vain: the last counts.
        let place = self.wishes.iter().rposition(met);
        let wish = place.and_then(|place| self.wishes.drain(..=place).next_back());
        for (id, new) in after.partitions() {
            match before.partition(id) {
                Some(old) if old != new => {
                    self.check_change(id, wish.as_ref(), (old, new), min_isr(before));
                }
                Some(_) => {}
                None => self.ghost_of(id).start_with(&new.replicas),
            }
        }
    }

    fn ghost_of(&mut self, id: TopicPartition) -> &mut Ghost {
        &mut self.ghosts[usize::try_from(id.partition).unwrap_or(0)]
    }

    fn check_change(
        &mut self,
        id: TopicPartition,
        wish: Option<&Wish>,
        (old, new): (&Partition, &Partition),
        min_isr: usize,
    ) {
        let ghost = self.ghost_of(id);
        if let Some(wish) = wish {
            ghost.follow_wish(wish, old, new);
        }
        let is_cancelled = wish.is_some_and(|wish| wish.target.is_none());
        ghost.note_removal(is_cancelled, old, new);
        ghost.reassigned += usize::from(is_reassigned(old) && !is_reassigned(new));
        let target = except(&new.replicas, &new.removing_replicas);
        let was_to_end = is_reassigned(old) || wish.is_some();
        let ends = was_to_end && !is_reassigned(new) && !is_cancelled;
        let removes = !except(&old.replicas, &new.replicas).is_empty();
        let enough = if new.recovery_state == RecoveryState::Recovering {
            0
        } else if is_cancelled {
            1
        } else {
            min_isr.min(new.replicas.len())
        };
        let [had, has] = [old, new].map(|state| state.isr.len() + state.elr.len());
        let what = if let Some(what) = malformed(new) {
            what
        } else if target != ghost.goal {
            "others keep it than were asked to"
        } else if ends && !is_complete(&ghost.origin, new) {
            "a reassignment ends too early"
        } else if removes && has < had.min(enough) {
            "too few are left who have everything"
        } else {
            return;
        };
        let goal = &ghost.goal;
        let what = format!("{what}: {old:?} became {new:?}, wanted are {goal:?}");
        self.fail(NAME, what);
    }
}

/// What is wrong with a partition's lists.
fn malformed(partition: &Partition) -> Option<&'static str> {
    let Partition {
        replicas,
        adding_replicas: adding,
        removing_replicas: removing,
        isr,
        elr,
        ..
    } = partition;
    let is_set = |list: &[BrokerId]| list.iter().collect::<BTreeSet<_>>().len() == list.len();
    let are_replicas = |list: &[BrokerId]| except(list, replicas).is_empty();
    if ![replicas, isr, elr].into_iter().all(|list| is_set(list)) {
        Some("somebody is there twice")
    } else if !are_replicas(isr) || !are_replicas(elr) {
        Some("a candidate is no replica")
    } else if partition.has_leader() && !isr.contains(&partition.leader) {
        Some("the leader is not in the ISR")
    } else if !are_replicas(adding) || !are_replicas(removing) {
        Some("who comes or goes is no replica")
    } else if adding.iter().any(|id| removing.contains(id)) {
        Some("somebody comes and goes")
    } else {
        None
    }
}

/// Whether a reassignment of what `origin` kept may have ended like this.
fn is_complete(origin: &[BrokerId], now: &Partition) -> bool {
    let missing = except(&now.replicas, &now.isr);
    let are_fewer = now.replicas.len() < origin.len();
    missing.is_empty() || (!are_fewer && except(&missing, origin).is_empty())
}
