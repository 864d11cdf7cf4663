//! Reading one frame, none of whose contents is trusted.

use crate::wire::{Cx, Wire};
use bytes::Bytes;

/// How many bytes decoded values may occupy per byte of the frame. A valid element of an array occupies at most
/// about 14 times its encoding; a count that promises more than this is a lie.
const MEMORY_PER_FRAME_BYTE: usize = 32;
/// What even the smallest frame may occupy, in bytes.
const MEMORY_BASE_BYTES: usize = 4096;

/// Why bytes are not the message they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A length or a fixed-size value goes beyond the end of the frame.
    #[error("{needed} bytes needed but only {remaining} are left")]
    Truncated {
        /// Bytes (or elements of at least a byte) that should follow.
        needed: usize,
        /// Bytes that do follow.
        remaining: usize,
    },
    /// A length is negative and does not mean null.
    #[error("negative length {0}")]
    NegativeLength(i32),
    /// A string is longer than the protocol allows.
    #[error("a string of {length} bytes")]
    StringTooLong {
        /// Its bytes.
        length: usize,
    },
    /// A string is not UTF-8.
    #[error("a string is not valid utf-8")]
    InvalidUtf8,
    /// Null where the version does not allow it.
    #[error("null where a value is required")]
    UnexpectedNull,
    /// A variable-length number does not end in time.
    #[error("a varint of more than 32 bits")]
    InvalidVarint,
    /// A tagged field is longer than what it contains.
    #[error("tagged field {tag} has {extra} bytes too many")]
    TaggedFieldTooLong {
        /// Its number.
        tag: u32,
        /// Bytes left in it.
        extra: usize,
    },
    /// Arrays promise so many elements that decoding them would take too much memory.
    #[error("decoded values would exceed {limit} bytes")]
    TooMuchMemory {
        /// The limit for this frame in bytes.
        limit: usize,
    },
    /// Bytes after the end of the message.
    #[error("{0} bytes after the end of the message")]
    TrailingBytes(usize),
    /// The schema has no such version.
    #[error("{message} has no version {version}")]
    UnsupportedVersion {
        /// Name of the message.
        message: &'static str,
        /// The version asked for.
        version: i16,
    },
    /// No live API has this key.
    #[error("unknown api key {0}")]
    UnknownApiKey(i16),
}

/// A cursor over one frame. Byte fields are slices of it and keep it alive.
#[derive(Debug)]
pub struct Decoder {
    frame: Bytes,
    position: usize,
    end: usize,
    memory_left: usize,
    memory_limit: usize,
}

impl Decoder {
    /// Reads `frame` from its beginning.
    pub fn new(frame: Bytes) -> Decoder {
        let limit = frame.len().saturating_mul(MEMORY_PER_FRAME_BYTE) + MEMORY_BASE_BYTES;
        let end = frame.len();
        Decoder {
            frame,
            position: 0,
            end,
            memory_left: limit,
            memory_limit: limit,
        }
    }

    /// Bytes that were not read yet.
    pub fn remaining(&self) -> usize {
        self.end - self.position
    }

    /// Ends reading.
    ///
    /// # Errors
    /// Something is left.
    pub fn finish(self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(DecodeError::TrailingBytes(left)),
        }
    }

    /// Reads a value that is not null.
    ///
    /// # Errors
    /// The bytes are not a value of this type.
    pub fn get<T: Wire>(&mut self, cx: Cx) -> Result<T, DecodeError> {
        T::read(self, cx)
    }

    /// Reads a value that may be null if the version allows it.
    ///
    /// # Errors
    /// The bytes are not a value of this type.
    pub fn nullable<T: Wire>(&mut self, cx: Cx, allowed: bool) -> Result<Option<T>, DecodeError> {
        if allowed {
            T::read_nullable(self, cx)
        } else {
            T::read(self, cx).map(Some)
        }
    }

    /// Reads a structure in a tagged field, where a varint says whether it is null (elsewhere it is a signed
    /// byte).
    pub(crate) fn tagged_struct<T: Wire>(&mut self, cx: Cx) -> Result<Option<T>, DecodeError> {
        match self.uvarint()? {
            0 => Ok(None),
            _ => T::read(self, cx).map(Some),
        }
    }

    /// Reads `N` bytes.
    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    /// Reads `length` bytes in place.
    pub(crate) fn take(&mut self, length: usize) -> Result<&[u8], DecodeError> {
        let range = self.advance(length)?;
        Ok(&self.frame[range])
    }

    /// Reads `length` bytes as a slice that shares the frame.
    pub(crate) fn bytes(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        let range = self.advance(length)?;
        Ok(self.frame.slice(range))
    }

    fn advance(&mut self, length: usize) -> Result<std::ops::Range<usize>, DecodeError> {
        let remaining = self.remaining();
        if length > remaining {
            return Err(DecodeError::Truncated {
                needed: length,
                remaining,
            });
        }
        let start = self.position;
        self.position += length;
        Ok(start..self.position)
    }

    /// Reads an unsigned varint of at most 32 bits.
    pub(crate) fn uvarint(&mut self) -> Result<u32, DecodeError> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.fixed()?;
            if shift == 28 && byte > 0x0f {
                break;
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DecodeError::InvalidVarint)
    }

    /// Reads the length of a string (`short`: two bytes when not flexible), of bytes or of an array.
    pub(crate) fn length(&mut self, cx: Cx, short: bool) -> Result<Option<usize>, DecodeError> {
        if cx.flexible {
            return Ok((self.uvarint()? as usize).checked_sub(1));
        }
        let length = if short {
            i32::from(i16::read(self, cx)?)
        } else {
            i32::read(self, cx)?
        };
        match length {
            -1 => Ok(None),
            ..-1 => Err(DecodeError::NegativeLength(length)),
            0.. => Ok(Some(length as usize)),
        }
    }

    /// Accounts for memory that a value is about to occupy.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        match self.memory_left.checked_sub(bytes) {
            None => Err(DecodeError::TooMuchMemory {
                limit: self.memory_limit,
            }),
            Some(left) => {
                self.memory_left = left;
                Ok(())
            }
        }
    }

    /// Reads the tagged fields that end a structure of a flexible version. `known` reads a field it knows or
    /// returns false, whereupon the field is skipped.
    pub(crate) fn tags(
        &mut self,
        cx: Cx,
        known: &mut dyn FnMut(&mut Decoder, u32) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        if !cx.flexible {
            return Ok(());
        }
        for _ in 0..self.uvarint()? {
            let tag = self.uvarint()?;
            let length = self.uvarint()? as usize;
            let outer = self.end;
            let range = self.advance(length)?;
            (self.position, self.end) = (range.start, range.end);
            if !known(self, tag)? {
                self.position = self.end;
            }
            match self.remaining() {
                0 => self.end = outer,
                extra => return Err(DecodeError::TaggedFieldTooLong { tag, extra }),
            }
        }
        Ok(())
    }

    /// Skips the tagged fields of a structure that knows none.
    pub(crate) fn skip_tags(&mut self, cx: Cx) -> Result<(), DecodeError> {
        self.tags(cx, &mut |_, _| Ok(false))
    }
}
