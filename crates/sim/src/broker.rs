//! A broker: its disks, and the process that runs on them now.

use crate::{
    agenda::{MS, Micros},
    bug::Bug,
    event::{Call, Event, Message, Timer},
    model_log::ModelLog,
    network::Node,
    replica::{Manner, Replica},
    world::World,
};
use klamm_controller::{BrokerRef, Heartbeat, RegisterBroker, StreamId};
use klamm_metadata::{Image, Listener, feature_level::LevelRange};
use klamm_replica::IsrProposal;
use klamm_types::{BrokerEpoch, BrokerId, ErrorCode, Uuid};
use std::collections::BTreeMap;

/// Between two heartbeats, in the clock of the simulation.
const HEARTBEAT_PERIOD: Micros = 60 * MS;

/// Before another try to register.
const REGISTER_PERIOD: Micros = 100 * MS;

/// Heartbeats without an answer after which another controller is tried.
const UNANSWERED_MAX: u32 = 3;

/// How often leaders look for laggards.
const TICK_PERIOD: Micros = 50 * MS;

const CHECKPOINT_PERIOD: Micros = 1_000 * MS;
const BACKGROUND_FLUSH_PERIOD: Micros = 250 * MS;
const RESIGN_PERIOD: Micros = 100 * MS;

/// How long a broker that stops waits for its leaderships to go.
const STOP_PATIENCE: Micros = 1_500 * MS;

/// A broker.
pub(crate) struct Broker {
    pub(crate) id: BrokerId,
    pub(crate) generation: u64,
    /// The logs while no process has them open, by partition.
    pub(crate) disk: Vec<Option<ModelLog>>,
    pub(crate) log_dir: Uuid,
    /// The registration under which it stopped in order.
    clean_epoch: BrokerEpoch,
    pub(crate) process: Option<Process>,
    pub(crate) paused_until: Micros,
    /// How long a flush takes at most.
    pub(crate) flush_max: Micros,
    /// When it last lost what was not flushed, and when its disk.
    pub(crate) unclean_at: Option<Micros>,
    pub(crate) emptied_at: Option<Micros>,
    /// How far the clock is off, in milliseconds.
    pub(crate) clock_offset_ms: i64,
}

/// A running broker.
pub(crate) struct Process {
    pub(crate) incarnation: Uuid,
    pub(crate) epoch: Option<BrokerEpoch>,
    pub(crate) image: Image,
    /// How many batches the image holds.
    pub(crate) batches: usize,
    /// The metadata holds this registration: what came before is history.
    pub(crate) is_current: bool,
    pub(crate) replicas: Vec<Option<Replica>>,
    /// The controller that it believes to be active.
    pub(crate) controller: usize,
    /// The controller whose metadata it follows.
    pub(crate) watched: usize,
    pub(crate) watch: Option<Call>,
    stream: StreamId,
    unanswered: u32,
    pub(crate) is_unfenced: bool,
    pub(crate) wants_stop: bool,
    /// ISR proposals that wait to be sent, the newest of each partition.
    pub(crate) proposals: BTreeMap<usize, IsrProposal>,
    pub(crate) proposing: Option<(Call, Vec<(usize, IsrProposal)>)>,
    /// An old image, for the planted bug.
    pub(crate) old_image: Option<(Image, usize)>,
}

impl Broker {
    pub(crate) fn new(index: usize, partitions: usize, log_dir: Uuid) -> Broker {
        Broker {
            id: BrokerId(index as i32 + 1),
            generation: 0,
            disk: vec![None; partitions],
            log_dir,
            clean_epoch: BrokerEpoch::NONE,
            process: None,
            paused_until: 0,
            flush_max: 2 * MS,
            unclean_at: None,
            emptied_at: None,
            clock_offset_ms: 0,
        }
    }

    /// A replica, if the process has it open.
    pub(crate) fn replica(&self, partition: usize) -> Option<&Replica> {
        self.process.as_ref()?.replicas[partition].as_ref()
    }

    pub(crate) fn replica_mut(&mut self, partition: usize) -> Option<&mut Replica> {
        self.process.as_mut()?.replicas[partition].as_mut()
    }

