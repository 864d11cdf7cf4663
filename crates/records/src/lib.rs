//! Record batches of Kafka's format v2: view, build, validate, compress.
//!
//! A batch is handled as the bytes that travel and lie on disk; [`BatchHeader`] is a decoded
//! copy of its first 61 bytes. A broker changes four fields of a batch and only in place
//! ([`set_base_offset`], [`set_partition_leader_epoch`], [`set_timestamps`]), so records are
//! never copied on their way through.
//!
//! Not here: message formats v0 and v1, which no client of Kafka 4 writes.
//!
//! Everything in this crate is pure. Bytes from outside never make it panic or allocate more
//! than the caller's cap.

mod batch;
mod batch_rewrite;
mod builder;
mod compression;
mod control;
mod invalid_batch;
mod lz4_frame;
mod recompress;
mod record;
mod record_view;
mod record_walk;
mod snappy;
mod validate;
mod varint;

pub use batch::{
    BatchError, BatchHeader, Batches, HEADER_SIZE, LOG_OVERHEAD, MAGIC, NO_SEQUENCE, NO_TIMESTAMP,
    TimestampType, set_base_offset, set_partition_leader_epoch, set_timestamps, split_batches,
    verify_crc,
};
pub use batch_rewrite::{BatchRewrite, empty_batch};
pub use builder::{BatchBuilder, BuildError};
pub use compression::{
    Compression, CompressionLevels, DECOMPRESSED_BYTES_MAX_DEFAULT, DecompressError, compress,
    decompress,
};
pub use control::{ControlRecordType, EndTransactionMarker};
pub use invalid_batch::{InvalidBatch, InvalidRecord, InvalidRecordReason};
pub use recompress::{RecompressError, recompress};
pub use record::{Record, RecordHeader, Records, RecordsError};
pub use record_view::{RecordView, RecordViews};
pub use record_walk::RecordError;
pub use validate::{ProducePolicy, ValidatedBatch, validate_produce};
