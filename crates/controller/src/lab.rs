//! A cluster for tests: an image, its soft state, and what is asked of the controller.
//!
//! [`Lab::story`] reads like a lab notebook: each line is what happens and, after `=>`, what
//! becomes of partition 0 of the topic `t`. Every answer is checked against what must hold at
//! any time.

use crate::{
    AlterPartition, AlterReassignments, AssignDirectories, BrokerRef, ConfigOp, ConfigRules,
    Context, CreatableTopic, CreateTopics, Decision, Draws, ElectLeaders, ElectionType,
    FailLogDirs, Heartbeat, InitCluster, IsrMember, PartitionHighWatermark, PartitionIsr,
    ProposedConfigs, Reassignment, Refusal, RegisterBroker, ReplicaAssignment, ReplicaDirectory,
    ReportHighWatermarks, Request, ResourceChange, Response, SessionConfig, Sessions, Settings,
    StreamId, decide,
};
use klamm_metadata::{
    ConfigResource, Configs, Image, Listener, Partition, RecoveryState,
    feature_level::LevelRange,
    proto::{Record, RecordBatch},
};
use klamm_types::{BrokerEpoch, BrokerId, ErrorCode, TopicPartition, Uuid};
use std::collections::BTreeMap;

pub(crate) struct Lab {
    pub(crate) image: Image,
    pub(crate) sessions: Sessions,
    pub(crate) settings: Settings,
    pub(crate) now_ms: i64,
    /// The log directories of brokers that have several.
    dirs: BTreeMap<i32, Vec<Uuid>>,
    drawn: u64,
}

/// Everything is fine that is not called "wrong"; "list" is a list.
struct LabRules;

impl ConfigRules for LabRules {
    fn list_default(&self, _: &ConfigResource, name: &str, _: &Configs) -> Option<String> {
        (name == "list").then(|| "x".to_owned())
    }

    fn check(&self, proposed: &ProposedConfigs) -> Result<(), Refusal> {
        let mut configs = proposed.configs.iter();
        if configs.any(|(name, value)| name == "wrong" || value == "wrong") {
            return Err(Refusal::new(ErrorCode::InvalidConfig, "wrong"));
        }
        Ok(())
    }
}

impl Lab {
    /// A cluster of active brokers 1 to `brokers`.
    pub(crate) fn new(brokers: i32) -> Lab {
        let config = SessionConfig {
            session_timeout_ms: 1000,
            broken_stream_grace_ms: 100,
            takeover_grace_ms: 500,
        };
        let mut lab = Lab {
            image: Image::new(),
            sessions: Sessions::new(config),
            settings: Settings::default(),
            now_ms: 0,
            dirs: BTreeMap::new(),
            drawn: 0,
        };
        lab.ask(&Request::InitCluster(InitCluster {
            cluster_id: "cluster".into(),
            features: [("kraft.version".to_owned(), 1)].into(),
        }));
        for id in 1..=brokers {
            lab.restart(id, false);
            lab.ask(&Request::UnfenceBroker(lab.broker(id)));
        }
        lab
    }

    /// A cluster of three brokers and the topic `t`, whose only partition all of them keep.
    pub(crate) fn with_topic() -> Lab {
        let mut lab = Lab::new(3);
        lab.create("t", &[&[1, 2, 3]]);
        lab
    }

    /// A cluster of active brokers 1 to `brokers`, each with the log directories 0 and 1.
    pub(crate) fn of_two_dirs(brokers: i32) -> Lab {
        let mut lab = Lab::new(0);
        for id in 1..=brokers {
            lab.draw_dirs(id);
            lab.restart(id, false);
            lab.ask(&Request::UnfenceBroker(lab.broker(id)));
        }
        lab
    }

    /// The same with three brokers and the topic `t`, whose only partition all of them keep.
    pub(crate) fn with_two_dirs() -> Lab {
        let mut lab = Lab::of_two_dirs(3);
        lab.create("t", &[&[1, 2, 3]]);
        lab
    }

    fn draw_dirs(&mut self, id: i32) {
        let dirs = vec![self.draw_id(), self.draw_id()];
        self.dirs.insert(id, dirs);
    }

    /// A log directory of a broker that has several.
    pub(crate) fn dir(&self, id: i32, index: usize) -> Uuid {
        self.dirs[&id][index]
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.drawn
    }

    pub(crate) fn draw_id(&mut self) -> Uuid {
        let mut bytes = [7; 16];
        bytes[8..].copy_from_slice(&self.draw().to_be_bytes());
        Uuid(bytes)
    }

