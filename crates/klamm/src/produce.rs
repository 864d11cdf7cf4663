//! `klamm produce`: lines of standard input become records.

use crate::{
    client_args::{self, ClientArgs},
    failure::{Context, Failure},
    progress::Progress,
};
use clap::{Args, ValueEnum};
use klamm_client::{Acks, Delivery, Producer, ProducerOptions, ProducerRecord};
use klamm_records::Compression;
use std::{collections::VecDeque, io::IsTerminal, time::Duration};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Stdin};

/// Longer lines are refused: no broker takes such records.
const LINE_BYTES_MAX: u64 = 100 << 20;

/// Records sent and not yet acknowledged; beyond, reading waits.
const UNACKNOWLEDGED_MAX: usize = 10_000;

/// How long a record waits for others to share its batch, unless somebody types them.
const LINGER: Duration = Duration::from_millis(5);

/// Writes each line of standard input as a record.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  echo hello | klamm produce greetings
  klamm produce orders --key-separator : < orders.txt
  zcat big.gz | klamm produce events --compression zstd --acks 1")]
pub(crate) struct ProduceArgs {
    /// The topic.
    topic: String,

    /// Lines are key, separator, value; a line without the separator has no key.
    #[arg(short, long, value_name = "TEXT")]
    key_separator: Option<String>,

    /// Writes to this partition only.
    #[arg(short, long, value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,

    /// Which replicas must have a record before it counts as written.
    #[arg(short, long, value_enum, default_value_t = AcksArg::All)]
    acks: AcksArg,

    /// How batches are compressed.
    #[arg(short = 'z', long, value_enum, default_value_t = CompressionArg::None)]
    compression: CompressionArg,

    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum AcksArg {
    /// All in-sync replicas.
    #[value(alias = "-1")]
    All,
    /// Only the leader.
    #[value(name = "1")]
    Leader,
    /// None: records may get lost unnoticed.
    #[value(name = "0")]
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CompressionArg {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// Writes records until standard input ends.
pub(crate) fn run(args: &ProduceArgs) -> Result<(), Failure> {
    if args.key_separator.as_deref() == Some("") {
        return Err(Failure::new("--key-separator must not be empty"));
    }
    client_args::run(produce(args))
}

async fn produce(args: &ProduceArgs) -> Result<(), Failure> {
    let typed = std::io::stdin().is_terminal();
    let producer = Producer::new(args.client.client(true), options(args, typed));
    let mut input = BufReader::new(tokio::io::stdin());
    let mut unacknowledged = VecDeque::new();
    let mut line = Vec::new();
    let mut count = 0_u64;
    let mut progress = Progress::begin("records are written");
    while read_line(&mut input, &mut line).await? {
        let record = record(args, &line);
        let sent = producer.send(record).await.context("produce")?;
        unacknowledged.push_back(sent);
        count += 1;
        let kept = if typed { 0 } else { UNACKNOWLEDGED_MAX };
        acknowledge(&mut unacknowledged, kept).await?;
        if !typed {
            progress.update(format!("{count} records are written"));
        }
    }
    producer.flush().await;
    acknowledge(&mut unacknowledged, 0).await?;
    drop(progress);
    let noun = if count == 1 { "record" } else { "records" };
    eprintln!("{count} {noun} written to {}", args.topic);
    Ok(())
}

fn options(args: &ProduceArgs, typed: bool) -> ProducerOptions {
    ProducerOptions {
        acks: match args.acks {
            AcksArg::All => Acks::All,
            AcksArg::Leader => Acks::Leader,
            AcksArg::None => Acks::None,
        },
        idempotent: args.acks == AcksArg::All,
        compression: match args.compression {
            CompressionArg::None => Compression::None,
            CompressionArg::Gzip => Compression::Gzip,
            CompressionArg::Snappy => Compression::Snappy,
            CompressionArg::Lz4 => Compression::Lz4,
            CompressionArg::Zstd => Compression::Zstd,
        },
        linger: if typed { Duration::ZERO } else { LINGER },
        delivery_timeout: args.client.timeout(),
        ..ProducerOptions::default()
    }
}

/// Reads a line without its end. Returns whether there was one.
async fn read_line(input: &mut BufReader<Stdin>, line: &mut Vec<u8>) -> Result<bool, Failure> {
    line.clear();
    let read = input
        .take(LINE_BYTES_MAX + 1)
        .read_until(b'\n', line)
        .await
        .context("read standard input")?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if read as u64 > LINE_BYTES_MAX {
        return Err(Failure::new(format!(
            "a line is longer than {LINE_BYTES_MAX} bytes"
        )));
    }
    Ok(read > 0)
}

fn record(args: &ProduceArgs, line: &[u8]) -> ProducerRecord {
    let (key, value) = match args
        .key_separator
        .as_deref()
        .and_then(|s| split(line, s.as_bytes()))
    {
        Some((key, value)) => (Some(key.to_vec()), value),
        None => (None, line),
    };
    ProducerRecord {
        partition: args.partition,
        ..ProducerRecord::new(&args.topic, key, value.to_vec())
    }
}

fn split<'a>(line: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = line
        .windows(separator.len())
        .position(|window| window == separator)?;
    Some((&line[..at], &line[at + separator.len()..]))
}

/// Waits until at most `kept` records are not acknowledged.
async fn acknowledge(unacknowledged: &mut VecDeque<Delivery>, kept: usize) -> Result<(), Failure> {
    while unacknowledged.len() > kept {
        let Some(delivery) = unacknowledged.pop_front() else {
            break;
        };
        delivery.await.context("produce")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_end_at_the_first_separator() {
        assert_eq!(split(b"a:b:c", b":"), Some((&b"a"[..], &b"b:c"[..])));
        assert_eq!(split(b"a=>b", b"=>"), Some((&b"a"[..], &b"b"[..])));
        assert_eq!(split(b":b", b":"), Some((&b""[..], &b"b"[..])));
        assert_eq!(split(b"ab", b":"), None);
        assert_eq!(split(b"", b":"), None);
    }
}
