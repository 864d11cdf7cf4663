//! Being a member of a classic consumer group.

use super::{
    GroupOptions,
    range_assignor::{self, Share},
};
use crate::{client::Client, connection::Connection, error::ClientError};
use bytes::Bytes;
use klamm_protocol::{
    Message, Request,
    messages::{
        consumer_protocol_assignment::{ConsumerProtocolAssignment, TopicPartition},
        consumer_protocol_subscription::ConsumerProtocolSubscription,
        find_coordinator_request::FindCoordinatorRequest,
        heartbeat_request::HeartbeatRequest,
        join_group_request::{JoinGroupRequest, JoinGroupRequestProtocol},
        join_group_response::JoinGroupResponse,
        leave_group_request::{LeaveGroupRequest, MemberIdentity},
        sync_group_request::{SyncGroupRequest, SyncGroupRequestAssignment},
    },
    record,
};
use klamm_types::ErrorCode;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    sync::Arc,
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// The protocol type of consumers among all kinds of groups.
const PROTOCOL_TYPE: &str = "consumer";
/// The strategy we offer; Java's and librdkafka's consumers offer it, too.
const RANGE: &str = "range";
/// The version of subscriptions and assignments: what follows in later ones is for other strategies.
const EMBEDDED_VERSION: i16 = 1;
/// How long an answer may take on top of what the coordinator was told to wait.
const GRACE: Duration = Duration::from_secs(5);
/// The pause before another attempt.
const PAUSE: Duration = Duration::from_millis(100);

/// One member; its id and generation change as it joins.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    pub(super) client: Client,
    pub(super) options: GroupOptions,
    pub(super) group: Arc<str>,
    pub(super) member_id: String,
    pub(super) generation: i32,
    /// A connection of this member's own: answers leave a broker in the order of the requests, and joins and fetches
    /// are answered late. Heartbeats must not wait behind those, least of all behind another member's join, which
    /// ends when this one joins as well.
    coordinator: Option<Arc<Connection>>,
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

impl Membership {
    pub(super) fn new(client: Client, group: &str, options: GroupOptions) -> Membership {
        Membership {
            client,
            options,
            group: group.into(),
            member_id: String::new(),
            generation: -1,
            coordinator: None,
        }
    }

    /// Joins or joins again, until there is an assignment or the client's deadline passes.
    pub(super) async fn join(&mut self, topics: &[String]) -> Result<Share, ClientError> {
        let deadline =
            Instant::now() + self.client.options().deadline + self.options.rebalance_timeout;
        loop {
            let error = match self.join_once(topics).await {
                Ok(share) => return Ok(share),
                Err(error) => error,
            };
            if !self.recover(&error) || Instant::now() > deadline {
                return Err(error);
            }
            sleep(PAUSE).await;
        }
    }

    /// Prepares for another attempt after an error, if there is a point in one.
    fn recover(&mut self, error: &ClientError) -> bool {
        match error.code() {
            Some(ErrorCode::MemberIdRequired | ErrorCode::RebalanceInProgress) => true,
            Some(ErrorCode::UnknownMemberId | ErrorCode::IllegalGeneration) => {
                self.forget();
                true
            }
            _ if error.is_retriable() => {
                self.coordinator = None;
                true
            }
            _ => false,
        }
    }

    /// Comes back as somebody new.
    pub(super) fn forget(&mut self) {
        self.member_id.clear();
        self.generation = -1;
    }

