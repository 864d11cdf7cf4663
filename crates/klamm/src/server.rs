//! `klamm server`: one node, from its configuration to its clean stop.

use crate::{
    controller_role, data_folder,
    failure::{Context, Failure},
    load_config::{self, ConfigArgs},
    parent,
};
use clap::Args;
use klamm_broker::Broker;
use klamm_config::{ServerConfig, env::CLUSTER_ID};
use klamm_quorum::Quorum;
use klamm_types::Uuid;
use rustix::process::{Resource, getrlimit, setrlimit};
use std::{path::PathBuf, time::Duration};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    signal::unix::{Signal, SignalKind, signal},
};
use tracing::{error, info, warn};

/// How long what is left on the runtime may take to end once the node has stopped.
const RUNTIME_PATIENCE: Duration = Duration::from_secs(1);

/// Threads that run a controller: while one of them carries out a large request, the other answers the quorum.
const CONTROLLER_THREADS: usize = 2;

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
        parent::stop_with()?;
    }
    keep_heap_small();
    raise_file_limit();
    let (config, warnings) = load_config::load(&args.config)?;
    for warning in warnings {
        warn!(key = warning.key, "{}", warning.message);
    }
    let given = load_config::cluster_id_of_environment()?;
    let given = given.as_deref().map(|id| (id, CLUSTER_ID));
    let cluster_id = data_folder::prepare(&config, given)?;
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    let controller_runtime = match config.roles.controller {
        true => Some(start_controller_runtime()?),
        false => None,
    };
    let controller_handle = controller_runtime.as_ref().map(Runtime::handle);
    let outcome = runtime.block_on(Box::pin(serve(config, cluster_id, controller_handle)));
    runtime.shutdown_timeout(RUNTIME_PATIENCE);
    if let Some(runtime) = controller_runtime {
        runtime.shutdown_timeout(RUNTIME_PATIENCE);
    }
    outcome
}

/// Threads of its own for the controller: it must be heard in time however busy the broker is.
fn start_controller_runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .worker_threads(CONTROLLER_THREADS)
        .thread_name("controller")
        .enable_all()
        .build()
        .context("start the controller's runtime")
}

/// Asks the kernel not to back the heap with huge pages: an idle node would hold 2 MiB wherever it
/// touched a few bytes, three times the memory that it needs.
fn keep_heap_small() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        warn!(%error, "the kernel keeps huge pages; the node takes more memory than it needs");
    }
}

/// Takes as many open files as the system lets this process have: each partition needs a few, and
/// the soft limit that processes start with is for programs that still use `select`.
fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        warn!(%error, "cannot raise the limit of open files");
    }
}

/// Why a node stops.
enum End {
    /// Somebody wants it to.
    Asked,
    /// It cannot go on.
    Failed(String),
}

/// Runs what `config` says; a controller runs where `controller_runtime` is.
async fn serve(
    config: ServerConfig,
    cluster_id: Option<String>,
    controller_runtime: Option<&Handle>,
) -> Result<(), Failure> {
    let mut stop = StopSignals::listen()?;
    info!(
        node_id = config.node_id.get(),
        broker = config.roles.broker,
        controller = config.roles.controller,
        cluster_id,
        "node starts"
    );
    let quorum = match controller_runtime {
        Some(runtime) => {
            let (config, cluster_id) = (config.clone(), cluster_id.clone());
            let starting =
                runtime.spawn(async move { controller_role::start(&config, cluster_id).await });
            Some(starting.await.context("start the controller")??)
        }
        None => None,
    };
    if let Some(quorum) = &quorum {
        mark_folders(&config, quorum);
    }
    let directory_id = quorum.as_ref().map(Quorum::directory_id);
    let outcome = tokio::select! {
        outcome = Box::pin(run_broker(config, cluster_id, directory_id, &mut stop)) => outcome,
        reason = quorum_failed(quorum.as_ref()) => Ok(End::Failed(reason)),
    };
    if let Some(quorum) = quorum {
        quorum.stop().await;
    }
    match outcome? {
        End::Asked => {
            info!("node has stopped");
            Ok(())
        }
        End::Failed(reason) => {
            error!(reason, "node cannot go on");
            Err(Failure::new(reason))
        }
    }
}

/// Runs the broker, if this node is one, until somebody wants the node to stop or the broker
/// cannot go on.
async fn run_broker(
    config: ServerConfig,
    cluster_id: Option<String>,
    metadata_dir_id: Option<Uuid>,
    stop: &mut StopSignals,
) -> Result<End, Failure> {
    if !config.roles.broker {
        stop.next().await;
        return Ok(End::Asked);
    }
    let started = tokio::select! {
        started = Box::pin(Broker::start(config, cluster_id, metadata_dir_id)) => started,
        () = stop.next() => return Ok(End::Asked),
    };
    let broker = started.context("start the broker")?;
    for (name, address) in broker.addresses() {
        info!(listener = name, %address, "listening");
    }
    let end = tokio::select! {
        reason = broker.failed() => End::Failed(reason),
        () = stop.next() => End::Asked,
    };
    broker.stop().await;
    Ok(end)
}

/// Resolves when the controller cannot go on, with the reason; never if this node has none.
async fn quorum_failed(quorum: Option<&Quorum>) -> String {
    let Some(quorum) = quorum else {
        return std::future::pending().await;
    };
    let mut failed = quorum.failed();
    let reason = failed
        .wait_for(Option::is_some)
        .await
        .map(|reason| reason.clone());
    match reason {
        Ok(Some(reason)) => reason,
        _ => "the controller is gone".to_owned(),
    }
}

/// Marks the folders that the broker does not mark itself, once the cluster's id is known.
fn mark_folders(config: &ServerConfig, quorum: &Quorum) {
    let node_id = config.node_id;
    let mut cluster_id = quorum.cluster_id();
    // The quorum knows this controller by the id of its folder.
    let known = [(config.metadata_log_dir.clone(), quorum.directory_id())].into();
    let mut folders: Vec<PathBuf> = data_folder::all(config);
    if config.roles.broker {
        folders.retain(|folder| !config.log_dirs.contains(folder));
    }
    tokio::spawn(async move {
        let id = cluster_id
            .wait_for(Option::is_some)
            .await
            .map(|id| id.clone());
        if let Ok(Some(id)) = id
            && let Err(failure) = data_folder::mark(&folders, &id, node_id, &known)
        {
            error!(%failure, "cannot mark the data folders");
        }
    });
}

/// SIGTERM and ctrl-C.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn listen() -> Result<StopSignals, Failure> {
        Ok(StopSignals {
            terminate: signal(SignalKind::terminate()).context("wait for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("wait for ctrl-C")?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => info!("SIGTERM: node stops"),
            _ = self.interrupt.recv() => info!("ctrl-C: node stops"),
        }
    }
}
