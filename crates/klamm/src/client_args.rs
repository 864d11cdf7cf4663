//! What all clients are told on the command line: where the cluster is and how long to try.

use crate::failure::{Context, Failure};
use clap::Args;
use klamm_client::{Client, ClientOptions};
use std::time::Duration;

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
