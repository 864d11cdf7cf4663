//! A broker introduces itself (rules 83 and 85).

use crate::{Context, Decision, Refusal, broker_state};
use klamm_metadata::{Broker, Image, Listener, proto, uuid_bytes};
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
    /// Its log directories.
    pub log_dirs: Vec<Uuid>,
    /// The registration under which it stopped cleanly, none if it did not.
    pub previous_epoch: BrokerEpoch,
    /// The version it runs, for people.
    pub version: String,
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
    let records = match same {
        Some(broker) => amend(broker, request),
        None => register(image, existing, request, ctx),
    };
    let epoch = same.map_or(BrokerEpoch(image.offset()), |broker| broker.epoch);
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
/// unless it stopped cleanly.
fn register(
    image: &Image,
    existing: Option<&Broker>,
    request: &RegisterBroker,
    ctx: &Context,
) -> Vec<proto::Record> {
    // First in the batch: its offset is the broker's epoch.
    let mut records = vec![record(request, BrokerEpoch(image.offset()), true).into()];
    match existing {
        Some(broker) if broker.epoch == request.previous_epoch => {
            broker_state::leave_isrs(&mut records, image, request.broker_id, ctx);
        }
        _ => broker_state::lose_eligibility(&mut records, image, request.broker_id, ctx),
    }
    records
}

/// The same incarnation once more: its epoch and state stay.
fn amend(broker: &Broker, request: &RegisterBroker) -> Vec<proto::Record> {
    let same = broker.listeners == request.listeners
        && broker.rack == request.rack
        && broker.log_dirs == request.log_dirs
        && broker.version == request.version;
    if same {
        return Vec::new();
    }
    let mut records = vec![record(request, broker.epoch, broker.fenced).into()];
    if broker.in_controlled_shutdown {
        let stops = proto::BrokerChangeRecord {
            broker_id: request.broker_id.0,
            broker_epoch: broker.epoch.0,
            fenced: None,
            in_controlled_shutdown: Some(true),
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
    }
}
