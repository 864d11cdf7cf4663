//! The broker's side of the control plane: it registers, stays alive in the controller's eyes,
//! and follows the metadata.

mod directory_assignments;
mod floor_reports;
mod heartbeats;
mod metadata_stream;
mod registration;

pub(crate) use directory_assignments::DirectoryAssignments;
pub(crate) use floor_reports::report_floors;
pub(crate) use heartbeats::{Heartbeats, Lifecycle};
pub(crate) use metadata_stream::{Change, follow_metadata};
pub use registration::RegistrationError;
pub(crate) use registration::{Registration, register};
