//! How values of each type travel, and what a message is.

#[cfg(any(test, feature = "testing"))]
pub(crate) use crate::testing::Rng;
pub(crate) use crate::{
    api::ApiKey,
    decoder::{DecodeError, Decoder},
    encoder::{EncodeError, Encoder},
};
use bytes::Bytes;
use klamm_types::Uuid;

/// The longest string of the protocol in bytes, in either encoding.
pub(crate) const MAX_STRING_BYTES: usize = i16::MAX as usize;

/// What the encoding of a value depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cx {
    /// Version of the message.
    pub version: i16,
    /// Whether lengths are compact and structures end with tagged fields.
    pub flexible: bool,
}

impl Cx {
    /// The same version in the old encoding.
    pub fn plain(self) -> Cx {
        Cx {
            flexible: false,
            ..self
        }
    }
}

/// A value that travels on the wire.
pub trait Wire: Sized {
    /// Reads a value that is not null.
    ///
    /// # Errors
    /// The bytes are not a value of this type.
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError>;

    /// Writes the value.
    ///
    /// # Errors
    /// The version of the message cannot carry it.
    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError>;

    /// Reads a value that may be null. Structures say so in a byte of their own.
    ///
    /// # Errors
    /// The bytes are not a value of this type.
    fn read_nullable(d: &mut Decoder, cx: Cx) -> Result<Option<Self>, DecodeError> {
        if i8::read(d, cx)? < 0 {
            Ok(None)
        } else {
            Self::read(d, cx).map(Some)
        }
    }

    /// Writes a value where null is possible.
    ///
    /// # Errors
    /// The version of the message cannot carry it.
    fn write_nullable(value: Option<&Self>, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        match value {
            None => (-1i8).write(e, cx),
            Some(value) => {
                1i8.write(e, cx)?;
                value.write(e, cx)
            }
        }
    }

    /// A random value that the version can carry.
    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self;
}

/// A message of the protocol: a request or a response body, a header, an embedded structure or a record.
pub trait Message: Wire + Default {
    /// Name in Kafka's schema.
    const NAME: &'static str;
    /// The API key, for records of internal topics the type of the record, else −1.
    const API_KEY: i16;
    /// First version of the schema.
    const MIN_VERSION: i16;
    /// Last version of the schema.
    const MAX_VERSION: i16;
    /// First flexible version, `i16::MAX` if none is.
    const FLEXIBLE_FROM: i16;

    /// Decodes the body in `version`; what follows it stays in the decoder.
    ///
    /// # Errors
    /// The schema has no such version, or the bytes are not such a message.
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !(Self::MIN_VERSION..=Self::MAX_VERSION).contains(&version) {
            return Err(DecodeError::UnsupportedVersion {
                message: Self::NAME,
                version,
            });
        }
        Self::read(d, Self::context(version))
    }

    /// Encodes the body in `version`.
    ///
    /// # Errors
    /// The schema has no such version, or the version cannot carry a value that is set.
    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !(Self::MIN_VERSION..=Self::MAX_VERSION).contains(&version) {
            return Err(EncodeError::UnsupportedVersion {
                message: Self::NAME,
                version,
            });
        }
        self.write(e, Self::context(version))
    }

    /// What the encoding of `version` depends on.
    fn context(version: i16) -> Cx {
        Cx {
            version,
            flexible: version >= Self::FLEXIBLE_FROM,
        }
    }
}

/// A message that asks for another.
pub trait Request: Message {
    /// What answers it, in the same version.
    type Response: Message;
    /// The API both belong to.
    const KEY: ApiKey;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Wire for $number {
            fn read(d: &mut Decoder, _: Cx) -> Result<Self, DecodeError> {
                d.fixed().map(<$number>::from_be_bytes)
            }

            fn write(&self, e: &mut Encoder, _: Cx) -> Result<(), EncodeError> {
                e.slice(&self.to_be_bytes());
                Ok(())
            }

            #[cfg(any(test, feature = "testing"))]
            fn fill(r: &mut Rng, _: Cx) -> Self {
                r.number() as $number
            }
        }
    )*};
}

