//! The command line.

use crate::{
    consume::ConsumeArgs, dev::DevArgs, drill::DrillArgs, features::FeaturesArgs,
    health::HealthArgs, produce::ProduceArgs, server::ServerArgs, storage::StorageArgs,
    topic::TopicArgs,
};
use clap::{Parser, Subcommand};

/// A Kafka-compatible, replicated streaming cluster in one small binary.
#[derive(Parser)]
#[command(
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:
  klamm dev                                    three nodes on this machine, ports 9092 to 9094
  klamm server --config server.properties      one node, configured as Apache Kafka is
  klamm topic create greetings                 a first topic,
  echo hello | klamm produce greetings         a first record,
  klamm consume greetings --from-beginning     and there it is

Exit codes: 0 all went well, 1 it did not, 2 the command line was wrong or a drill could not run."
)]
pub(crate) struct Cli {
    /// What to log: a level (error, warn, info, debug, trace) or targets with levels, as in
    /// RUST_LOG.
    #[arg(long, global = true, value_name = "FILTER")]
    pub(crate) log: Option<String>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Runs one node of a cluster.
    Server(ServerArgs),
    /// Runs a whole cluster on this machine, to develop against.
    Dev(DevArgs),
    /// Kills, freezes and cuts off nodes under load, and proves what that cost.
    Drill(Box<DrillArgs>),
    /// Creates, lists, describes and deletes topics.
    Topic(TopicArgs),
    /// Writes each line of standard input as a record.
    Produce(ProduceArgs),
    /// Prints the records of a topic.
    Consume(ConsumeArgs),
    /// Shows and changes the feature level of a cluster.
    Features(FeaturesArgs),
    /// Tells whether a broker serves.
    Health(HealthArgs),
    /// Looks after data folders, with the flags of kafka-storage.sh.
    Storage(StorageArgs),
}
