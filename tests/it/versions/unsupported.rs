//! Versions and keys that nobody serves.

use crate::{
    asking::{Asking, assert_code},
    shared_cluster::shared_cluster,
};
use bytes::{BufMut, BytesMut};
use klamm_protocol::{
    Decoder, Message,
    messages::{
        api_versions_request::ApiVersionsRequest, api_versions_response::ApiVersionsResponse,
    },
};
use klamm_types::ErrorCode;

/// A request of any key and version: a header, old or new, and a body that nobody should look at.
fn request(key: i16, version: i16) -> BytesMut {
    let mut header = BytesMut::new();
    header.put_i16(key);
    header.put_i16(version);
    header.put_i32(77);
    header.put_i16(-1);
    header.put_slice(b"\0whatever");
    let mut request = BytesMut::new();
    request.put_i32(i32::try_from(header.len()).unwrap());
    request.unsplit(header);
    request
}

#[test]
fn api_versions_tells_in_version_0_what_it_serves() {
    let cluster = shared_cluster();
    let mut broker = Asking::any(cluster);
    for version in [6, 99, i16::MAX, -1] {
        broker.send_bytes(&request(18, version)).unwrap();
        let mut answer = Decoder::new(broker.read_frame().unwrap());
        let correlation_id: i32 = answer
            .get(klamm_protocol::Cx {
                version: 0,
                flexible: false,
            })
            .unwrap();
        assert_eq!(correlation_id, 77);
        let body = ApiVersionsResponse::decode(&mut answer, 0).unwrap();
        answer.finish().unwrap();
        assert_code("version", body.error_code, ErrorCode::UnsupportedVersion);
        let ranges = body.api_keys.iter();
        let ranges: Vec<_> = ranges
            .map(|api| (api.api_key, api.min_version, api.max_version))
            .collect();
        assert_eq!(ranges, [(18, 0, 4)], "version {version}");
    }
    // The connection goes on, now in a version that both know.
    let answer = broker.ask(&ApiVersionsRequest::default(), 0);
    assert_code("version 0", answer.error_code, ErrorCode::None);
}

#[test]
fn other_keys_and_versions_close_the_connection() {
    let cluster = shared_cluster();
    for (key, version) in [
        (0, 2),  // Produce of old
        (0, 14), // and of the future
        (1, 3),
        (3, 14),
        (3, -1),
        (11, 10),
        (4, 0), // LeaderAndIsr, gone with ZooKeeper
        (5, 0),
        (52, 0), // Vote, which only controllers answer
        (62, 0),
        (999, 0), // nobody's
        (-1, 0),
        (i16::MAX, i16::MAX),
    ] {
        let mut broker = Asking::any(cluster);
        broker.send_bytes(&request(key, version)).unwrap();
        broker.expect_close();
    }
}

#[test]
fn names_of_client_software_are_checked() {
    let mut broker = Asking::any(shared_cluster());
    for (name, version) in [
        ("", "1"),
        ("name", ""),
        ("-a", "1"),
        ("a b", "1"),
        ("a", "1-"),
    ] {
        let request = ApiVersionsRequest {
            client_software_name: name.to_owned(),
            client_software_version: version.to_owned(),
            ..Default::default()
        };
        let answer = broker.ask(&request, 3);
        assert_code(name, answer.error_code, ErrorCode::InvalidRequest);
    }
}
