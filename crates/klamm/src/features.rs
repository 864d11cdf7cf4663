//! `klamm features`: the level up to which the nodes of a cluster use what is new.

use crate::{
    client_args::{self, ClientArgs},
    failure::{Context, Failure},
};
use clap::{Args, Subcommand};
use klamm_client::{Admin, LevelChange};
use klamm_metadata::feature_level::{KLAMM_VERSION, LEVELS};

/// Shows and changes the feature level of a cluster.
///
/// After all nodes have been upgraded to a new release, `upgrade` lets them use what it brought. Until
/// then any of them can go back to the release before.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  klamm features describe
  klamm features upgrade --dry-run
  klamm features upgrade
  klamm features downgrade --to 1 --unsafe")]
pub(crate) struct FeaturesArgs {
    #[command(subcommand)]
    command: FeaturesCommand,
}

#[derive(Subcommand, Debug)]
enum FeaturesCommand {
    /// Shows which levels are supported, which is in force, and what each level brought.
    #[command(after_help = "Examples:
  klamm features describe
  klamm features describe --bootstrap-server broker-1:9092")]
    Describe(DescribeArgs),
    /// Raises the level; every registered node must support it.
    #[command(after_help = "Examples:
  klamm features upgrade
  klamm features upgrade --to 2 --dry-run")]
    Upgrade(UpgradeArgs),
    /// Lowers the level.
    #[command(after_help = "Examples:
  klamm features downgrade --to 1
  klamm features downgrade --to 1 --unsafe")]
    Downgrade(DowngradeArgs),
}

#[derive(Args, Debug)]
struct DescribeArgs {
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Args, Debug)]
struct UpgradeArgs {
    /// The level; by default the highest that the broker supports.
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(i16).range(1..))]
    to: Option<i16>,

    /// Says whether it can be done, and does nothing.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Args, Debug)]
struct DowngradeArgs {
    /// The level.
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(i16).range(1..))]
    to: i16,

    /// Even if what was written meanwhile is lost.
    #[arg(long = "unsafe")]
    is_unsafe: bool,

    /// Says whether it can be done, and does nothing.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    client: ClientArgs,
}

/// Carries out the subcommand.
pub(crate) fn run(args: &FeaturesArgs) -> Result<(), Failure> {
    client_args::run(async {
        match &args.command {
            FeaturesCommand::Describe(args) => describe(args).await,
            FeaturesCommand::Upgrade(args) => upgrade(args).await,
            FeaturesCommand::Downgrade(args) => downgrade(args).await,
        }
    })
}

async fn describe(args: &DescribeArgs) -> Result<(), Failure> {
    let admin = Admin::new(args.client.client(false));
    let features = admin.features().await.context("describe the features")?;
    println!("{:<16} {:>9} {:>9}", "FEATURE", "SUPPORTED", "IN FORCE");
    for (name, feature) in &features {
        let supported = match feature.supported {
            Some((min, max)) => format!("{min}-{max}"),
            None => "no".to_owned(),
        };
        println!("{name:<16} {supported:>9} {:>9}", feature.finalized);
    }
    println!();
    for level in LEVELS {
        println!("{KLAMM_VERSION} {}: {}", level.number, level.brought);
    }
    Ok(())
}

async fn upgrade(args: &UpgradeArgs) -> Result<(), Failure> {
    let admin = Admin::new(args.client.client(false));
    let to = match args.to {
        Some(level) => level,
        None => {
            let features = admin.features().await.context("look up the features")?;
            let known = features
                .get(KLAMM_VERSION)
                .and_then(|known| known.supported);
            known
                .map(|(_, max)| max)
                .ok_or_else(|| Failure::new(format!("the broker knows no {KLAMM_VERSION}")))?
        }
    };
    change(&admin, to, LevelChange::Upgrade, args.dry_run).await
}

async fn downgrade(args: &DowngradeArgs) -> Result<(), Failure> {
    let admin = Admin::new(args.client.client(false));
    let kind = match args.is_unsafe {
        true => LevelChange::UnsafeDowngrade,
        false => LevelChange::SafeDowngrade,
    };
    change(&admin, args.to, kind, args.dry_run).await
}

async fn change(admin: &Admin, to: i16, kind: LevelChange, dry_run: bool) -> Result<(), Failure> {
    admin
        .update_feature(KLAMM_VERSION, to, kind, dry_run)
        .await
        .context(format!("set {KLAMM_VERSION} to {to}"))?;
    match dry_run {
        true => println!("{KLAMM_VERSION} can be set to {to}"),
        false => println!("{KLAMM_VERSION} is {to}"),
    }
    Ok(())
}
