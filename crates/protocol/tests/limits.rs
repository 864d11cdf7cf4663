//! What hostile lengths and impossible values come to.

use bytes::{BufMut, Bytes, BytesMut};
use klamm_protocol::{
    DecodeError, Decoder, EncodeError, Encoder, Message,
    messages::{
        api_versions_request::ApiVersionsRequest, delete_groups_request::DeleteGroupsRequest,
        fetch_request::FetchRequest, heartbeat_request::HeartbeatRequest,
        metadata_request::MetadataRequest, sasl_authenticate_request::SaslAuthenticateRequest,
        sync_group_request::SyncGroupRequest,
    },
};

fn decode<M: Message>(bytes: &[u8], version: i16) -> Result<M, DecodeError> {
    M::decode(&mut Decoder::new(Bytes::copy_from_slice(bytes)), version)
}

fn encode<M: Message>(message: &M, version: i16) -> Result<Bytes, EncodeError> {
    let mut e = Encoder::new();
    message.encode(&mut e, version)?;
    Ok(e.into_bytes())
}

#[test]
fn counts_beyond_the_frame_are_refused_before_anything_is_allocated() {
    let result = decode::<MetadataRequest>(&i32::MAX.to_be_bytes(), 0);
    assert_eq!(
        result,
        Err(DecodeError::Truncated {
            needed: i32::MAX as usize,
            remaining: 0
        })
    );
}

#[test]
fn decoded_values_occupy_a_bounded_multiple_of_the_frame() {
    // A million one-byte elements would become structures of dozens of bytes each.
    let mut frame = BytesMut::new();
    frame.put_i32(1_000_000);
    frame.put_bytes(0, 1_000_000);
    let result = decode::<MetadataRequest>(&frame, 0);
    assert_eq!(
        result,
        Err(DecodeError::TooMuchMemory {
            limit: frame.len() * 32 + 4096
        })
    );
}

#[test]
fn negative_lengths_other_than_null_are_refused() {
    let result = decode::<MetadataRequest>(&(-2i32).to_be_bytes(), 1);
    assert_eq!(result, Err(DecodeError::NegativeLength(-2)));
    let result = decode::<HeartbeatRequest>(&(-7i16).to_be_bytes(), 0);
    assert_eq!(result, Err(DecodeError::NegativeLength(-7)));
}

#[test]
fn null_is_refused_where_the_version_does_not_allow_it() {
    let null = (-1i32).to_be_bytes();
    assert_eq!(
        decode::<MetadataRequest>(&null, 0),
        Err(DecodeError::UnexpectedNull)
    );
    let everything = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    assert_eq!(
        encode(&everything, 0),
        Err(EncodeError::UnexpectedNull {
            field: "Topics",
            version: 0
        })
    );
}

#[test]
fn strings_are_short_and_utf8() {
    let invalid = [0, 2, 0xc3, 0x28];
    assert_eq!(
        decode::<HeartbeatRequest>(&invalid, 0),
        Err(DecodeError::InvalidUtf8)
    );
    let mut long = vec![0x81, 0x80, 0x02]; // compact length 32768
    long.resize(40_000, b'a');
    let result = decode::<HeartbeatRequest>(&long, 4);
    assert_eq!(result, Err(DecodeError::StringTooLong { length: 32768 }));
    let request = HeartbeatRequest {
        group_id: "a".repeat(32768),
        ..HeartbeatRequest::default()
    };
    for version in [0, 4] {
        assert_eq!(
            encode(&request, version),
            Err(EncodeError::StringTooLong { length: 32768 })
        );
    }
}

#[test]
fn varints_end_after_32_bits() {
    for endless in [
        [0xff, 0xff, 0xff, 0xff, 0x1f],
        [0x80, 0x80, 0x80, 0x80, 0x80],
    ] {
        assert_eq!(
            decode::<HeartbeatRequest>(&endless, 4),
            Err(DecodeError::InvalidVarint)
        );
    }
}

#[test]
fn unknown_tagged_fields_are_skipped_and_known_ones_must_fit() {
    let name_and_version = [2, b'n', 2, b'v'];
    let unknown_tag = [1, 99, 3, 1, 2, 3];
    let request =
        decode::<ApiVersionsRequest>(&[&name_and_version[..], &unknown_tag].concat(), 3).unwrap();
    assert_eq!(request.client_software_name, "n");

    let mut frame = encode(&FetchRequest::default(), 15).unwrap().to_vec();
    assert_eq!(frame.pop(), Some(0), "no tagged fields so far");
    // ClusterId "a" is two bytes long, the field claims three.
    frame.extend([1, 0, 3, 2, b'a', 0]);
    let result = decode::<FetchRequest>(&frame, 15);
    assert_eq!(
        result,
        Err(DecodeError::TaggedFieldTooLong { tag: 0, extra: 1 })
    );
}

#[test]
fn trailing_bytes_are_reported() {
    let mut d = Decoder::new(Bytes::from_static(&[0, 0, 0, 0, 9]));
    DeleteGroupsRequest::decode(&mut d, 0).unwrap();
    assert_eq!(d.finish(), Err(DecodeError::TrailingBytes(1)));
}

#[test]
fn versions_outside_of_the_schema_are_refused() {
    let unsupported = DecodeError::UnsupportedVersion {
        message: "FetchRequest",
        version: 3,
    };
    assert_eq!(decode::<FetchRequest>(&[], 3), Err(unsupported));
    let unsupported = EncodeError::UnsupportedVersion {
        message: "FetchRequest",
        version: 99,
    };
    assert_eq!(encode(&FetchRequest::default(), 99), Err(unsupported));
}

#[test]
fn values_that_a_version_cannot_carry_are_not_dropped_silently() {
    let request = SyncGroupRequest {
        group_instance_id: Some("i".into()),
        ..Default::default()
    };
    let expected = EncodeError::UnsupportedField {
        field: "SyncGroupRequest.GroupInstanceId",
        version: 2,
    };
    assert_eq!(encode(&request, 2), Err(expected));
    assert!(encode(&request, 3).is_ok());
    let ignorable = SyncGroupRequest {
        protocol_type: Some("t".into()),
        ..Default::default()
    };
    assert_eq!(
        encode(&ignorable, 4),
        encode(&SyncGroupRequest::default(), 4)
    );
}

#[test]
fn large_byte_fields_are_chunks_of_their_own() {
    let token = Bytes::from(vec![7; 4096]);
    let request = SaslAuthenticateRequest {
        auth_bytes: token.clone(),
    };
    let mut e = Encoder::framed();
    request.encode(&mut e, 2).unwrap();
    let chunks = e.finish_framed().unwrap();
    assert_eq!(chunks.len(), 3);
    assert_eq!(
        chunks[0],
        [&4099i32.to_be_bytes()[..], &[0x81, 0x20]].concat()
    );
    assert_eq!(chunks[1].as_ptr(), token.as_ptr(), "not copied");
    assert_eq!(chunks[2], [0u8][..]);

    let frame = encode(&request, 2).unwrap();
    let mut d = Decoder::new(frame.clone());
    let decoded = SaslAuthenticateRequest::decode(&mut d, 2).unwrap();
    assert_eq!(
        decoded.auth_bytes.as_ptr(),
        frame[2..].as_ptr(),
        "not copied"
    );
}
