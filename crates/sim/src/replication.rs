//! A broker's replication: fetching as a follower, serving as a leader, flushing, ISR proposals.

use crate::{
    agenda::{MS, Micros},
    bug::Bug,
    event::{Call, FetchAnswer, FetchRequest, Message, Timer},
    metadata::is_eligible,
    network::Node,
    replica::{Parked, Role},
    world::World,
};
use klamm_controller::{
    AlterPartition, AlteredPartition, IsrMember, PartitionHighWatermark, PartitionIsr,
    ReportHighWatermarks, ResignLeadership, Resignation,
};
use klamm_metadata::RecoveryState;
use klamm_replica::{
    IsrProposal, PartitionState,
    divergence::{OutOfRange, out_of_range},
};
use klamm_types::{BrokerId, ErrorCode, LeaderEpoch};

/// How long a fetch waits for records.
const FETCH_WAIT: Micros = 120 * MS;

/// After which a fetch is given up.
const FETCH_TIMEOUT: Micros = 300 * MS;

/// Pause for a partition that its leader does not serve.
const FETCH_PAUSE: Micros = 20 * MS;

const PROPOSAL_TIMEOUT: Micros = 200 * MS;
const PROPOSAL_PAUSE: Micros = 30 * MS;

/// Pause before somebody looks again whether to resign.
const RESIGN_PERIOD: Micros = 150 * MS;

impl World {
    /// Asks the leader for what comes next, once what came before is flushed.
    pub(crate) fn fetch(&mut self, index: usize, partition: usize) {
        let early = self.has(Bug::FetchBeforeFlush);
        let flushes = self.scenario.flushes_before_ack && !early;
        let Some(me) = self.reference(index) else {
            return;
        };
        let call = self.next_call();
        let Some(replica) = self.brokers[index].replica_mut(partition) else {
            return;
        };
        let Some((leader, leader_epoch)) = replica.following() else {
            return;
        };
        if replica.fetching.is_some() {
            return;
        }
        if flushes && replica.log.flushed() < replica.log.end() {
            replica.fetch_after_flush = true;
            return self.request_flush(index, partition);
        }
        replica.fetching = Some((call, leader_epoch));
        let request = FetchRequest {
            partition,
            call,
            replica: me.id,
            broker_epoch: me.epoch,
            leader_epoch,
            fetch_offset: replica.log.end(),
            last_fetched_epoch: replica.log.last_epoch(),
            log_start_offset: replica.log.start(),
        };
        let to = node_of(leader);
        self.send(Node::Broker(index), to, Message::Fetch(request));
        self.set(index, FETCH_TIMEOUT, Timer::FetchTimeout(partition, call));
    }

    pub(crate) fn on_fetch_timeout(&mut self, index: usize, partition: usize, call: Call) {
        if let Some(replica) = self.brokers[index].replica_mut(partition)
            && replica.fetching.is_some_and(|(waiting, _)| waiting == call)
        {
            replica.fetching = None;
            self.fetch(index, partition);
        }
    }

    pub(crate) fn serve_fetch(&mut self, index: usize, from: Node, request: FetchRequest) {
        let now_ms = self.clock_ms(Node::Broker(index));
        let partition = request.partition;
        let broker = &mut self.brokers[index];
        let Some(process) = &mut broker.process else {
            return;
        };
        let eligible = is_eligible(&process.image, request.replica, request.broker_epoch);
        let Some(replica) = &mut process.replicas[partition] else {
            let refused = Err(ErrorCode::NotLeaderOrFollower);
            return self.answer_fetch(index, from, &request, refused);
        };
        let read = replica.read(&request);
        if read.as_ref().is_ok_and(|read| read.diverging.is_none()) {
            // What does not count is answered all the same.
            let _ = replica.on_follower_fetch(&request, eligible, now_ms);
        }
        self.settle(index, partition);
        if is_complete(&read) {
            return self.answer_fetch(index, from, &request, read);
        }
        if let Some(replica) = self.brokers[index].replica_mut(partition) {
            replica.parked.push(Parked { from, request });
        }
        self.set(
            index,
            FETCH_WAIT,
            Timer::ParkedFetch(partition, request.call),
        );
    }

    fn answer_fetch(
        &mut self,
        index: usize,
        to: Node,
        request: &FetchRequest,
        read: Result<FetchAnswer, ErrorCode>,
    ) {
        let message = Message::Fetched(request.partition, request.call, read);
        self.send(Node::Broker(index), to, message);
    }

