//! G0 and G1c: transactions that depend on one another in a circle, so no order of them explains what
//! was seen.
//!
//! * ww: one transaction's value lies before another's in a partition. Circles of these are G0. Kafka does
//!   not keep the writes of transactions apart, so they are told and tolerated.
//! * wr: one transaction read what another one sent. Circles of these are G1c.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::anomaly::Anomaly;
use super::evidence::{Evidence, What};
use super::finding::{Finding, Findings};

/// From a transaction to those that come after it; positions in the deeds.
type Graph = BTreeMap<u32, BTreeSet<u32>>;

/// How many transactions of a circle are told.
const TOLD_MAX: usize = 12;

pub(super) fn find_read_cycles(evidence: &Evidence) -> Findings {
    let mut graph = Graph::new();
    for at in transactions(evidence) {
        for read in evidence.reads(evidence.deed(at)) {
            let writer = evidence.sent(read.key, read.value).map(|sent| sent.deed);
            if let Some(writer) = writer.filter(|writer| is_transaction(evidence, *writer)) {
                link(&mut graph, writer, at);
            }
        }
    }
    report(evidence, Anomaly::ReadCycle, &graph, "was read by")
}

pub(super) fn find_write_cycles(evidence: &Evidence) -> Findings {
    let mut places: BTreeMap<_, Vec<(i64, u32)>> = BTreeMap::new();
    for at in transactions(evidence) {
        for sent in evidence.sends(evidence.deed(at)) {
            if let Some(offset) = evidence.position(sent) {
                places.entry(sent.key).or_default().push((offset, at));
            }
        }
    }
    let mut graph = Graph::new();
    for order in places.values_mut() {
        order.sort_unstable();
        for pair in order.windows(2) {
            if let [(_, before), (_, after)] = pair {
                link(&mut graph, *before, *after);
            }
        }
    }
    report(evidence, Anomaly::WriteCycle, &graph, "wrote before")
}

fn is_transaction(evidence: &Evidence, at: u32) -> bool {
    let deed = evidence.deed(at);
    deed.what == (What::Exchange { transaction: true }) && evidence.is_committed(deed)
}

fn transactions(evidence: &Evidence) -> impl Iterator<Item = u32> {
    let all = evidence.deeds().map(|(at, _)| at);
    all.filter(|at| is_transaction(evidence, *at))
}

fn link(graph: &mut Graph, before: u32, after: u32) {
    if before != after {
        graph.entry(before).or_default().insert(after);
    }
}

/// One finding for each set of transactions that all depend on one another: a shortest circle in it.
fn report(evidence: &Evidence, anomaly: Anomaly, graph: &Graph, relation: &str) -> Findings {
    let mut findings = Findings::new(anomaly);
    for component in components(graph) {
        findings.add(|| {
            let circle = circle(graph, &component);
            let named = circle
                .iter()
                .take(TOLD_MAX)
                .map(|at| evidence.deed(*at).index.to_string());
            let named: Vec<_> = named.collect();
            let text = format!(
                "transactions in a circle of {}, each of which {relation} the next: operations {}",
                circle.len(),
                named.join(", ")
            );
            Finding {
                text,
                key: None,
                offset: None,
                values: Vec::new(),
                operations: evidence.indices(circle),
            }
        });
    }
    findings
}

/// The strongly connected components of more than one node (Tarjan's algorithm, with a stack of its own
/// instead of recursion: histories are long).
fn components(graph: &Graph) -> Vec<BTreeSet<u32>> {
    let mut search = Search::default();
    for node in graph.keys() {
        search.from(graph, *node);
    }
    search.components
}

#[derive(Default)]
struct Search {
    /// When a node was found, and the earliest node that it leads back to.
    found: BTreeMap<u32, (usize, usize)>,
    path: Vec<u32>,
    on_path: BTreeSet<u32>,
    components: Vec<BTreeSet<u32>>,
}

