//! Links between nodes: they delay, lose, repeat and so reorder messages, and can be cut one way.

use crate::{
    agenda::{MS, Micros},
    random::Random,
    scenario::Scenario,
};
use std::{collections::BTreeSet, fmt};

/// Somebody who sends and receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    Broker(usize),
    Controller(usize),
    Client(usize),
}

/// The links.
pub(crate) struct Network {
    delay_max: Micros,
    slow: u64,
    slow_max: Micros,
    loss: u64,
    duplication: u64,
    cut: BTreeSet<(Node, Node)>,
}

impl Network {
    pub(crate) fn of(scenario: &Scenario) -> Network {
        Network {
            delay_max: scenario.delay_max,
            slow: scenario.slow,
            slow_max: scenario.slow_max,
            loss: scenario.loss,
            duplication: scenario.duplication,
            cut: BTreeSet::new(),
        }
    }

    /// How long a message and its repetitions take; none if it is lost.
    pub(crate) fn deliveries(&self, from: Node, to: Node, random: &mut Random) -> Vec<Micros> {
        if self.is_cut(from, to) || random.permille(self.loss) {
            return Vec::new();
        }
        let mut delays = vec![self.delay(random)];
        if random.permille(self.duplication) {
            delays.push(self.delay(random) + random.below(300 * MS));
        }
        delays
    }

    pub(crate) fn delay(&self, random: &mut Random) -> Micros {
        let usual = random.between(50, self.delay_max);
        if random.permille(self.slow) {
            usual + random.below(self.slow_max)
        } else {
            usual
        }
    }

    pub(crate) fn is_cut(&self, from: Node, to: Node) -> bool {
        self.cut.contains(&(from, to))
    }

    pub(crate) fn cut(&mut self, from: Node, to: Node) {
        self.cut.insert((from, to));
    }

    pub(crate) fn mend(&mut self, from: Node, to: Node) {
        self.cut.remove(&(from, to));
    }

    /// Nothing is lost or late from now on.
    pub(crate) fn heal(&mut self) {
        self.cut.clear();
        (self.slow, self.loss, self.duplication) = (0, 0, 0);
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::Broker(index) => write!(f, "b{}", index + 1),
            Node::Controller(index) => write!(f, "c{}", index + 1),
            Node::Client(index) => write!(f, "client{}", index + 1),
        }
    }
}
