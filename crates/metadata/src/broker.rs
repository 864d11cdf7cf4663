//! Registered brokers and controllers.

use crate::{ReplayError, feature_level::LevelRange, proto};
use klamm_types::{BrokerEpoch, Uuid};

/// An endpoint that a node advertises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The listener's name, e.g. `PLAINTEXT`.
    pub name: String,
    /// The host clients are told.
    pub host: String,
    /// The port clients are told.
    pub port: u16,
    /// Kafka's numbers: 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL.
    pub security_protocol: i16,
}

/// A broker as it registered last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// The offset of the registration record (KIP-631).
    pub epoch: BrokerEpoch,
    /// Drawn anew at every start of the process.
    pub incarnation_id: Uuid,
    /// Where it can be reached.
    pub listeners: Vec<Listener>,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// Not in any ISR, leads nothing, clients are not sent there.
    pub fenced: bool,
    /// Gives its leaderships away before it stops.
    pub in_controlled_shutdown: bool,
    /// Its log directories that are online.
    pub log_dirs: Vec<Uuid>,
    /// The version it runs, for people.
    pub version: String,
    /// The feature levels it supports.
    pub levels: LevelRange,
}

/// A controller that introduced itself (KIP-919).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// Where it can be reached.
    pub listeners: Vec<Listener>,
    /// The feature levels it supports.
    pub levels: LevelRange,
}

impl Broker {
    /// Whether the broker may lead partitions and be in ISRs: neither fenced nor stopping.
    pub fn is_active(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }

    /// Whether a log directory of it is online, as far as is known: zero stands for one that has
    /// not been told yet.
    pub fn has_log_dir(&self, id: Uuid) -> bool {
        id.is_zero() || self.log_dirs.is_empty() || self.log_dirs.contains(&id)
    }

    /// The endpoint of a listener, by its name.
    pub fn listener(&self, name: &str) -> Option<&Listener> {
        self.listeners.iter().find(|listener| listener.name == name)
    }
}

impl TryFrom<&proto::Listener> for Listener {
    type Error = ReplayError;

    fn try_from(listener: &proto::Listener) -> Result<Self, ReplayError> {
        Ok(Listener {
            name: listener.name.clone(),
            host: listener.host.clone(),
            port: u16::try_from(listener.port).map_err(|_| ReplayError::BadNumber {
                field: "port",
                value: i64::from(listener.port),
            })?,
            security_protocol: i16::try_from(listener.security_protocol).map_err(|_| {
                ReplayError::BadNumber {
                    field: "security_protocol",
                    value: i64::from(listener.security_protocol),
                }
            })?,
        })
    }
}

impl From<&Listener> for proto::Listener {
    fn from(listener: &Listener) -> Self {
        proto::Listener {
            name: listener.name.clone(),
            host: listener.host.clone(),
            port: u32::from(listener.port),
            security_protocol: i32::from(listener.security_protocol),
        }
    }
}

/// The listeners of a record.
pub(crate) fn listeners(records: &[proto::Listener]) -> Result<Vec<Listener>, ReplayError> {
    records.iter().map(Listener::try_from).collect()
}
