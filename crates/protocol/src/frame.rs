//! Frames: a size, a header, a body.
//!
//! The functions that decode take the frame without its four size bytes; those that encode put them in front.

use crate::{
    api::ApiKey,
    decoder::{DecodeError, Decoder},
    encoder::{EncodeError, Encoder},
    wire::{Cx, Message, Wire},
};
use bytes::Bytes;

/// What stands in front of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// Key of the API, one that exists.
    pub api_key: i16,
    /// Version of the request, not checked.
    pub api_version: i16,
    /// Comes back in the response.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<String>,
}

const PLAIN: Cx = Cx {
    version: 0,
    flexible: false,
};
const FLEXIBLE: Cx = Cx {
    version: 0,
    flexible: true,
};

/// Reads the header of a request; its body stays in the decoder.
///
/// An ApiVersions request of a version unknown here is read no further than its correlation id, since the rest
/// may look different by then (KIP-511); the caller answers it with version 0 and UNSUPPORTED_VERSION. Whether
/// other versions are served is for the caller to check.
///
/// # Errors
/// No API has this key, or the bytes are not a header.
pub fn decode_request_header(d: &mut Decoder) -> Result<RequestHeader, DecodeError> {
    let number: i16 = d.get(PLAIN)?;
    let api_version: i16 = d.get(PLAIN)?;
    let correlation_id = d.get(PLAIN)?;
    let key = ApiKey::try_from(number)?;
    let mut header = RequestHeader {
        api_key: number,
        api_version,
        correlation_id,
        client_id: None,
    };
    if key == ApiKey::ApiVersions && !key.schema_versions().contains(&api_version) {
        return Ok(header);
    }
    header.client_id = d.nullable(PLAIN, true)?;
    if key.request_header_version(api_version) >= 2 {
        d.skip_tags(FLEXIBLE)?;
    }
    Ok(header)
}

/// Encodes a request with its size and header.
///
/// # Errors
/// The version cannot carry the message.
pub fn encode_request<M: Message>(
    correlation_id: i32,
    client_id: Option<&str>,
    version: i16,
    request: &M,
) -> Result<Vec<Bytes>, EncodeError> {
    let mut e = Encoder::framed();
    M::API_KEY.write(&mut e, PLAIN)?;
    version.write(&mut e, PLAIN)?;
    correlation_id.write(&mut e, PLAIN)?;
    e.nullable(&client_id.map(str::to_owned), PLAIN, true, "ClientId")?;
    e.no_tags(M::context(version));
    request.encode(&mut e, version)?;
    e.finish_framed()
}

/// Encodes a response with its size and header.
///
/// # Errors
/// The version cannot carry the message.
pub fn encode_response<M: Message>(
    correlation_id: i32,
    key: ApiKey,
    version: i16,
    response: &M,
) -> Result<Vec<Bytes>, EncodeError> {
    let mut e = Encoder::framed();
    response_header(&mut e, correlation_id, key, version)?;
    response.encode(&mut e, version)?;
    e.finish_framed()
}

/// Writes the header of a response, for callers that encode the body themselves.
///
/// # Errors
/// None in practice: a number always fits.
pub fn response_header(
    e: &mut Encoder,
    correlation_id: i32,
    key: ApiKey,
    version: i16,
) -> Result<(), EncodeError> {
    correlation_id.write(e, PLAIN)?;
    if key.response_header_version(version) >= 1 {
        e.no_tags(FLEXIBLE);
    }
    Ok(())
}

/// Reads the header of a response to a request of `version` and returns its correlation id; the body stays in
/// the decoder.
///
/// # Errors
/// The bytes are not a header.
pub fn decode_response_header(
    d: &mut Decoder,
    key: ApiKey,
    version: i16,
) -> Result<i32, DecodeError> {
    let correlation_id = d.get(PLAIN)?;
    if key.response_header_version(version) >= 1 {
        d.skip_tags(FLEXIBLE)?;
    }
    Ok(correlation_id)
}
