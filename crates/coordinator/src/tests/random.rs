//! What holds whatever clients do, in whatever order: seeded random walks.

use super::lab::*;
use crate::*;
use klamm_protocol::messages::{
    heartbeat_request::HeartbeatRequest,
    join_group_request::JoinGroupRequest,
    leave_group_request::{LeaveGroupRequest, MemberIdentity},
    list_groups_request::ListGroupsRequest,
    sync_group_request::SyncGroupRequest,
    sync_group_request::SyncGroupRequestAssignment,
};
use klamm_types::ErrorCode as E;
use std::collections::{BTreeMap, BTreeSet};

const GROUPS: [&str; 3] = ["a", "b", "c"];
const STEPS: usize = 300;
const SEEDS: u64 = 40;

/// SplitMix64.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let sides = items.len() as u64;
        (sides > 0).then(|| &items[self.roll(sides) as usize])
    }
}

/// What a client remembers of a group: member id, instance id and generation.
type Client = (String, Option<String>, i32);

struct Walk {
    lab: Lab,
    dice: Dice,
    clients: BTreeMap<&'static str, Vec<Client>>,
    joins: Vec<(&'static str, Option<String>, RequestId)>,
    /// Who was told to lead a generation.
    leaders: BTreeMap<(String, i32), String>,
}

impl Walk {
    fn new(seed: u64) -> Walk {
        let mut dice = Dice(seed);
        let config = GroupConfig {
            initial_rebalance_delay_ms: [0, 3_000][dice.roll(2) as usize],
            group_max_size: [4, usize::MAX][dice.roll(2) as usize],
            appends_in_flight_max: [3, 10_000][dice.roll(2) as usize],
            ..Default::default()
        };
        Walk {
            lab: Lab::with(config),
            dice,
            clients: BTreeMap::new(),
            joins: Vec::new(),
            leaders: BTreeMap::new(),
        }
    }

    fn step(&mut self) {
        let group_id = GROUPS[self.dice.roll(3) as usize];
        match self.dice.roll(20) {
            0..=5 => self.join(group_id),
            6..=8 => self.sync(group_id),
            9..=10 => self.heartbeat(group_id),
            11 => self.leave(group_id),
            12..=13 => self.commit(group_id),
            14 => {
                self.lab.ask(8, fetching(group_id, TOPIC_ID));
            }
            15 => {
                let ms = [1, 500, 3_000, 11_000, 70_000][self.dice.roll(5) as usize];
                self.lab.advance(ms);
            }
            16 => self.lab.commits = self.dice.one_in(2),
            17 if self.dice.one_in(3) => self.refuse(),
            17 => self.lab.commit_outstanding(),
            18 if self.dice.one_in(2) => self.gather(group_id),
            18 if self.dice.one_in(4) => {
                self.lab.ask(2, RequestBody::DeleteGroup(group_id.into()));
            }
            19 if self.dice.one_in(20) => {
                self.lab.load_again();
                self.leaders.clear();
            }
            _ => {
                self.lab
                    .ask(5, RequestBody::ListGroups(ListGroupsRequest::default()));
            }
        }
        self.learn();
        let shard = &self.lab.shard;
        self.leaders.retain(|(group_id, _), _| shard.has(group_id));
    }

    /// The log does not take one of the outstanding appends; the others have no result yet.
    fn refuse(&mut self) {
        if let Some(id) = self.dice.pick(&self.lab.outstanding).copied() {
            self.lab.refuse(id, E::NotEnoughReplicas);
        }
    }

    fn someone(&mut self, group_id: &str) -> Option<Client> {
        let clients = self.clients.get(group_id)?;
        self.dice.pick(clients).cloned()
    }

