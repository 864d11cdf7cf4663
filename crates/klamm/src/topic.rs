//! `klamm topic`: create, list, describe and delete topics.

use crate::{
    client_args::{self, ClientArgs},
    failure::{Context, Failure},
    progress,
};
use clap::{Args, Subcommand};
use klamm_client::{Admin, NewTopic, TopicView};
use klamm_types::ErrorCode;
use std::fmt::Write;

/// Creates, lists, describes and deletes topics.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  klamm topic create orders --partitions 6 --config retention.ms=3600000
  klamm topic list
  klamm topic describe orders
  klamm topic delete orders")]
pub(crate) struct TopicArgs {
    #[command(subcommand)]
    command: TopicCommand,
}

#[derive(Subcommand, Debug)]
enum TopicCommand {
    /// Creates a topic.
    #[command(after_help = "Examples:
  klamm topic create orders
  klamm topic create orders --partitions 6 --replication-factor 3 --config retention.ms=3600000
  klamm topic create orders --if-not-exists --bootstrap-server broker-1:9092,broker-2:9092")]
    Create(CreateArgs),
    /// Lists the names of all topics.
    #[command(after_help = "Examples:
  klamm topic list
  klamm topic list --internal")]
    List(ListArgs),
    /// Shows partitions, leaders, replicas and settings of topics, or of all.
    #[command(after_help = "Examples:
  klamm topic describe
  klamm topic describe orders payments")]
    Describe(DescribeArgs),
    /// Deletes topics and all their records.
    #[command(after_help = "Examples:
  klamm topic delete orders
  klamm topic delete orders payments --if-exists")]
    Delete(DeleteArgs),
}

#[derive(Args, Debug)]
struct CreateArgs {
    /// The name of the topic.
    topic: String,

    /// How many partitions; by default as many as the cluster gives.
    #[arg(short, long, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,

    /// How many copies of each partition; by default as many as the cluster gives.
    #[arg(short, long, value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,

    /// A setting of the topic.
    #[arg(long = "config", value_name = "KEY=VALUE")]
    configs: Vec<String>,

    /// Succeeds too if there is such a topic already, whatever it looks like.
    #[arg(long)]
    if_not_exists: bool,

    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Args, Debug)]
struct ListArgs {
    /// Also lists the topics that brokers keep for themselves.
    #[arg(long)]
    internal: bool,

    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Args, Debug)]
struct DescribeArgs {
    /// The names of topics; all if there are none.
    topics: Vec<String>,

    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Args, Debug)]
struct DeleteArgs {
    /// The names of the topics.
    #[arg(required = true)]
    topics: Vec<String>,

    /// Succeeds too if there is no such topic.
    #[arg(long)]
    if_exists: bool,

    #[command(flatten)]
    client: ClientArgs,
}

/// Does what is asked for.
pub(crate) fn run(args: &TopicArgs) -> Result<(), Failure> {
    client_args::run(async {
        match &args.command {
            TopicCommand::Create(args) => create(args).await,
            TopicCommand::List(args) => list(args).await,
            TopicCommand::Describe(args) => describe(args).await,
            TopicCommand::Delete(args) => delete(args).await,
        }
    })
}

async fn create(args: &CreateArgs) -> Result<(), Failure> {
    let name = &args.topic;
    let mut topic = NewTopic::new(name);
    topic = topic.partitions(args.partitions.unwrap_or(-1));
    topic = topic.replication_factor(args.replication_factor.unwrap_or(-1));
    for text in &args.configs {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| Failure::new(format!("--config {text}: it must be KEY=VALUE")))?;
        topic = topic.config(key, value);
    }
    let admin = Admin::new(args.client.client(false));
    let created = progress::during("the topic is created", admin.create_topic(&topic)).await;
    match created {
        Ok(id) => println!("created {name}, id {id}"),
        Err(error) if args.if_not_exists && error.code() == Some(ErrorCode::TopicAlreadyExists) => {
            println!("{name} exists already");
        }
        Err(error) => return Err(error).context(format!("create {name}")),
    }
    Ok(())
}

