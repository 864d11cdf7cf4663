//! Why a command did not do what it was asked to.

use std::fmt;

/// A message for whoever typed the command: what was tried, what went wrong, what would help.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    exit_code: u8,
}

impl Failure {
    /// A failure that ends the program with exit code 1.
    pub(crate) fn new(message: impl Into<String>) -> Failure {
        Failure {
            message: message.into(),
            exit_code: 1,
        }
    }

    /// The same failure with another exit code.
    pub(crate) fn exit_with(self, exit_code: u8) -> Failure {
        Failure { exit_code, ..self }
    }

    /// How the program ends.
    pub(crate) fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Says what was being done when an error came up.
pub(crate) trait Context<T> {
    /// `what` is a verb and its object, such as "read server.properties".
    fn context(self, what: impl fmt::Display) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> Context<T> for Result<T, E> {
    fn context(self, what: impl fmt::Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(format!("cannot {what}: {error}")))
    }
}
