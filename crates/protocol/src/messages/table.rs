//! The API keys and their facts. Generated from the schema; do not edit.

/// A live API key of Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i16)]
pub enum ApiKey {
    /// Versions 3-13.
    Produce = 0,
    /// Versions 4-18.
    Fetch = 1,
    /// Versions 1-11.
    ListOffsets = 2,
    /// Versions 0-13.
    Metadata = 3,
    /// Versions 2-10.
    OffsetCommit = 8,
    /// Versions 1-10.
    OffsetFetch = 9,
    /// Versions 0-6.
    FindCoordinator = 10,
    /// Versions 0-9.
    JoinGroup = 11,
    /// Versions 0-4.
    Heartbeat = 12,
    /// Versions 0-5.
    LeaveGroup = 13,
    /// Versions 0-5.
    SyncGroup = 14,
    /// Versions 0-6.
    DescribeGroups = 15,
    /// Versions 0-5.
    ListGroups = 16,
    /// Versions 0-1.
    SaslHandshake = 17,
    /// Versions 0-5.
    ApiVersions = 18,
    /// Versions 2-7.
    CreateTopics = 19,
    /// Versions 1-6.
    DeleteTopics = 20,
    /// Versions 0-2.
    DeleteRecords = 21,
    /// Versions 0-6.
    InitProducerId = 22,
    /// Versions 2-4.
    OffsetForLeaderEpoch = 23,
    /// Versions 0-5.
    AddPartitionsToTxn = 24,
    /// Versions 0-4.
    AddOffsetsToTxn = 25,
    /// Versions 0-5.
    EndTxn = 26,
    /// Versions 1-2.
    WriteTxnMarkers = 27,
    /// Versions 0-6.
    TxnOffsetCommit = 28,
    /// Versions 1-3.
    DescribeAcls = 29,
    /// Versions 1-3.
    CreateAcls = 30,
    /// Versions 1-3.
    DeleteAcls = 31,
    /// Versions 1-4.
    DescribeConfigs = 32,
    /// Versions 0-2.
    AlterConfigs = 33,
    /// Versions 1-2.
    AlterReplicaLogDirs = 34,
    /// Versions 1-5.
    DescribeLogDirs = 35,
    /// Versions 0-2.
    SaslAuthenticate = 36,
    /// Versions 0-3.
    CreatePartitions = 37,
    /// Versions 1-3.
    CreateDelegationToken = 38,
    /// Versions 1-2.
    RenewDelegationToken = 39,
    /// Versions 1-2.
    ExpireDelegationToken = 40,
    /// Versions 1-3.
    DescribeDelegationToken = 41,
    /// Versions 0-3.
    DeleteGroups = 42,
    /// Versions 0-2.
    ElectLeaders = 43,
    /// Versions 0-1.
    IncrementalAlterConfigs = 44,
    /// Versions 0-1.
    AlterPartitionReassignments = 45,
    /// Versions 0.
    ListPartitionReassignments = 46,
    /// Versions 0.
    OffsetDelete = 47,
    /// Versions 0-1.
    DescribeClientQuotas = 48,
    /// Versions 0-1.
    AlterClientQuotas = 49,
    /// Versions 0.
    DescribeUserScramCredentials = 50,
    /// Versions 0.
    AlterUserScramCredentials = 51,
    /// Versions 0-2.
    Vote = 52,
    /// Versions 0-1.
    BeginQuorumEpoch = 53,
    /// Versions 0-1.
    EndQuorumEpoch = 54,
    /// Versions 0-2.
    DescribeQuorum = 55,
    /// Versions 2-3.
    AlterPartition = 56,
    /// Versions 0-2.
    UpdateFeatures = 57,
    /// Versions 0.
    Envelope = 58,
    /// Versions 0-1.
    FetchSnapshot = 59,
    /// Versions 0-2.
    DescribeCluster = 60,
    /// Versions 0.
    DescribeProducers = 61,
    /// Versions 0-4.
    BrokerRegistration = 62,
    /// Versions 0-2.
    BrokerHeartbeat = 63,
    /// Versions 0.
    UnregisterBroker = 64,
    /// Versions 0.
    DescribeTransactions = 65,
    /// Versions 0-2.
    ListTransactions = 66,
    /// Versions 0.
    AllocateProducerIds = 67,
    /// Versions 0-1.
    ConsumerGroupHeartbeat = 68,
    /// Versions 0-1.
    ConsumerGroupDescribe = 69,
    /// Versions 0.
    ControllerRegistration = 70,
    /// Versions 0.
    GetTelemetrySubscriptions = 71,
    /// Versions 0.
    PushTelemetry = 72,
    /// Versions 0.
    AssignReplicasToDirs = 73,
    /// Versions 0-1.
    ListConfigResources = 74,
    /// Versions 0.
    DescribeTopicPartitions = 75,
    /// Versions 1.
    ShareGroupHeartbeat = 76,
    /// Versions 1.
    ShareGroupDescribe = 77,
    /// Versions 1-2.
    ShareFetch = 78,
    /// Versions 1-2.
    ShareAcknowledge = 79,
    /// Versions 0-1.
    AddRaftVoter = 80,
    /// Versions 0.
    RemoveRaftVoter = 81,
    /// Versions 0.
    UpdateRaftVoter = 82,
    /// Versions 0.
    InitializeShareGroupState = 83,
    /// Versions 0.
    ReadShareGroupState = 84,
    /// Versions 0-1.
    WriteShareGroupState = 85,
    /// Versions 0.
    DeleteShareGroupState = 86,
    /// Versions 0-1.
    ReadShareGroupStateSummary = 87,
    /// Versions 0-1.
    StreamsGroupHeartbeat = 88,
    /// Versions 0-1.
    StreamsGroupDescribe = 89,
    /// Versions 0-1.
    DescribeShareGroupOffsets = 90,
    /// Versions 0.
    AlterShareGroupOffsets = 91,
    /// Versions 0.
    DeleteShareGroupOffsets = 92,
    /// Versions 0.
    StreamsGroupTopologyDescriptionUpdate = 93,
    /// Versions 0.
    UnregisterController = 94,
}

