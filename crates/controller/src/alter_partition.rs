//! A leader proposes ISRs (KIP-497, KIP-903; rule 77). What it proposes may end a reassignment
//! (rule 92).

use crate::{
    BrokerRef, Context, Decision, Refusal, broker_state::registered, election::change_partition,
    topic_settings,
};
use klamm_metadata::{Image, Partition, RecoveryState, Topic, proto, uuid_bytes};
use klamm_types::{BrokerEpoch, BrokerId, ErrorCode, LeaderEpoch, PartitionEpoch, TopicPartition};
use std::collections::BTreeSet;

/// A leader's proposals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterPartition {
    /// Who proposes.
    pub broker: BrokerRef,
    /// What, at most once for each partition.
    pub partitions: Vec<PartitionIsr>,
}

/// The ISR that a leader proposes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionIsr {
    /// The partition.
    pub id: TopicPartition,
    /// The leader's epoch.
    pub leader_epoch: LeaderEpoch,
    /// The state that the leader knows.
    pub partition_epoch: PartitionEpoch,
    /// The ISR wanted, the leader itself included.
    pub new_isr: Vec<IsrMember>,
    /// Whether the leader has recovered from an unclean election.
    pub recovery_state: RecoveryState,
    /// The leader's high watermark as it proposes.
    pub high_watermark: i64,
}

/// A member of a proposed ISR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsrMember {
    /// The broker.
    pub id: BrokerId,
    /// The registration that the leader saw fetching; none: not checked.
    pub epoch: BrokerEpoch,
}

/// What became of one proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlteredPartition {
    /// The partition.
    pub id: TopicPartition,
    /// Its state from now on, or why it stays as it is.
    pub result: Result<PartitionState, ErrorCode>,
}

/// What a leader needs to know of its partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionState {
    /// Who leads.
    pub leader: BrokerId,
    /// Counts the leaders.
    pub leader_epoch: LeaderEpoch,
    /// Counts the states.
    pub partition_epoch: PartitionEpoch,
    /// The in-sync replicas.
    pub isr: Vec<BrokerId>,
    /// Whether the leader has recovered from an unclean election.
    pub recovery_state: RecoveryState,
}

pub(crate) fn decide(
    image: &Image,
    request: &AlterPartition,
    ctx: &Context,
) -> Decision<Result<Vec<AlteredPartition>, Refusal>> {
    if let Err(refusal) = registered(image, request.broker) {
        return Decision::refused(refusal);
    }
    let mut records = Vec::new();
    let mut seen = BTreeSet::new();
    let mut altered = Vec::with_capacity(request.partitions.len());
    for proposal in &request.partitions {
        let id = proposal.id;
        let result = if seen.insert(id) {
            alter(image, request.broker.id, proposal, ctx).and_then(|(record, state)| {
                records.push(record);
                // It ended a reassignment, and the new replicas are led by one of them.
                if state.leader == request.broker.id {
                    Ok(state)
                } else {
                    Err(ErrorCode::NewLeaderElected)
                }
            })
        } else {
            Err(ErrorCode::InvalidRequest)
        };
        altered.push(AlteredPartition { id, result });
    }
    Decision {
        records,
        response: Ok(altered),
    }
}

fn alter(
    image: &Image,
    leader: BrokerId,
    proposal: &PartitionIsr,
    ctx: &Context,
) -> Result<(proto::Record, PartitionState), ErrorCode> {
    let topic = image
        .topic(proposal.id.topic_id)
        .ok_or(ErrorCode::UnknownTopicId)?;
    let partition = topic
        .partition(proposal.id.partition)
        .ok_or(ErrorCode::UnknownTopicOrPartition)?;
    check(image, leader, partition, proposal)?;
    let change = change(image, topic, partition, proposal, ctx);
    let state = state_after(partition, &change);
    Ok((change.into(), state))
}

/// Kafka's checks in Kafka's order: a leader acts differently on each error.
fn check(
    image: &Image,
    leader: BrokerId,
    partition: &Partition,
    proposal: &PartitionIsr,
) -> Result<(), ErrorCode> {
    if proposal.leader_epoch > partition.leader_epoch
        || proposal.partition_epoch > partition.partition_epoch
    {
        // The leader knows more than this controller, which must have been deposed.
        return Err(ErrorCode::NotController);
    }
    if proposal.leader_epoch < partition.leader_epoch {
        return Err(ErrorCode::FencedLeaderEpoch);
    }
    if leader != partition.leader {
        return Err(ErrorCode::InvalidRequest);
    }
    if proposal.partition_epoch < partition.partition_epoch {
        return Err(ErrorCode::InvalidUpdateVersion);
    }
    check_isr(leader, partition, proposal)?;
    if proposal
        .new_isr
        .iter()
        .all(|member| is_eligible(image, partition, *member))
    {
        Ok(())
    } else {
        Err(ErrorCode::IneligibleReplica)
    }
}

