//! What holds for every message in every version.

use bytes::{Bytes, BytesMut};
use klamm_protocol::{DecodeError, Decoder, Encoder, Message, testing::Rng};

/// One message type behind functions, so that the tests themselves are compiled once.
struct Case {
    name: &'static str,
    versions: std::ops::RangeInclusive<i16>,
    random: fn(i16, &mut Rng) -> Bytes,
    recode: fn(Bytes, i16) -> Result<Bytes, DecodeError>,
    /// Decodes and says how many bytes the message took.
    decode: fn(Bytes, i16) -> Result<usize, DecodeError>,
}

fn random<M: Message>(version: i16, rng: &mut Rng) -> Bytes {
    encode(&rng.message::<M>(version), version)
}

fn recode<M: Message>(frame: Bytes, version: i16) -> Result<Bytes, DecodeError> {
    let mut d = Decoder::new(frame);
    let message = M::decode(&mut d, version)?;
    d.finish()?;
    Ok(encode(&message, version))
}

fn decode<M: Message>(frame: Bytes, version: i16) -> Result<usize, DecodeError> {
    let length = frame.len();
    let mut d = Decoder::new(frame);
    M::decode(&mut d, version)?;
    Ok(length - d.remaining())
}

fn encode<M: Message>(message: &M, version: i16) -> Bytes {
    let mut e = Encoder::new();
    if let Err(error) = message.encode(&mut e, version) {
        panic!("{} v{version}: {error}", M::NAME);
    }
    e.into_bytes()
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    macro_rules! add {
        ($message:ty) => {
            cases.push(Case {
                name: <$message>::NAME,
                versions: <$message>::MIN_VERSION..=<$message>::MAX_VERSION,
                random: random::<$message>,
                recode: recode::<$message>,
                decode: decode::<$message>,
            });
        };
    }
    klamm_protocol::for_each_message!(add);
    cases
}

/// Calls `check` with every message in every version and some seeds.
fn for_all(seeds: u64, check: impl Fn(&Case, i16, u64, Bytes)) {
    for case in cases() {
        for version in case.versions.clone() {
            for seed in 0..seeds {
                check(
                    &case,
                    version,
                    seed,
                    (case.random)(version, &mut Rng::new(seed)),
                );
            }
        }
    }
}

#[test]
fn decoding_gives_back_what_was_encoded() {
    for_all(6, |case, version, seed, frame| {
        let again = (case.recode)(frame.clone(), version);
        assert_eq!(again, Ok(frame), "{} v{version} seed {seed}", case.name);
    });
}

#[test]
fn no_truncated_message_is_accepted() {
    for_all(2, |case, version, seed, frame| {
        let mut rng = Rng::new(seed);
        for _ in 0..8 {
            if frame.is_empty() {
                continue;
            }
            let cut = rng.below(frame.len());
            let result = (case.recode)(frame.slice(..cut), version);
            assert!(
                result.is_err(),
                "{} v{version} seed {seed} cut at {cut}",
                case.name
            );
        }
    });
}

#[test]
fn mutated_messages_are_decoded_or_refused() {
    for_all(3, |case, version, seed, frame| {
        let mut rng = Rng::new(seed);
        for _ in 0..10 {
            let mut hostile = BytesMut::from(&frame[..]);
            for _ in 0..=rng.below(3) {
                mutate(&mut hostile, &mut rng);
            }
            // Any outcome will do, as long as there is one.
            if let Ok(accepted) = (case.decode)(hostile.freeze(), version) {
                assert!(
                    accepted <= frame.len(),
                    "{} v{version} seed {seed}",
                    case.name
                );
            }
        }
    });
}

fn mutate(frame: &mut BytesMut, rng: &mut Rng) {
    if frame.is_empty() {
        return;
    }
    let at = rng.below(frame.len());
    match rng.below(4) {
        0 => frame[at] = rng.number() as u8,
        1 => frame[at..].iter_mut().take(4).for_each(|byte| *byte = 0xff),
        2 => frame[at..].iter_mut().take(4).for_each(|byte| *byte = 0x7f),
        _ => frame.truncate(at),
    }
}

#[test]
fn valid_messages_stay_within_the_memory_of_their_frame() {
    for case in cases() {
        for version in [*case.versions.start(), *case.versions.end()] {
            let frame = (case.random)(version, &mut Rng::bulky(200));
            let result = (case.recode)(frame.clone(), version);
            assert_eq!(result, Ok(frame), "{} v{version}", case.name);
        }
    }
}

#[test]
fn all_messages_are_here() {
    assert!(cases().len() > 230);
}
