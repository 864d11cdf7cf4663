//! Who of the brokers has been heard from: soft state of the active controller.
//!
//! ```text
//!              heartbeat                      heartbeat
//!  (unknown) ───────────────▶ Live ◀──────────────────────── Suspect
//!                              │  stream closed                 ▲
//!                              └────────────────────────────────┘
//!  takeover ─▶ Awaited ── heartbeat ─▶ Live
//!
//!  deadline:  Live     last heartbeat + session timeout
//!             Suspect  closing of the stream + grace, or the above if sooner
//!             Awaited  takeover + grace; if its process was the active controller before and fell
//!                      silent, the grace of a broken stream
//!  Whoever passes the deadline, or is known not to listen any more, is to be fenced.
//! ```
//!
//! Nothing is fenced here: the caller turns what [`Sessions::expired`] and
//! [`Sessions::on_heartbeat`] return into requests to the controller.

use crate::{BrokerRef, Request};
use klamm_metadata::{Broker, Image};
use klamm_types::{BrokerEpoch, BrokerId, ErrorCode};
use std::collections::BTreeMap;

/// How long silence is put up with, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// Since the last heartbeat on a stream that is open (`broker.session.timeout.ms`).
    pub session_timeout_ms: i64,
    /// Since the stream broke.
    pub broken_stream_grace_ms: i64,
    /// Since this controller became active.
    pub takeover_grace_ms: i64,
}

/// One heartbeat stream of a broker, told apart from earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamId(pub u64);

/// What a broker says regularly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Who.
    pub broker: BrokerRef,
    /// On which stream.
    pub stream: StreamId,
    /// The offset of the broker's image.
    pub metadata_offset: i64,
    /// It wishes to be fenced.
    pub want_fence: bool,
    /// It wishes to stop.
    pub want_shut_down: bool,
}

/// What the broker is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatAck {
    /// `NONE`, or `STALE_BROKER_EPOCH`: the broker must register again.
    pub error: ErrorCode,
    /// The broker has replayed its own registration.
    pub is_caught_up: bool,
    /// As the image has it.
    pub is_fenced: bool,
    /// The broker leads nothing any more and may stop.
    pub should_shut_down: bool,
}

/// The sessions of all brokers.
#[derive(Clone, Debug)]
pub struct Sessions {
    config: SessionConfig,
    sessions: BTreeMap<BrokerId, Session>,
}

#[derive(Clone, Copy, Debug)]
struct Session {
    epoch: BrokerEpoch,
    state: State,
    deadline_ms: i64,
    metadata_offset: i64,
    /// The offset of the image when the controlled shutdown was first seen in it.
    shutdown_offset: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Live(StreamId),
    Suspect,
    Awaited,
}

/// What a heartbeat leads to.
enum Step {
    Stay,
    Propose(fn(BrokerRef) -> Request),
    /// The broker may stop; it is fenced if it is not yet.
    Stop,
}

impl Sessions {
    /// Without any session.
    pub fn new(config: SessionConfig) -> Sessions {
        Sessions {
            config,
            sessions: BTreeMap::new(),
        }
    }

    /// This controller has become active: every unfenced broker gets time to connect to it.
    ///
    /// `predecessor` was active before. If it is a broker as well, all of its process has been
    /// silent for an election timeout already.
    pub fn on_activation(&mut self, now_ms: i64, image: &Image, predecessor: Option<BrokerId>) {
        let alive = image.brokers_alive().map(|(id, broker)| {
            let grace_ms = match predecessor == Some(id) {
                true => self.config.broken_stream_grace_ms,
                false => self.config.takeover_grace_ms,
            };
            let session = Session {
                epoch: broker.epoch,
                state: State::Awaited,
                deadline_ms: now_ms.saturating_add(grace_ms),
                metadata_offset: -1,
                shutdown_offset: None,
            };
            (id, session)
        });
        self.sessions = alive.collect();
    }

    /// This controller is not active any more.
    pub fn on_deactivation(&mut self) {
        self.sessions.clear();
    }