    fn join(&mut self, group_id: &'static str) {
        let known = match self.dice.one_in(3) {
            true => None,
            false => self.someone(group_id),
        };
        let (member_id, instance_id) = match known {
            // A static member that has restarted.
            Some((_, Some(instance_id), _)) if self.dice.one_in(2) => {
                (String::new(), Some(instance_id))
            }
            Some((member_id, instance_id, _)) => (member_id, instance_id),
            None if self.dice.one_in(3) => {
                let number = self.dice.roll(3);
                (String::new(), Some(format!("static-{number}")))
            }
            None => (String::new(), None),
        };
        let names = [&["range"][..], &["range", "rr"], &["rr", "range"]];
        let request = JoinGroupRequest {
            group_instance_id: instance_id.clone(),
            protocols: protocols(names[self.dice.roll(3) as usize]),
            rebalance_timeout_ms: [-1, 0, 1_000, REBALANCE_MS][self.dice.roll(4) as usize],
            ..joining(group_id, &member_id)
        };
        let version = [0, 3, 4, 8, 9][self.dice.roll(5) as usize];
        let id = self.lab.join_version(version, request);
        self.joins.push((group_id, instance_id, id));
    }

    /// Everybody joins, and asks for the assignment.
    fn gather(&mut self, group_id: &'static str) {
        let clients = self.clients.get(group_id).cloned().unwrap_or_default();
        for (member_id, instance_id, _) in clients {
            let request = JoinGroupRequest {
                group_instance_id: instance_id.clone(),
                ..joining(group_id, &member_id)
            };
            let id = self.lab.join(request);
            self.joins.push((group_id, instance_id, id));
        }
        self.learn();
        for _ in 0..8 {
            self.sync(group_id);
        }
    }

    /// Clients take note of what they are told.
    fn learn(&mut self) {
        let joins = std::mem::take(&mut self.joins);
        for (group_id, instance_id, id) in joins {
            let Some(Response::JoinGroup(response)) = self.lab.answer(id) else {
                self.joins.push((group_id, instance_id, id));
                continue;
            };
            match error(response.error_code) {
                E::None => {
                    self.note_leader(group_id, &response.clone());
                }
                E::MemberIdRequired => {}
                _ => continue,
            }
            let Some(Response::JoinGroup(response)) = self.lab.answer(id) else {
                continue;
            };
            let client = (
                response.member_id.clone(),
                instance_id,
                response.generation_id,
            );
            let clients = self.clients.entry(group_id).or_default();
            clients.retain(|(member_id, ..)| *member_id != client.0);
            clients.push(client);
            if clients.len() > 8 {
                clients.remove(0);
            }
        }
    }

    /// In the life of a group and its coordinator, one member leads a generation.
    fn note_leader(
        &mut self,
        group_id: &str,
        response: &klamm_protocol::messages::join_group_response::JoinGroupResponse,
    ) {
        let leads = response.leader == response.member_id && !response.skip_assignment;
        if !leads {
            return;
        }
        let key = (group_id.to_owned(), response.generation_id);
        let leader = self
            .leaders
            .entry(key)
            .or_insert(response.member_id.clone());
        assert_eq!(*leader, response.member_id, "two leaders of a generation");
    }

    fn sync(&mut self, group_id: &str) {
        let Some((member_id, instance_id, generation_id)) = self.someone(group_id) else {
            return;
        };
        let members = self.clients.get(group_id).into_iter().flatten();
        let assignments = members.map(|(member_id, ..)| SyncGroupRequestAssignment {
            member_id: member_id.clone(),
            assignment: member_id.clone().into(),
        });
        let request = SyncGroupRequest {
            group_id: group_id.into(),
            generation_id,
            member_id: member_id.clone(),
            group_instance_id: instance_id,
            assignments: assignments.collect(),
            ..Default::default()
        };
        self.lab.ask(3, RequestBody::SyncGroup(request));
    }

    fn heartbeat(&mut self, group_id: &str) {
        if let Some((member_id, group_instance_id, generation_id)) = self.someone(group_id) {
            let request = HeartbeatRequest {
                group_id: group_id.into(),
                generation_id,
                member_id,
                group_instance_id,
            };
            self.lab.ask(4, RequestBody::Heartbeat(request));
        }
    }