fn check_isr(
    leader: BrokerId,
    partition: &Partition,
    proposal: &PartitionIsr,
) -> Result<(), ErrorCode> {
    let members: BTreeSet<_> = proposal.new_isr.iter().map(|member| member.id).collect();
    let is_set_of_replicas = members.len() == proposal.new_isr.len()
        && members.iter().all(|id| partition.is_replica(*id));
    let is_recovering = proposal.recovery_state == RecoveryState::Recovering;
    // A leader that recovers has not yet told its followers what to truncate.
    let too_early = is_recovering && members.len() > 1;
    let recovered_before = partition.recovery_state == RecoveryState::Recovered;
    if !is_set_of_replicas
        || !members.contains(&leader)
        || too_early
        || (is_recovering && recovered_before)
    {
        return Err(ErrorCode::InvalidRequest);
    }
    Ok(())
}

/// Whether the broker may be in the ISR, as the registration that the leader saw (KIP-903), and
/// with the directory that its replica lives in (KIP-858).
fn is_eligible(image: &Image, partition: &Partition, member: IsrMember) -> bool {
    image.broker(member.id).is_some_and(|broker| {
        broker.is_active()
            && (member.epoch.is_none() || member.epoch == broker.epoch)
            && image.has_directory(partition, member.id)
    })
}

fn change(
    image: &Image,
    topic: &Topic,
    partition: &Partition,
    proposal: &PartitionIsr,
    ctx: &Context,
) -> proto::PartitionChangeRecord {
    let is_active = |id| image.is_active(id);
    let rules = topic_settings::rules(image, topic, ctx, &is_active);
    let proposed: Vec<_> = proposal.new_isr.iter().map(|member| member.id).collect();
    // The same members in another order are no change.
    let same = proposed.len() == partition.isr.len()
        && proposed.iter().all(|id| partition.isr.contains(id));
    let isr = if same {
        partition.isr.clone()
    } else {
        proposed
    };
    let changed = change_partition(proposal.id, partition, isr, None, &rules);
    // The ISR as it is: the leader withdraws what it proposed before. The partition epoch grows all
    // the same, so that a copy of that is out of date when it arrives.
    let mut record = changed.unwrap_or_else(|| proto::PartitionChangeRecord {
        topic_id: uuid_bytes(proposal.id.topic_id),
        partition: proposal.id.partition,
        ..Default::default()
    });
    if proposal.recovery_state != partition.recovery_state {
        record.leader_recovery_state = Some(proposal.recovery_state.into());
    }
    if proposal.high_watermark > partition.high_watermark_floor {
        record.high_watermark_floor = Some(proposal.high_watermark);
    }
    record
}

fn state_of(partition: &Partition) -> PartitionState {
    PartitionState {
        leader: partition.leader,
        leader_epoch: partition.leader_epoch,
        partition_epoch: partition.partition_epoch,
        isr: partition.isr.clone(),
        recovery_state: partition.recovery_state,
    }
}

