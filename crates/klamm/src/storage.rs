//! `klamm storage`: what scripts call `kafka-storage.sh` for.
//!
//! Nothing here is needed to start a node: an empty folder becomes part of the cluster by itself.

use crate::{
    data_folder,
    failure::{Context, Failure},
    load_config,
};
use clap::{Args, Subcommand};
use klamm_types::Uuid;
use std::{collections::BTreeMap, fs, path::PathBuf};

/// The metadata version that formatted folders claim, for scripts that look at the output.
const METADATA_VERSION: &str = "4.3-IV0";

/// Looks after data folders, with the flags of kafka-storage.sh.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  klamm storage random-uuid
  klamm storage format --cluster-id $(klamm storage random-uuid) --config server.properties
  klamm storage info --config server.properties")]
pub(crate) struct StorageArgs {
    #[command(subcommand)]
    command: StorageCommand,
}

#[derive(Subcommand, Debug)]
enum StorageCommand {
    /// Prints a fresh id for a cluster.
    RandomUuid,
    /// Marks the folders of a node as part of a cluster. An empty folder does not need it.
    #[command(after_help = "Examples:
  klamm storage format --cluster-id 4L6g3nShT-eMCtK--X86sw --config server.properties
  klamm storage format -t $(klamm storage random-uuid) -c server.properties --ignore-formatted")]
    Format(FormatArgs),
    /// Shows what the folders of a node are marked with.
    #[command(after_help = "Example:
  klamm storage info --config server.properties")]
    Info(InfoArgs),
}

#[derive(Args, Debug)]
struct FormatArgs {
    /// The configuration of the node.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,

    /// The id of the cluster.
    #[arg(short = 't', long, value_name = "UUID", allow_hyphen_values = true)]
    cluster_id: String,

    /// Leaves folders that are marked already as they are.
    #[arg(short = 'g', long)]
    ignore_formatted: bool,

    /// Accepted and not needed: the voters stand in the configuration.
    #[arg(short = 's', long)]
    standalone: bool,

    /// Accepted and not needed: the voters stand in the configuration.
    #[arg(short = 'I', long, value_name = "VOTERS")]
    initial_controllers: Option<String>,

    /// Accepted and not needed: the voters stand in the configuration.
    #[arg(short = 'N', long)]
    no_initial_controllers: bool,

    /// Accepted and not needed: there is one metadata version.
    #[arg(short, long, value_name = "VERSION")]
    release_version: Option<String>,

    /// Accepted and not needed: features are those of this release.
    #[arg(short, long, value_name = "FEATURE=LEVEL")]
    feature: Vec<String>,
}

#[derive(Args, Debug)]
struct InfoArgs {
    /// The configuration of the node.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
}

/// Does what is asked for.
pub(crate) fn run(args: &StorageArgs) -> Result<(), Failure> {
    match &args.command {
        StorageCommand::RandomUuid => {
            println!("{}", Uuid::random().context("draw an id")?);
            Ok(())
        }
        StorageCommand::Format(args) => format(args),
        StorageCommand::Info(args) => info(args),
    }
}

fn format(args: &FormatArgs) -> Result<(), Failure> {
    let config = load_config::load_file(&args.config)?;
    let cluster_id = load_config::cluster_id(&args.cluster_id)?;
    let folders = data_folder::all(&config);
    for folder in &folders {
        if !args.ignore_formatted && folder.exists() && data_folder::read(folder)?.is_some() {
            return Err(Failure::new(format!(
                "Log directory {} is already formatted. Use --ignore-formatted to ignore this directory and format the others.",
                folder.display()
            )));
        }
    }
    data_folder::prepare(&config, Some((&cluster_id, "--cluster-id")))?;
    let marked = data_folder::mark(&folders, &cluster_id, config.node_id, &BTreeMap::new())?;
    if marked.is_empty() {
        println!("All of the log directories are already formatted.");
    }
    for folder in marked {
        println!(
            "Formatting data directory {} with metadata.version {METADATA_VERSION}.",
            folder.display()
        );
    }
    Ok(())
}

fn info(args: &InfoArgs) -> Result<(), Failure> {
    let config = load_config::load_file(&args.config)?;
    let folders = data_folder::all(&config);
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for folder in &folders {
        let name = folder.display();
        match fs::metadata(folder).map(|metadata| metadata.is_dir()) {
            Err(_) => problems.push(format!("{name} does not exist")),
            Ok(false) => problems.push(format!("{name} is not a directory")),
            Ok(true) => match data_folder::read(folder)? {
                Some(meta) => found.push((name.to_string(), meta)),
                None => problems.push(format!("{name} is not formatted.")),
            },
        }
    }
    if let Some((_, first)) = found.first() {
        let names = found
            .iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>();
        print_list("log director", ["y", "ies"], &names);
        println!(
            "Found metadata: {{cluster.id={}, directory.id={}, node.id={}, version=1}}\n",
            first.cluster_id, first.directory_id, first.node_id
        );
        if let Some((name, other)) = found
            .iter()
            .find(|(_, meta)| meta.cluster_id != first.cluster_id)
        {
            problems.push(format!(
                "{name} belongs to another cluster, {}",
                other.cluster_id
            ));
        }
    }
    match problems.len() {
        0 => Ok(()),
        count => {
            print_list("problem", ["", "s"], &problems);
            Err(Failure::new(format!(
                "{count} of {} folders cannot be used as they are",
                folders.len()
            )))
        }
    }
}

/// Prints a list as kafka-storage.sh does: a heading, a line each, an empty line.
fn print_list(noun: &str, endings: [&str; 2], lines: &[String]) {
    let ending = endings[usize::from(lines.len() > 1)];
    println!("Found {noun}{ending}:");
    for line in lines {
        println!("  {line}");
    }
    println!();
}