async fn list(args: &ListArgs) -> Result<(), Failure> {
    let admin = Admin::new(args.client.client(false));
    let cluster = progress::during("topics are listed", admin.cluster()).await;
    for (name, topic) in &cluster.context("list topics")?.topics {
        if args.internal || !topic.internal {
            println!("{name}");
        }
    }
    Ok(())
}

async fn describe(args: &DescribeArgs) -> Result<(), Failure> {
    let admin = Admin::new(args.client.client(false));
    let cluster = progress::during("topics are looked up", admin.cluster()).await;
    let cluster = cluster.context("look up topics")?;
    let names: Vec<&String> = match args.topics.as_slice() {
        [] => cluster.topics.keys().collect(),
        names => names.iter().collect(),
    };
    let mut missing = Vec::new();
    for name in names {
        let Some(topic) = cluster.topics.get(name) else {
            missing.push(name.clone());
            continue;
        };
        let configs = admin.topic_configs(name).await;
        let configs = configs.context(format!("look up the settings of {name}"))?;
        let own: Vec<String> = configs
            .into_iter()
            .filter(|config| !config.is_default)
            .map(|config| format!("{}={}", config.name, config.value.unwrap_or_default()))
            .collect();
        print!("{}", description(name, topic, &own));
    }
    match missing.as_slice() {
        [] => Ok(()),
        names => Err(Failure::new(format!(
            "there is no topic {}",
            names.join(", ")
        ))),
    }
}

fn description(name: &str, topic: &TopicView, configs: &[String]) -> String {
    let replicas = topic
        .partitions
        .first()
        .map_or(0, |partition| partition.replicas.len());
    let mut text = format!(
        "{name}  id {}  partitions {}  replication factor {replicas}\n",
        topic.id,
        topic.partitions.len()
    );
    if !configs.is_empty() {
        text.push_str(&format!("  settings   {}\n", configs.join(" ")));
    }
    for partition in &topic.partitions {
        let leader = match partition.leader {
            id if id < 0 => "none".to_owned(),
            id => id.to_string(),
        };
        let line = write!(
            text,
            "  partition {:<4} leader {leader:<5} replicas {:<12} in sync {}",
            partition.index,
            ids(&partition.replicas),
            ids(&partition.isr)
        );
        debug_assert!(line.is_ok(), "writing to a string never fails");
        if partition.isr.len() < partition.replicas.len() {
            text.push_str("  (under-replicated)");
        }
        text.push('\n');
    }
    text
}

fn ids(ids: &[i32]) -> String {
    ids.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
}

async fn delete(args: &DeleteArgs) -> Result<(), Failure> {
    let admin = Admin::new(args.client.client(false));
    for name in &args.topics {
        match progress::during("the topic is deleted", admin.delete_topic(name)).await {
            Ok(()) => println!("deleted {name}"),
            Err(error)
                if args.if_exists && error.code() == Some(ErrorCode::UnknownTopicOrPartition) =>
            {
                println!("there is no topic {name}");
            }
            Err(error) => return Err(error).context(format!("delete {name}")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use klamm_client::PartitionView;
    use klamm_types::Uuid;

    #[test]
    fn descriptions_point_at_what_is_not_in_sync() {
        let partition = |index, leader, isr: &[i32]| PartitionView {
            index,
            error: ErrorCode::None,
            leader,
            leader_epoch: 0,
            replicas: vec![1, 2],
            isr: isr.to_vec(),
        };
        let topic = TopicView {
            id: Uuid::ZERO,
            internal: false,
            partitions: vec![partition(0, 1, &[1, 2]), partition(1, -1, &[2])],
        };
        let text = description("t", &topic, &["a=b".to_owned()]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[0].ends_with("partitions 2  replication factor 2"));
        assert!(lines[1].contains("a=b"));
        assert!(lines[2].ends_with("in sync 1,2"));
        assert!(lines[3].contains("leader none") && lines[3].ends_with("(under-replicated)"));
    }
}
