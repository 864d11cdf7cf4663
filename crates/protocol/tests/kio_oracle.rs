//! A second foreign codec, written in Python, reads what we write and writes it again.
//!
//! It installs itself from PyPI, hence does not run by default:
//! `cargo test -p klamm-protocol --test kio_oracle -- --ignored`.

#![allow(clippy::unwrap_used, reason = "a test")]

use bytes::Bytes;
use klamm_protocol::{DecodeError, Decoder, Encoder, Message, testing::Rng};
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const KIO: &str = "kio==0.6.5";
const SEEDS: u64 = 4;

struct Line {
    name: &'static str,
    version: i16,
    frame: Bytes,
    recode: fn(Bytes, i16) -> Result<Bytes, DecodeError>,
}

fn encode<M: Message>(message: &M, version: i16) -> Bytes {
    let mut e = Encoder::new();
    if let Err(error) = message.encode(&mut e, version) {
        panic!("{} v{version}: {error}", M::NAME);
    }
    e.into_bytes()
}

fn recode<M: Message>(frame: Bytes, version: i16) -> Result<Bytes, DecodeError> {
    let mut d = Decoder::new(frame);
    let message = M::decode(&mut d, version)?;
    d.finish()?;
    Ok(encode(&message, version))
}

fn lines<M: Message>(lines: &mut Vec<Line>) {
    for version in M::MIN_VERSION..=M::MAX_VERSION {
        for seed in 0..SEEDS {
            let message = Rng::tame(seed).message::<M>(version);
            let (name, frame) = (M::NAME, encode(&message, version));
            lines.push(Line {
                name,
                version,
                frame,
                recode: recode::<M>,
            });
        }
    }
}

/// A Python interpreter that has kio.
fn python() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kio");
    let python = folder.join("bin/python");
    let ready = folder.join("ready");
    if fs::read_to_string(&ready).is_ok_and(|version| version == KIO) {
        return python;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", KIO]));
    fs::write(ready, KIO).unwrap();
    python
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn unhex(hex: &str) -> Bytes {
    let digit = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
    if hex == "empty" {
        Bytes::new()
    } else {
        (0..hex.len()).step_by(2).map(digit).collect()
    }
}

#[test]
#[ignore = "installs kio from PyPI"]
fn messages_survive_kio() {
    let mut all = Vec::new();
    macro_rules! add {
        ($message:ty) => {
            lines::<$message>(&mut all);
        };
    }
    klamm_protocol::for_each_message!(add);

    let input = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kio-input");
    let text: String = all
        .iter()
        .map(|line| format!("{} {} {}\n", line.name, line.version, hex(&line.frame)))
        .collect();
    fs::write(&input, text).unwrap();
    let output = Command::new(python())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kio_oracle/recode.py"))
        .stdin(fs::File::open(&input).unwrap())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", output.status);
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), all.len());

    let mut problems = BTreeSet::new();
    let mut compared = 0;
    for (line, answer) in all.into_iter().zip(answers.lines()) {
        let context = format!("{} v{}", line.name, line.version);
        if answer == "unknown" {
            continue;
        }
        compared += 1;
        if answer.starts_with("error") {
            problems.insert(format!("{context}: {answer}"));
        } else if (line.recode)(unhex(answer), line.version) != Ok(line.frame.clone()) {
            problems.insert(format!("{context}: {} became {answer}", hex(&line.frame)));
        }
    }
    assert!(compared > 2000, "only {compared} messages compared");
    let problems: Vec<String> = problems.into_iter().collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
