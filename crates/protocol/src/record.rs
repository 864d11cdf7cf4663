//! Keys and values of records in internal topics, and metadata embedded in group protocols: a message behind
//! two bytes that tell the type (keys) or the version (everything else).

use crate::{
    decoder::{DecodeError, Decoder},
    encoder::{EncodeError, Encoder},
    wire::{Cx, Message, Wire},
};
use bytes::Bytes;

const PLAIN: Cx = Cx {
    version: 0,
    flexible: false,
};

/// The key of a coordinator record: the type of the record, then the message.
///
/// # Errors
/// The message has values that cannot travel.
pub fn encode_key<M: Message>(key: &M) -> Result<Bytes, EncodeError> {
    let mut e = Encoder::new();
    M::API_KEY.write(&mut e, PLAIN)?;
    key.encode(&mut e, M::MIN_VERSION)?;
    Ok(e.into_bytes())
}

/// A message behind its version.
///
/// # Errors
/// The version cannot carry the message.
pub fn encode_versioned<M: Message>(version: i16, value: &M) -> Result<Bytes, EncodeError> {
    let mut e = Encoder::new();
    version.write(&mut e, PLAIN)?;
    value.encode(&mut e, version)?;
    Ok(e.into_bytes())
}

/// The type of a coordinator record, and a decoder at the rest of its key.
///
/// # Errors
/// The key is shorter than two bytes.
pub fn decode_key_type(key: Bytes) -> Result<(i16, Decoder), DecodeError> {
    let mut d = Decoder::new(key);
    let kind = d.get(PLAIN)?;
    Ok((kind, d))
}

/// Decodes what [`encode_versioned`] wrote. Bytes after the message are ignored, as Kafka ignores them: later
/// versions may have put them there.
///
/// # Errors
/// The version is unknown or the bytes are not such a message.
pub fn decode_versioned<M: Message>(bytes: Bytes) -> Result<M, DecodeError> {
    let mut d = Decoder::new(bytes);
    let version = d.get(PLAIN)?;
    M::decode(&mut d, version)
}

/// Decodes an embedded message, reading a version beyond the last one known as the last one: group protocol
/// metadata only ever grows at its end.
///
/// # Errors
/// The version is too old or the bytes are not such a message.
pub fn decode_lenient<M: Message>(bytes: Bytes) -> Result<M, DecodeError> {
    let mut d = Decoder::new(bytes);
    let version: i16 = d.get(PLAIN)?;
    M::decode(&mut d, version.min(M::MAX_VERSION))
}
