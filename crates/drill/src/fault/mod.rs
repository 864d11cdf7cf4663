//! Faults in force, and their end.
//!
//! [`Faults`] remembers what it did to a target and undoes all of it: when told to, when it is dropped, and so also
//! when a panic unwinds. What could not be undone is tried again the next time. Everything blocks; see
//! [`crate::target`].

mod slow_node;

use crate::{
    history::Node,
    scenario::Fault,
    target::{Target, TargetError, left_behind},
};
use slow_node::SlowNode;
use std::{collections::BTreeSet, sync::Arc, thread};

/// Something that has to be undone.
#[derive(Debug)]
enum InForce {
    Down(Node),
    Paused(Node),
    Cut,
    Slow(SlowNode),
    FullDisk(Node),
}

/// The faults of a drill.
pub struct Faults {
    target: Arc<dyn Target>,
    in_force: Vec<InForce>,
}

impl Faults {
    /// No faults yet.
    pub fn new(target: Arc<dyn Target>) -> Faults {
        Faults {
            target,
            in_force: Vec::new(),
        }
    }

    /// Injects a fault, and returns when it is in force.
    ///
    /// # Errors
    /// It could not be injected, at least not completely; healing undoes the rest.
    pub fn begin(&mut self, fault: Fault, nodes: &[Node]) -> Result<(), TargetError> {
        if fault == Fault::Kill {
            // Those that are not dead need no start; a start of a node that runs is no error.
            self.in_force
                .extend(nodes.iter().copied().map(InForce::Down));
            return self.target.kill(nodes);
        }
        nodes
            .iter()
            .try_for_each(|node| self.begin_on(fault, *node))
    }

    fn begin_on(&mut self, fault: Fault, node: Node) -> Result<(), TargetError> {
        match fault {
            Fault::Restart => {
                self.in_force.push(InForce::Down(node));
                self.target.stop(node)
            }
            Fault::Pause => {
                self.in_force.push(InForce::Paused(node));
                self.target.pause(node)
            }
            Fault::Cut(direction) => {
                self.in_force.push(InForce::Cut);
                self.target.cut(node, direction)
            }
            Fault::FillDisk => {
                self.in_force.push(InForce::FullDisk(node));
                self.target.fill_disk(node)
            }
            Fault::Slow { delay_ms } => {
                let slow = SlowNode::start(self.target.clone(), node, delay_ms);
                self.in_force.push(InForce::Slow(slow));
                Ok(())
            }
            // These are nothing that is done to a node.
            Fault::Kill | Fault::MoveLeaders | Fault::PauseClients => Ok(()),
        }
    }

    /// Undoes everything. Nodes that are down start side by side: one alone may wait for the others.
    ///
    /// # Errors
    /// The first thing that could not be undone; all others were tried.
    pub fn heal(&mut self) -> Result<(), TargetError> {
        let mut outcomes = Vec::new();
        let mut down = BTreeSet::new();
        for fault in std::mem::take(&mut self.in_force).into_iter().rev() {
            let (outcome, left) = match fault {
                InForce::Down(node) => {
                    down.insert(node);
                    continue;
                }
                InForce::Paused(node) => (self.target.resume(node), InForce::Paused(node)),
                InForce::Cut => (self.target.mend(), InForce::Cut),
                InForce::FullDisk(node) => (self.target.empty_disk(node), InForce::FullDisk(node)),
                InForce::Slow(slow) => {
                    let node = slow.node();
                    (slow.end(), InForce::Paused(node))
                }
            };
            outcomes.push((outcome, left));
        }
        let started = self.start(down);
        outcomes.extend(started.map(|(node, outcome)| (outcome, InForce::Down(node))));
        let mut healed = Ok(());
        for (outcome, left) in outcomes {
            if outcome.is_err() {
                self.in_force.push(left);
            }
            healed = healed.and(outcome);
        }
        // The next time goes backwards as well.
        self.in_force.reverse();
        healed
    }

