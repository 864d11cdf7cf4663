//! Headers, the API table and records, byte for byte.

use bytes::Bytes;
use klamm_protocol::{
    ApiKey, DecodeError, Decoder, Message,
    frame::{self, RequestHeader},
    messages::{
        api_versions_request::ApiVersionsRequest,
        api_versions_response::ApiVersionsResponse,
        consumer_group_member_metadata_value::{
            ClassicMemberMetadata, ConsumerGroupMemberMetadataValue,
        },
        consumer_protocol_subscription::ConsumerProtocolSubscription,
        group_metadata_value::GroupMetadataValue,
        heartbeat_request::HeartbeatRequest,
        heartbeat_response::HeartbeatResponse,
        offset_commit_key::OffsetCommitKey,
    },
    record,
};

/// Strips the size in front of a frame, after checking it.
fn unframed(chunks: Vec<Bytes>) -> Bytes {
    let frame = Bytes::from(chunks.concat());
    assert_eq!(frame[..4], (frame.len() as i32 - 4).to_be_bytes());
    frame.slice(4..)
}

#[test]
fn request_headers_are_flexible_with_their_request() {
    let heartbeat = HeartbeatRequest {
        group_id: "g".into(),
        ..Default::default()
    };
    let old = unframed(frame::encode_request(7, Some("me"), 0, &heartbeat).unwrap());
    assert_eq!(old[..12], [0, 12, 0, 0, 0, 0, 0, 7, 0, 2, b'm', b'e']);
    assert_eq!(old[12..15], [0, 1, b'g']);
    let flexible = unframed(frame::encode_request(7, Some("me"), 4, &heartbeat).unwrap());
    assert_eq!(
        flexible[12..15],
        [0, 2, b'g'],
        "no tagged fields, then a compact string"
    );

    for (bytes, version) in [(old, 0), (flexible, 4)] {
        let mut d = Decoder::new(bytes);
        let expected = RequestHeader {
            api_key: 12,
            api_version: version,
            correlation_id: 7,
            client_id: Some("me".into()),
        };
        assert_eq!(frame::decode_request_header(&mut d), Ok(expected));
        assert_eq!(
            HeartbeatRequest::decode(&mut d, version),
            Ok(heartbeat.clone())
        );
        assert_eq!(d.finish(), Ok(()));
    }
}

#[test]
fn api_versions_of_the_future_is_read_up_to_its_correlation_id() {
    let bytes = Bytes::from_static(&[0, 18, 0, 99, 0, 0, 0, 5, 0xff, 0xfe, 0xff]);
    let header = frame::decode_request_header(&mut Decoder::new(bytes)).unwrap();
    let expected = RequestHeader {
        api_key: 18,
        api_version: 99,
        correlation_id: 5,
        client_id: None,
    };
    assert_eq!(header, expected);
}

#[test]
fn unknown_keys_are_refused() {
    for key in [-1i16, 4, 7, 95, i16::MAX] {
        let mut bytes = key.to_be_bytes().to_vec();
        bytes.extend([0, 0, 0, 0, 0, 1]);
        let result = frame::decode_request_header(&mut Decoder::new(bytes.into()));
        assert_eq!(result, Err(DecodeError::UnknownApiKey(key)));
    }
}

#[test]
fn response_headers_are_flexible_except_for_api_versions() {
    let response = HeartbeatResponse::default();
    let bytes = unframed(frame::encode_response(9, ApiKey::Heartbeat, 4, &response).unwrap());
    assert_eq!(bytes[..5], [0, 0, 0, 9, 0]);
    let mut d = Decoder::new(bytes);
    assert_eq!(
        frame::decode_response_header(&mut d, ApiKey::Heartbeat, 4),
        Ok(9)
    );
    assert_eq!(HeartbeatResponse::decode(&mut d, 4), Ok(response));

    let response = ApiVersionsResponse::default();
    let bytes = unframed(frame::encode_response(9, ApiKey::ApiVersions, 3, &response).unwrap());
    assert_eq!(bytes, [0, 0, 0, 9, 0, 0, 1, 0, 0, 0, 0, 0][..]);
}

#[test]
fn the_table_knows_all_live_keys() {
    assert_eq!(ApiKey::ALL.len(), 91);
    let count = |test: fn(&ApiKey) -> bool| ApiKey::ALL.iter().filter(|key| test(key)).count();
    assert_eq!(count(|key| key.on_broker() && !key.on_controller()), 49);
    assert_eq!(count(|key| !key.on_broker() && key.on_controller()), 12);
    assert_eq!(count(|key| key.on_broker() && key.on_controller()), 30);
    assert_eq!(
        count(|key| !key.served().is_empty()),
        89,
        "the keys of Kafka 4.3.1"
    );
    for key in ApiKey::ALL {
        assert_eq!(ApiKey::try_from(i16::from(*key)), Ok(*key));
        let served = key.served();
        let schema = key.schema_versions();
        assert!(
            served.is_empty() || schema.contains(served.start()),
            "{key}"
        );
        assert!(served.is_empty() || schema.contains(served.end()), "{key}");
    }
}

