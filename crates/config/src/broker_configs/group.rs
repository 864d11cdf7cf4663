//! The group coordinators: classic, consumer, share and streams groups.

use crate::config_key::{ConfigKey, Validator::*, config_keys};

pub(super) const KEYS: &[ConfigKey] = config_keys! {
    "group.coordinator.rebalance.protocols": List = "classic,consumer,streams", ListOf(&["consumer", "classic", "share", "streams"]), ReadOnly, Medium,
        "Kinds of groups that are served.";
    "group.coordinator.threads": Int = "4", AtLeast(1), ReadOnly, High,
        "Threads of the group coordinator.";
    "group.coordinator.background.threads": Int = "2", AtLeast(1), ReadOnly, High,
        "Threads of the group coordinator for slow work.";
    "group.coordinator.append.linger.ms": Int = "-1", AtLeast(-1), ReadOnly, Medium,
        "How long the group coordinator gathers writes; -1 adapts to the load.";
    "offsets.commit.timeout.ms": Int = "5000", AtLeast(1), ReadOnly, High,
        "How long a commit of offsets waits for its replicas.";
    "offsets.load.buffer.size": Int = "5242880", AtLeast(1), ReadOnly, High,
        "Bytes read at a time when groups are loaded.";
    "offsets.topic.replication.factor": Short = "3", AtLeast(1), ReadOnly, High,
        "Replicas of the offsets topic.";
    "offsets.topic.num.partitions": Int = "50", AtLeast(1), ReadOnly, High,
        "Partitions of the offsets topic; fixed once it exists.";
    "offsets.topic.segment.bytes": Int = "104857600", AtLeast(1), ReadOnly, High,
        "Segment size of the offsets topic; small ones load and compact quicker.";
    "offsets.topic.compression.codec": Int = "0", Any, ReadOnly, High,
        "Compression of the offsets topic, by Kafka's number; 0 is none.";
    "group.coordinator.cached.buffer.max.bytes": Int = "1048588", AtLeast(524288), ClusterWide, Medium,
        "Largest write buffer that the group coordinator keeps for reuse.";
    "offset.metadata.max.bytes": Int = "4096", Any, ReadOnly, High,
        "Longest text that a commit may attach to an offset.";
    "offsets.retention.minutes": Int = "10080", AtLeast(1), ReadOnly, High,
        "How long offsets outlive the last member of their group.";
    "offsets.retention.check.interval.ms": Long = "600000", AtLeast(1), ReadOnly, High,
        "How often offsets are looked at for expiry.";
    "group.min.session.timeout.ms": Int = "6000", Any, ReadOnly, Medium,
        "Shortest session timeout that members may ask for.";
    "group.max.session.timeout.ms": Int = "1800000", Any, ReadOnly, Medium,
        "Longest session timeout that members may ask for.";
    "group.initial.rebalance.delay.ms": Int = "3000", Any, ReadOnly, Medium,
        "How long a new group waits for more members before it begins.";
    "group.max.size": Int = "2147483647", AtLeast(1), ReadOnly, Medium,
        "Most members of a group.";
    "group.consumer.session.timeout.ms": Int = "45000", AtLeast(1), ReadOnly, Medium,
        "Silence after which a member of a consumer group is out.";
    "group.consumer.min.session.timeout.ms": Int = "45000", AtLeast(1), ReadOnly, Medium,
        "Shortest session timeout that a consumer group may choose.";
    "group.consumer.max.session.timeout.ms": Int = "60000", AtLeast(1), ReadOnly, Medium,
        "Longest session timeout that a consumer group may choose.";
    "group.consumer.heartbeat.interval.ms": Int = "5000", AtLeast(1), ReadOnly, Medium,
        "Time between two heartbeats of a member of a consumer group.";
    "group.consumer.min.heartbeat.interval.ms": Int = "5000", AtLeast(1), ReadOnly, Medium,
        "Shortest heartbeat interval that a consumer group may choose.";
    "group.consumer.max.heartbeat.interval.ms": Int = "15000", AtLeast(1), ReadOnly, Medium,
        "Longest heartbeat interval that a consumer group may choose.";
    "group.consumer.max.size": Int = "2147483647", AtLeast(1), ReadOnly, Medium,
        "Most members of a consumer group.";
    "group.consumer.assignors": List = "uniform,range", Any, ReadOnly, Medium,
        "Assignors that brokers offer to consumer groups, the default first.";
    "group.consumer.migration.policy": String = "bidirectional", OneOfIgnoringCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]), ReadOnly, Medium,
        "Whether groups move between the classic and the consumer protocol while in use.";
    "group.consumer.assignment.interval.ms": Int = "1000", AtLeast(0), ClusterWide, Medium,
        "Least time between two assignments of a consumer group.";
    "group.consumer.min.assignment.interval.ms": Int = "0", AtLeast(0), ReadOnly, Medium,
        "Shortest time between assignments that a consumer group may choose.";
    "group.consumer.max.assignment.interval.ms": Int = "15000", AtLeast(0), ReadOnly, Medium,
        "Longest time between assignments that a consumer group may choose.";
    "group.consumer.regex.refresh.interval.ms": Int = "600000", AtLeast(10000), ReadOnly, Medium internal,
        "How often subscriptions by pattern are matched again.";
    "group.share.session.timeout.ms": Int = "45000", AtLeast(1), ReadOnly, Medium,
        "Silence after which a member of a share group is out.";
    "group.share.min.session.timeout.ms": Int = "45000", AtLeast(1), ReadOnly, Medium,
        "Shortest session timeout that a share group may choose.";
    "group.share.max.session.timeout.ms": Int = "60000", AtLeast(1), ReadOnly, Medium,
        "Longest session timeout that a share group may choose.";
    "group.share.heartbeat.interval.ms": Int = "5000", AtLeast(1), ReadOnly, Medium,
        "Time between two heartbeats of a member of a share group.";
    "group.share.min.heartbeat.interval.ms": Int = "5000", AtLeast(1), ReadOnly, Medium,
        "Shortest heartbeat interval that a share group may choose.";
    "group.share.max.heartbeat.interval.ms": Int = "15000", AtLeast(1), ReadOnly, Medium,
        "Longest heartbeat interval that a share group may choose.";
    "group.share.max.size": Int = "200", Between(1, 1000), ReadOnly, Medium,
        "Most members of a share group.";
    "group.share.assignors": List = "simple", Any, ReadOnly, Medium,
        "Assignors that brokers offer to share groups.";
    "group.share.assignment.interval.ms": Int = "1000", AtLeast(0), ClusterWide, Medium,
        "Least time between two assignments of a share group.";
    "group.share.min.assignment.interval.ms": Int = "0", AtLeast(0), ReadOnly, Medium,
        "Shortest time between assignments that a share group may choose.";
    "group.share.max.assignment.interval.ms": Int = "15000", AtLeast(0), ReadOnly, Medium,
        "Longest time between assignments that a share group may choose.";
    "group.share.initialize.retry.interval.ms": Int = "30000", AtLeast(1), ReadOnly, Low internal,
        "Pause before a failed set-up of share state is tried again.";
    "group.streams.session.timeout.ms": Int = "45000", AtLeast(1), ReadOnly, Medium,
        "Silence after which a member of a streams group is out.";
    "group.streams.min.session.timeout.ms": Int = "45000", AtLeast(1), ReadOnly, Medium,
        "Shortest session timeout that a streams group may choose.";
    "group.streams.max.session.timeout.ms": Int = "60000", AtLeast(1), ReadOnly, Medium,
        "Longest session timeout that a streams group may choose.";
    "group.streams.heartbeat.interval.ms": Int = "5000", AtLeast(1), ReadOnly, Medium,
        "Time between two heartbeats of a member of a streams group.";
    "group.streams.min.heartbeat.interval.ms": Int = "5000", AtLeast(1), ReadOnly, Medium,
        "Shortest heartbeat interval that a streams group may choose.";
    "group.streams.max.heartbeat.interval.ms": Int = "15000", AtLeast(1), ReadOnly, Medium,
        "Longest heartbeat interval that a streams group may choose.";
    "group.streams.max.size": Int = "2147483647", AtLeast(1), ReadOnly, Medium,
        "Most members of a streams group.";
    "group.streams.num.standby.replicas": Int = "0", AtLeast(0), ReadOnly, Medium,
        "Standby copies of each task.";
    "group.streams.max.standby.replicas": Int = "2", AtLeast(0), ReadOnly, Medium,
        "Most standby copies that a group may choose.";
    "group.streams.initial.rebalance.delay.ms": Int = "3000", AtLeast(0), ReadOnly, Medium,
        "How long a new streams group waits for more members.";
    "group.streams.assignment.interval.ms": Int = "1000", AtLeast(0), ClusterWide, Medium,
        "Least time between two assignments of a streams group.";
    "group.streams.min.assignment.interval.ms": Int = "0", AtLeast(0), ReadOnly, Medium,
        "Shortest time between assignments that a streams group may choose.";
    "group.streams.max.assignment.interval.ms": Int = "15000", AtLeast(0), ReadOnly, Medium,
        "Longest time between assignments that a streams group may choose.";
    "group.share.delivery.count.limit": Int = "5", Between(2, 10), ReadOnly, Medium,
        "How often a record is delivered before it is given up.";
    "group.share.max.delivery.count.limit": Int = "10", Between(5, 25), ReadOnly, Medium,
        "Largest number of deliveries that a share group may choose.";
    "group.share.min.delivery.count.limit": Int = "2", Between(2, 5), ReadOnly, Medium,
        "Smallest number of deliveries that a share group may choose.";
    "group.share.record.lock.duration.ms": Int = "30000", Between(1000, 3600000), ReadOnly, Medium,
        "How long a member may hold a record before others get it.";
    "group.share.min.record.lock.duration.ms": Int = "15000", Between(1000, 30000), ReadOnly, Medium,
        "Shortest lock on a record that a share group may choose.";
    "group.share.max.record.lock.duration.ms": Int = "60000", Between(30000, 3600000), ReadOnly, Medium,
        "Longest lock on a record that a share group may choose.";
    "group.share.partition.max.record.locks": Int = "2000", Between(100, 10000), ReadOnly, Medium,
        "Records of a partition that may be held at a time.";
    "group.share.max.partition.max.record.locks": Int = "4000", Between(2000, 10000), ReadOnly, Medium,
        "Largest number of held records that a share group may choose.";
    "group.share.min.partition.max.record.locks": Int = "100", Between(100, 2000), ReadOnly, Medium,
        "Smallest number of held records that a share group may choose.";
    "share.fetch.purgatory.purge.interval.requests": Int = "1000", Any, ReadOnly, Medium,
        "Kept from Kafka: how often finished share fetches are swept out.";
    "group.share.max.share.sessions": Int = "2000", AtLeast(1), ReadOnly, Medium,
        "Share sessions that a broker remembers.";
    "group.share.persister.class.name": String = "org.apache.kafka.server.share.persister.DefaultStatePersister", Any, ReadOnly, Medium internal,
        "Class that stores the state of share groups.";
    "share.coordinator.state.topic.num.partitions": Int = "50", AtLeast(1), ReadOnly, High,
        "Partitions of the share state topic; fixed once it exists.";
    "share.coordinator.state.topic.replication.factor": Short = "3", AtLeast(1), ReadOnly, High,
        "Replicas of the share state topic.";
    "share.coordinator.state.topic.min.isr": Short = "2", AtLeast(1), ReadOnly, High,
        "min.insync.replicas of the share state topic.";
    "share.coordinator.state.topic.segment.bytes": Int = "104857600", AtLeast(1), ReadOnly, High,
        "Segment size of the share state topic.";
    "share.coordinator.threads": Int = "1", AtLeast(1), ReadOnly, Medium,
        "Threads of the share coordinator.";
    "share.coordinator.snapshot.update.records.per.snapshot": Int = "500", Between(0, 500), ReadOnly, Medium,
        "Updates between two snapshots of a share partition's state.";
    "share.coordinator.load.buffer.size": Int = "5242880", AtLeast(1), ReadOnly, High,
        "Bytes read at a time when share state is loaded.";
    "share.coordinator.state.topic.compression.codec": Int = "0", Any, ReadOnly, High,
        "Compression of the share state topic, by Kafka's number; 0 is none.";
    "share.coordinator.append.linger.ms": Int = "-1", AtLeast(-1), ReadOnly, Medium,
        "How long the share coordinator gathers writes; -1 adapts to the load.";
    "share.coordinator.write.timeout.ms": Int = "5000", AtLeast(1), ReadOnly, High,
        "How long a write of share state waits for its replicas.";
    "share.coordinator.state.topic.prune.interval.ms": Int = "300000", AtLeast(1), ReadOnly, Low internal,
        "How often share state that is no longer needed is deleted.";
    "share.coordinator.cold.partition.snapshot.interval.ms": Int = "300000", AtLeast(1), ReadOnly, Low internal,
        "How often share partitions that rest get a snapshot.";
    "share.coordinator.cached.buffer.max.bytes": Int = "1048588", AtLeast(524288), ClusterWide, Medium,
        "Largest write buffer that the share coordinator keeps for reuse.";
};
