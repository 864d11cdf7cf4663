//! `klamm dev`: a whole cluster on this machine, one process a node.
//!
//! The supervisor owns the nodes and does one thing at a time: it waits for the next event (a
//! command, a signal, the end of a node) and acts on it. Commands come from standard input and,
//! from other terminals, through a socket in the data folder.

mod command;
mod control;
mod layout;
mod node;
mod plan;
mod ports;
mod state_file;
mod supervisor;

use crate::{
    failure::{Context, Failure},
    parent,
};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Runs a whole cluster on this machine, to develop against.
///
/// Starts the nodes as processes of their own, says where to connect, and stops them cleanly on
/// ctrl-C. Data stays in one folder, so that the next run goes on where this one stopped.
///
/// While it runs, type a command, or give it from another terminal as `klamm dev restart 2`:
/// status, kill N (as a crash), stop N, start N, restart N, quit.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  klamm dev                         three nodes; clients connect to localhost:9092
  klamm dev --port 19092            other ports: 19092 to 19094, controllers 19192 to 19194
  klamm dev --nodes 1 --data /tmp/one
  klamm dev --override num.partitions=6 --override log.retention.hours=1
  klamm dev kill 2                  in another terminal: node 2 crashes
  klamm dev restart 2               … and comes back")]
#[command(
    args_conflicts_with_subcommands = false,
    subcommand_negates_reqs = true
)]
pub(crate) struct DevArgs {
    /// Where all data, logs and settings of the cluster go.
    #[arg(long, value_name = "DIR", default_value = "klamm-data", global = true)]
    data: PathBuf,

    /// How many nodes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=i64::from(plan::NODES_MAX)))]
    nodes: u16,

    /// Clients connect to the first node here; the others follow, one port each. Controllers
    /// listen 100 ports above.
    #[arg(long, default_value_t = 9092, value_parser = clap::value_parser!(u16).range(1..=65_000))]
    port: u16,

    /// The address to listen on and to advertise.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,

    /// Sets a property of every node.
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,

    /// Ends when the process that started it ends.
    #[arg(long, hide = true)]
    exit_with_parent: bool,

    #[command(subcommand)]
    request: Option<Request>,
}

/// What a running cluster can be asked for from another terminal.
#[derive(Subcommand, Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    /// Shows the nodes of the running cluster.
    Status,
    /// Kills a node as a crash would (SIGKILL).
    Kill {
        /// The id of the node.
        node: u16,
    },
    /// Stops a node cleanly (SIGTERM).
    Stop {
        /// The id of the node.
        node: u16,
    },
    /// Starts a node that is down.
    Start {
        /// The id of the node.
        node: u16,
    },
    /// Stops a node cleanly, if it runs, and starts it again.
    Restart {
        /// The id of the node.
        node: u16,
    },
    /// Stops the whole cluster.
    Quit,
}

/// Runs the cluster until it is told to stop, or passes a request to the one that runs.
pub(crate) fn run(args: DevArgs) -> Result<(), Failure> {
    if args.exit_with_parent {
        parent::stop_with()?;
    }
    // On one thread: nodes end with the thread that started them (see `--exit-with-parent`).
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    let outcome = match args.request {
        Some(request) => runtime.block_on(control::ask(&args.data, request)),
        None => {
            let plan = plan::Plan::new(&args)?;
            runtime.block_on(supervisor::run(plan))
        }
    };
    // Reading from a terminal cannot be cancelled; do not wait for it.
    runtime.shutdown_background();
    outcome
}
