//! Kafka's wire protocol without I/O: frames, headers, the API table, messages.
//!
//! [`messages`] is generated from `schema/` by `klamm-protocol-gen`; everything else is written by hand.
//! A [`Decoder`] reads one frame and trusts nothing in it: each length is checked against the bytes that are
//! left, and what it allocates is bounded by a multiple of the frame's size. An [`Encoder`] gathers chunks, so
//! that record batches travel without being copied.
//!
//! Deliberately not here: sockets, the contents of record batches, and the numbers of error codes (messages
//! carry them as `i16`).

pub mod api;
mod decoder;
mod encoder;
pub mod frame;
#[rustfmt::skip]
pub mod messages;
pub mod record;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod wire;

pub use api::ApiKey;
pub use decoder::{DecodeError, Decoder};
pub use encoder::{EncodeError, Encoder};
pub use wire::{Cx, Message, Request, Wire};