    /// The log, open or not.
    pub(crate) fn log(&self, partition: usize) -> Option<&ModelLog> {
        let open = self.replica(partition).map(|replica| &replica.log);
        open.or(self.disk[partition].as_ref())
    }
}

impl World {
    pub(crate) fn start_broker(&mut self, index: usize) {
        if self.brokers[index].process.is_some() {
            return;
        }
        self.trace(|| format!("b{} starts", index + 1));
        let controller = self.random.index(self.scenario.controllers);
        let process = Process {
            incarnation: self.random.id(),
            epoch: None,
            image: Image::new(),
            batches: 0,
            is_current: false,
            replicas: (0..self.scenario.partitions).map(|_| None).collect(),
            controller,
            watched: controller,
            watch: None,
            stream: StreamId(self.next_call()),
            unanswered: 0,
            is_unfenced: false,
            wants_stop: false,
            proposals: BTreeMap::new(),
            proposing: None,
            old_image: None,
        };
        let broker = &mut self.brokers[index];
        broker.generation += 1;
        broker.paused_until = 0;
        broker.process = Some(process);
        self.set(index, MS, Timer::Register);
    }

    /// Sets a clock of a broker's process.
    pub(crate) fn set(&mut self, index: usize, delay: Micros, timer: Timer) {
        let generation = self.brokers[index].generation;
        let node = Node::Broker(index);
        let event = Event::Timer {
            node,
            generation,
            timer,
        };
        self.agenda.push(delay, event);
    }

    pub(crate) fn on_broker_timer(&mut self, index: usize, timer: Timer) {
        match timer {
            Timer::Register => self.register(index),
            Timer::Heartbeat => self.beat(index),
            Timer::Watch(call) => self.on_watch_timeout(index, call),
            Timer::Tick => self.tick(index),
            Timer::Checkpoint => self.checkpoint(index),
            Timer::ReportFloors => self.report_floors(index),
            Timer::Resign => self.resign(index),
            Timer::SendProposals => self.send_proposals(index),
            Timer::ProposalTimeout(call) => {
                self.on_proposals_failed(index, call, ErrorCode::NetworkException);
            }
            Timer::Fetch(partition) => self.fetch(index, partition),
            Timer::FetchTimeout(partition, call) => self.on_fetch_timeout(index, partition, call),
            Timer::ParkedFetch(partition, call) => self.on_parked_due(index, partition, call),
            Timer::Flushed(partition) => self.on_flushed(index, partition),
            Timer::Arrive(partition) => self.create_arriving(index, partition),
            Timer::BackgroundFlush => self.background_flush(index),
            Timer::StopAnyway => self.end_cleanly(index),
            Timer::Produce | Timer::ProduceTimeout(_) | Timer::Consume => {}
        }
    }

    pub(crate) fn on_broker_message(&mut self, index: usize, from: Node, message: Message) {
        match message {
            Message::Registered(to, result) => self.on_registered(index, to, result),
            Message::HeartbeatAck(stream, ack) => self.on_ack(index, stream, &ack),
            Message::NotActive(call) => self.on_not_active(index, call),
            Message::Altered(call, Ok(results)) => self.on_altered(index, call, &results),
            Message::Altered(call, Err(error)) => self.on_proposals_failed(index, call, error),
            Message::Updates(call, updates) => self.on_updates(index, call, updates),
            Message::Fetch(request) => self.serve_fetch(index, from, request),
            Message::Fetched(partition, call, result) => {
                self.on_fetched(index, partition, call, result);
            }
            Message::ListOffsets(partition, call, epoch) => {
                self.list_offsets(index, from, partition, call, epoch);
            }
            Message::ListedOffsets(partition, call, result) => {
                self.meet_range(index, partition, call, result);
            }
            Message::Produce(request) => self.serve_produce(index, from, request),
            Message::Consume(request) => self.serve_consume(index, from, request),
            _ => {}
        }
    }

