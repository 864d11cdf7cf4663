//! Reading records as a member of a consumer group (the classic protocol).
//!
//! Every record is returned at least once: positions are committed only when the next poll shows that what the
//! last one returned was dealt with. On every change of the group all partitions are given up and shared out
//! anew.

mod membership;
mod range_assignor;

use crate::{
    client::Client,
    consumer::{ConsumedRecord, Consumer, ConsumerOptions, StartOffset},
    error::ClientError,
};
use klamm_protocol::messages::{
    offset_commit_request::{
        OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
    },
    offset_fetch_request::{OffsetFetchRequest, OffsetFetchRequestGroup, OffsetFetchRequestTopics},
};
use klamm_types::ErrorCode;
use membership::Membership;
use range_assignor::Share;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{Instant, sleep},
};

/// How a member behaves.
#[derive(Clone, Debug)]
pub struct GroupOptions {
    /// How it reads.
    pub consumer: ConsumerOptions,
    /// Where it begins in partitions without a committed offset.
    pub start: StartOffset,
    /// How long the group waits for a silent member.
    pub session_timeout: Duration,
    /// How often it says that it is alive.
    pub heartbeat_interval: Duration,
    /// How long the group waits for members to join again.
    pub rebalance_timeout: Duration,
    /// How often polls commit positions; only explicit commits if `None`.
    pub auto_commit: Option<Duration>,
}

impl Default for GroupOptions {
    fn default() -> Self {
        GroupOptions {
            consumer: ConsumerOptions::default(),
            start: StartOffset::Latest,
            session_timeout: Duration::from_secs(45),
            heartbeat_interval: Duration::from_secs(3),
            rebalance_timeout: Duration::from_secs(60),
            auto_commit: Some(Duration::from_secs(5)),
        }
    }
}

/// A member of a group that reads its share of some topics.
#[derive(Debug)]
pub struct GroupConsumer {
    membership: Membership,
    topics: Vec<String>,
    session: Option<Session>,
    joins: u64,
}

/// What lasts from one rebalance to the next.
#[derive(Debug)]
struct Session {
    consumer: Consumer,
    committed: BTreeMap<(Arc<str>, i32), i64>,
    committed_at: Instant,
    /// Turns true when the member must join again.
    ended: watch::Receiver<bool>,
    heartbeats: AbortHandle,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.heartbeats.abort();
    }
}

impl GroupConsumer {
    /// A member that joins with its first poll.
    pub fn new(
        client: Client,
        group: &str,
        topics: impl IntoIterator<Item = impl Into<String>>,
        options: GroupOptions,
    ) -> GroupConsumer {
        GroupConsumer {
            membership: Membership::new(client, group, options),
            topics: topics.into_iter().map(Into::into).collect(),
            session: None,
            joins: 0,
        }
    }

    /// How often it has joined the group. Each time it goes on where the group's committed offsets are.
    pub fn joins(&self) -> u64 {
        self.joins
    }

    /// The partitions it reads now.
    pub fn assignment(&self) -> Vec<(Arc<str>, i32)> {
        let positions = self
            .session
            .iter()
            .flat_map(|session| session.consumer.positions());
        positions
            .map(|position| (position.topic, position.partition))
            .collect()
    }

    /// Waits for records, perhaps none; joins the group and commits positions on the way.
    ///
    /// # Errors
    /// The group cannot be joined, or as [`Consumer::poll`].
    pub async fn poll(&mut self) -> Result<Vec<ConsumedRecord>, ClientError> {
        if self.session.is_none() {
            self.join().await?;
        }
        self.commit_if_due().await?;
        let pause = self.membership.options.heartbeat_interval;
        let Some(session) = &mut self.session else {
            return Ok(Vec::new());
        };
        let idle = session.consumer.positions().is_empty();
        tokio::select! {
            biased;
            _ = session.ended.wait_for(|ended| *ended) => {}
            () = sleep(pause), if idle => return Ok(Vec::new()),
            records = session.consumer.poll(), if !idle => return records,
        }
        // What was read so far may still be committed, unless the group has gone on without this member.
        if self.membership.options.auto_commit.is_some() {
            let _ = self.commit().await;
        }
        self.session = None;
        Ok(Vec::new())
    }

