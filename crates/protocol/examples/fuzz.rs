//! Mutates valid frames and decodes them: `fuzz [SECONDS] [SEED]`.
//!
//! A request frame must be decoded or refused, never panic; what is accepted must mean the same after encoding it
//! again. Prints the seed of the case that failed: `fuzz 0 SEED` runs just that one.

use bytes::{Bytes, BytesMut};
use klamm_protocol::{
    ApiKey, DecodeError, Decoder, Encoder, frame,
    messages::{AnyRequest, AnyResponse},
    testing::Rng,
};
use std::{
    error::Error,
    time::{Duration, Instant},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let first: u64 = arguments.next().map_or(Ok(0), |text| text.parse())?;
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut seed, mut accepted) = (first, 0);
    loop {
        let result = std::panic::catch_unwind(|| attack(seed));
        match result {
            Ok(Ok(survived)) => accepted += u64::from(survived),
            Ok(Err(problem)) => return Err(format!("seed {seed}: {problem}").into()),
            Err(_) => return Err(format!("seed {seed}: panic").into()),
        }
        seed += 1;
        if Instant::now() >= end {
            break;
        }
    }
    println!("{} frames, {accepted} accepted", seed - first);
    Ok(())
}

/// Decodes one mutated frame; tells whether it was accepted.
fn attack(seed: u64) -> Result<bool, String> {
    let mut rng = Rng::new(seed);
    let key = ApiKey::ALL[rng.below(ApiKey::ALL.len())];
    let versions: Vec<i16> = key.schema_versions().collect();
    let version = versions[rng.below(versions.len())];
    if rng.below(2) == 0 {
        let body = |e: &mut Encoder, rng: &mut Rng| {
            AnyRequest::random(key, version, rng).encode(e, version)
        };
        let hostile = hostile_frame(&mut rng, key, version, body)?;
        Ok(request(hostile)?)
    } else {
        let mut e = Encoder::new();
        AnyResponse::random(key, version, &mut rng)
            .encode(&mut e, version)
            .map_err(|error| error.to_string())?;
        let hostile = mutated(e.into_bytes(), &mut rng);
        response(key, version, hostile)
    }
}

fn hostile_frame(
    rng: &mut Rng,
    key: ApiKey,
    version: i16,
    body: impl Fn(&mut Encoder, &mut Rng) -> Result<(), klamm_protocol::EncodeError>,
) -> Result<Bytes, String> {
    let mut e = Encoder::new();
    e.slice(&i16::from(key).to_be_bytes());
    e.slice(&version.to_be_bytes());
    e.slice(&[0, 0, 0, 1, 0, 2, b'm', b'e']);
    if key.request_header_version(version) >= 2 {
        e.slice(&[0]);
    }
    body(&mut e, rng).map_err(|error| error.to_string())?;
    Ok(mutated(e.into_bytes(), rng))
}

fn request(hostile: Bytes) -> Result<bool, String> {
    let decode = |frame: Bytes| -> Result<(ApiKey, i16, AnyRequest), DecodeError> {
        let mut d = Decoder::new(frame);
        let header = frame::decode_request_header(&mut d)?;
        let key = ApiKey::try_from(header.api_key)?;
        let request = AnyRequest::decode(key, header.api_version, &mut d)?;
        Ok((key, header.api_version, request))
    };
    let Ok((key, version, accepted)) = decode(hostile) else {
        return Ok(false);
    };
    let mut e = Encoder::new();
    accepted
        .encode(&mut e, version)
        .map_err(|error| format!("{error}: {accepted:?}"))?;
    let again = AnyRequest::decode(key, version, &mut Decoder::new(e.into_bytes()));
    same(
        format!("{:?}", Ok::<_, DecodeError>(accepted)),
        format!("{again:?}"),
    )
}

fn response(key: ApiKey, version: i16, hostile: Bytes) -> Result<bool, String> {
    let Ok(accepted) = AnyResponse::decode(key, version, &mut Decoder::new(hostile)) else {
        return Ok(false);
    };
    let mut e = Encoder::new();
    accepted
        .encode(&mut e, version)
        .map_err(|error| format!("{error}: {accepted:?}"))?;
    let again = AnyResponse::decode(key, version, &mut Decoder::new(e.into_bytes()));
    same(
        format!("{:?}", Ok::<_, DecodeError>(accepted)),
        format!("{again:?}"),
    )
}

/// Compares texts, since a float that is not a number differs from itself.
fn same(accepted: String, again: String) -> Result<bool, String> {
    if accepted == again {
        Ok(true)
    } else {
        Err(format!("{accepted}\nbecame\n{again}"))
    }
}

/// Overwrites, inserts, removes and repeats bytes.
fn mutated(frame: Bytes, rng: &mut Rng) -> Bytes {
    let mut hostile = BytesMut::from(&frame[..]);
    for _ in 0..rng.below(4) {
        if hostile.is_empty() {
            break;
        }
        let at = rng.below(hostile.len());
        match rng.below(6) {
            0 => hostile[at] = rng.number() as u8,
            1 => hostile[at] ^= 1 << rng.below(8),
            2 => hostile[at..]
                .iter_mut()
                .take(4)
                .for_each(|byte| *byte = 0xff),
            3 => hostile[at..]
                .iter_mut()
                .take(4)
                .for_each(|byte| *byte = 0x7f),
            4 => hostile.truncate(at),
            _ => {
                let tail = hostile.split_off(at);
                let repeated = tail.len().min(rng.below(16));
                hostile.extend_from_slice(&tail[..repeated]);
                hostile.extend_from_slice(&tail);
            }
        }
    }
    hostile.freeze()
}
