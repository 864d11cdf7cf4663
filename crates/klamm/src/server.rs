//! `klamm server`: one node, from its configuration to its clean stop.

use crate::{
    data_folder,
    failure::{Context, Failure},
    load_config::{self, ConfigArgs},
};
use clap::Args;
use klamm_config::ServerConfig;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

/// Runs one node of a cluster: a broker, a controller or both, by `process.roles`.
///
/// Takes the very configuration file that starts an Apache Kafka 4.3 node. A data folder that is
/// empty needs no format step. SIGTERM and ctrl-C stop the node cleanly.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  klamm server --config server.properties
  klamm server --config server.properties --override num.partitions=6
  KAFKA_PROCESS_ROLES=broker,controller KAFKA_NODE_ID=1 … klamm server")]
pub(crate) struct ServerArgs {
    #[command(flatten)]
    config: ConfigArgs,

    /// Ends when the process that started it ends.
    #[arg(long, hide = true)]
    exit_with_parent: bool,
}

/// Runs the node until it is told to stop.
pub(crate) fn run(args: &ServerArgs) -> Result<(), Failure> {
    if args.exit_with_parent {
        stop_with_parent()?;
    }
    let (config, warnings) = load_config::load(&args.config)?;
    for warning in warnings {
        warn!(key = warning.key, "{}", warning.message);
    }
    let cluster_id = data_folder::prepare(&config, load_config::cluster_id_of_environment()?)?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")?
        .block_on(serve(config, cluster_id))
}

async fn serve(config: ServerConfig, cluster_id: Option<String>) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).context("wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("wait for ctrl-C")?;
    info!(
        node_id = config.node_id.get(),
        broker = config.roles.broker,
        controller = config.roles.controller,
        cluster_id,
        "node starts"
    );
    tokio::select! {
        _ = terminate.recv() => info!("SIGTERM: node stops"),
        _ = interrupt.recv() => info!("ctrl-C: node stops"),
    }
    Ok(())
}

/// Asks the operating system for a SIGTERM when the parent ends, so that no node of
/// `klamm dev` outlives it.
#[cfg(target_os = "linux")]
fn stop_with_parent() -> Result<(), Failure> {
    use rustix::process::{Signal, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::TERM)).context("follow the parent process")
}

#[cfg(not(target_os = "linux"))]
fn stop_with_parent() -> Result<(), Failure> {
    Ok(())
}
