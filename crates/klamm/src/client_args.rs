//! What all clients are told on the command line: where the cluster is and how long to try.

use crate::failure::{Context, Failure};
use clap::Args;
use klamm_client::{Admin, Client, ClientOptions};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a topic that was created a moment ago may be unknown to the broker that is asked.
const NEWS_PATIENCE: Duration = Duration::from_secs(3);

/// Pause before asking for it again.
const NEWS_POLL: Duration = Duration::from_millis(100);

#[derive(Args, Clone, Debug)]
pub(crate) struct ClientArgs {
    /// Brokers to ask for the cluster, by comma.
    #[arg(
        short,
        long,
        value_name = "HOST:PORT",
        default_value = "localhost:9092"
    )]
    pub(crate) bootstrap_server: String,

    /// How long to try before giving up.
    #[arg(long, value_name = "MS", default_value_t = 30_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) timeout_ms: u64,
}

impl ClientArgs {
    /// How long to try.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// A client of the cluster; `creates_topics` lets brokers create what is asked for.
    pub(crate) fn client(&self, creates_topics: bool) -> Client {
        let options = ClientOptions {
            deadline: self.timeout(),
            allow_auto_topic_creation: creates_topics,
            ..ClientOptions::default()
        };
        Client::from_list(&self.bootstrap_server, options)
    }
}

/// Makes sure that there is the topic, and the partition if one is named: somebody who has
/// mistyped a name wants to know at once.
pub(crate) async fn look_up(
    args: &ClientArgs,
    topic: &str,
    partition: Option<i32>,
) -> Result<(), Failure> {
    let admin = Admin::new(args.client(false));
    let deadline = Instant::now() + NEWS_PATIENCE.min(args.timeout());
    loop {
        let topics = admin.describe_topics(&[topic]).await;
        let topics = topics.context(format!("look up {topic}"))?;
        let partitions = topics.get(topic).map(|topic| &topic.partitions);
        let is_there = partitions.is_some_and(|partitions| {
            partition.is_none_or(|index| partitions.iter().any(|p| p.index == index))
        });
        if is_there {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Failure::new(match (partitions, partition) {
                (Some(partitions), Some(index)) => format!(
                    "{topic} has no partition {index}: its partitions are 0 to {}",
                    partitions.len().saturating_sub(1)
                ),
                _ => format!("there is no topic {topic}"),
            }));
        }
        sleep(NEWS_POLL).await;
    }
}

/// Runs a client's work to its end, on one thread: clients of one command need no more.
pub(crate) fn run(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    let outcome = runtime.block_on(work);
    // Reading from a terminal cannot be cancelled; do not wait for it.
    runtime.shutdown_background();
    outcome
}