    /// A broker was heard from: the answer, and the request that follows from it, if any.
    ///
    /// `image` is what has been committed. The request may be made again and again until it
    /// shows there.
    pub fn on_heartbeat(
        &mut self,
        now_ms: i64,
        image: &Image,
        heartbeat: Heartbeat,
    ) -> (HeartbeatAck, Option<Request>) {
        let BrokerRef { id, epoch } = heartbeat.broker;
        let Some(broker) = image.broker(id).filter(|broker| broker.epoch == epoch) else {
            return (HeartbeatAck::stale(), None);
        };
        self.touch(now_ms, &heartbeat, broker.in_controlled_shutdown, image);
        let is_caught_up = heartbeat.metadata_offset > epoch.0;
        let step = self.step(image, id, broker, &heartbeat, is_caught_up);
        let request = match step {
            Step::Stay => None,
            Step::Propose(request) => Some(request(heartbeat.broker)),
            Step::Stop => (!broker.fenced).then_some(Request::FenceBroker(heartbeat.broker)),
        };
        let ack = HeartbeatAck {
            error: ErrorCode::None,
            is_caught_up,
            is_fenced: broker.fenced,
            should_shut_down: matches!(step, Step::Stop),
        };
        (ack, request)
    }

    /// A broker's stream broke or ended. A stream that another has taken the place of does
    /// not matter.
    pub fn on_stream_closed(&mut self, now_ms: i64, broker: BrokerRef, stream: StreamId) {
        let deadline_ms = now_ms.saturating_add(self.config.broken_stream_grace_ms);
        if let Some(session) = self.sessions.get_mut(&broker.id)
            && session.epoch == broker.epoch
            && session.state == State::Live(stream)
        {
            session.state = State::Suspect;
            session.deadline_ms = session.deadline_ms.min(deadline_ms);
        }
    }

    /// Nothing listens at the broker's address: it need not be waited for. Says nothing about
    /// a broker whose stream is open.
    pub fn on_probe_refused(&mut self, now_ms: i64, broker: BrokerRef) {
        if let Some(session) = self.sessions.get_mut(&broker.id)
            && session.epoch == broker.epoch
            && !matches!(session.state, State::Live(_))
        {
            session.deadline_ms = session.deadline_ms.min(now_ms);
        }
    }

    /// The brokers whose deadline has passed and that are to be fenced. One that is still not
    /// fenced when the grace of a broken stream has passed again is named again.
    pub fn expired(&mut self, now_ms: i64, image: &Image) -> Vec<BrokerRef> {
        let again_ms = now_ms.saturating_add(self.config.broken_stream_grace_ms.max(1));
        let mut expired = Vec::new();
        self.sessions.retain(|id, session| {
            if session.deadline_ms > now_ms {
                return true;
            }
            let broker = image.broker(*id);
            let is_alive = broker.is_some_and(|b| !b.fenced && b.epoch == session.epoch);
            if is_alive {
                let (id, epoch) = (*id, session.epoch);
                expired.push(BrokerRef { id, epoch });
                session.state = State::Suspect;
                session.deadline_ms = again_ms;
            }
            is_alive
        });
        expired
    }

    /// Nobody was listened to for that long: it is not the brokers' fault.
    pub fn postpone(&mut self, by_ms: i64) {
        for session in self.sessions.values_mut() {
            if matches!(session.state, State::Live(_) | State::Awaited) {
                session.deadline_ms = session.deadline_ms.saturating_add(by_ms);
            }
        }
    }

    /// When [`Sessions::expired`] is due next.
    pub fn next_deadline(&self) -> Option<i64> {
        self.sessions.values().map(|s| s.deadline_ms).min()
    }

    /// The brokers whose stream broke, or that have not come since the takeover: whoever can
    /// find out sooner whether they are gone should.
    pub fn suspects(&self) -> impl Iterator<Item = BrokerRef> {
        let silent = |session: &Session| !matches!(session.state, State::Live(_));
        self.sessions
            .iter()
            .filter(move |(_, session)| silent(session))
            .map(|(id, session)| BrokerRef {
                id: *id,
                epoch: session.epoch,
            })
    }

