//! Which nodes a role means right now.

use std::collections::BTreeMap;

use super::fault::Victim;
use crate::history::{Key, Node};
use crate::random::Random;

/// What is known of a cluster when a round begins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterView {
    /// The nodes that run.
    pub nodes: Vec<Node>,
    /// The active controller, if it is known and runs on one of the nodes.
    pub controller: Option<Node>,
    /// Who leads each partition that has a leader.
    pub leaders: BTreeMap<Key, Node>,
}

/// The nodes that a fault befalls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// In the order in which it befalls them.
    pub nodes: Vec<Node>,
    /// What they lead.
    pub keys: Vec<Key>,
    /// What they lead should be moved away before, if it can be: the role is one without leadership.
    pub move_leaders_first: bool,
}

/// Nobody has the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cluster has no node that is {0} just now")]
pub struct NoVictim(pub Victim);

/// Who is meant by `victim`. If several nodes have the role, chance decides.
///
/// # Errors
/// If none has it: no leader is known, or no controller.
pub fn choose(victim: Victim, view: &ClusterView, random: &mut Random) -> Result<Choice, NoVictim> {
    let is_controller = |node: &Node| Some(*node) == view.controller;
    let leads = |node: &Node| view.leaders.values().any(|leader| leader == node);
    let mut candidates = view.nodes.clone();
    match victim {
        Victim::Leader => {
            candidates.retain(leads);
            // With a single leader that is the controller as well, there is no other to take.
            if candidates.iter().any(|node| !is_controller(node)) {
                candidates.retain(|node| !is_controller(node));
            }
        }
        Victim::Controller | Victim::LeadingController => candidates.retain(is_controller),
        Victim::Follower => candidates.retain(|node| !is_controller(node)),
        Victim::All | Victim::Each | Victim::Nobody => {}
    }
    let nodes = match victim {
        Victim::All | Victim::Each => candidates,
        Victim::Nobody => Vec::new(),
        _ => random.pick(&candidates).copied().into_iter().collect(),
    };
    if nodes.is_empty() && victim != Victim::Nobody {
        return Err(NoVictim(victim));
    }
    let led = view
        .leaders
        .iter()
        .filter(|(_, leader)| nodes.contains(leader));
    Ok(Choice {
        keys: led.map(|(key, _)| *key).collect(),
        nodes,
        move_leaders_first: matches!(victim, Victim::Controller | Victim::Follower),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(controller: Option<i32>, leaders: &[i32]) -> ClusterView {
        ClusterView {
            nodes: vec![Node(1), Node(2), Node(3)],
            controller: controller.map(Node),
            leaders: (0..)
                .map(Key)
                .zip(leaders.iter().copied().map(Node))
                .collect(),
        }
    }

    /// Everyone who may be chosen, over many seeds.
    fn chosen(victim: Victim, view: &ClusterView) -> Vec<Vec<i32>> {
        let choices = (0..50).filter_map(|seed| {
            let choice = choose(victim, view, &mut Random::new(seed)).ok()?;
            Some(choice.nodes.iter().map(|node| node.0).collect::<Vec<_>>())
        });
        let mut choices: Vec<_> = choices.collect();
        choices.sort();
        choices.dedup();
        choices
    }

    #[test]
    fn roles_become_nodes() {
        let spread = view(Some(1), &[1, 2, 3]);
        let lone = view(Some(1), &[1, 1]);
        let unknown = view(None, &[2]);
        let none: Vec<Vec<i32>> = Vec::new();
        let cases = [
            (Victim::Leader, &spread, vec![vec![2], vec![3]]),
            (Victim::Leader, &lone, vec![vec![1]]),
            (Victim::Leader, &unknown, vec![vec![2]]),
            (Victim::Leader, &view(Some(1), &[]), none.clone()),
            (Victim::Controller, &spread, vec![vec![1]]),
            (Victim::LeadingController, &spread, vec![vec![1]]),
            (Victim::Controller, &unknown, none),
            (Victim::Follower, &spread, vec![vec![2], vec![3]]),
            (Victim::All, &spread, vec![vec![1, 2, 3]]),
            (Victim::Each, &spread, vec![vec![1, 2, 3]]),
            (Victim::Nobody, &spread, vec![vec![]]),
        ];
        for (victim, view, expected) in cases {
            assert_eq!(chosen(victim, view), expected, "{victim} of {view:?}");
        }
    }

    #[test]
    fn a_choice_tells_what_its_nodes_lead() {
        let spread = view(Some(1), &[1, 2, 1]);
        let choice = choose(Victim::Controller, &spread, &mut Random::new(1)).unwrap();
        assert_eq!(choice.keys, [Key(0), Key(2)]);
        assert!(choice.move_leaders_first);
    }
}
