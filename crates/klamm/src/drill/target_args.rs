//! Which cluster is drilled.

use crate::failure::{Context, Failure};
use clap::Args;
use klamm_client::{Admin, Client, ClientOptions};
use klamm_drill::{
    Selection,
    history::Node,
    scenario::Scenario,
    target::{
        CommandTarget, Commands, ComposeTarget, DevCluster, DevClusterOptions, DevTarget,
        PlainTarget, Target,
    },
};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// How long a cluster may take to tell of its nodes.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Args, Debug)]
#[command(next_help_heading = "Target")]
pub(super) struct TargetArgs {
    /// How many nodes to start where no other target is given.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=9))]
    nodes: u16,

    /// Sets a property of each node that is started.
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,

    /// Drills the `klamm dev` cluster that runs in this data folder.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["compose", "bootstrap_server"])]
    cluster: Option<PathBuf>,

    /// Drills the nodes of a docker compose project.
    #[arg(long, value_name = "PROJECT", requires = "bootstrap_server")]
    compose: Option<String>,

    /// Drills the cluster at these addresses, by comma.
    #[arg(short, long, value_name = "HOST:PORT")]
    bootstrap_server: Option<String>,

    #[command(flatten)]
    commands: CommandArgs,
}

/// Commands for nodes that nothing else is known of; {node} in them is the id of a node.
#[derive(Args, Debug)]
struct CommandArgs {
    /// Kills a node; {node} in commands is its id.
    #[arg(
        long,
        value_name = "COMMAND",
        requires = "bootstrap_server",
        conflicts_with = "compose"
    )]
    kill_command: Option<String>,

    /// Stops a node cleanly.
    #[arg(
        long,
        value_name = "COMMAND",
        requires = "bootstrap_server",
        conflicts_with = "compose"
    )]
    stop_command: Option<String>,

    /// Starts a node that is down.
    #[arg(
        long,
        value_name = "COMMAND",
        requires = "bootstrap_server",
        conflicts_with = "compose"
    )]
    start_command: Option<String>,

    /// Freezes a node.
    #[arg(
        long,
        value_name = "COMMAND",
        requires = "bootstrap_server",
        conflicts_with = "compose"
    )]
    pause_command: Option<String>,

    /// Lets a frozen node go on.
    #[arg(
        long,
        value_name = "COMMAND",
        requires = "bootstrap_server",
        conflicts_with = "compose"
    )]
    resume_command: Option<String>,
}

impl CommandArgs {
    fn commands(&self) -> Option<Commands> {
        let commands = Commands {
            kill: self.kill_command.clone(),
            stop: self.stop_command.clone(),
            start: self.start_command.clone(),
            pause: self.pause_command.clone(),
            resume: self.resume_command.clone(),
        };
        (commands != Commands::default()).then_some(commands)
    }
}

/// The target that was chosen.
pub(super) struct Chosen {
    kind: Kind,
    /// The cluster that was started for it, and the folder of everything that belongs to it.
    pub(super) own: Option<(DevCluster, PathBuf)>,
}

enum Kind {
    Ready(Arc<dyn Target>),
    /// Its nodes have to be asked for.
    Commands(String, Commands),
}

impl TargetArgs {
    /// Finds the target, or starts one. Call it on the main thread: nodes end with the thread that starts them.
    pub(super) fn choose(&self, selection: &Selection) -> Result<Chosen, Failure> {
        let failed = |error: klamm_drill::target::TargetError| Failure::new(error.to_string());
        let ready = |target: Arc<dyn Target>| Chosen {
            kind: Kind::Ready(target),
            own: None,
        };
        if let Some(data) = &self.cluster {
            let target = DevTarget::attach(data).map_err(failed)?;
            return Ok(ready(Arc::new(target)));
        }
        if let Some(bootstrap) = &self.bootstrap_server {
            if let Some(project) = &self.compose {
                let target = ComposeTarget::attach(project, bootstrap).map_err(failed)?;
                return Ok(ready(Arc::new(target)));
            }
            return Ok(match self.commands.commands() {
                None => ready(Arc::new(PlainTarget::new(bootstrap))),
                Some(commands) => Chosen {
                    kind: Kind::Commands(bootstrap.clone(), commands),
                    own: None,
                },
            });
        }
        let program = std::env::current_exe().context("find this program")?;
        let folder = std::env::temp_dir().join(format!("klamm-drill-{}", std::process::id()));
        let options = DevClusterOptions {
            nodes: self.nodes,
            overrides: self.overrides.clone(),
            small_disks: selection.includes(Scenario::DiskFull),
        };
        let cluster = DevCluster::start(&program, &folder, &options);
        let cluster = cluster.map_err(failed)?;
        Ok(Chosen {
            kind: Kind::Ready(Arc::new(cluster.target().map_err(failed)?)),
            own: Some((cluster, folder)),
        })
    }
}

impl Chosen {
    /// The target; its nodes are asked for where they are not known.
    pub(super) async fn target(&self) -> Result<Arc<dyn Target>, Failure> {
        let (bootstrap, commands) = match &self.kind {
            Kind::Ready(target) => return Ok(target.clone()),
            Kind::Commands(bootstrap, commands) => (bootstrap, commands),
        };
        let options = ClientOptions {
            deadline: PATIENCE,
            ..ClientOptions::default()
        };
        let admin = Admin::new(Client::from_list(bootstrap, options));
        let cluster = admin.cluster().await.context("ask for the nodes")?;
        let nodes = cluster.brokers.keys().copied().map(Node);
        Ok(Arc::new(CommandTarget::new(
            bootstrap,
            nodes,
            commands.clone(),
        )))
    }

    /// What the cluster is, if that is known.
    pub(super) fn version(&self) -> String {
        match self.own {
            Some(_) => concat!("klamm ", env!("CARGO_PKG_VERSION")).to_owned(),
            None => String::new(),
        }
    }
}