    async fn join_once(&mut self, topics: &[String]) -> Result<Share, ClientError> {
        let joined = self.ask_to_join(topics).await?;
        self.member_id = joined.member_id.clone();
        ClientError::check("join group", joined.error_code, None)?;
        self.generation = joined.generation_id;
        let assignments = match joined.leader == joined.member_id && !joined.skip_assignment {
            true => self.assign(&joined).await?,
            false => Vec::new(),
        };
        let request = SyncGroupRequest {
            group_id: self.group.to_string(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            protocol_type: Some(PROTOCOL_TYPE.to_owned()),
            protocol_name: joined.protocol_name,
            assignments,
            ..SyncGroupRequest::default()
        };
        let patience = self.options.rebalance_timeout + GRACE;
        let synced = self.ask(&request, 5..=5, patience).await?;
        ClientError::check("sync group", synced.error_code, None)?;
        share_from(synced.assignment)
    }

    async fn ask_to_join(&mut self, topics: &[String]) -> Result<JoinGroupResponse, ClientError> {
        let subscription = ConsumerProtocolSubscription {
            topics: topics.to_vec(),
            ..Default::default()
        };
        let request = JoinGroupRequest {
            group_id: self.group.to_string(),
            session_timeout_ms: millis(self.options.session_timeout),
            rebalance_timeout_ms: millis(self.options.rebalance_timeout),
            member_id: self.member_id.clone(),
            protocol_type: PROTOCOL_TYPE.to_owned(),
            protocols: vec![JoinGroupRequestProtocol {
                name: RANGE.to_owned(),
                metadata: embed(&subscription)?,
            }],
            ..JoinGroupRequest::default()
        };
        let patience = self.options.rebalance_timeout + GRACE;
        self.ask(&request, 7..=9, patience).await
    }

    /// What the leader decides for everybody.
    async fn assign(
        &self,
        joined: &JoinGroupResponse,
    ) -> Result<Vec<SyncGroupRequestAssignment>, ClientError> {
        let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for member in &joined.members {
            let subscription: ConsumerProtocolSubscription = unembed(member.metadata.clone())?;
            members.insert(
                member.member_id.clone(),
                subscription.topics.into_iter().collect(),
            );
        }
        let topics: BTreeSet<&str> = members.values().flatten().map(String::as_str).collect();
        let topics: Vec<&str> = topics.into_iter().collect();
        let view = self.client.refresh(Some(&topics)).await?;
        let count = |topic: &&str| {
            let partitions = &view.topics.get(*topic)?.partitions;
            Some(((*topic).to_owned(), i32::try_from(partitions.len()).ok()?))
        };
        let counts = topics.iter().filter_map(count).collect();
        let shares = range_assignor::assign(&members, &counts).into_iter();
        shares
            .map(|(member_id, share)| {
                let partition =
                    |(topic, partitions): (String, Vec<i32>)| TopicPartition { topic, partitions };
                let assignment = embed(&ConsumerProtocolAssignment {
                    assigned_partitions: share.into_iter().map(partition).collect(),
                    ..ConsumerProtocolAssignment::default()
                })?;
                Ok(SyncGroupRequestAssignment {
                    member_id,
                    assignment,
                })
            })
            .collect()
    }

    /// Tells the coordinator that the member is alive. An error says that it must join again.
    pub(super) async fn heartbeat(&mut self) -> Result<(), ClientError> {
        let request = HeartbeatRequest {
            group_id: self.group.to_string(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            ..HeartbeatRequest::default()
        };
        let patience = self.options.session_timeout;
        let response = self.ask(&request, 4..=4, patience).await?;
        ClientError::check("heartbeat", response.error_code, None)
    }

    /// Leaves, so that others need not wait for the session to end.
    pub(super) async fn leave(&mut self) -> Result<(), ClientError> {
        let member = MemberIdentity {
            member_id: self.member_id.clone(),
            ..MemberIdentity::default()
        };
        let request = LeaveGroupRequest {
            group_id: self.group.to_string(),
            members: vec![member],
            ..LeaveGroupRequest::default()
        };
        self.forget();
        let response = self.ask(&request, 4..=5, GRACE).await?;
        ClientError::check("leave group", response.error_code, None)
    }

    /// Asks the coordinator, once; looks for it anew the next time if it is not the one any more.
    pub(super) async fn ask<R: Request>(
        &mut self,
        request: &R,
        versions: RangeInclusive<i16>,
        patience: Duration,
    ) -> Result<R::Response, ClientError> {
        let connection = match self.coordinator.take().filter(|known| !known.is_closed()) {
            Some(known) => known,
            None => self.find_coordinator().await?,
        };
        let response = self
            .client
            .ask(&connection, request, versions, patience)
            .await?;
        self.coordinator = Some(connection);
        Ok(response)
    }

    /// Forgets who coordinates.
    pub(super) fn lose_coordinator(&mut self) {
        self.coordinator = None;
    }

    async fn find_coordinator(&self) -> Result<Arc<Connection>, ClientError> {
        let request = FindCoordinatorRequest {
            coordinator_keys: vec![self.group.to_string()],
            ..FindCoordinatorRequest::default()
        };
        let connection = self.client.any_broker().await?;
        let patience = self.client.options().connection.request_timeout;
        let response = self
            .client
            .ask(&connection, &request, 4..=6, patience)
            .await?;
        let missing = ClientError::Usage("the broker named no coordinator");
        let found = response.coordinators.into_iter().next().ok_or(missing)?;
        ClientError::check(
            "find coordinator",
            found.error_code,
            found.error_message.as_deref(),
        )?;
        let address = crate::cluster_view::address(&found.host, found.port);
        let options = self.client.options().connection.clone();
        Connection::connect(&address, options).await.map(Arc::new)
    }
}

fn embed<M: Message>(message: &M) -> Result<Bytes, ClientError> {
    record::encode_versioned(EMBEDDED_VERSION, message)
        .map_err(|_| ClientError::Usage("too many or too long topics for a group"))
}

fn unembed<M: Message>(bytes: Bytes) -> Result<M, ClientError> {
    record::decode_lenient(bytes)
        .map_err(|_| ClientError::Usage("a member of the group sent what cannot be read"))
}

fn share_from(assignment: Bytes) -> Result<Share, ClientError> {
    if assignment.is_empty() {
        return Ok(Share::new());
    }
    let assignment: ConsumerProtocolAssignment = unembed(assignment)?;
    let partitions = assignment.assigned_partitions.into_iter();
    Ok(partitions
        .map(|topic| (topic.topic, topic.partitions))
        .collect())
}
