//! A foreign codec reads what we write, and writes what we read.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey as TheirKey, RequestKind, ResponseKind};
use klamm_protocol::{
    ApiKey, Decoder, Encoder,
    messages::{AnyRequest, AnyResponse},
    testing::Rng,
};

const SEEDS: u64 = 8;

/// Their answer to a version that their table announces but their message lacks.
const UNKNOWN_TO_THEM: &str = "specified version not supported by this message type";

/// Decodes with the foreign codec and encodes again; `None` if it does not know the version.
fn recode_request(key: TheirKey, frame: &Bytes, version: i16) -> Result<Option<Bytes>, String> {
    let mut rest = frame.clone();
    let message = match RequestKind::decode(key, &mut rest, version) {
        Err(error) if format!("{error:#}").contains(UNKNOWN_TO_THEM) => return Ok(None),
        result => result.map_err(|error| format!("{error:#}"))?,
    };
    let mut back = BytesMut::new();
    message
        .encode(&mut back, version)
        .map_err(|error| format!("{error:#}"))?;
    if rest.is_empty() {
        Ok(Some(back.freeze()))
    } else {
        Err(format!("{rest:?} unread"))
    }
}

fn recode_response(key: TheirKey, frame: &Bytes, version: i16) -> Result<Option<Bytes>, String> {
    let mut rest = frame.clone();
    let message = match ResponseKind::decode(key, &mut rest, version) {
        Err(error) if format!("{error:#}").contains(UNKNOWN_TO_THEM) => return Ok(None),
        result => result.map_err(|error| format!("{error:#}"))?,
    };
    let mut back = BytesMut::new();
    message
        .encode(&mut back, version)
        .map_err(|error| format!("{error:#}"))?;
    if rest.is_empty() {
        Ok(Some(back.freeze()))
    } else {
        Err(format!("{rest:?} unread"))
    }
}

/// Calls `compare` for every API and version that both codecs know, with some seeds; counts the comparisons.
fn compare_all(compare: impl Fn(ApiKey, TheirKey, i16, u64) -> bool) -> usize {
    let mut compared = 0;
    for key in ApiKey::ALL {
        let Ok(theirs) = TheirKey::try_from(*key as i16) else {
            continue;
        };
        let range = theirs.valid_versions();
        let shared = key
            .schema_versions()
            .filter(|v| (range.min..=range.max).contains(v));
        for version in shared {
            compared += (0..SEEDS)
                .filter(|seed| compare(*key, theirs, version, *seed))
                .count();
        }
    }
    compared
}

#[test]
fn requests_survive_a_foreign_codec() {
    let compared = compare_all(|key, theirs, version, seed| {
        let ours = AnyRequest::random(key, version, &mut Rng::new(seed));
        let mut e = Encoder::new();
        ours.encode(&mut e, version).unwrap();
        let frame = e.into_bytes();
        let context = format!("{key} request v{version} seed {seed}: {ours:?}");
        let Some(back) = recode_request(theirs, &frame, version).expect(&context) else {
            return false;
        };
        let mut d = Decoder::new(back);
        assert_eq!(
            AnyRequest::decode(key, version, &mut d).as_ref(),
            Ok(&ours),
            "{context}"
        );
        assert_eq!(d.finish(), Ok(()), "{context}");
        true
    });
    assert!(compared > 1500, "only {compared} requests compared");
}

#[test]
fn responses_survive_a_foreign_codec() {
    let compared = compare_all(|key, theirs, version, seed| {
        let ours = AnyResponse::random(key, version, &mut Rng::new(seed));
        let mut e = Encoder::new();
        ours.encode(&mut e, version).unwrap();
        let frame = e.into_bytes();
        let context = format!("{key} response v{version} seed {seed}: {ours:?}");
        let Some(back) = recode_response(theirs, &frame, version).expect(&context) else {
            return false;
        };
        let mut d = Decoder::new(back);
        assert_eq!(
            AnyResponse::decode(key, version, &mut d).as_ref(),
            Ok(&ours),
            "{context}"
        );
        assert_eq!(d.finish(), Ok(()), "{context}");
        true
    });
    assert!(compared > 1500, "only {compared} responses compared");
}