    pub(crate) fn manner(&self, index: usize) -> Manner {
        Manner {
            me: self.brokers[index].id,
            flushes_before_ack: self.scenario.flushes_before_ack,
            lag_time_max_ms: self.scenario.lag_time_max_ms,
            bug: self.bug,
        }
    }

    fn register(&mut self, index: usize) {
        let claims = self.has(Bug::CleanStopClaimed);
        let broker = &self.brokers[index];
        let Some(process) = &broker.process else {
            return;
        };
        if process.epoch.is_some() {
            return;
        }
        let known = (self.quorum.image.broker(broker.id)).map(|known| known.epoch);
        let request = RegisterBroker {
            cluster_id: String::new(),
            broker_id: broker.id,
            incarnation_id: process.incarnation,
            listeners: vec![Listener {
                name: "PLAINTEXT".to_owned(),
                host: "sim".to_owned(),
                port: 9092,
                security_protocol: 0,
            }],
            rack: None,
            log_dirs: vec![broker.log_dir],
            has_offline_log_dirs: false,
            previous_epoch: match known {
                Some(known) if claims => known,
                _ => broker.clean_epoch,
            },
            version: String::new(),
            levels: LevelRange::SUPPORTED,
        };
        let to = Node::Controller(process.controller);
        let message = Message::Register(Box::new(request));
        self.send(Node::Broker(index), to, message);
        self.try_next_controller(index);
        self.set(index, REGISTER_PERIOD, Timer::Register);
    }

    fn try_next_controller(&mut self, index: usize) {
        let (count, next_stream) = (self.scenario.controllers, StreamId(self.next_call()));
        if let Some(process) = &mut self.brokers[index].process {
            process.controller = (process.controller + 1) % count;
            process.stream = next_stream;
            process.unanswered = 0;
        }
    }

    fn on_registered(
        &mut self,
        index: usize,
        incarnation: Uuid,
        result: Result<BrokerEpoch, ErrorCode>,
    ) {
        let Some(process) = &mut self.brokers[index].process else {
            return;
        };
        let (Ok(epoch), None) = (result, process.epoch) else {
            return;
        };
        if process.incarnation != incarnation {
            return;
        }
        process.epoch = Some(epoch);
        // What it stopped with says nothing about the next stop.
        self.brokers[index].clean_epoch = BrokerEpoch::NONE;
        self.trace(|| format!("b{} is registered under {epoch}", index + 1));
        let floors = self.scenario.floor_interval_ms * MS;
        for (period, timer) in [
            (0, Timer::Heartbeat),
            (TICK_PERIOD, Timer::Tick),
            (CHECKPOINT_PERIOD, Timer::Checkpoint),
            (BACKGROUND_FLUSH_PERIOD, Timer::BackgroundFlush),
            (floors, Timer::ReportFloors),
            (RESIGN_PERIOD, Timer::Resign),
        ] {
            let delay = self.random.below(period + 1);
            self.set(index, delay, timer);
        }
        self.watch_metadata(index);
    }

    /// Who the process is to the controller, once it is registered.
    pub(crate) fn reference(&self, index: usize) -> Option<BrokerRef> {
        let broker = &self.brokers[index];
        let epoch = broker.process.as_ref()?.epoch?;
        Some(BrokerRef {
            id: broker.id,
            epoch,
        })
    }

    fn beat(&mut self, index: usize) {
        self.set(index, HEARTBEAT_PERIOD, Timer::Heartbeat);
        let Some(broker) = self.reference(index) else {
            return;
        };
        let Some(process) = &mut self.brokers[index].process else {
            return;
        };
        process.unanswered += 1;
        if process.unanswered > UNANSWERED_MAX {
            self.try_next_controller(index);
        }
        let Some(process) = &self.brokers[index].process else {
            return;
        };
        let heartbeat = Heartbeat {
            broker,
            stream: process.stream,
            metadata_offset: if process.is_current {
                process.image.offset()
            } else {
                -1
            },
            want_fence: false,
            want_shut_down: process.wants_stop,
        };
        let to = Node::Controller(process.controller);
        self.send(Node::Broker(index), to, Message::Heartbeat(heartbeat));
    }