/// What the schema says of one API.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) schema: (i16, i16),
    pub(crate) served: (i16, i16),
    pub(crate) flexible_from: i16,
    pub(crate) broker: bool,
    pub(crate) controller: bool,
}

/// All live keys in ascending order.
pub(crate) const ALL: [ApiKey; 91] = [
    ApiKey::Produce,
    ApiKey::Fetch,
    ApiKey::ListOffsets,
    ApiKey::Metadata,
    ApiKey::OffsetCommit,
    ApiKey::OffsetFetch,
    ApiKey::FindCoordinator,
    ApiKey::JoinGroup,
    ApiKey::Heartbeat,
    ApiKey::LeaveGroup,
    ApiKey::SyncGroup,
    ApiKey::DescribeGroups,
    ApiKey::ListGroups,
    ApiKey::SaslHandshake,
    ApiKey::ApiVersions,
    ApiKey::CreateTopics,
    ApiKey::DeleteTopics,
    ApiKey::DeleteRecords,
    ApiKey::InitProducerId,
    ApiKey::OffsetForLeaderEpoch,
    ApiKey::AddPartitionsToTxn,
    ApiKey::AddOffsetsToTxn,
    ApiKey::EndTxn,
    ApiKey::WriteTxnMarkers,
    ApiKey::TxnOffsetCommit,
    ApiKey::DescribeAcls,
    ApiKey::CreateAcls,
    ApiKey::DeleteAcls,
    ApiKey::DescribeConfigs,
    ApiKey::AlterConfigs,
    ApiKey::AlterReplicaLogDirs,
    ApiKey::DescribeLogDirs,
    ApiKey::SaslAuthenticate,
    ApiKey::CreatePartitions,
    ApiKey::CreateDelegationToken,
    ApiKey::RenewDelegationToken,
    ApiKey::ExpireDelegationToken,
    ApiKey::DescribeDelegationToken,
    ApiKey::DeleteGroups,
    ApiKey::ElectLeaders,
    ApiKey::IncrementalAlterConfigs,
    ApiKey::AlterPartitionReassignments,
    ApiKey::ListPartitionReassignments,
    ApiKey::OffsetDelete,
    ApiKey::DescribeClientQuotas,
    ApiKey::AlterClientQuotas,
    ApiKey::DescribeUserScramCredentials,
    ApiKey::AlterUserScramCredentials,
    ApiKey::Vote,
    ApiKey::BeginQuorumEpoch,
    ApiKey::EndQuorumEpoch,
    ApiKey::DescribeQuorum,
    ApiKey::AlterPartition,
    ApiKey::UpdateFeatures,
    ApiKey::Envelope,
    ApiKey::FetchSnapshot,
    ApiKey::DescribeCluster,
    ApiKey::DescribeProducers,
    ApiKey::BrokerRegistration,
    ApiKey::BrokerHeartbeat,
    ApiKey::UnregisterBroker,
    ApiKey::DescribeTransactions,
    ApiKey::ListTransactions,
    ApiKey::AllocateProducerIds,
    ApiKey::ConsumerGroupHeartbeat,
    ApiKey::ConsumerGroupDescribe,
    ApiKey::ControllerRegistration,
    ApiKey::GetTelemetrySubscriptions,
    ApiKey::PushTelemetry,
    ApiKey::AssignReplicasToDirs,
    ApiKey::ListConfigResources,
    ApiKey::DescribeTopicPartitions,
    ApiKey::ShareGroupHeartbeat,
    ApiKey::ShareGroupDescribe,
    ApiKey::ShareFetch,
    ApiKey::ShareAcknowledge,
    ApiKey::AddRaftVoter,
    ApiKey::RemoveRaftVoter,
    ApiKey::UpdateRaftVoter,
    ApiKey::InitializeShareGroupState,
    ApiKey::ReadShareGroupState,
    ApiKey::WriteShareGroupState,
    ApiKey::DeleteShareGroupState,
    ApiKey::ReadShareGroupStateSummary,
    ApiKey::StreamsGroupHeartbeat,
    ApiKey::StreamsGroupDescribe,
    ApiKey::DescribeShareGroupOffsets,
    ApiKey::AlterShareGroupOffsets,
    ApiKey::DeleteShareGroupOffsets,
    ApiKey::StreamsGroupTopologyDescriptionUpdate,
    ApiKey::UnregisterController,
];