    /// Whether that registration of the broker is known to be running.
    pub fn is_live(&self, now_ms: i64, id: BrokerId, epoch: BrokerEpoch) -> bool {
        self.sessions.get(&id).is_some_and(|session| {
            session.epoch == epoch
                && matches!(session.state, State::Live(_))
                && now_ms < session.deadline_ms
        })
    }

    fn touch(&mut self, now_ms: i64, heartbeat: &Heartbeat, stops: bool, image: &Image) {
        let BrokerRef { id, epoch } = heartbeat.broker;
        let before = self.sessions.get(&id).filter(|s| s.epoch == epoch);
        let shutdown_offset = before
            .and_then(|session| session.shutdown_offset)
            .or_else(|| stops.then(|| image.offset()));
        let session = Session {
            epoch,
            state: State::Live(heartbeat.stream),
            deadline_ms: now_ms.saturating_add(self.config.session_timeout_ms),
            metadata_offset: heartbeat.metadata_offset,
            shutdown_offset,
        };
        self.sessions.insert(id, session);
    }

    fn step(
        &self,
        image: &Image,
        id: BrokerId,
        broker: &Broker,
        heartbeat: &Heartbeat,
        is_caught_up: bool,
    ) -> Step {
        if broker.fenced {
            return if heartbeat.want_shut_down {
                Step::Stop
            } else if is_caught_up && !heartbeat.want_fence {
                Step::Propose(Request::UnfenceBroker)
            } else {
                Step::Stay
            };
        }
        if heartbeat.want_shut_down {
            return self.shut_down(image, id, broker, heartbeat.want_fence);
        }
        if heartbeat.want_fence {
            return Step::Propose(Request::FenceBroker);
        }
        Step::Stay
    }

    /// A broker may stop once it leads nothing and all others know it (rule 86).
    fn shut_down(&self, image: &Image, id: BrokerId, broker: &Broker, at_once: bool) -> Step {
        let leads = || {
            image
                .partitions()
                .any(|(_, partition)| partition.leader == id)
        };
        if at_once {
            return Step::Stop;
        }
        if !broker.in_controlled_shutdown {
            return if leads() {
                Step::Propose(Request::ShutDownBroker)
            } else {
                Step::Stop
            };
        }
        let shutdown_offset = self.sessions.get(&id).and_then(|s| s.shutdown_offset);
        if leads() || self.lowest_active_offset(image) < shutdown_offset {
            Step::Stay
        } else {
            Step::Stop
        }
    }

    /// How far the slowest active broker has come; `Some(i64::MAX)` without any.
    fn lowest_active_offset(&self, image: &Image) -> Option<i64> {
        let active = image.brokers().filter(|(_, broker)| broker.is_active());
        let offsets =
            active.map(|(id, _)| self.sessions.get(&id).map_or(-1, |s| s.metadata_offset));
        Some(offsets.min().unwrap_or(i64::MAX))
    }
}

