//! `klamm consume`: records become lines of standard output.

use crate::{
    client_args::{self, ClientArgs},
    failure::{Context, Failure},
    progress::Progress,
};
use clap::Args;
use klamm_client::{ConsumedRecord, Consumer, ConsumerOptions, StartOffset};
use std::io::{self, Write};
use tokio::signal::unix::{SignalKind, signal};

/// Prints the records of a topic, each as a line, and waits for more.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  klamm consume greetings --from-beginning
  klamm consume orders --from-beginning --exit-at-end --key-separator :
  klamm consume events --partition 0 --offset 1000 --max-messages 10")]
pub(crate) struct ConsumeArgs {
    /// The topic.
    topic: String,

    /// Begins with the oldest record instead of the next one.
    #[arg(long, conflicts_with = "offset")]
    from_beginning: bool,

    /// Begins at this offset.
    #[arg(short, long, value_parser = clap::value_parser!(i64).range(0..))]
    offset: Option<i64>,

    /// Reads this partition only.
    #[arg(short, long, value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,

    /// Ends after so many records.
    #[arg(short = 'n', long, value_name = "N")]
    max_messages: Option<u64>,

    /// Ends when all records that exist have been read.
    #[arg(short, long)]
    exit_at_end: bool,

    /// Prints keys too, with this text between key and value.
    #[arg(short, long, value_name = "TEXT")]
    key_separator: Option<String>,

    #[command(flatten)]
    client: ClientArgs,
}

/// Prints records until told to stop.
pub(crate) fn run(args: &ConsumeArgs) -> Result<(), Failure> {
    client_args::run(consume(args))
}

async fn consume(args: &ConsumeArgs) -> Result<(), Failure> {
    let mut consumer = Consumer::new(args.client.client(false), ConsumerOptions::default());
    assign(args, &mut consumer).await?;
    let mut interrupt = signal(SignalKind::interrupt()).context("wait for ctrl-C")?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut left = args.max_messages.unwrap_or(u64::MAX);
    let mut progress = Progress::begin("waiting for records");
    while left > 0 && !(args.exit_at_end && consumer.at_end()) {
        let records = tokio::select! {
            records = consumer.poll() => records.context(format!("consume {}", args.topic))?,
            _ = interrupt.recv() => break,
        };
        if records.is_empty() {
            progress.update("waiting for records");
            continue;
        }
        // Lines and a moving line do not go together.
        progress = Progress::begin("waiting for records");
        let printed = print(&mut out, &records, args.key_separator.as_deref(), &mut left);
        match printed {
            Ok(()) => {}
            // Whoever read the lines has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(error).context("print records"),
        }
    }
    Ok(())
}

async fn assign(args: &ConsumeArgs, consumer: &mut Consumer) -> Result<(), Failure> {
    client_args::look_up(&args.client, &args.topic, args.partition).await?;
    let start = match (args.offset, args.from_beginning) {
        (Some(offset), _) => StartOffset::At(offset),
        (None, true) => StartOffset::Earliest,
        (None, false) => StartOffset::Latest,
    };
    if let Some(partition) = args.partition {
        consumer.assign(&args.topic, partition, start);
        return Ok(());
    }
    consumer
        .assign_topic(&args.topic, start)
        .await
        .context(format!("look up {}", args.topic))
}

/// Prints as many records as are left to print.
fn print(
    out: &mut impl Write,
    records: &[ConsumedRecord],
    key_separator: Option<&str>,
    left: &mut u64,
) -> io::Result<()> {
    for record in records {
        if *left == 0 {
            break;
        }
        *left -= 1;
        if let Some(separator) = key_separator {
            out.write_all(record.key.as_deref().unwrap_or_default())?;
            out.write_all(separator.as_bytes())?;
        }
        out.write_all(record.value.as_deref().unwrap_or_default())?;
        out.write_all(b"\n")?;
    }
    out.flush()
}
