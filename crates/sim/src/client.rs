//! Idempotent producers with acks=all, and consumers that read committed records.

use crate::{
    agenda::{MS, Micros},
    event::{Call, ConsumeRequest, Event, Message, ProduceRequest, Timer},
    network::Node,
    replication::node_of,
    world::World,
};
use klamm_types::{BrokerId, ErrorCode, LeaderEpoch};
use std::collections::BTreeMap;

const PRODUCE_TIMEOUT: Micros = 250 * MS;
const RETRY_PAUSE: Micros = 15 * MS;
const CONSUME_PERIOD: Micros = 40 * MS;

/// A client of one partition at a time.
#[derive(Default)]
pub(crate) struct Client {
    pub(crate) is_producer: bool,
    /// What it believes of each partition's leader.
    leaders: BTreeMap<usize, (BrokerId, LeaderEpoch)>,
    next_sequences: BTreeMap<usize, u32>,
    pub(crate) outstanding: BTreeMap<Call, ProduceRequest>,
    /// Where it reads on, by partition.
    positions: BTreeMap<usize, i64>,
}

impl Client {
    pub(crate) fn new(is_producer: bool) -> Client {
        Client {
            is_producer,
            ..Client::default()
        }
    }

    /// A broker that does not know the producer takes any sequence: the first goes alone.
    fn may_send(&self, partition: usize, ahead_max: u32) -> bool {
        let waiting = self
            .outstanding
            .values()
            .filter(|r| r.partition == partition);
        let oldest = waiting.map(|request| request.sequence).min();
        let next = self.next_sequences.get(&partition).copied().unwrap_or(0);
        oldest.is_none_or(|oldest| oldest > 0 && next < oldest + ahead_max)
    }
}

impl World {
    pub(crate) fn start_clients(&mut self) {
        for index in 0..self.clients.len() {
            let timer = match self.clients[index].is_producer {
                true => Timer::Produce,
                false => Timer::Consume,
            };
            self.set_client(index, MS, timer);
        }
    }

    fn set_client(&mut self, index: usize, delay: Micros, timer: Timer) {
        let event = Event::Timer {
            node: Node::Client(index),
            generation: 0,
            timer,
        };
        self.agenda.push(delay, event);
    }

    pub(crate) fn on_client_timer(&mut self, index: usize, timer: Timer) {
        match timer {
            Timer::Produce => self.produce(index),
            Timer::ProduceTimeout(call) => self.produce_again(index, call),
            Timer::Consume => self.consume(index),
            _ => {}
        }
    }

    pub(crate) fn on_client_message(&mut self, index: usize, message: Message) {
        match message {
            Message::Produced(call, result) => self.on_produced(index, call, result),
            Message::Consumed(call, result) => {
                let partition = (call % self.scenario.partitions as u64) as usize;
                self.on_consumed(index, partition, result);
            }
            _ => {}
        }
    }

    /// Asks some broker who leads.
    fn find_leader(&mut self, index: usize, partition: usize) {
        let broker = self.random.index(self.brokers.len());
        let known = self.id_of(partition).and_then(|id| {
            let image = &self.brokers[broker].process.as_ref()?.image;
            let partition = image.partition(id)?;
            Some((partition.leader.some()?, partition.leader_epoch))
        });
        let leaders = &mut self.clients[index].leaders;
        // What is older than what it knows is of no use.
        if let Some(known) = known
            && leaders.get(&partition).is_none_or(|old| old.1 <= known.1)
        {
            leaders.insert(partition, known);
        }
    }

    fn produce(&mut self, index: usize) {
        if !self.is_producing {
            return;
        }
        let pause = self.random.between(1, 2 * self.scenario.produce_pause_ms) * MS;
        self.set_client(index, pause, Timer::Produce);
        let partition = self.random.index(self.scenario.partitions);
        let ahead_max = self.scenario.ahead_max;
        if !self.clients[index].may_send(partition, ahead_max) {
            return;
        }
        self.values += 1;
        let value = self.values;
        let next = self.clients[index]
            .next_sequences
            .entry(partition)
            .or_insert(0);
        let sequence = *next;
        *next += 1;
        let request = ProduceRequest {
            partition,
            call: 0,
            producer: (index * self.scenario.partitions + partition) as u32,
            sequence,
            value,
        };
        self.send_produce(index, request);
    }

    fn send_produce(&mut self, index: usize, request: ProduceRequest) {
        let call = self.next_call();
        let request = ProduceRequest { call, ..request };
        let partition = request.partition;
        let client = &mut self.clients[index];
        client.outstanding.insert(call, request);
        let leader = client.leaders.get(&partition).copied();
        match leader {
            Some((leader, _)) => {
                let message = Message::Produce(request);
                self.send(Node::Client(index), node_of(leader), message);
                self.set_client(index, PRODUCE_TIMEOUT, Timer::ProduceTimeout(call));
            }
            None => self.set_client(index, RETRY_PAUSE, Timer::ProduceTimeout(call)),
        }
    }