    fn on_ack(&mut self, index: usize, stream: StreamId, ack: &klamm_controller::HeartbeatAck) {
        let Some(process) = &mut self.brokers[index].process else {
            return;
        };
        if process.stream != stream {
            return;
        }
        process.unanswered = 0;
        if ack.error == ErrorCode::StaleBrokerEpoch {
            // Another incarnation has taken its place: a late registration of a dead process.
            return self.kill(index);
        }
        process.is_unfenced = ack.is_caught_up && !ack.is_fenced;
        if ack.should_shut_down && process.wants_stop {
            self.end_cleanly(index);
        }
    }

    fn on_not_active(&mut self, index: usize, call: Call) {
        let Some(process) = &self.brokers[index].process else {
            return;
        };
        let proposing = process.proposing.as_ref().map(|(call, _)| *call);
        if process.stream.0 == call {
            self.try_next_controller(index);
        } else if proposing == Some(call) {
            self.try_next_controller(index);
            self.on_proposals_failed(index, call, ErrorCode::NetworkException);
        }
    }

    fn tick(&mut self, index: usize) {
        self.set(index, TICK_PERIOD, Timer::Tick);
        let now_ms = self.clock_ms(Node::Broker(index));
        for partition in 0..self.scenario.partitions {
            if let Some(replica) = self.brokers[index].replica_mut(partition) {
                replica.as_leader(|leader| leader.on_tick(now_ms));
                self.settle(index, partition);
            }
        }
    }

    fn checkpoint(&mut self, index: usize) {
        self.set(index, CHECKPOINT_PERIOD, Timer::Checkpoint);
        if let Some(process) = &mut self.brokers[index].process {
            process
                .replicas
                .iter_mut()
                .flatten()
                .for_each(Replica::checkpoint);
        }
    }

    fn background_flush(&mut self, index: usize) {
        self.set(index, BACKGROUND_FLUSH_PERIOD, Timer::BackgroundFlush);
        for partition in 0..self.scenario.partitions {
            self.request_flush(index, partition);
        }
    }

    /// The process asks to stop in order.
    pub(crate) fn ask_to_stop(&mut self, index: usize) {
        let Some(process) = &mut self.brokers[index].process else {
            return;
        };
        process.wants_stop = true;
        self.trace(|| format!("b{} wants to stop", index + 1));
        self.set(index, STOP_PATIENCE, Timer::StopAnyway);
    }

    /// The process ends in order: everything is flushed, and it says so.
    fn end_cleanly(&mut self, index: usize) {
        let epoch = self.brokers[index].process.as_ref().and_then(|p| p.epoch);
        self.trace(|| format!("b{} stops", index + 1));
        if let Some(process) = &mut self.brokers[index].process {
            process
                .replicas
                .iter_mut()
                .flatten()
                .for_each(Replica::checkpoint);
        }
        self.end_process(index, |log| {
            let end = log.end();
            log.flushed_to(end);
        });
        self.brokers[index].clean_epoch = epoch.unwrap_or(BrokerEpoch::NONE);
    }

    /// The process ends; `leave` does to each log what that way of ending does.
    pub(crate) fn end_process(&mut self, index: usize, mut leave: impl FnMut(&mut ModelLog)) {
        let broker = &mut self.brokers[index];
        let Some(process) = broker.process.take() else {
            return;
        };
        broker.generation += 1;
        for (place, replica) in broker.disk.iter_mut().zip(process.replicas) {
            if let Some(replica) = replica {
                *place = Some(replica.log);
            }
            if let Some(log) = place {
                leave(log);
            }
        }
        self.close_streams(index);
        self.dirty = true;
    }

    /// The host tells the controller that the process is gone, if it can.
    fn close_streams(&mut self, index: usize) {
        for controller in 0..self.scenario.controllers {
            let office = &mut self.quorum.controllers[controller].office;
            let Some((broker, stream)) = office.as_mut().and_then(|o| o.streams.remove(&index))
            else {
                continue;
            };
            let message = Message::StreamClosed(broker, stream);
            self.send(Node::Broker(index), Node::Controller(controller), message);
        }
    }
}