fn state_after(partition: &Partition, change: &proto::PartitionChangeRecord) -> PartitionState {
    let partition = partition
        .changed(change)
        .unwrap_or_else(|_| partition.clone());
    state_of(&partition)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Request, Response,
        lab::{Lab, error},
    };

    /// A partition of leader epoch 1 and partition epoch 2, led by 2.
    fn lab() -> Lab {
        Lab::with_topic().story(
            "
            fence 1   => 2 @1 isr 2,3
            unfence 1 => 2 @1 isr 2,3
            isr 3,2   => 2 @1 isr 2,3
            isr 2     => 2 @1 isr 2
            ",
        )
    }

    /// What a proposal of the ISR 2, 3 is answered after `spoil` has changed it.
    fn check(expected: ErrorCode, spoil: impl FnOnce(&mut AlterPartition, &mut PartitionIsr)) {
        let mut lab = lab();
        let mut proposal = lab.proposal(&[2, 3]);
        let mut partition = proposal.partitions.remove(0);
        spoil(&mut proposal, &mut partition);
        proposal.partitions.push(partition);
        let before = lab.image.clone();
        let response = lab.ask(&Request::AlterPartition(proposal));
        assert_eq!(error(&response), expected);
        assert_eq!(lab.image == before, expected != ErrorCode::None);
    }

    #[test]
    fn a_leader_is_told_what_became_of_its_proposal() {
        let mut lab = lab();
        let response = lab.ask(&Request::AlterPartition(lab.proposal(&[2, 3])));
        let Response::AlterPartition(Ok(altered)) = response else {
            panic!("{response:?}")
        };
        let state = altered[0].result.as_ref().unwrap();
        assert_eq!(*state, state_of(lab.partition()));
        assert_eq!(state.isr, [BrokerId(2), BrokerId(3)]);
        assert_eq!(state.partition_epoch, PartitionEpoch(4));
    }

    #[test]
    fn what_is_withdrawn_is_out_of_date_when_it_arrives() {
        let mut lab = lab();
        // Sent twice; broker 1 is fenced when the second copy arrives, and the first is late.
        let proposal = lab.proposal(&[2, 3, 1]);
        lab.ask(&Request::FenceBroker(lab.broker(1)));
        let refused = lab.ask(&Request::AlterPartition(proposal.clone()));
        assert_eq!(error(&refused), ErrorCode::IneligibleReplica);
        lab.ask(&Request::AlterPartition(lab.proposal(&[2, 3])));
        lab.ask(&Request::UnfenceBroker(lab.broker(1)));
        let late = lab.ask(&Request::AlterPartition(proposal));
        assert_eq!(error(&late), ErrorCode::InvalidUpdateVersion);
        assert_eq!(lab.state(), "2 @1 isr 2,3");
    }

    #[test]
    fn checks_come_in_kafkas_order() {
        use ErrorCode as E;
        check(E::None, |_, _| {});
        check(E::StaleBrokerEpoch, |p, _| p.broker.epoch.0 -= 1);
        check(E::UnknownTopicId, |_, p| {
            p.id.topic_id = klamm_types::Uuid([1; 16])
        });
        check(E::UnknownTopicOrPartition, |_, p| p.id.partition = 1);
        check(E::NotController, |_, p| p.leader_epoch.0 += 1);
        check(E::NotController, |_, p| p.partition_epoch.0 += 1);
        check(E::NotController, |_, p| {
            p.leader_epoch.0 -= 1;
            p.partition_epoch.0 += 1;
        });
        check(E::FencedLeaderEpoch, |_, p| {
            p.leader_epoch.0 -= 1;
            p.partition_epoch.0 -= 1;
        });
        check(E::InvalidUpdateVersion, |_, p| {
            p.partition_epoch.0 -= 1;
            p.new_isr.clear();
        });
        check(E::InvalidRequest, |_, p| p.new_isr.clear());
        check(E::InvalidRequest, |_, p| p.new_isr[0].id = BrokerId(4));
        check(E::InvalidRequest, |_, p| p.new_isr[1] = p.new_isr[0]);
        check(E::InvalidRequest, |_, p| {
            p.new_isr.swap_remove(0);
        });
        check(E::InvalidRequest, |_, p| {
            p.recovery_state = RecoveryState::Recovering;
        });
        check(E::IneligibleReplica, |_, p| p.new_isr[1].epoch.0 -= 1);
        check(E::None, |_, p| p.new_isr[1].epoch = BrokerEpoch::NONE);
    }

    #[test]
    fn only_the_leader_proposes() {
        let mut lab = lab();
        let mut proposal = lab.proposal(&[2, 3]);
        proposal.broker = lab.broker(3);
        let response = lab.ask(&Request::AlterPartition(proposal));
        assert_eq!(error(&response), ErrorCode::InvalidRequest);
    }

    #[test]
    fn fenced_brokers_are_not_eligible() {
        let mut lab = lab().story("fence 3 => 2 @1 isr 2");
        let response = lab.ask(&Request::AlterPartition(lab.proposal(&[2, 3])));
        assert_eq!(error(&response), ErrorCode::IneligibleReplica);
    }

    #[test]
    fn a_partition_is_altered_once_in_a_request() {
        let mut lab = lab();
        let mut proposal = lab.proposal(&[2, 3]);
        proposal.partitions.push(proposal.partitions[0].clone());
        let response = lab.ask(&Request::AlterPartition(proposal));
        assert_eq!(error(&response), ErrorCode::InvalidRequest);
        assert_eq!(lab.state(), "2 @1 isr 2,3");
    }

    #[test]
    fn the_floor_rides_along_and_never_falls() {
        let lab = lab().story(
            "
            isr 2,3 at 10 => 2 @1 isr 2,3 floor 10
            isr 2 at 9    => 2 @1 isr 2 floor 10
            isr 2,3 at 11 => 2 @1 isr 2,3 floor 11
            ",
        );
        let epoch = lab.partition().partition_epoch;
        let lab = lab.story("isr 3,2 at 12 => 2 @1 isr 2,3 floor 12");
        let grown = lab.partition().partition_epoch;
        assert_eq!(
            grown,
            epoch.next(),
            "the same members are a change of state"
        );
    }

    #[test]
    fn a_leader_recovers_alone() {
        let mut lab = Lab::with_topic().story(
            "
            isr 1             => 1 @0 isr 1
            set unclean.leader.election.enable true => 1 @0 isr 1
            fence 1           => 2 @1 isr 2 recovering
            ",
        );
        let mut proposal = lab.proposal(&[2, 3]);
        proposal.partitions[0].recovery_state = RecoveryState::Recovering;
        let response = lab.ask(&Request::AlterPartition(proposal));
        assert_eq!(error(&response), ErrorCode::InvalidRequest);
        lab.story("isr 2,3 => 2 @1 isr 2,3");
    }
}
