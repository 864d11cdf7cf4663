//! A foreign codec reads what we write, and writes it again the same way.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey as TheirKey, RequestKind, ResponseKind};
use klamm_protocol::{
    ApiKey, Decoder, Encoder,
    messages::{AnyRequest, AnyResponse},
    testing::Rng,
};

const SEEDS: u64 = 8;

/// Calls `check` for every API and version that both codecs know, with some seeds.
fn for_all_shared(check: impl Fn(ApiKey, TheirKey, i16, u64)) -> usize {
    let mut shared = 0;
    for key in ApiKey::ALL {
        let Ok(theirs) = TheirKey::try_from(*key as i16) else {
            continue;
        };
        let range = theirs.valid_versions();
        for version in key.schema_versions() {
            if (range.min..=range.max).contains(&version) {
                shared += 1;
                (0..SEEDS).for_each(|seed| check(*key, theirs, version, seed));
            }
        }
    }
    shared
}

#[test]
fn requests_survive_a_foreign_codec() {
    let shared = for_all_shared(|key, theirs, version, seed| {
        let ours = AnyRequest::random(key, version, &mut Rng::new(seed));
        let mut e = Encoder::new();
        ours.encode(&mut e, version).unwrap();
        let frame = e.into_bytes();
        let context = format!("{key} request v{version} seed {seed}: {ours:?}");
        let mut rest = frame.clone();
        let foreign = RequestKind::decode(theirs, &mut rest, version).expect(&context);
        assert!(rest.is_empty(), "{} bytes unread in {context}", rest.len());
        let mut back = BytesMut::new();
        foreign.encode(&mut back, version).expect(&context);
        let mut d = Decoder::new(back.freeze());
        assert_eq!(
            AnyRequest::decode(key, version, &mut d).as_ref(),
            Ok(&ours),
            "{context}"
        );
        assert_eq!(d.finish(), Ok(()), "{context}");
    });
    assert!(shared > 200, "only {shared} versions compared");
}

#[test]
fn responses_survive_a_foreign_codec() {
    let shared = for_all_shared(|key, theirs, version, seed| {
        let ours = AnyResponse::random(key, version, &mut Rng::new(seed));
        let mut e = Encoder::new();
        ours.encode(&mut e, version).unwrap();
        let frame = e.into_bytes();
        let context = format!("{key} response v{version} seed {seed}: {ours:?}");
        let mut rest: Bytes = frame.clone();
        let foreign = ResponseKind::decode(theirs, &mut rest, version).expect(&context);
        assert!(rest.is_empty(), "{} bytes unread in {context}", rest.len());
        let mut back = BytesMut::new();
        foreign.encode(&mut back, version).expect(&context);
        let mut d = Decoder::new(back.freeze());
        assert_eq!(
            AnyResponse::decode(key, version, &mut d).as_ref(),
            Ok(&ours),
            "{context}"
        );
        assert_eq!(d.finish(), Ok(()), "{context}");
    });
    assert!(shared > 200, "only {shared} versions compared");
}
