//! Kafka's 128-bit ids.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// A 128-bit id of a topic, a log directory, a cluster or an incarnation.
///
/// Its text form is Kafka's: URL-safe base64 without padding, 22 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Uuid(pub [u8; 16]);

/// The text is not 22 characters of URL-safe base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseUuidError;

impl Uuid {
    /// All zeros: "there is none".
    pub const ZERO: Uuid = Uuid([0; 16]);
    /// Reserved by Kafka for its metadata topic.
    pub const ONE: Uuid = Uuid([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);

    /// A fresh id from the operating system's random source, never reserved and never one
    /// whose text begins with a dash (it would read as an option on a command line).
    ///
    /// # Errors
    /// The operating system has no random source to offer.
    pub fn random() -> Result<Uuid, getrandom::Error> {
        loop {
            let mut bytes = [0; 16];
            getrandom::fill(&mut bytes)?;
            // Version 4, variant 1 (RFC 9562), as Java's UUID.randomUUID marks them.
            bytes[6] = (bytes[6] & 0x0f) | 0x40;
            bytes[8] = (bytes[8] & 0x3f) | 0x80;
            let id = Uuid(bytes);
            if !id.to_string().starts_with('-') {
                return Ok(id);
            }
        }
    }

    /// Whether this stands for "there is none".
    pub fn is_zero(self) -> bool {
        self == Uuid::ZERO
    }

    /// The bytes, most significant first, as they travel.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The id made of bytes as they travel, if there are exactly 16.
    pub fn from_slice(bytes: &[u8]) -> Option<Uuid> {
        bytes.try_into().ok().map(Uuid)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Uuid {
    type Err = ParseUuidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 16];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(16) => Ok(Uuid(bytes)),
            _ => Err(ParseUuidError),
        }
    }
}

impl fmt::Display for ParseUuidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an id of 22 characters of URL-safe base64")
    }
}

impl std::error::Error for ParseUuidError {}

impl Serialize for Uuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_matches_kafka() {
        // Kafka prints its reserved ids this way.
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Uuid::ONE.to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        for _ in 0..100 {
            let id = Uuid::random().unwrap();
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "AAAA",
            "AAAAAAAAAAAAAAAAAAAAAAAA",
            "!!!!!!!!!!!!!!!!!!!!!!",
        ] {
            assert_eq!(text.parse::<Uuid>(), Err(ParseUuidError), "{text}");
        }
    }
}