    pub(crate) fn on_parked_due(&mut self, index: usize, partition: usize, call: Call) {
        let Some(replica) = self.brokers[index].replica_mut(partition) else {
            return;
        };
        let due = |parked: &Parked| parked.request.call == call;
        let Some(place) = replica.parked.iter().position(due) else {
            return;
        };
        let parked = replica.parked.swap_remove(place);
        let read = replica.read(&parked.request);
        self.answer_fetch(index, parked.from, &parked.request, read);
    }

    /// Answers the parked fetches that there is something to tell.
    pub(crate) fn wake_followers(&mut self, index: usize, partition: usize) {
        let Some(replica) = self.brokers[index].replica_mut(partition) else {
            return;
        };
        for parked in std::mem::take(&mut replica.parked) {
            let Some(replica) = self.brokers[index].replica_mut(partition) else {
                return;
            };
            let read = replica.read(&parked.request);
            if is_complete(&read) {
                self.answer_fetch(index, parked.from, &parked.request, read);
            } else {
                replica.parked.push(parked);
            }
        }
    }

    pub(crate) fn on_fetched(
        &mut self,
        index: usize,
        partition: usize,
        call: Call,
        result: Result<FetchAnswer, ErrorCode>,
    ) {
        let unfenced = self.has(Bug::AppendWithoutEpochFence);
        let Some(replica) = self.brokers[index].replica_mut(partition) else {
            return;
        };
        let is_awaited = replica.fetching.is_some_and(|(waiting, _)| waiting == call);
        if !is_awaited && !unfenced {
            return;
        }
        if is_awaited {
            replica.fetching = None;
        }
        let pause = match result {
            Ok(answer) => {
                match answer.diverging {
                    Some(diverging) => replica.truncate_to_leader(diverging),
                    None => replica.append_as_follower(&answer),
                }
                0
            }
            Err(ErrorCode::OffsetOutOfRange) => return self.ask_range(index, partition),
            Err(_) => FETCH_PAUSE,
        };
        self.settle(index, partition);
        self.set(index, pause, Timer::Fetch(partition));
    }

    fn ask_range(&mut self, index: usize, partition: usize) {
        let call = self.next_call();
        let Some(replica) = self.brokers[index].replica_mut(partition) else {
            return;
        };
        let Some((leader, epoch)) = replica.following() else {
            return;
        };
        replica.fetching = Some((call, epoch));
        let message = Message::ListOffsets(partition, call, epoch);
        self.send(Node::Broker(index), node_of(leader), message);
        self.set(index, FETCH_TIMEOUT, Timer::FetchTimeout(partition, call));
    }

    pub(crate) fn list_offsets(
        &mut self,
        index: usize,
        from: Node,
        partition: usize,
        call: Call,
        epoch: LeaderEpoch,
    ) {
        let replica = self.brokers[index].replica(partition);
        let leads = replica.filter(|replica| {
            (replica.leader()).is_some_and(|leader| leader.leader_epoch() == epoch)
        });
        let range = leads.map(|replica| (replica.log.start(), replica.log.end()));
        let message =
            Message::ListedOffsets(partition, call, range.ok_or(ErrorCode::NotLeaderOrFollower));
        self.send(Node::Broker(index), from, message);
    }

    pub(crate) fn meet_range(
        &mut self,
        index: usize,
        partition: usize,
        call: Call,
        range: Result<(i64, i64), ErrorCode>,
    ) {
        let Some(replica) = self.brokers[index].replica_mut(partition) else {
            return;
        };
        if replica.fetching.is_none_or(|(waiting, _)| waiting != call) {
            return;
        }
        replica.fetching = None;
        if let Ok((start, end)) = range {
            match out_of_range(start, end, replica.log.end()) {
                OutOfRange::TruncateTo(offset) => replica.truncate_to(offset),
                OutOfRange::StartAnewAt(offset) => replica.start_anew_at(offset),
                OutOfRange::Retry => {}
            }
        }
        self.settle(index, partition);
        self.set(index, FETCH_PAUSE, Timer::Fetch(partition));
    }

