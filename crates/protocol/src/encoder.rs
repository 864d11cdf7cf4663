//! Writing one frame as a list of chunks.

use crate::wire::{Cx, Wire};
use bytes::{Bytes, BytesMut};

/// Byte fields of at least this size become chunks of their own; copying less is cheaper than another entry in
/// a gathered write.
const OWN_CHUNK_BYTES: usize = 4096;

/// Why a message cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The schema has no such version.
    #[error("{message} has no version {version}")]
    UnsupportedVersion {
        /// Name of the message.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// The version lacks a field that is set and must not be dropped.
    #[error("version {version} cannot carry {field}")]
    UnsupportedField {
        /// Structure and field.
        field: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// Null where the version does not allow it.
    #[error("version {version} does not allow {field} to be null")]
    UnexpectedNull {
        /// The field.
        field: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// A string is longer than the protocol allows.
    #[error("a string of {length} bytes")]
    StringTooLong {
        /// Its bytes.
        length: usize,
    },
    /// Bytes, an array or the whole frame are longer than the protocol allows.
    #[error("a length of {length} bytes or elements")]
    TooLong {
        /// The length.
        length: usize,
    },
}

enum Chunk {
    Built(BytesMut),
    Shared(Bytes),
}

/// Collects the encoding of one frame.
#[derive(Default)]
pub struct Encoder {
    done: Vec<Chunk>,
    done_bytes: usize,
    buffer: BytesMut,
    /// Inside a tagged field everything is copied, because its size goes first.
    gathered: bool,
}

impl Encoder {
    /// An empty frame.
    pub fn new() -> Encoder {
        Encoder::default()
    }

    /// An empty frame that leaves room for its own size; see [`Encoder::finish_framed`].
    pub fn framed() -> Encoder {
        let mut encoder = Encoder::default();
        encoder.slice(&[0; 4]);
        encoder
    }

    /// Bytes written so far.
    pub fn written(&self) -> usize {
        self.done_bytes + self.buffer.len()
    }

    /// The chunks, in order.
    pub fn finish(mut self) -> Vec<Bytes> {
        self.close_buffer();
        self.done
            .into_iter()
            .map(|chunk| match chunk {
                Chunk::Built(bytes) => bytes.freeze(),
                Chunk::Shared(bytes) => bytes,
            })
            .collect()
    }

    /// The chunks of a frame begun with [`Encoder::framed`], its size in front.
    ///
    /// # Errors
    /// The frame is too long for its size field.
    pub fn finish_framed(mut self) -> Result<Vec<Bytes>, EncodeError> {
        let length = self.written().saturating_sub(4);
        let size = i32::try_from(length).map_err(|_| EncodeError::TooLong { length })?;
        self.close_buffer();
        if let Some(Chunk::Built(first)) = self.done.first_mut()
            && let Some(place) = first.get_mut(..4)
        {
            place.copy_from_slice(&size.to_be_bytes());
        }
        Ok(self.finish())
    }

    /// Everything in one piece; copies if there is more than one chunk.
    pub fn into_bytes(self) -> Bytes {
        let total = self.written();
        let mut chunks = self.finish();
        if chunks.len() == 1 {
            return chunks.swap_remove(0);
        }
        let mut whole = BytesMut::with_capacity(total);
        chunks
            .iter()
            .for_each(|chunk| whole.extend_from_slice(chunk));
        whole.freeze()
    }

    /// Copies bytes as they are.
    pub fn slice(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Appends bytes as they are, without a copy if they are many.
    pub fn bytes(&mut self, bytes: &Bytes) {
        if self.gathered || bytes.len() < OWN_CHUNK_BYTES {
            return self.slice(bytes);
        }
        self.close_buffer();
        self.done_bytes += bytes.len();
        self.done.push(Chunk::Shared(bytes.clone()));
    }

    fn close_buffer(&mut self) {
        if !self.buffer.is_empty() {
            let rest = self.buffer.split();
            self.done_bytes += rest.len();
            self.done.push(Chunk::Built(rest));
        }
    }

    /// Writes an unsigned varint.
    pub(crate) fn uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.slice(&[value as u8 | 0x80]);
            value >>= 7;
        }
        self.slice(&[value as u8]);
    }

    /// Writes the length of bytes or of an array.
    pub(crate) fn length(&mut self, length: Option<usize>, cx: Cx) -> Result<(), EncodeError> {
        let number = match length {
            None => -1,
            Some(length) => i32::try_from(length).map_err(|_| EncodeError::TooLong { length })?,
        };
        if cx.flexible {
            self.uvarint(number.wrapping_add(1) as u32);
        } else {
            self.slice(&number.to_be_bytes());
        }
        Ok(())
    }

    /// Writes a value that may be null if the version allows it.
    pub(crate) fn nullable<T: Wire>(
        &mut self,
        value: &Option<T>,
        cx: Cx,
        allowed: bool,
        field: &'static str,
    ) -> Result<(), EncodeError> {
        match value {
            value if allowed => T::write_nullable(value.as_ref(), self, cx),
            Some(value) => value.write(self, cx),
            None => Err(EncodeError::UnexpectedNull {
                field,
                version: cx.version,
            }),
        }
    }

    /// Writes a structure in a tagged field, where a varint says whether it is null.
    pub(crate) fn tagged_struct<T: Wire>(
        &mut self,
        value: &Option<T>,
        cx: Cx,
    ) -> Result<(), EncodeError> {
        self.uvarint(u32::from(value.is_some()));
        value.iter().try_for_each(|value| value.write(self, cx))
    }

    /// Refuses to drop a value that is set.
    pub(crate) fn absent(&self, set: bool, field: &'static str, cx: Cx) -> Result<(), EncodeError> {
        match set {
            true => Err(EncodeError::UnsupportedField {
                field,
                version: cx.version,
            }),
            false => Ok(()),
        }
    }

    /// Ends a structure that has no tagged fields.
    pub(crate) fn no_tags(&mut self, cx: Cx) {
        if cx.flexible {
            self.uvarint(0);
        }
    }

    /// Announces the tagged fields that are present.
    pub(crate) fn tag_count(&mut self, present: &[bool]) {
        self.uvarint(present.iter().filter(|present| **present).count() as u32);
    }

    /// Writes one tagged field.
    pub(crate) fn tag(
        &mut self,
        number: u32,
        write: &mut dyn FnMut(&mut Encoder) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let mut inner = Encoder {
            gathered: true,
            ..Encoder::default()
        };
        write(&mut inner)?;
        let length = inner.buffer.len();
        let size = i32::try_from(length).map_err(|_| EncodeError::TooLong { length })?;
        self.uvarint(number);
        self.uvarint(size as u32);
        self.slice(&inner.buffer);
        Ok(())
    }
}
