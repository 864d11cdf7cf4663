//! A broker introduces itself (rules 83 and 85).

use crate::{Context, Decision, Loss, Refusal, broker_state, cluster, new_partitions::sole};
use klamm_metadata::{
    Broker, Image, Listener, Partition, feature_level::LevelRange, proto, uuid_bytes,
};
use klamm_types::{BrokerEpoch, BrokerId, ErrorCode, Uuid};

/// A broker's introduction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterBroker {
    /// The cluster that the broker's folder belongs to; empty: none yet.
    pub cluster_id: String,
    /// The broker.
    pub broker_id: BrokerId,
    /// Drawn anew at every start of the process.
    pub incarnation_id: Uuid,
    /// Where it can be reached.
    pub listeners: Vec<Listener>,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// Its log directories that are online.
    pub log_dirs: Vec<Uuid>,
    /// There are others that cannot be used now and may come back.
    pub has_offline_log_dirs: bool,
    /// The registration under which it stopped cleanly, none if it did not.
    pub previous_epoch: BrokerEpoch,
    /// The version it runs, for people.
    pub version: String,
    /// The feature levels it supports.
    pub levels: LevelRange,
}

/// The answer to an introduction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredBroker {
    /// The broker's epoch.
    pub epoch: BrokerEpoch,
    /// The cluster it belongs to from now on.
    pub cluster_id: String,
}

pub(crate) fn decide(
    image: &Image,
    request: &RegisterBroker,
    ctx: &Context,
) -> Decision<Result<RegisteredBroker, Refusal>> {
    let cluster_id = match check(image, request, ctx) {
        Ok(cluster_id) => cluster_id.to_owned(),
        Err(refusal) => return Decision::refused(refusal),
    };
    let existing = image.broker(request.broker_id);
    let same = existing.filter(|broker| broker.incarnation_id == request.incarnation_id);
    let (epoch, records) = match same {
        Some(broker) => (broker.epoch, amend(broker, request)),
        None => register(image, existing, request, ctx),
    };
    let response = Ok(RegisteredBroker { epoch, cluster_id });
    Decision { records, response }
}

/// The cluster's id, if the broker may register.
fn check<'a>(
    image: &'a Image,
    request: &RegisterBroker,
    ctx: &Context,
) -> Result<&'a str, Refusal> {
    let id = request.broker_id;
    if id.is_none() {
        let message = format!("{id} is no broker id");
        return Err(Refusal::new(ErrorCode::InvalidRequest, message));
    }
    let Some(cluster_id) = image.cluster_id() else {
        let message = "the cluster has no id yet";
        return Err(Refusal::new(ErrorCode::NotController, message));
    };
    if !request.cluster_id.is_empty() && request.cluster_id != cluster_id {
        let message = format!(
            "broker {id} belongs to cluster {}, this is {cluster_id}",
            request.cluster_id
        );
        return Err(Refusal::new(ErrorCode::InconsistentClusterId, message));
    }
    cluster::check_levels(image, "broker", id, request.levels)?;
    if let Some(broker) = image.broker(id)
        && broker.incarnation_id != request.incarnation_id
        && ctx.sessions.is_live(ctx.now_ms, id, broker.epoch)
    {
        let message = format!("another broker {id} is running");
        let code = ErrorCode::DuplicateBrokerRegistration;
        return Err(Refusal::new(code, message));
    }
    Ok(cluster_id)
}

/// A new incarnation: fenced until it has caught up, out of every ISR; out of every ELR too
/// where it may have lost something.
fn register(
    image: &Image,
    existing: Option<&Broker>,
    request: &RegisterBroker,
    ctx: &Context,
) -> (BrokerEpoch, Vec<proto::Record>) {
    let losses = Losses {
        before: existing,
        now: request,
    };
    let changes = broker_state::come_back(image, request.broker_id, &losses, ctx);
    // The offset of its record.
    let epoch = BrokerEpoch(image.offset() + changes.len() as i64);
    let registration = record(request, epoch, true).into();
    (epoch, broker_state::after(changes, registration))
}

/// What a broker has lost since its last registration.
pub(crate) struct Losses<'a> {
    before: Option<&'a Broker>,
    now: &'a RegisterBroker,
}

impl Losses<'_> {
    /// What it has lost of a partition.
    pub(crate) fn of(&self, partition: &Partition) -> Option<Loss> {
        let id = self.now.broker_id;
        if self.is_gone(partition) {
            Some(Loss::Disks(id))
        } else if self.before.map(|broker| broker.epoch) != Some(self.now.previous_epoch) {
            Some(Loss::Unflushed(id))
        } else {
            None
        }
    }

    /// Where its replica begins anew, zero if that is the broker's choice; `None` if it is not
    /// known to have lived in a directory that is gone.
    pub(crate) fn new_home(&self, partition: &Partition) -> Option<Uuid> {
        let home = partition
            .directory(self.now.broker_id)
            .unwrap_or(Uuid::ZERO);
        let is_there = home.is_zero() || self.now.log_dirs.contains(&home);
        (!is_there && self.is_gone(partition)).then(|| sole(&self.now.log_dirs))
    }

    /// Whether the replica's directory is not there any more, rather than offline.
    fn is_gone(&self, partition: &Partition) -> bool {
        let is_missing = |directory: &Uuid| !self.now.log_dirs.contains(directory);
        let Some(before) = self.before else {
            return true;
        };
        if self.now.has_offline_log_dirs {
            return false;
        }
        match partition.directory(self.now.broker_id) {
            Some(home) if !home.is_zero() => is_missing(&home),
            _ => before.log_dirs.iter().any(is_missing),
        }
    }
}