impl Search {
    fn from(&mut self, graph: &Graph, root: u32) {
        if self.found.contains_key(&root) {
            return;
        }
        let none = BTreeSet::new();
        let next_of = |node: &u32| graph.get(node).unwrap_or(&none).iter();
        self.enter(root);
        let mut open = vec![(root, next_of(&root))];
        while let Some((node, nexts)) = open.last_mut() {
            let node = *node;
            match nexts.next() {
                Some(next) if !self.found.contains_key(next) => {
                    self.enter(*next);
                    open.push((*next, next_of(next)));
                }
                Some(next) if self.on_path.contains(next) => {
                    let found = self.found.get(next).map_or(0, |found| found.0);
                    self.leads_back(node, found);
                }
                Some(_) => {}
                None => {
                    open.pop();
                    let earliest = self.leave(node);
                    if let Some((parent, _)) = open.last() {
                        self.leads_back(*parent, earliest);
                    }
                }
            }
        }
    }

    fn enter(&mut self, node: u32) {
        let at = self.found.len();
        self.found.insert(node, (at, at));
        self.path.push(node);
        self.on_path.insert(node);
    }

    fn leads_back(&mut self, node: u32, to: usize) {
        if let Some((_, earliest)) = self.found.get_mut(&node) {
            *earliest = to.min(*earliest);
        }
    }

    /// All that follows `node` is known: where it leads back to. If that is itself, what is on the path
    /// from there on is a component.
    fn leave(&mut self, node: u32) -> usize {
        let (at, earliest) = self.found.get(&node).copied().unwrap_or_default();
        if at == earliest {
            let start = self
                .path
                .iter()
                .rposition(|other| *other == node)
                .unwrap_or(0);
            let component: BTreeSet<_> = self.path.split_off(start).into_iter().collect();
            component.iter().for_each(|node| {
                self.on_path.remove(node);
            });
            if component.len() > 1 {
                self.components.push(component);
            }
        }
        earliest
    }
}

/// A shortest way from the first node of a component back to itself.
fn circle(graph: &Graph, component: &BTreeSet<u32>) -> Vec<u32> {
    let Some(start) = component.first() else {
        return Vec::new();
    };
    let mut came_from = BTreeMap::new();
    let mut queue = VecDeque::from([*start]);
    while let Some(node) = queue.pop_front() {
        for next in graph
            .get(&node)
            .into_iter()
            .flatten()
            .filter(|next| component.contains(next))
        {
            if next == start {
                return way_back(&came_from, node, *start);
            }
            if !came_from.contains_key(next) {
                came_from.insert(*next, node);
                queue.push_back(*next);
            }
        }
    }
    component.iter().copied().collect()
}

fn way_back(came_from: &BTreeMap<u32, u32>, end: u32, start: u32) -> Vec<u32> {
    let mut way = vec![end];
    let mut node = end;
    while let Some(before) = came_from.get(&node).filter(|_| node != start) {
        node = *before;
        way.push(node);
    }
    way.reverse();
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(u32, u32)]) -> Graph {
        let mut graph = Graph::new();
        edges
            .iter()
            .for_each(|(before, after)| link(&mut graph, *before, *after));
        graph
    }

    /// Edges, and the circles among them.
    type Case = (&'static [(u32, u32)], Vec<Vec<u32>>);

    #[test]
    fn circles_are_found_and_nothing_else() {
        let cases: [Case; 6] = [
            (&[], vec![]),
            (&[(1, 2), (2, 3), (1, 3)], vec![]),
            (&[(1, 1)], vec![]),
            (&[(1, 2), (2, 1)], vec![vec![1, 2]]),
            (
                &[(1, 2), (2, 3), (3, 1), (3, 2), (4, 1), (3, 5)],
                vec![vec![1, 2, 3]],
            ),
            (
                &[(9, 8), (8, 9), (8, 1), (1, 2), (2, 1)],
                vec![vec![1, 2], vec![8, 9]],
            ),
        ];
        for (edges, expected) in cases {
            let graph = graph(edges);
            let mut circles: Vec<_> = components(&graph)
                .iter()
                .map(|component| circle(&graph, component))
                .collect();
            circles.sort();
            assert_eq!(circles, expected, "{edges:?}");
        }
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let count = 50_000;
        let mut edges: Vec<_> = (0..count).map(|node| (node, node + 1)).collect();
        assert_eq!(components(&graph(&edges)), []);
        edges.push((count, 0));
        assert_eq!(components(&graph(&edges))[0].len(), count as usize + 1);
    }
}
