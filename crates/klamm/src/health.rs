//! `klamm health`: whether a broker serves, for scripts and container health checks.

use crate::{
    client_args,
    failure::{Context, Failure},
};
use clap::Args;
use klamm_client::{Connection, ConnectionOptions};
use klamm_protocol::messages::metadata_request::MetadataRequest;
use std::time::Duration;

/// Tells whether a broker serves: exit code 0 if it answers ApiVersions and Metadata.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  klamm health
  klamm health --bootstrap-server broker-2:9092 --timeout-ms 1000")]
pub(crate) struct HealthArgs {
    /// The broker; no other is asked in its place.
    #[arg(
        short,
        long,
        value_name = "HOST:PORT",
        default_value = "localhost:9092"
    )]
    bootstrap_server: String,

    /// How long to wait for its answers.
    #[arg(long, value_name = "MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..))]
    timeout_ms: u64,
}

/// Asks the broker.
pub(crate) fn run(args: &HealthArgs) -> Result<(), Failure> {
    client_args::run(async {
        let patience = Duration::from_millis(args.timeout_ms);
        match tokio::time::timeout(patience, ask(args, patience)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::new(format!(
                "{} has not answered for {} ms",
                args.bootstrap_server, args.timeout_ms
            ))),
        }
    })
}

async fn ask(args: &HealthArgs, patience: Duration) -> Result<(), Failure> {
    let options = ConnectionOptions {
        connect_timeout: patience,
        request_timeout: patience,
        ..ConnectionOptions::default()
    };
    let connection = Connection::connect(&args.bootstrap_server, options)
        .await
        .context("reach the broker")?;
    let nothing = MetadataRequest {
        topics: Some(Vec::new()),
        ..MetadataRequest::default()
    };
    let metadata = connection
        .ask(&nothing)
        .await
        .context(format!("get metadata from {}", args.bootstrap_server))?;
    if metadata.brokers.is_empty() {
        return Err(Failure::new(format!(
            "{} answers, but knows no broker of its cluster yet",
            args.bootstrap_server
        )));
    }
    println!(
        "{} serves; brokers of its cluster: {}",
        args.bootstrap_server,
        metadata.brokers.len()
    );
    Ok(())
}