    /// Decides, checks the decision and replays it.
    pub(crate) fn ask(&mut self, request: &Request) -> Response {
        let Decision { records, response } = self.decide(request);
        self.replay(&records);
        response
    }

    pub(crate) fn decide(&mut self, request: &Request) -> Decision {
        let topic_ids = (0..request.topic_ids_needed()).map(|_| self.draw_id());
        let draws = Draws {
            topic_ids: topic_ids.collect(),
            seed: self.draw(),
        };
        let ctx = Context {
            now_ms: self.now_ms,
            settings: &self.settings,
            sessions: &self.sessions,
            draws: &draws,
            config_rules: &LabRules,
        };
        let decision = decide(&self.image, request, &ctx);
        let again = decide(&self.image, request, &ctx);
        assert_eq!(decision, again, "decisions depend on nothing else");
        decision
    }

    /// Applies the records and checks what must hold.
    fn replay(&mut self, records: &[Record]) {
        let before = self.image.clone();
        let batch = RecordBatch {
            base_offset: before.offset(),
            timestamp_ms: self.now_ms,
            records: records.to_vec(),
        };
        self.image.apply(&batch).unwrap();
        let mut one_by_one = before.clone();
        for record in records {
            one_by_one.replay(record).unwrap();
        }
        assert_eq!(self.image, one_by_one);
        for (id, new) in self.image.partitions() {
            self.check_partition(id, before.partition(id), new);
        }
    }

    fn check_partition(&self, id: TopicPartition, old: Option<&Partition>, new: &Partition) {
        let inactive: Vec<_> = (new.isr.iter())
            .filter(|id| !self.image.is_active(**id))
            .collect();
        assert!(inactive.is_empty(), "{id}: inactive in the ISR: {new:?}");
        let mut isr = new.isr.iter();
        let all_have_directories = isr.all(|id| self.image.has_directory(new, *id));
        assert!(all_have_directories, "{id}: offline in the ISR: {new:?}");
        let candidates = new.isr.len() + new.elr.len() + new.last_known_elr.len();
        assert!(candidates > 0, "{id}: nobody can lead ever again: {new:?}");
        let is_replica = |list: &[BrokerId]| list.iter().all(|id| new.is_replica(*id));
        let lists = [
            &new.adding_replicas,
            &new.removing_replicas,
            &new.last_known_elr,
        ];
        assert!(lists.iter().all(|list| is_replica(list)), "{id}: {new:?}");
        assert_eq!(new.has_leader(), !new.isr.is_empty(), "{id}: {new:?}");
        let Some(old) = old.filter(|old| *old != new) else {
            return;
        };
        assert!(
            new.leader_epoch >= old.leader_epoch,
            "{id}: {old:?} {new:?}"
        );
        assert!(new.partition_epoch >= old.partition_epoch);
        let is_removed = |id: &BrokerId| !new.is_replica(*id);
        if new.leader != old.leader || old.replicas.iter().any(is_removed) {
            assert!(new.leader_epoch > old.leader_epoch, "{id}: {old:?} {new:?}");
        }
        let is_unclean = new.recovery_state == RecoveryState::Recovering;
        assert!(is_unclean || new.high_watermark_floor >= old.high_watermark_floor);
        let candidate = |b: &BrokerId| old.isr.contains(b) || old.elr.contains(b);
        // Whose joining the ISR ended a reassignment may lead at once: its leader vouched for it.
        let is_changing =
            |p: &Partition| !p.adding_replicas.is_empty() || !p.removing_replicas.is_empty();
        let joined = old.has_leader() && is_changing(old) && !is_changing(new);
        let leader = new.leader;
        let is_clean = old.leader == leader || !new.has_leader() || candidate(&leader) || joined;
        assert!(is_unclean || is_clean, "{id}: {old:?} {new:?}");
    }

    pub(crate) fn broker(&self, id: i32) -> BrokerRef {
        let id = BrokerId(id);
        let registered = self.image.broker(id).map(|broker| broker.epoch);
        let epoch = registered.unwrap_or(BrokerEpoch::NONE);
        BrokerRef { id, epoch }
    }

