//! What can be wrong with a configuration, told so that it can be put right.

use std::fmt;
use thiserror::Error;

/// A configuration that the server refuses to start with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The file is not in the format of Java properties.
    #[error("line {line}: {problem}")]
    Syntax {
        /// The line of the file, counted from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A setting that has no default is missing.
    #[error("{key} is not set: {needed}")]
    Missing {
        /// The property that is missing.
        key: &'static str,
        /// What it should be.
        needed: String,
    },
    /// A value breaks the rule of its property.
    #[error("{key}={value} is not allowed: {allowed}")]
    Invalid {
        /// The property.
        key: String,
        /// Its value; never a secret.
        value: String,
        /// What is allowed instead.
        allowed: String,
    },
    /// Two settings contradict each other.
    #[error("{key}={value} contradicts {other_key}={other_value}: {allowed}")]
    Conflict {
        /// The property to look at first.
        key: &'static str,
        /// Its value.
        value: String,
        /// The property it contradicts.
        other_key: &'static str,
        /// The value of that one.
        other_value: String,
        /// What would be fine.
        allowed: String,
    },
}

impl ConfigError {
    /// An [`ConfigError::Invalid`] from anything that reads as text.
    pub(crate) fn invalid(
        key: impl Into<String>,
        value: impl Into<String>,
        allowed: impl Into<String>,
    ) -> ConfigError {
        ConfigError::Invalid {
            key: key.into(),
            value: value.into(),
            allowed: allowed.into(),
        }
    }
}

/// Something that does not stop the server but that its owner should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The property concerned.
    pub key: String,
    /// What to know about it.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}
