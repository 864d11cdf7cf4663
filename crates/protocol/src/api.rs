//! The APIs of Kafka: keys, names, versions, listeners.

use crate::{decoder::DecodeError, messages::table};
use std::{fmt, ops::RangeInclusive};

pub use crate::messages::table::ApiKey;

impl ApiKey {
    /// All live keys in ascending order.
    pub const ALL: &'static [ApiKey] = &table::ALL;

    /// Kafka's name of the API.
    pub const fn name(self) -> &'static str {
        table::facts(self).name
    }

    /// The versions Kafka 4.3.1 serves, which is what Klamm follows. Empty for an API that is newer.
    pub const fn served(self) -> RangeInclusive<i16> {
        let (low, high) = table::facts(self).served;
        RangeInclusive::new(low, high)
    }

    /// What an ApiVersions response says. It differs from [`ApiKey::served`] in Produce, which claims to begin at
    /// 0: some releases of librdkafka turn features off otherwise (KAFKA-18659).
    pub const fn advertised(self) -> RangeInclusive<i16> {
        let (low, high) = table::facts(self).served;
        RangeInclusive::new(
            if matches!(self, ApiKey::Produce) {
                0
            } else {
                low
            },
            high,
        )
    }

    /// The versions that this crate can encode and decode.
    pub const fn schema_versions(self) -> RangeInclusive<i16> {
        let (low, high) = table::facts(self).schema;
        RangeInclusive::new(low, high)
    }

    /// The first flexible version, if there is one.
    pub const fn flexible_from(self) -> Option<i16> {
        match table::facts(self).flexible_from {
            i16::MAX => None,
            version => Some(version),
        }
    }

    /// Whether brokers answer it to clients.
    pub const fn on_broker(self) -> bool {
        table::facts(self).broker
    }

    /// Whether controllers answer it.
    pub const fn on_controller(self) -> bool {
        table::facts(self).controller
    }

    /// The version of the header in front of a request of `version`.
    pub const fn request_header_version(self, version: i16) -> i16 {
        if version >= table::facts(self).flexible_from {
            2
        } else {
            1
        }
    }

    /// The version of the header in front of a response of `version`. That of ApiVersions never changes, because
    /// its reader does not know yet what the broker speaks.
    pub const fn response_header_version(self, version: i16) -> i16 {
        if matches!(self, ApiKey::ApiVersions) {
            return 0;
        }
        if version >= table::facts(self).flexible_from {
            1
        } else {
            0
        }
    }
}

impl TryFrom<i16> for ApiKey {
    type Error = DecodeError;

    fn try_from(key: i16) -> Result<ApiKey, DecodeError> {
        match ApiKey::ALL.binary_search_by_key(&key, |known| *known as i16) {
            Ok(index) => Ok(ApiKey::ALL[index]),
            Err(_) => Err(DecodeError::UnknownApiKey(key)),
        }
    }
}

impl From<ApiKey> for i16 {
    fn from(key: ApiKey) -> i16 {
        key as i16
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