    fn leave(&mut self, group_id: &str) {
        if let Some((member_id, group_instance_id, _)) = self.someone(group_id) {
            let request = LeaveGroupRequest {
                group_id: group_id.into(),
                members: vec![MemberIdentity {
                    member_id,
                    group_instance_id,
                    reason: None,
                }],
                ..Default::default()
            };
            self.lab.ask(4, RequestBody::LeaveGroup(request));
        }
    }

    fn commit(&mut self, group_id: &str) {
        let offset = self.dice.roll(1_000) as i64;
        match self.someone(group_id) {
            Some((member_id, _, generation_id)) => {
                self.lab.commit(group_id, generation_id, &member_id, offset)
            }
            None => self.lab.commit(group_id, -1, "", offset),
        };
    }

    /// The surviving state is what the log says, no more and no less.
    fn check_log(&self) {
        let loaded = load(&self.lab.config, &self.lab.log, self.lab.now_ms);
        assert_eq!(loaded.image(), self.lab.shard.image());
    }

    /// Everybody goes away: after the retention nothing is left, and everything was answered.
    fn end(&mut self) {
        self.lab.commits = true;
        self.lab.commit_outstanding();
        self.lab.advance(8 * 24 * 60 * 60 * 1_000);
        let unanswered: Vec<_> = self
            .lab
            .asked
            .iter()
            .filter(|id| self.lab.is_parked(**id))
            .collect();
        assert!(unanswered.is_empty(), "{unanswered:?}");
        self.lab.shard.assert_forgotten();
    }
}

/// What an answer was, to see that the walks get around.
fn outcome(response: &Response) -> (&'static str, E) {
    let (kind, code) = match response {
        Response::JoinGroup(r) if r.skip_assignment => ("takeover", r.error_code),
        Response::JoinGroup(r) => ("join", r.error_code),
        Response::SyncGroup(r) => ("sync", r.error_code),
        Response::Heartbeat(r) => ("heartbeat", r.error_code),
        Response::LeaveGroup(r) => match r.members.first() {
            Some(member) => ("leave", member.error_code),
            None => ("leave", r.error_code),
        },
        Response::OffsetCommit(r) => ("commit", r.topics[0].partitions[0].error_code),
        Response::OffsetFetch(r) => ("fetch", r.error_code),
        Response::DeleteGroup(r) => ("delete", r.error_code),
        _ => ("other", 0),
    };
    (kind, error(code))
}

#[test]
fn whatever_clients_do() {
    let mut outcomes = BTreeSet::new();
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let mut walk = Walk::new(seed);
        for step in 0..STEPS {
            walk.step();
            walk.lab.shard.assert_consistent(walk.lab.now_ms);
            if step % 8 == 0 {
                walk.check_log();
            }
        }
        walk.check_log();
        walk.end();
        walk.check_log();
        outcomes.extend(walk.lab.answers.values().map(outcome));
    }
    let expected = [
        ("join", E::None),
        ("join", E::UnknownMemberId),
        ("join", E::FencedInstanceId),
        ("join", E::RebalanceInProgress),
        ("join", E::GroupMaxSizeReached),
        ("join", E::NotCoordinator),
        ("takeover", E::None),
        ("sync", E::None),
        ("sync", E::RebalanceInProgress),
        ("sync", E::CoordinatorNotAvailable),
        ("heartbeat", E::None),
        ("heartbeat", E::IllegalGeneration),
        ("leave", E::None),
        ("commit", E::None),
        ("commit", E::RebalanceInProgress),
        ("commit", E::CoordinatorNotAvailable),
        ("fetch", E::None),
        ("fetch", E::NotCoordinator),
        ("delete", E::None),
        ("delete", E::NonEmptyGroup),
    ];
    let unseen: Vec<_> = expected
        .iter()
        .filter(|outcome| !outcomes.contains(*outcome))
        .collect();
    assert!(unseen.is_empty(), "never seen: {unseen:?}");
}