    /// What broker `id` says when it starts.
    pub(crate) fn registration(&mut self, id: i32, is_clean: bool) -> RegisterBroker {
        let previous_epoch = if is_clean {
            self.broker(id).epoch
        } else {
            BrokerEpoch::NONE
        };
        let new_dir = self.draw_id();
        RegisterBroker {
            cluster_id: String::new(),
            broker_id: BrokerId(id),
            incarnation_id: self.draw_id(),
            listeners: vec![Listener {
                name: "PLAINTEXT".into(),
                host: format!("node{id}"),
                port: 9092,
                security_protocol: 0,
            }],
            rack: None,
            log_dirs: match (self.dirs.get(&id), self.image.broker(BrokerId(id))) {
                (Some(dirs), _) => dirs.clone(),
                (None, Some(broker)) => broker.log_dirs.clone(),
                (None, None) => vec![new_dir],
            },
            has_offline_log_dirs: false,
            previous_epoch,
            version: "1".into(),
            levels: LevelRange::SUPPORTED,
        }
    }

    pub(crate) fn restart(&mut self, id: i32, is_clean: bool) -> Response {
        let registration = self.registration(id, is_clean);
        self.ask(&Request::RegisterBroker(registration))
    }

    /// Comes back after a crash with an empty disk.
    pub(crate) fn restart_emptied(&mut self, id: i32) -> Response {
        let fresh = self.draw_id();
        if self.dirs.contains_key(&id) {
            self.draw_dirs(id);
        }
        let mut registration = self.registration(id, false);
        if !self.dirs.contains_key(&id) {
            registration.log_dirs = vec![fresh];
        }
        self.ask(&Request::RegisterBroker(registration))
    }

    /// Comes back without one of its log directories, which cannot be used now, or with an empty
    /// one in its place.
    fn restart_without(&mut self, id: i32, is_clean: bool, why: &str, index: usize) -> Response {
        let mut registration = self.registration(id, is_clean);
        if why == "offline" {
            registration.log_dirs.remove(index);
            registration.has_offline_log_dirs = true;
        } else {
            registration.log_dirs[index] = self.draw_id();
            self.dirs.insert(id, registration.log_dirs.clone());
        }
        self.ask(&Request::RegisterBroker(registration))
    }

    pub(crate) fn fail(&mut self, id: i32, index: usize) -> Response {
        let (broker, log_dirs) = (self.broker(id), vec![self.dir(id, index)]);
        self.ask(&Request::FailLogDirs(FailLogDirs { broker, log_dirs }))
    }

    /// Broker `id` tells in which directory its replica of partition 0 of `t` lives.
    pub(crate) fn place(&mut self, id: i32, index: usize) -> Response {
        let replica = ReplicaDirectory {
            id: self.id(),
            directory: self.dir(id, index),
        };
        self.ask(&Request::AssignDirectories(AssignDirectories {
            broker: self.broker(id),
            replicas: vec![replica],
        }))
    }

    pub(crate) fn create(&mut self, name: &str, replicas: &[&[i32]]) -> TopicPartition {
        let assignments = (0..)
            .zip(replicas)
            .map(|(partition, ids)| ReplicaAssignment {
                partition,
                broker_ids: ids.iter().copied().map(BrokerId).collect(),
            });
        let response = self.ask(&Request::CreateTopics(CreateTopics {
            topics: vec![CreatableTopic {
                assignments: assignments.collect(),
                ..creatable(name)
            }],
            validate_only: false,
        }));
        let Response::CreateTopics(created) = response else {
            panic!("{response:?}")
        };
        TopicPartition {
            topic_id: created[0].result.as_ref().unwrap().topic_id,
            partition: 0,
        }
    }

    pub(crate) fn partition(&self) -> &Partition {
        self.image.topic_by_name("t").unwrap().partition(0).unwrap()
    }

    pub(crate) fn id(&self) -> TopicPartition {
        self.image.topic_by_name("t").unwrap().topic_partition(0)
    }