    fn produce_again(&mut self, index: usize, call: Call) {
        let Some(request) = self.clients[index].outstanding.remove(&call) else {
            return;
        };
        self.find_leader(index, request.partition);
        self.send_produce(index, request);
    }

    fn on_produced(&mut self, index: usize, call: Call, result: Result<i64, ErrorCode>) {
        let Some(request) = self.clients[index].outstanding.get(&call).copied() else {
            return;
        };
        match result {
            Ok(offset) => {
                self.clients[index].outstanding.remove(&call);
                self.check_acknowledged(request.partition, request.value, offset);
            }
            // Tried again: the timer of the call is on its way, this one comes sooner.
            Err(_) => self.set_client(index, RETRY_PAUSE, Timer::ProduceTimeout(call)),
        }
    }

    fn consume(&mut self, index: usize) {
        self.set_client(index, CONSUME_PERIOD, Timer::Consume);
        let partitions = self.scenario.partitions;
        let partition = self.random.index(partitions);
        self.find_leader(index, partition);
        let from_follower = self.random.permille(300);
        // The number of the call tells the partition.
        let call = self.next_call() * partitions as u64 + partition as u64;
        let client = &self.clients[index];
        let Some((leader, leader_epoch)) = client.leaders.get(&partition).copied() else {
            return;
        };
        let request = ConsumeRequest {
            partition,
            call,
            offset: client.positions.get(&partition).copied().unwrap_or(0),
            leader_epoch,
            from_follower,
        };
        let to = match from_follower {
            true => Node::Broker(self.random.index(self.brokers.len())),
            false => node_of(leader),
        };
        self.send(Node::Client(index), to, Message::Consume(request));
    }

    fn on_consumed(
        &mut self,
        index: usize,
        partition: usize,
        result: Result<(i64, Vec<crate::model_log::Record>), ErrorCode>,
    ) {
        let position = self.clients[index].positions.entry(partition).or_insert(0);
        match result {
            Ok((offset, records)) => {
                // Answers may come in another order than they were asked for.
                *position = (*position).max(offset + records.len() as i64);
                self.check_read(partition, offset, &records);
            }
            Err(ErrorCode::OffsetOutOfRange) => {
                *position = self.ghosts[partition].log_start_max;
            }
            Err(_) => {}
        }
    }

    pub(crate) fn serve_produce(&mut self, index: usize, from: Node, request: ProduceRequest) {
        let now = (self.clock_ms(Node::Broker(index)), self.agenda.now());
        let acks_early = self.has(crate::bug::Bug::AckBeforeCommit);
        let ProduceRequest {
            partition,
            call,
            producer,
            sequence,
            value,
        } = request;
        let appended = match self.brokers[index].replica_mut(partition) {
            Some(replica) => replica.append(value, producer, sequence, now),
            None => Err(ErrorCode::NotLeaderOrFollower),
        };
        let answer = match appended {
            Ok((offset, _)) => {
                let Some(replica) = self.brokers[index].replica_mut(partition) else {
                    return;
                };
                if replica.high_watermark > offset || acks_early {
                    Some(Ok(offset))
                } else {
                    let client = from;
                    let waiting = crate::replica::Waiting {
                        client,
                        call,
                        offset,
                    };
                    replica.waiting.push(waiting);
                    None
                }
            }
            Err(error) => Some(Err(error)),
        };
        if let Some(answer) = answer {
            self.send(Node::Broker(index), from, Message::Produced(call, answer));
        }
        self.settle(index, partition);
        if matches!(appended, Ok((_, true))) {
            self.wake_followers(index, partition);
            if self.scenario.flushes_before_ack {
                self.request_flush(index, partition);
            }
        }
    }

    pub(crate) fn serve_consume(&mut self, index: usize, from: Node, request: ConsumeRequest) {
        let answer = match self.brokers[index].replica(request.partition) {
            Some(replica) => replica.consume(&request),
            None => Err(ErrorCode::NotLeaderOrFollower),
        };
        let leads = (self.brokers[index].replica(request.partition))
            .is_some_and(|replica| replica.leader().is_some());
        if leads && answer == Err(ErrorCode::OffsetOutOfRange) {
            self.check_out_of_range(index, &request);
        }
        let answer = answer.map(|records| (request.offset, records));
        let message = Message::Consumed(request.call, answer);
        self.send(Node::Broker(index), from, message);
    }
}