numbers!(i8, i16, i32, i64, u16, u32, f64);

impl Wire for bool {
    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
        Ok(i8::read(d, cx)? != 0)
    }

    fn write(&self, e: &mut Encoder, _: Cx) -> Result<(), EncodeError> {
        e.slice(&[u8::from(*self)]);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, _: Cx) -> Self {
        r.number() % 2 == 0
    }
}

impl Wire for Uuid {
    fn read(d: &mut Decoder, _: Cx) -> Result<Self, DecodeError> {
        d.fixed().map(Uuid)
    }

    fn write(&self, e: &mut Encoder, _: Cx) -> Result<(), EncodeError> {
        e.slice(&self.0);
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, _: Cx) -> Self {
        let number = r.number() as i128;
        Uuid(number.to_be_bytes())
    }
}

/// Where null has a length of its own, "may be null" needs no second encoding.
macro_rules! nullable_by_length {
    () => {
        fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {
            Self::read_nullable(d, cx)?.ok_or(DecodeError::UnexpectedNull)
        }

        fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
            Self::write_nullable(Some(self), e, cx)
        }
    };
}

impl Wire for String {
    nullable_by_length!();

    fn read_nullable(d: &mut Decoder, cx: Cx) -> Result<Option<Self>, DecodeError> {
        let Some(length) = d.length(cx, true)? else {
            return Ok(None);
        };
        if length > MAX_STRING_BYTES {
            return Err(DecodeError::StringTooLong { length });
        }
        d.charge(length)?;
        let text = std::str::from_utf8(d.take(length)?).map_err(|_| DecodeError::InvalidUtf8)?;
        Ok(Some(text.to_owned()))
    }

    fn write_nullable(value: Option<&Self>, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        if let Some(text) = value.filter(|text| text.len() > MAX_STRING_BYTES) {
            return Err(EncodeError::StringTooLong { length: text.len() });
        }
        match (value, cx.flexible) {
            (None, true) => e.uvarint(0),
            (None, false) => e.slice(&(-1i16).to_be_bytes()),
            (Some(text), true) => e.uvarint(text.len() as u32 + 1),
            (Some(text), false) => e.slice(&(text.len() as i16).to_be_bytes()),
        }
        e.slice(value.map_or(&[], |text| text.as_bytes()));
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, _: Cx) -> Self {
        r.text()
    }
}

impl Wire for Bytes {
    nullable_by_length!();

    fn read_nullable(d: &mut Decoder, cx: Cx) -> Result<Option<Self>, DecodeError> {
        match d.length(cx, false)? {
            None => Ok(None),
            Some(length) => d.bytes(length).map(Some),
        }
    }

    fn write_nullable(value: Option<&Self>, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        e.length(value.map(Bytes::len), cx)?;
        if let Some(bytes) = value {
            e.bytes(bytes);
        }
        Ok(())
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, _: Cx) -> Self {
        r.bytes()
    }
}

impl<T: Wire> Wire for Vec<T> {
    nullable_by_length!();

    fn read_nullable(d: &mut Decoder, cx: Cx) -> Result<Option<Self>, DecodeError> {
        let Some(count) = d.length(cx, false)? else {
            return Ok(None);
        };
        // No element is shorter than a byte, so a longer array cannot be in this frame.
        if count > d.remaining() {
            return Err(DecodeError::Truncated {
                needed: count,
                remaining: d.remaining(),
            });
        }
        d.charge(count.saturating_mul(size_of::<T>()))?;
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            elements.push(T::read(d, cx)?);
        }
        Ok(Some(elements))
    }

    fn write_nullable(value: Option<&Self>, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {
        e.length(value.map(Vec::len), cx)?;
        value
            .into_iter()
            .flatten()
            .try_for_each(|element| element.write(e, cx))
    }

    #[cfg(any(test, feature = "testing"))]
    fn fill(r: &mut Rng, cx: Cx) -> Self {
        (0..r.count()).map(|_| T::fill(r, cx)).collect()
    }
}