    /// What the leader, as the image has it, proposes.
    pub(crate) fn proposal(&self, isr: &[i32]) -> AlterPartition {
        let partition = self.partition();
        let member = |id: &i32| IsrMember {
            id: BrokerId(*id),
            epoch: self.broker(*id).epoch,
        };
        AlterPartition {
            broker: self.broker(partition.leader.0),
            partitions: vec![PartitionIsr {
                id: self.id(),
                leader_epoch: partition.leader_epoch,
                partition_epoch: partition.partition_epoch,
                new_isr: isr.iter().map(member).collect(),
                recovery_state: RecoveryState::Recovered,
                high_watermark: 0,
            }],
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: Option<&str>) -> Response {
        let op = value.map_or(ConfigOp::Delete, |value| ConfigOp::Set(value.into()));
        self.ask(&Request::AlterConfigs(crate::AlterConfigs {
            resources: vec![ResourceChange {
                resource: ConfigResource::Topic("t".into()),
                ops: vec![(name.into(), op)],
                replace: false,
            }],
            validate_only: false,
        }))
    }

    /// Reassigns the first partitions of `t`; `None` cancels.
    pub(crate) fn reassign(&mut self, targets: &[Option<&[i32]>]) -> Response {
        let reassignment = |(partition, target): (i32, &Option<&[i32]>)| Reassignment {
            topic: "t".into(),
            partition,
            replicas: target.map(|ids| ids.iter().copied().map(BrokerId).collect()),
        };
        self.ask(&Request::AlterReassignments(AlterReassignments {
            partitions: (0..).zip(targets).map(reassignment).collect(),
            allows_another_replication_factor: true,
        }))
    }

    /// Asks for a leader of partition 0 of `t`.
    pub(crate) fn elect(&mut self, election: ElectionType) -> Response {
        self.ask(&Request::ElectLeaders(ElectLeaders {
            election,
            partitions: Some(vec![("t".into(), 0)]),
        }))
    }

    pub(crate) fn report(&mut self, high_watermark: i64) -> Response {
        let (leader, leader_epoch) = (self.partition().leader, self.partition().leader_epoch);
        let report = PartitionHighWatermark {
            id: self.id(),
            leader_epoch,
            high_watermark,
        };
        self.ask(&Request::ReportHighWatermarks(ReportHighWatermarks {
            broker: self.broker(leader.0),
            partitions: vec![report],
        }))
    }

    pub(crate) fn heartbeat(&self, id: i32, metadata_offset: i64) -> Heartbeat {
        Heartbeat {
            broker: self.broker(id),
            stream: StreamId(1),
            metadata_offset,
            want_fence: false,
            want_shut_down: false,
        }
    }

    /// Partition 0 of `t`: leader and its epoch, ISR, and what else there is to say.
    pub(crate) fn state(&self) -> String {
        let list = |ids: &[BrokerId]| {
            let ids: Vec<_> = ids.iter().map(BrokerId::to_string).collect();
            ids.join(",")
        };
        let p = self.partition();
        let leader = p.leader.some().map_or("-".to_owned(), |id| id.to_string());
        let mut state = format!("{leader} @{} isr {}", p.leader_epoch, list(&p.isr));
        for (name, ids) in [("elr", &p.elr), ("known", &p.last_known_elr)] {
            if !ids.is_empty() {
                state += &format!(" {name} {}", list(ids));
            }
        }
        for (sign, ids) in [("+", &p.adding_replicas), ("-", &p.removing_replicas)] {
            if !ids.is_empty() {
                state += &format!(" {sign}{}", list(ids));
            }
        }
        if p.high_watermark_floor > 0 {
            state += &format!(" floor {}", p.high_watermark_floor);
        }
        if p.recovery_state == RecoveryState::Recovering {
            state += " recovering";
        }
        state.trim_end().to_owned()
    }

    /// Carries out a line of a story.
    fn carry_out(&mut self, line: &str) {
        let words: Vec<_> = line.split_whitespace().collect();
        let number = |index: usize| words[index].parse::<i32>().unwrap();
        let response = match words[0] {
            "fence" => self.ask(&Request::FenceBroker(self.broker(number(1)))),
            "unfence" => self.ask(&Request::UnfenceBroker(self.broker(number(1)))),
            "stop" => self.ask(&Request::ShutDownBroker(self.broker(number(1)))),
            "forget" => self.ask(&Request::UnregisterBroker(BrokerId(number(1)))),
            "restart" if words[2] == "emptied" => self.restart_emptied(number(1)),
            "restart" if words.len() > 3 => {
                let index = number(4) as usize;
                self.restart_without(number(1), words[2] == "clean", words[3], index)
            }
            "fail" => self.fail(number(1), number(2) as usize),
            "place" => self.place(number(1), number(2) as usize),
            "restart" => self.restart(number(1), words[2] == "clean"),
            "reassign" => self.reassign(&[Some(&brokers(words[1]))]),
            "cancel" => self.reassign(&[None]),
            "prefer" => self.elect(ElectionType::Preferred),
            "force" => self.elect(ElectionType::Unclean),
            "balance" => self.ask(&Request::BalanceLeaders),
            "chore" => self.ask(&Request::ElectWhereNobodyLeads),
            "set" => self.set(words[1], words.get(2).copied()),
            "report" => self.report(i64::from(number(1))),
            "isr" => {
                let isr = brokers(words[1]);
                let mut proposal = self.proposal(&isr);
                if let Some(high_watermark) = words.get(3) {
                    proposal.partitions[0].high_watermark = high_watermark.parse().unwrap();
                }
                self.ask(&Request::AlterPartition(proposal))
            }
            other => panic!("what is {other:?}?"),
        };
        assert!(succeeded(&response), "{line}: {response:?}");
    }

    /// Carries out every line and compares the state after it.
    pub(crate) fn story(mut self, story: &str) -> Lab {
        for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (event, expected) = line.split_once("=>").unwrap();
            self.carry_out(event.trim());
            assert_eq!(self.state(), expected.trim(), "after {event:?} of {story}");
        }
        self
    }
}