#[test]
fn versions_of_some_apis() {
    assert_eq!(ApiKey::Produce.served(), 3..=13);
    assert_eq!(ApiKey::Produce.advertised(), 0..=13);
    assert_eq!(ApiKey::Fetch.advertised(), 4..=18);
    assert_eq!(
        ApiKey::InitProducerId.served(),
        0..=5,
        "version 6 is not final"
    );
    assert_eq!(ApiKey::ApiVersions.served(), 0..=4);
    assert!(ApiKey::UnregisterController.served().is_empty());
    assert_eq!(ApiKey::SaslHandshake.flexible_from(), None);
    assert_eq!(ApiKey::Metadata.flexible_from(), Some(9));
    assert_eq!(
        ApiKey::ConsumerGroupHeartbeat.to_string(),
        "ConsumerGroupHeartbeat"
    );
}

#[test]
fn record_keys_begin_with_their_type() {
    let key = OffsetCommitKey {
        group: "g".into(),
        topic: "t".into(),
        partition: 3,
    };
    let bytes = record::encode_key(&key).unwrap();
    assert_eq!(bytes, [0, 1, 0, 1, b'g', 0, 1, b't', 0, 0, 0, 3][..]);
    let (kind, mut d) = record::decode_key_type(bytes).unwrap();
    assert_eq!(kind, OffsetCommitKey::API_KEY);
    assert_eq!(OffsetCommitKey::decode(&mut d, 0), Ok(key));
}

#[test]
fn versioned_values_begin_with_their_version() {
    let value = GroupMetadataValue {
        generation: 4,
        ..Default::default()
    };
    let bytes = record::encode_versioned(3, &value).unwrap();
    assert_eq!(bytes[..2], [0, 3]);
    assert_eq!(record::decode_versioned(bytes), Ok(value));
}

#[test]
fn subscriptions_of_the_future_are_read_as_the_last_known_version() {
    let subscription = ConsumerProtocolSubscription {
        topics: vec!["t".into()],
        ..Default::default()
    };
    let mut bytes = record::encode_versioned(3, &subscription).unwrap().to_vec();
    bytes[..2].copy_from_slice(&8i16.to_be_bytes());
    bytes.extend(b"a field of the future");
    assert_eq!(
        record::decode_lenient(bytes.clone().into()),
        Ok(subscription)
    );
    assert!(record::decode_versioned::<ConsumerProtocolSubscription>(bytes.into()).is_err());
}

#[test]
fn api_versions_requests_carry_names_from_version_3_on() {
    let request = ApiVersionsRequest {
        client_software_name: "klamm".into(),
        client_software_version: "0.1".into(),
        ..Default::default()
    };
    let old = unframed(frame::encode_request(1, None, 2, &request).unwrap());
    assert_eq!(old, [0, 18, 0, 2, 0, 0, 0, 1, 0xff, 0xff][..]);
    let new = unframed(frame::encode_request(1, None, 3, &request).unwrap());
    assert_eq!(new[8..], b"\xff\xff\x00\x06klamm\x040.1\x00"[..]);
}

/// A value that Kafka 4.3.1 wrote to `__consumer_offsets`. Its one tagged field says that a structure is null,
/// in a varint; structures elsewhere say it in a signed byte.
#[test]
fn null_structures_in_tagged_fields_are_told_by_a_varint() {
    let written = [
        &[0, 0, 0, 0, 17][..],
        b"console-consumer",
        &[11],
        b"/127.0.0.1",
        &[2, 4],
        b"gt2",
        &[1, 0, 4, 0x93, 0xe0, 0, 1, 0, 1, 0],
    ]
    .concat();
    let value: ConsumerGroupMemberMetadataValue = record::decode_versioned(written.into()).unwrap();
    assert_eq!(value.client_id, "console-consumer");
    assert_eq!(value.rebalance_timeout_ms, 300_000);
    assert_eq!(value.classic_member_metadata, None);

    let classic = ConsumerGroupMemberMetadataValue {
        classic_member_metadata: Some(ClassicMemberMetadata {
            session_timeout_ms: 7,
            ..ClassicMemberMetadata::default()
        }),
        ..value
    };
    let bytes = record::encode_versioned(0, &classic).unwrap();
    assert!(
        bytes.ends_with(&[1, 0, 7, 1, 0, 0, 0, 7, 1, 0]),
        "{bytes:?}"
    );
    assert_eq!(record::decode_versioned(bytes), Ok(classic));
}