    /// Sees to it that what is in the log now is flushed soon.
    pub(crate) fn request_flush(&mut self, index: usize, partition: usize) {
        let flush_max = self.brokers[index].flush_max;
        let Some(replica) = self.brokers[index].replica_mut(partition) else {
            return;
        };
        if replica.flushing_to.is_some() || replica.log.flushed() == replica.log.end() {
            return;
        }
        replica.flushing_to = Some(replica.log.end());
        let delay = self.random.between(50, flush_max);
        self.set(index, delay, Timer::Flushed(partition));
    }

    pub(crate) fn on_flushed(&mut self, index: usize, partition: usize) {
        let now_ms = self.clock_ms(Node::Broker(index));
        let Some(replica) = self.brokers[index].replica_mut(partition) else {
            return;
        };
        let Some(end) = replica.flushing_to.take() else {
            return;
        };
        replica.log.flushed_to(end);
        replica.advance(now_ms);
        let is_behind = replica.log.flushed() < replica.log.end();
        let fetches = std::mem::take(&mut replica.fetch_after_flush);
        self.settle(index, partition);
        if is_behind && self.scenario.flushes_before_ack {
            self.request_flush(index, partition);
        }
        if fetches {
            self.fetch(index, partition);
        }
    }

    /// Sends the proposals that wait, unless some are on their way.
    pub(crate) fn send_proposals(&mut self, index: usize) {
        let Some(broker) = self.reference(index) else {
            return;
        };
        let call = self.next_call();
        let Some(process) = &mut self.brokers[index].process else {
            return;
        };
        if process.proposing.is_some() || process.proposals.is_empty() {
            return;
        }
        let batch: Vec<_> = std::mem::take(&mut process.proposals).into_iter().collect();
        let wanted = batch.iter().map(|(partition, proposal)| {
            let replica = process.replicas[*partition].as_ref();
            let high_watermark = replica.map_or(0, |replica| replica.high_watermark);
            (*partition, proposal.clone(), high_watermark)
        });
        let wanted: Vec<_> = wanted.collect();
        process.proposing = Some((call, batch));
        let to = Node::Controller(process.controller);
        let partitions = wanted
            .iter()
            .filter_map(|(partition, proposal, high_watermark)| {
                self.partition_isr(*partition, proposal, *high_watermark)
            });
        let request = AlterPartition {
            broker,
            partitions: partitions.collect(),
        };
        self.trace(|| format!("b{} proposes {:?}", index + 1, request.partitions));
        self.send(
            Node::Broker(index),
            to,
            Message::AlterPartition(call, request),
        );
        self.set(index, PROPOSAL_TIMEOUT, Timer::ProposalTimeout(call));
    }

    fn partition_isr(
        &self,
        partition: usize,
        proposal: &IsrProposal,
        high_watermark: i64,
    ) -> Option<PartitionIsr> {
        let ignores_epochs = self.has(Bug::ExpandWithStaleBrokerEpoch);
        let member = |(id, epoch): &(BrokerId, klamm_types::BrokerEpoch)| IsrMember {
            id: *id,
            epoch: match ignores_epochs {
                true => klamm_types::BrokerEpoch::NONE,
                false => *epoch,
            },
        };
        Some(PartitionIsr {
            id: self.id_of(partition)?,
            leader_epoch: proposal.leader_epoch,
            partition_epoch: proposal.partition_epoch,
            new_isr: proposal.new_isr.iter().map(member).collect(),
            recovery_state: RecoveryState::Recovered,
            high_watermark,
        })
    }

    pub(crate) fn on_altered(&mut self, index: usize, call: Call, results: &[AlteredPartition]) {
        let Some(batch) = self.take_proposing(index, call) else {
            return;
        };
        for ((partition, proposal), result) in batch.iter().zip(results) {
            match &result.result {
                // The metadata tells, in its order.
                Ok(_) if !self.has(Bug::AnswerAheadOfMetadata) => {}
                Ok(decided) => {
                    let state = PartitionState {
                        leader_epoch: decided.leader_epoch,
                        partition_epoch: decided.partition_epoch,
                        replicas: self.replicas_known(index, *partition),
                        isr: decided.isr.iter().copied().collect(),
                    };
                    self.on_isr_decided(index, *partition, &state);
                }
                Err(error) => self.on_proposal_failed(index, *partition, proposal, *error),
            }
        }
        self.set(index, PROPOSAL_PAUSE / 10, Timer::SendProposals);
    }

    fn take_proposing(&mut self, index: usize, call: Call) -> Option<Vec<(usize, IsrProposal)>> {
        let process = self.brokers[index].process.as_mut()?;
        let (_, batch) = process.proposing.take_if(|(waiting, _)| *waiting == call)?;
        Some(batch)
    }