/// The same incarnation once more: its epoch and state stay.
fn amend(broker: &Broker, request: &RegisterBroker) -> Vec<proto::Record> {
    let same = broker.listeners == request.listeners
        && broker.rack == request.rack
        && broker.log_dirs == request.log_dirs
        && broker.version == request.version
        && broker.levels == request.levels;
    if same {
        return Vec::new();
    }
    let mut records = vec![record(request, broker.epoch, broker.fenced).into()];
    if broker.in_controlled_shutdown {
        let stops = proto::BrokerChangeRecord {
            broker_id: request.broker_id.0,
            broker_epoch: broker.epoch.0,
            in_controlled_shutdown: Some(true),
            ..Default::default()
        };
        records.push(stops.into());
    }
    records
}

fn record(
    request: &RegisterBroker,
    epoch: BrokerEpoch,
    fenced: bool,
) -> proto::RegisterBrokerRecord {
    proto::RegisterBrokerRecord {
        broker_id: request.broker_id.0,
        broker_epoch: epoch.0,
        incarnation_id: uuid_bytes(request.incarnation_id),
        listeners: request.listeners.iter().map(Into::into).collect(),
        rack: request.rack.clone(),
        fenced,
        log_dirs: request.log_dirs.iter().copied().map(uuid_bytes).collect(),
        version: request.version.clone(),
        levels: request.levels.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Request, Response,
        lab::{Lab, error},
    };

    fn register(lab: &mut Lab, registration: &RegisterBroker) -> Response {
        lab.ask(&Request::RegisterBroker(registration.clone()))
    }

    #[test]
    fn the_epoch_is_the_offset_of_the_record_and_the_broker_starts_fenced() {
        let mut lab = Lab::new(0);
        let offset = lab.image.offset();
        let registration = lab.registration(7, false);
        let response = register(&mut lab, &registration);
        let expected = RegisteredBroker {
            epoch: BrokerEpoch(offset),
            cluster_id: "cluster".into(),
        };
        assert_eq!(response, Response::RegisterBroker(Ok(expected)));
        let broker = lab.image.broker(BrokerId(7)).unwrap();
        assert!(broker.fenced);
        assert_eq!(broker.epoch, BrokerEpoch(offset));
        assert_eq!(broker.listeners, registration.listeners);
    }

    #[test]
    fn the_same_incarnation_keeps_its_epoch_and_state() {
        let mut lab = Lab::new(1);
        let mut registration = lab.registration(1, false);
        register(&mut lab, &registration);
        lab.ask(&Request::UnfenceBroker(lab.broker(1)));
        let before = lab.image.clone();
        register(&mut lab, &registration);
        assert_eq!(lab.image, before, "a lost answer is given again");
        registration.rack = Some("r".into());
        let heartbeat = lab.heartbeat(1, before.offset());
        lab.sessions.on_heartbeat(0, &before, heartbeat);
        register(&mut lab, &registration);
        let broker = lab.image.broker(BrokerId(1)).unwrap();
        assert_eq!(broker.epoch, before.broker(BrokerId(1)).unwrap().epoch);
        assert!(!broker.fenced);
        assert_eq!(broker.rack.as_deref(), Some("r"));
    }

    #[test]
    fn a_second_broker_of_an_id_is_refused_while_the_first_is_heard_from() {
        let mut lab = Lab::new(1);
        let (image, first) = (lab.image.clone(), lab.heartbeat(1, 0));
        let second = lab.registration(1, false);
        lab.sessions.on_heartbeat(0, &image, first);
        let refused = register(&mut lab, &second);
        assert_eq!(error(&refused), ErrorCode::DuplicateBrokerRegistration);
        // Killed with -9: the stream breaks, the next incarnation need not wait.
        lab.sessions.on_stream_closed(1, first.broker, first.stream);
        let accepted = register(&mut lab, &second);
        assert_eq!(error(&accepted), ErrorCode::None);
    }

    #[test]
    fn a_new_controller_lets_restarted_brokers_in_at_once() {
        let mut lab = Lab::new(1);
        let image = lab.image.clone();
        lab.sessions.on_activation(0, &image, None);
        assert_eq!(error(&lab.restart(1, false)), ErrorCode::None);
    }

    #[test]
    fn brokers_of_other_clusters_and_without_an_id_are_refused() {
        let mut lab = Lab::new(0);
        let mut registration = lab.registration(1, false);
        registration.cluster_id = "other".into();
        let response = register(&mut lab, &registration);
        assert_eq!(error(&response), ErrorCode::InconsistentClusterId);
        registration.cluster_id = "cluster".into();
        assert_eq!(error(&register(&mut lab, &registration)), ErrorCode::None);
        registration.broker_id = BrokerId(-1);
        let response = register(&mut lab, &registration);
        assert_eq!(error(&response), ErrorCode::InvalidRequest);
        lab.image = Image::new();
        registration.broker_id = BrokerId(1);
        let response = register(&mut lab, &registration);
        assert_eq!(error(&response), ErrorCode::NotController);
    }
}