const fn row(name: &'static str, schema: (i16, i16), served: (i16, i16), flexible_from: i16, broker: bool, controller: bool) -> Row {
    Row { name, schema, served, flexible_from, broker, controller }
}

/// The facts of a key.
pub(crate) const fn facts(key: ApiKey) -> Row {
    match key {
        ApiKey::Produce => row("Produce", (3, 13), (3, 13), 9, true, false),
        ApiKey::Fetch => row("Fetch", (4, 18), (4, 18), 12, true, true),
        ApiKey::ListOffsets => row("ListOffsets", (1, 11), (1, 11), 6, true, false),
        ApiKey::Metadata => row("Metadata", (0, 13), (0, 13), 9, true, false),
        ApiKey::OffsetCommit => row("OffsetCommit", (2, 10), (2, 10), 8, true, false),
        ApiKey::OffsetFetch => row("OffsetFetch", (1, 10), (1, 10), 6, true, false),
        ApiKey::FindCoordinator => row("FindCoordinator", (0, 6), (0, 6), 3, true, false),
        ApiKey::JoinGroup => row("JoinGroup", (0, 9), (0, 9), 6, true, false),
        ApiKey::Heartbeat => row("Heartbeat", (0, 4), (0, 4), 4, true, false),
        ApiKey::LeaveGroup => row("LeaveGroup", (0, 5), (0, 5), 4, true, false),
        ApiKey::SyncGroup => row("SyncGroup", (0, 5), (0, 5), 4, true, false),
        ApiKey::DescribeGroups => row("DescribeGroups", (0, 6), (0, 6), 5, true, false),
        ApiKey::ListGroups => row("ListGroups", (0, 5), (0, 5), 3, true, false),
        ApiKey::SaslHandshake => row("SaslHandshake", (0, 1), (0, 1), i16::MAX, true, true),
        ApiKey::ApiVersions => row("ApiVersions", (0, 5), (0, 4), 3, true, true),
        ApiKey::CreateTopics => row("CreateTopics", (2, 7), (2, 7), 5, true, true),
        ApiKey::DeleteTopics => row("DeleteTopics", (1, 6), (1, 6), 4, true, true),
        ApiKey::DeleteRecords => row("DeleteRecords", (0, 2), (0, 2), 2, true, false),
        ApiKey::InitProducerId => row("InitProducerId", (0, 6), (0, 5), 2, true, false),
        ApiKey::OffsetForLeaderEpoch => row("OffsetForLeaderEpoch", (2, 4), (2, 4), 4, true, false),
        ApiKey::AddPartitionsToTxn => row("AddPartitionsToTxn", (0, 5), (0, 5), 3, true, false),
        ApiKey::AddOffsetsToTxn => row("AddOffsetsToTxn", (0, 4), (0, 4), 3, true, false),
        ApiKey::EndTxn => row("EndTxn", (0, 5), (0, 5), 3, true, false),
        ApiKey::WriteTxnMarkers => row("WriteTxnMarkers", (1, 2), (1, 2), 1, true, false),
        ApiKey::TxnOffsetCommit => row("TxnOffsetCommit", (0, 6), (0, 5), 3, true, false),
        ApiKey::DescribeAcls => row("DescribeAcls", (1, 3), (1, 3), 2, true, true),
        ApiKey::CreateAcls => row("CreateAcls", (1, 3), (1, 3), 2, true, true),
        ApiKey::DeleteAcls => row("DeleteAcls", (1, 3), (1, 3), 2, true, true),
        ApiKey::DescribeConfigs => row("DescribeConfigs", (1, 4), (1, 4), 4, true, true),
        ApiKey::AlterConfigs => row("AlterConfigs", (0, 2), (0, 2), 2, true, true),
        ApiKey::AlterReplicaLogDirs => row("AlterReplicaLogDirs", (1, 2), (1, 2), 2, true, false),
        ApiKey::DescribeLogDirs => row("DescribeLogDirs", (1, 5), (1, 5), 2, true, false),
        ApiKey::SaslAuthenticate => row("SaslAuthenticate", (0, 2), (0, 2), 2, true, true),
        ApiKey::CreatePartitions => row("CreatePartitions", (0, 3), (0, 3), 2, true, true),
        ApiKey::CreateDelegationToken => row("CreateDelegationToken", (1, 3), (1, 3), 2, true, true),
        ApiKey::RenewDelegationToken => row("RenewDelegationToken", (1, 2), (1, 2), 2, true, true),
        ApiKey::ExpireDelegationToken => row("ExpireDelegationToken", (1, 2), (1, 2), 2, true, true),
        ApiKey::DescribeDelegationToken => row("DescribeDelegationToken", (1, 3), (1, 3), 2, true, true),
        ApiKey::DeleteGroups => row("DeleteGroups", (0, 3), (0, 2), 2, true, false),
        ApiKey::ElectLeaders => row("ElectLeaders", (0, 2), (0, 2), 2, true, true),
        ApiKey::IncrementalAlterConfigs => row("IncrementalAlterConfigs", (0, 1), (0, 1), 1, true, true),
        ApiKey::AlterPartitionReassignments => row("AlterPartitionReassignments", (0, 1), (0, 1), 0, true, true),
        ApiKey::ListPartitionReassignments => row("ListPartitionReassignments", (0, 0), (0, 0), 0, true, true),
        ApiKey::OffsetDelete => row("OffsetDelete", (0, 0), (0, 0), i16::MAX, true, false),
        ApiKey::DescribeClientQuotas => row("DescribeClientQuotas", (0, 1), (0, 1), 1, true, false),
        ApiKey::AlterClientQuotas => row("AlterClientQuotas", (0, 1), (0, 1), 1, true, true),
        ApiKey::DescribeUserScramCredentials => row("DescribeUserScramCredentials", (0, 0), (0, 0), 0, true, true),
        ApiKey::AlterUserScramCredentials => row("AlterUserScramCredentials", (0, 0), (0, 0), 0, true, true),
        ApiKey::Vote => row("Vote", (0, 2), (0, 2), 0, false, true),
        ApiKey::BeginQuorumEpoch => row("BeginQuorumEpoch", (0, 1), (0, 1), 1, false, true),
        ApiKey::EndQuorumEpoch => row("EndQuorumEpoch", (0, 1), (0, 1), 1, false, true),
        ApiKey::DescribeQuorum => row("DescribeQuorum", (0, 2), (0, 2), 0, true, true),
        ApiKey::AlterPartition => row("AlterPartition", (2, 3), (2, 3), 0, false, true),
        ApiKey::UpdateFeatures => row("UpdateFeatures", (0, 2), (0, 2), 0, true, true),
        ApiKey::Envelope => row("Envelope", (0, 0), (0, 0), 0, false, true),
        ApiKey::FetchSnapshot => row("FetchSnapshot", (0, 1), (0, 1), 0, false, true),
        ApiKey::DescribeCluster => row("DescribeCluster", (0, 2), (0, 2), 0, true, true),
        ApiKey::DescribeProducers => row("DescribeProducers", (0, 0), (0, 0), 0, true, false),
        ApiKey::BrokerRegistration => row("BrokerRegistration", (0, 4), (0, 4), 0, false, true),
        ApiKey::BrokerHeartbeat => row("BrokerHeartbeat", (0, 2), (0, 2), 0, false, true),
        ApiKey::UnregisterBroker => row("UnregisterBroker", (0, 0), (0, 0), 0, true, true),
        ApiKey::DescribeTransactions => row("DescribeTransactions", (0, 0), (0, 0), 0, true, false),
        ApiKey::ListTransactions => row("ListTransactions", (0, 2), (0, 2), 0, true, false),
        ApiKey::AllocateProducerIds => row("AllocateProducerIds", (0, 0), (0, 0), 0, false, true),
        ApiKey::ConsumerGroupHeartbeat => row("ConsumerGroupHeartbeat", (0, 1), (0, 1), 0, true, false),
        ApiKey::ConsumerGroupDescribe => row("ConsumerGroupDescribe", (0, 1), (0, 1), 0, true, false),
        ApiKey::ControllerRegistration => row("ControllerRegistration", (0, 0), (0, 0), 0, false, true),
        ApiKey::GetTelemetrySubscriptions => row("GetTelemetrySubscriptions", (0, 0), (0, 0), 0, true, false),
        ApiKey::PushTelemetry => row("PushTelemetry", (0, 0), (0, 0), 0, true, false),
        ApiKey::AssignReplicasToDirs => row("AssignReplicasToDirs", (0, 0), (0, 0), 0, false, true),
        ApiKey::ListConfigResources => row("ListConfigResources", (0, 1), (0, 1), 0, true, false),
        ApiKey::DescribeTopicPartitions => row("DescribeTopicPartitions", (0, 0), (0, 0), 0, true, false),
        ApiKey::ShareGroupHeartbeat => row("ShareGroupHeartbeat", (1, 1), (1, 1), 0, true, false),
        ApiKey::ShareGroupDescribe => row("ShareGroupDescribe", (1, 1), (1, 1), 0, true, false),
        ApiKey::ShareFetch => row("ShareFetch", (1, 2), (1, 2), 0, true, false),
        ApiKey::ShareAcknowledge => row("ShareAcknowledge", (1, 2), (1, 2), 0, true, false),
        ApiKey::AddRaftVoter => row("AddRaftVoter", (0, 1), (0, 1), 0, true, true),
        ApiKey::RemoveRaftVoter => row("RemoveRaftVoter", (0, 0), (0, 0), 0, true, true),
        ApiKey::UpdateRaftVoter => row("UpdateRaftVoter", (0, 0), (0, 0), 0, false, true),
        ApiKey::InitializeShareGroupState => row("InitializeShareGroupState", (0, 0), (0, 0), 0, true, false),
        ApiKey::ReadShareGroupState => row("ReadShareGroupState", (0, 0), (0, 0), 0, true, false),
        ApiKey::WriteShareGroupState => row("WriteShareGroupState", (0, 1), (0, 1), 0, true, false),
        ApiKey::DeleteShareGroupState => row("DeleteShareGroupState", (0, 0), (0, 0), 0, true, false),
        ApiKey::ReadShareGroupStateSummary => row("ReadShareGroupStateSummary", (0, 1), (0, 1), 0, true, false),
        ApiKey::StreamsGroupHeartbeat => row("StreamsGroupHeartbeat", (0, 1), (0, 0), 0, true, false),
        ApiKey::StreamsGroupDescribe => row("StreamsGroupDescribe", (0, 1), (0, 0), 0, true, false),
        ApiKey::DescribeShareGroupOffsets => row("DescribeShareGroupOffsets", (0, 1), (0, 1), 0, true, false),
        ApiKey::AlterShareGroupOffsets => row("AlterShareGroupOffsets", (0, 0), (0, 0), 0, true, false),
        ApiKey::DeleteShareGroupOffsets => row("DeleteShareGroupOffsets", (0, 0), (0, 0), 0, true, false),
        ApiKey::StreamsGroupTopologyDescriptionUpdate => row("StreamsGroupTopologyDescriptionUpdate", (0, 0), (1, 0), 0, true, false),
        ApiKey::UnregisterController => row("UnregisterController", (0, 0), (1, 0), 0, true, true),
    }
}