impl HeartbeatAck {
    fn stale() -> HeartbeatAck {
        HeartbeatAck {
            error: ErrorCode::StaleBrokerEpoch,
            is_caught_up: false,
            is_fenced: true,
            should_shut_down: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Lab;

    /// Session timeout 1000, grace of a broken stream 100, of a takeover 500.
    fn lab() -> Lab {
        let mut lab = Lab::with_topic();
        let image = lab.image.clone();
        for id in 1..=3 {
            let heartbeat = lab.heartbeat(id, image.offset());
            lab.sessions.on_heartbeat(0, &image, heartbeat);
        }
        lab
    }

    fn beat(lab: &mut Lab, now_ms: i64, heartbeat: Heartbeat) -> (HeartbeatAck, Option<Request>) {
        let image = lab.image.clone();
        lab.sessions.on_heartbeat(now_ms, &image, heartbeat)
    }

    fn expired(lab: &mut Lab, now_ms: i64) -> Vec<i32> {
        let image = lab.image.clone();
        let expired = lab.sessions.expired(now_ms, &image);
        expired.into_iter().map(|broker| broker.id.0).collect()
    }

    #[test]
    fn silence_is_noticed_after_the_session_timeout() {
        let mut lab = lab();
        let heartbeat = lab.heartbeat(2, 0);
        beat(&mut lab, 600, heartbeat);
        assert_eq!(lab.sessions.next_deadline(), Some(1000));
        assert_eq!(expired(&mut lab, 999), []);
        assert_eq!(expired(&mut lab, 1000), [1, 3]);
        assert_eq!(expired(&mut lab, 1001), [], "once is enough for a while");
        assert_eq!(expired(&mut lab, 1100), [1, 3], "unless nothing came of it");
        lab.ask(&Request::FenceBroker(lab.broker(1)));
        assert_eq!(expired(&mut lab, 1200), [3]);
        assert_eq!(expired(&mut lab, 1600), [2, 3]);
    }

    #[test]
    fn a_broken_stream_is_noticed_after_a_short_grace() {
        let mut lab = lab();
        let broker = lab.broker(1);
        lab.sessions.on_stream_closed(50, broker, StreamId(1));
        assert!(!lab.sessions.is_live(50, broker.id, broker.epoch));
        assert_eq!(lab.sessions.suspects().collect::<Vec<_>>(), [broker]);
        assert_eq!(lab.sessions.next_deadline(), Some(150));
        assert_eq!(expired(&mut lab, 149), []);
        assert_eq!(expired(&mut lab, 150), [1]);
    }

    #[test]
    fn a_broker_that_is_back_in_time_is_not_fenced() {
        let mut lab = lab();
        let heartbeat = Heartbeat {
            stream: StreamId(2),
            ..lab.heartbeat(1, 0)
        };
        lab.sessions
            .on_stream_closed(50, heartbeat.broker, StreamId(1));
        beat(&mut lab, 140, heartbeat);
        assert_eq!(expired(&mut lab, 150), []);
        // The end of the old stream may be heard of late.
        lab.sessions
            .on_stream_closed(151, heartbeat.broker, StreamId(1));
        assert_eq!(expired(&mut lab, 300), []);
    }

    #[test]
    fn nobody_listening_is_evidence_only_without_a_stream() {
        let mut lab = lab();
        let broker = lab.broker(1);
        lab.sessions.on_probe_refused(10, broker);
        assert_eq!(expired(&mut lab, 10), []);
        lab.sessions.on_stream_closed(20, broker, StreamId(1));
        lab.sessions.on_probe_refused(21, broker);
        assert_eq!(expired(&mut lab, 21), [1]);
    }

    #[test]
    fn a_new_controller_waits_for_those_that_were_alive() {
        let mut lab = lab();
        lab.ask(&Request::FenceBroker(lab.broker(3)));
        let image = lab.image.clone();
        lab.sessions.on_activation(10_000, &image, None);
        assert_eq!(lab.sessions.suspects().count(), 2);
        let heartbeat = lab.heartbeat(1, 0);
        beat(&mut lab, 10_100, heartbeat);
        assert_eq!(expired(&mut lab, 10_499), []);
        assert_eq!(expired(&mut lab, 10_500), [2]);
        lab.sessions.on_deactivation();
        assert_eq!(lab.sessions.next_deadline(), None);
        lab.sessions.on_activation(20_000, &image, None);
        let broker = lab.broker(1);
        lab.sessions.on_probe_refused(20_001, broker);
        assert_eq!(expired(&mut lab, 20_001), [1]);
    }

    #[test]
    fn whose_process_was_active_before_is_not_waited_for_as_long() {
        let mut lab = lab();
        let image = lab.image.clone();
        let predecessor = lab.broker(2).id;
        lab.sessions
            .on_activation(10_000, &image, Some(predecessor));
        assert_eq!(expired(&mut lab, 10_099), []);
        assert_eq!(expired(&mut lab, 10_100), [2]);
        lab.sessions
            .on_activation(20_000, &image, Some(predecessor));
        let heartbeat = lab.heartbeat(2, 0);
        beat(&mut lab, 20_099, heartbeat);
        assert_eq!(expired(&mut lab, 20_100), []);
    }

    #[test]
    fn the_session_of_an_earlier_registration_does_not_matter() {
        let mut lab = lab();
        let old = lab.heartbeat(1, 0);
        lab.sessions.on_stream_closed(0, old.broker, old.stream);
        lab.restart(1, false);
        lab.ask(&Request::UnfenceBroker(lab.broker(1)));
        assert_eq!(expired(&mut lab, 100), []);
        let (ack, request) = beat(&mut lab, 101, old);
        assert_eq!(ack.error, ErrorCode::StaleBrokerEpoch);
        assert_eq!(request, None);
    }

    #[test]
    fn unfenced_after_replaying_the_own_registration() {
        let mut lab = Lab::new(1);
        lab.restart(1, false);
        let epoch = lab.broker(1).epoch.0;
        let (ack, request) = {
            let heartbeat = lab.heartbeat(1, epoch);
            beat(&mut lab, 0, heartbeat)
        };
        assert!(!ack.is_caught_up && ack.is_fenced);
        assert_eq!(request, None);
        let unwilling = Heartbeat {
            want_fence: true,
            ..lab.heartbeat(1, epoch + 1)
        };
        let (ack, request) = beat(&mut lab, 0, unwilling);
        assert!(ack.is_caught_up);
        assert_eq!(request, None);
        let heartbeat = lab.heartbeat(1, epoch + 1);
        let (_, request) = beat(&mut lab, 0, heartbeat);
        assert_eq!(request, Some(Request::UnfenceBroker(lab.broker(1))));
        lab.ask(&request.unwrap());
        let (ack, request) = beat(&mut lab, 0, heartbeat);
        assert!(!ack.is_fenced);
        assert_eq!(request, None);
    }

    #[test]
    fn a_broker_may_ask_to_be_fenced() {
        let mut lab = lab();
        let heartbeat = Heartbeat {
            want_fence: true,
            ..lab.heartbeat(1, 0)
        };
        let (_, request) = beat(&mut lab, 0, heartbeat);
        assert_eq!(request, Some(Request::FenceBroker(heartbeat.broker)));
    }

    #[test]
    fn a_broker_stops_when_all_others_know_that_it_leads_nothing() {
        let mut lab = lab();
        let stops = Heartbeat {
            want_shut_down: true,
            ..lab.heartbeat(1, 0)
        };
        let (ack, request) = beat(&mut lab, 0, stops);
        assert!(!ack.should_shut_down);
        assert_eq!(request, Some(Request::ShutDownBroker(stops.broker)));
        lab.ask(&request.unwrap());
        assert_eq!(lab.state(), "2 @1 isr 2,3");
        let (ack, request) = beat(&mut lab, 1, stops);
        assert!(!ack.should_shut_down, "2 and 3 have not replayed it yet");
        assert_eq!(request, None);
        for id in [2, 3] {
            let heartbeat = lab.heartbeat(id, lab.image.offset());
            beat(&mut lab, 2, heartbeat);
        }
        let (ack, request) = beat(&mut lab, 3, stops);
        assert!(ack.should_shut_down);
        assert_eq!(request, Some(Request::FenceBroker(stops.broker)));
        lab.ask(&request.unwrap());
        let (ack, request) = beat(&mut lab, 4, stops);
        assert!(ack.should_shut_down);
        assert_eq!(request, None);
    }

    #[test]
    fn a_broker_that_leads_nothing_stops_at_once() {
        let mut lab = lab();
        let stops = Heartbeat {
            want_shut_down: true,
            ..lab.heartbeat(2, 0)
        };
        let (ack, request) = beat(&mut lab, 0, stops);
        assert!(ack.should_shut_down);
        assert_eq!(request, Some(Request::FenceBroker(stops.broker)));
    }

    #[test]
    fn nobody_expires_for_what_was_not_listened_to() {
        let mut lab = lab();
        let image = lab.image.clone();
        let due = lab.sessions.next_deadline().unwrap();
        lab.sessions.postpone(700);
        assert!(lab.sessions.expired(due + 699, &image).is_empty());
        assert_eq!(lab.sessions.expired(due + 700, &image).len(), 3);
    }
}