fn brokers(text: &str) -> Vec<i32> {
    text.split(',').map(|id| id.parse().unwrap()).collect()
}

/// A topic of one partition and one replica.
pub(crate) fn creatable(name: &str) -> CreatableTopic {
    CreatableTopic {
        name: name.into(),
        num_partitions: -1,
        replication_factor: -1,
        assignments: Vec::new(),
        configs: Vec::new(),
    }
}

/// Whether nothing in the response was refused.
pub(crate) fn succeeded(response: &Response) -> bool {
    match response {
        Response::Done(result) => result.is_ok(),
        Response::RegisterBroker(result) => result.is_ok(),
        Response::AlterPartition(result) => result
            .as_ref()
            .is_ok_and(|all| all.iter().all(|one| one.result.is_ok())),
        Response::ResignLeadership(result) => result
            .as_ref()
            .is_ok_and(|all| all.iter().all(|one| one.result.is_ok())),
        Response::CreateTopics(all) => all.iter().all(|one| one.result.is_ok()),
        Response::DeleteTopics(all) => all.iter().all(|one| one.result.is_ok()),
        Response::CreatePartitions(all) => all.iter().all(|one| one.result.is_ok()),
        Response::AllocateProducerIds(result) => result.is_ok(),
        Response::AlterConfigs(all) => all.resources.iter().all(|one| one.result.is_ok()),
        Response::AlterReassignments(result) => result
            .as_ref()
            .is_ok_and(|all| all.results.iter().all(Result::is_ok)),
        Response::ElectLeaders(result) => result
            .as_ref()
            .is_ok_and(|all| all.partitions.iter().all(|one| one.result.is_ok())),
        Response::Elected(_) => true,
    }
}

/// The first error code of a response.
pub(crate) fn error(response: &Response) -> ErrorCode {
    let code = match response {
        Response::Done(result) => result.clone().err().map(|refusal| refusal.code),
        Response::RegisterBroker(result) => result.clone().err().map(|refusal| refusal.code),
        Response::AllocateProducerIds(result) => result.err_code(),
        Response::AlterPartition(Err(refusal)) => Some(refusal.code),
        Response::AlterPartition(Ok(all)) => all.iter().find_map(|one| one.result.clone().err()),
        Response::ResignLeadership(Err(refusal)) => Some(refusal.code),
        Response::ResignLeadership(Ok(all)) => all.iter().find_map(|one| one.result.err()),
        Response::CreateTopics(all) => all.iter().find_map(|one| one.result.err_code()),
        Response::DeleteTopics(all) => all.iter().find_map(|one| one.result.err_code()),
        Response::CreatePartitions(all) => all.iter().find_map(|one| one.result.err_code()),
        Response::AlterConfigs(all) => all.resources.iter().find_map(|one| one.result.err_code()),
        Response::AlterReassignments(Ok(all)) => all.results.iter().find_map(ErrCode::err_code),
        Response::AlterReassignments(refused) => refused.err_code(),
        Response::ElectLeaders(Ok(all)) => {
            all.partitions.iter().find_map(|one| one.result.err_code())
        }
        Response::ElectLeaders(refused) => refused.err_code(),
        Response::Elected(_) => None,
    };
    code.unwrap_or(ErrorCode::None)
}

trait ErrCode {
    fn err_code(&self) -> Option<ErrorCode>;
}

impl<T> ErrCode for Result<T, crate::Refusal> {
    fn err_code(&self) -> Option<ErrorCode> {
        self.as_ref().err().map(|refusal| refusal.code)
    }
}