    fn replicas_known(&self, index: usize, partition: usize) -> Vec<BrokerId> {
        let image = self.brokers[index].process.as_ref().map(|p| &p.image);
        let known = self.id_of(partition).and_then(|id| image?.partition(id));
        known.map_or(Vec::new(), |known| known.replicas.clone())
    }

    fn on_isr_decided(&mut self, index: usize, partition: usize, state: &PartitionState) {
        let now_ms = self.clock_ms(Node::Broker(index));
        if let Some(replica) = self.brokers[index].replica_mut(partition)
            && let Role::Leader(leader) = &mut replica.role
            && leader.leader_epoch() == state.leader_epoch
        {
            let effects = leader.on_partition_change(state, replica.min_isr, now_ms);
            replica.carry_out(effects);
            self.settle(index, partition);
        }
    }

    pub(crate) fn on_proposals_failed(&mut self, index: usize, call: Call, error: ErrorCode) {
        let Some(batch) = self.take_proposing(index, call) else {
            return;
        };
        for (partition, proposal) in &batch {
            self.on_proposal_failed(index, *partition, proposal, error);
        }
        self.set(index, PROPOSAL_PAUSE, Timer::SendProposals);
    }

    fn on_proposal_failed(
        &mut self,
        index: usize,
        partition: usize,
        proposal: &IsrProposal,
        error: ErrorCode,
    ) {
        let Some(process) = &mut self.brokers[index].process else {
            return;
        };
        if let Some(replica) = &mut process.replicas[partition]
            && let Role::Leader(leader) = &mut replica.role
            && leader.leader_epoch() == proposal.leader_epoch
            && let Some(again) = leader.on_proposal_failed(proposal.partition_epoch, error)
        {
            process.proposals.insert(partition, again);
        }
        self.settle(index, partition);
    }

    pub(crate) fn report_floors(&mut self, index: usize) {
        let period = self.scenario.floor_interval_ms * MS;
        self.set(index, period, Timer::ReportFloors);
        let Some(broker) = self.reference(index) else {
            return;
        };
        let Some(process) = &self.brokers[index].process else {
            return;
        };
        let led = process
            .replicas
            .iter()
            .enumerate()
            .filter_map(|(partition, replica)| {
                let (id, replica) = (self.id_of(partition)?, replica.as_ref()?);
                let floor = process.image.partition(id)?.high_watermark_floor;
                let report = PartitionHighWatermark {
                    id,
                    leader_epoch: replica.leader()?.leader_epoch(),
                    high_watermark: replica.high_watermark,
                };
                (report.high_watermark > floor).then_some(report)
            });
        let partitions: Vec<_> = led.collect();
        let to = Node::Controller(process.controller);
        if !partitions.is_empty() {
            let report = ReportHighWatermarks { broker, partitions };
            self.send(Node::Broker(index), to, Message::ReportFloors(report));
        }
    }

    /// Resigns from what this broker was to lead and does not.
    pub(crate) fn resign(&mut self, index: usize) {
        self.set(index, RESIGN_PERIOD, Timer::Resign);
        let Some(broker) = self.reference(index) else {
            return;
        };
        let Some(process) = &self.brokers[index].process else {
            return;
        };
        let refused = process
            .replicas
            .iter()
            .enumerate()
            .filter_map(|(partition, replica)| {
                let id = self.id_of(partition)?;
                let known = process.image.partition(id)?;
                let resigns = replica.as_ref()?.refused && known.leader == broker.id;
                resigns.then_some(Resignation {
                    id,
                    leader_epoch: known.leader_epoch,
                })
            });
        let partitions: Vec<_> = refused.collect();
        let to = Node::Controller(process.controller);
        if !partitions.is_empty() {
            let resignation = ResignLeadership { broker, partitions };
            self.send(Node::Broker(index), to, Message::Resign(resignation));
        }
    }
}

/// Whether a fetch is answered now.
fn is_complete(read: &Result<FetchAnswer, ErrorCode>) -> bool {
    read.as_ref().map_or(true, |read| {
        read.diverging.is_some() || !read.records.is_empty()
    })
}

pub(crate) fn node_of(broker: BrokerId) -> Node {
    Node::Broker(usize::try_from(broker.0 - 1).unwrap_or(0))
}