    /// Commits the positions behind everything that polls returned so far.
    ///
    /// # Errors
    /// The coordinator refuses, e.g. because the group has gone on without this member.
    pub async fn commit(&mut self) -> Result<(), ClientError> {
        let Some(session) = &mut self.session else {
            return Ok(());
        };
        session.committed_at = Instant::now();
        let mut changed: BTreeMap<(Arc<str>, i32), i64> = BTreeMap::new();
        for position in session.consumer.positions() {
            let key = (position.topic, position.partition);
            if let Some(offset) = position.offset
                && session.committed.get(&key) != Some(&offset)
            {
                changed.insert(key, offset);
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        self.send_commit(&changed).await?;
        if let Some(session) = &mut self.session {
            session.committed.extend(changed);
        }
        Ok(())
    }

    /// Commits, if the options say so, and leaves the group.
    ///
    /// # Errors
    /// The coordinator cannot be reached; the group notices the absence later by itself.
    pub async fn close(mut self) -> Result<(), ClientError> {
        let committed = match self.membership.options.auto_commit {
            Some(_) => self.commit().await,
            None => Ok(()),
        };
        if self.session.take().is_some() {
            self.membership.leave().await?;
        }
        committed
    }

    async fn join(&mut self) -> Result<(), ClientError> {
        let share = self.membership.join(&self.topics).await?;
        let committed = self.committed_offsets(&share).await?;
        let options = &self.membership.options;
        let mut consumer = Consumer::new(self.membership.client.clone(), options.consumer.clone());
        for (topic, partitions) in share {
            for partition in partitions {
                let key = (Arc::from(topic.as_str()), partition);
                let start = committed
                    .get(&key)
                    .map_or(options.start, |at| StartOffset::At(*at));
                consumer.assign(&topic, partition, start);
            }
        }
        let (end, ended) = watch::channel(false);
        let heartbeats = tokio::spawn(beat(self.membership.clone(), end)).abort_handle();
        let committed_at = Instant::now();
        self.joins += 1;
        self.session = Some(Session {
            consumer,
            committed,
            committed_at,
            ended,
            heartbeats,
        });
        Ok(())
    }

    async fn commit_if_due(&mut self) -> Result<(), ClientError> {
        let due = match (&self.session, self.membership.options.auto_commit) {
            (Some(session), Some(interval)) => session.committed_at.elapsed() >= interval,
            _ => false,
        };
        if !due {
            return Ok(());
        }
        match self.commit().await {
            // The heartbeat notices as well; until then there is nothing to be done.
            Err(error) if error.is_retriable() || is_rebalance(&error) => Ok(()),
            result => result,
        }
    }

    async fn send_commit(
        &mut self,
        offsets: &BTreeMap<(Arc<str>, i32), i64>,
    ) -> Result<(), ClientError> {
        let mut topics: Vec<OffsetCommitRequestTopic> = Vec::new();
        for ((name, partition), offset) in offsets {
            let partition = OffsetCommitRequestPartition {
                partition_index: *partition,
                committed_offset: *offset,
                ..OffsetCommitRequestPartition::default()
            };
            match topics.last_mut().filter(|topic| *topic.name == **name) {
                Some(topic) => topic.partitions.push(partition),
                None => topics.push(OffsetCommitRequestTopic {
                    name: name.to_string(),
                    partitions: vec![partition],
                    ..OffsetCommitRequestTopic::default()
                }),
            }
        }
        let membership = &mut self.membership;
        let request = OffsetCommitRequest {
            group_id: membership.group.to_string(),
            generation_id_or_member_epoch: membership.generation,
            member_id: membership.member_id.clone(),
            topics,
            ..OffsetCommitRequest::default()
        };
        let patience = membership.client.options().connection.request_timeout;
        let response = membership.ask(&request, 8..=9, patience).await?;
        let mut partitions = response
            .topics
            .into_iter()
            .flat_map(|topic| topic.partitions);
        let result = partitions
            .try_for_each(|partition| ClientError::check("commit", partition.error_code, None));
        if result.as_ref().is_err_and(ClientError::is_retriable) {
            membership.lose_coordinator();
        }
        result
    }

    /// The committed offsets of a share, where there are any; repeats until the client's deadline.
    async fn committed_offsets(
        &self,
        share: &Share,
    ) -> Result<BTreeMap<(Arc<str>, i32), i64>, ClientError> {
        let topic = |(name, partitions): (&String, &Vec<i32>)| OffsetFetchRequestTopics {
            name: name.clone(),
            partition_indexes: partitions.clone(),
            ..OffsetFetchRequestTopics::default()
        };
        let request = &OffsetFetchRequest {
            groups: vec![OffsetFetchRequestGroup {
                group_id: self.membership.group.to_string(),
                topics: Some(share.iter().map(topic).collect()),
                ..OffsetFetchRequestGroup::default()
            }],
            require_stable: true,
            ..OffsetFetchRequest::default()
        };
        let client = &self.membership.client;
        let patience = client.options().connection.request_timeout;
        let mut first = true;
        let attempt = || {
            let mut membership = self.membership.clone();
            if !std::mem::take(&mut first) {
                membership.lose_coordinator();
            }
            async move {
                let response = membership.ask(request, 8..=9, patience).await?;
                let mut offsets = BTreeMap::new();
                for group in response.groups {
                    ClientError::check("fetch offsets", group.error_code, None)?;
                    for topic in group.topics {
                        for partition in topic.partitions {
                            ClientError::check("fetch offsets", partition.error_code, None)?;
                            if partition.committed_offset >= 0 {
                                let key = (topic.name.as_str().into(), partition.partition_index);
                                offsets.insert(key, partition.committed_offset);
                            }
                        }
                    }
                }
                Ok(offsets)
            }
        };
        client.retry(attempt).await
    }
}

fn is_rebalance(error: &ClientError) -> bool {
    matches!(
        error.code(),
        Some(
            ErrorCode::RebalanceInProgress
                | ErrorCode::IllegalGeneration
                | ErrorCode::UnknownMemberId
        )
    )
}

/// Sends heartbeats; says when the member must join again. Goes on during a rebalance, since the group still
/// counts on this member until it joins.
async fn beat(mut membership: Membership, end: watch::Sender<bool>) {
    let mut heard = Instant::now();
    loop {
        sleep(membership.options.heartbeat_interval).await;
        match membership.heartbeat().await {
            Ok(()) => heard = Instant::now(),
            Err(error) if error.code() == Some(ErrorCode::RebalanceInProgress) => {
                heard = Instant::now();
                end.send_replace(true);
            }
            Err(error) if error.is_retriable() => {
                membership.lose_coordinator();
                if heard.elapsed() > membership.options.session_timeout {
                    end.send_replace(true);
                    return;
                }
            }
            Err(_) => {
                end.send_replace(true);
                return;
            }
        }
    }
}