    /// Starts nodes side by side.
    fn start(
        &self,
        nodes: BTreeSet<Node>,
    ) -> impl Iterator<Item = (Node, Result<(), TargetError>)> + use<> {
        let target = &self.target;
        let panicked = || TargetError::new("starting a node panicked");
        let outcomes: Vec<_> = thread::scope(|scope| {
            let start = |node| (node, scope.spawn(move || target.start(node)));
            let starts: Vec<_> = nodes.into_iter().map(start).collect();
            let ended = starts.into_iter().map(|(node, thread)| {
                let outcome = thread.join().unwrap_or_else(|_| Err(panicked()));
                (node, outcome)
            });
            ended.collect()
        });
        outcomes.into_iter()
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        if let Err(error) = self.heal() {
            left_behind(&error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Capability, Direction};
    use std::{
        collections::BTreeSet,
        sync::{Mutex, MutexGuard},
    };

    /// Remembers what was done to it; node 9 resists, node 8 only if nobody tries it for the second time.
    #[derive(Default)]
    struct Notebook(Mutex<Vec<String>>);

    impl Notebook {
        fn done(&self) -> MutexGuard<'_, Vec<String>> {
            self.0.lock().unwrap()
        }

        fn note(&self, what: &str, node: Node) -> Result<(), TargetError> {
            let note = format!("{what} {node}");
            let is_new = !self.done().contains(&note);
            self.done().push(note);
            match node.0 {
                8 if is_new => Err(TargetError::new("not yet")),
                9 => Err(TargetError::new(format!("cannot {what} 9"))),
                _ => Ok(()),
            }
        }
    }

    impl Target for Notebook {
        fn bootstrap(&self) -> String {
            String::new()
        }

        fn description(&self) -> String {
            String::new()
        }

        fn capabilities(&self) -> BTreeSet<Capability> {
            BTreeSet::new()
        }

        fn nodes(&self) -> Vec<Node> {
            Vec::new()
        }

        fn kill(&self, nodes: &[Node]) -> Result<(), TargetError> {
            nodes.iter().try_for_each(|node| self.note("kill", *node))
        }

        fn start(&self, node: Node) -> Result<(), TargetError> {
            self.note("start", node)
        }

        fn stop(&self, node: Node) -> Result<(), TargetError> {
            self.note("stop", node)
        }

        fn pause(&self, node: Node) -> Result<(), TargetError> {
            self.note("pause", node)
        }

        fn resume(&self, node: Node) -> Result<(), TargetError> {
            self.note("resume", node)
        }

        fn cut(&self, node: Node, _direction: Direction) -> Result<(), TargetError> {
            self.note("cut", node)
        }

        fn mend(&self) -> Result<(), TargetError> {
            self.note("mend", Node(0))
        }
    }

    #[test]
    fn what_is_done_is_undone_once() {
        let target = Arc::new(Notebook::default());
        let mut faults = Faults::new(target.clone());
        faults.begin(Fault::Pause, &[Node(1)]).unwrap();
        faults
            .begin(Fault::Cut(Direction::Both), &[Node(2)])
            .unwrap();
        faults.begin(Fault::Kill, &[Node(3)]).unwrap();
        faults.heal().unwrap();
        let expected = [
            "pause 1", "cut 2", "kill 3", "mend 0", "resume 1", "start 3",
        ];
        assert_eq!(*target.done(), expected);
        drop(faults);
        assert_eq!(target.done().len(), expected.len());
    }

    #[test]
    fn what_fails_halfway_is_undone_as_well() {
        let target = Arc::new(Notebook::default());
        let mut faults = Faults::new(target.clone());
        assert!(
            faults
                .begin(Fault::Pause, &[Node(1), Node(9), Node(2)])
                .is_err()
        );
        assert!(faults.heal().is_err());
        assert_eq!(
            *target.done(),
            ["pause 1", "pause 9", "resume 9", "resume 1"]
        );
    }

    #[test]
    fn what_could_not_be_undone_is_tried_again_and_then_forgotten() {
        let target = Arc::new(Notebook::default());
        let mut faults = Faults::new(target.clone());
        faults.begin(Fault::Pause, &[Node(1)]).unwrap();
        faults.begin(Fault::Pause, &[Node(8)]).unwrap_err();
        faults.begin(Fault::Kill, &[Node(2), Node(8)]).unwrap_err();
        target.done().clear();
        faults.heal().unwrap_err();
        let mut first = std::mem::take(&mut *target.done());
        first[2..].sort();
        assert_eq!(first, ["resume 8", "resume 1", "start 2", "start 8"]);
        *target.done() = first.clone();
        faults.heal().unwrap();
        assert_eq!(target.done()[first.len()..], ["resume 8", "start 8"]);
        drop(faults);
        assert_eq!(target.done().len(), first.len() + 2);
    }

    #[test]
    fn a_panic_leaves_nothing_behind() {
        let target = Arc::new(Notebook::default());
        let mut faults = Faults::new(target.clone());
        let thread = thread::spawn(move || {
            faults.begin(Fault::Pause, &[Node(1)]).unwrap();
            panic!("as it happens");
        });
        assert!(thread.join().is_err());
        assert_eq!(*target.done(), ["pause 1", "resume 1"]);
    }

    #[test]
    fn a_slow_node_stands_still_again_and_again_and_goes_on_in_the_end() {
        let target = Arc::new(Notebook::default());
        let mut faults = Faults::new(target.clone());
        faults
            .begin(Fault::Slow { delay_ms: 1 }, &[Node(1)])
            .unwrap();
        while target.done().len() < 4 {
            thread::yield_now();
        }
        faults.heal().unwrap();
        let done = target.done();
        assert!(
            done.chunks(2).all(|pair| pair == ["pause 1", "resume 1"]),
            "{done:?}"
        );
    }
}
