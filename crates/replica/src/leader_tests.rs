use super::*;

const LAG_MS: i64 = 1000;
const MIN_ISR: usize = 2;

fn ids(ids: &[i32]) -> BTreeSet<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

fn state(partition_epoch: i32, isr: &[i32]) -> PartitionState {
    PartitionState {
        leader_epoch: LeaderEpoch(5),
        partition_epoch: PartitionEpoch(partition_epoch),
        replicas: vec![BrokerId(1), BrokerId(2), BrokerId(3)],
        isr: ids(isr),
    }
}

fn log(end_offset: i64) -> LocalLog {
    LocalLog {
        start_offset: 0,
        durable_end_offset: end_offset,
        end_offset,
    }
}

fn leader(isr: &[i32], end_offset: i64) -> Leader {
    Leader::new(
        BrokerId(1),
        &state(1, isr),
        log(end_offset),
        0,
        MIN_ISR,
        LAG_MS,
        0,
    )
}

fn fetch(replica: i32, fetch_offset: i64) -> FollowerFetch {
    FollowerFetch {
        replica: BrokerId(replica),
        broker_epoch: BrokerEpoch(i64::from(replica) * 10),
        fetch_offset,
        log_start_offset: 0,
        is_eligible: true,
    }
}

fn members(proposal: &IsrProposal) -> BTreeSet<BrokerId> {
    proposal.new_isr.iter().map(|(id, _)| *id).collect()
}

#[test]
fn the_high_watermark_waits_for_every_member_of_the_isr() {
    let mut l = leader(&[1, 2, 3], 10);
    assert_eq!(l.on_fetch(fetch(2, 10), 1).unwrap().high_watermark, None);
    assert_eq!(l.on_fetch(fetch(3, 7), 2).unwrap().high_watermark, Some(7));
    assert_eq!(
        l.on_fetch(fetch(3, 10), 3).unwrap().high_watermark,
        Some(10)
    );
}

#[test]
fn a_leader_counts_with_what_it_has_flushed() {
    let mut l = leader(&[1, 2, 3], 0);
    let written = LocalLog {
        start_offset: 0,
        durable_end_offset: 0,
        end_offset: 4,
    };
    assert_eq!(l.on_local(written, 1), Effects::default());
    let _ = l.on_fetch(fetch(2, 4), 2).unwrap();
    assert_eq!(l.on_fetch(fetch(3, 4), 2).unwrap().high_watermark, None);
    assert_eq!(l.on_local(log(4), 3).high_watermark, Some(4));
}

#[test]
fn a_caught_up_follower_is_proposed_and_waited_for_while_in_flight() {
    let mut l = leader(&[1, 2], 10);
    assert_eq!(
        l.on_fetch(fetch(2, 10), 1).unwrap().high_watermark,
        Some(10)
    );
    // Not yet at the high watermark: no proposal.
    assert_eq!(l.on_fetch(fetch(3, 9), 2).unwrap().propose, None);
    let proposal = l.on_fetch(fetch(3, 10), 3).unwrap().propose.unwrap();
    assert_eq!(members(&proposal), ids(&[1, 2, 3]));
    assert_eq!(proposal.new_isr[2], (BrokerId(3), BrokerEpoch(30)));
    // One proposal in flight at a time.
    assert_eq!(l.on_fetch(fetch(3, 10), 4).unwrap().propose, None);
    // The controller may have made the change already: 3 is waited for.
    let _ = l.on_local(log(12), 5);
    assert_eq!(l.on_fetch(fetch(2, 12), 6).unwrap().high_watermark, None);
    assert_eq!(
        l.on_fetch(fetch(3, 12), 7).unwrap().high_watermark,
        Some(12)
    );
}

#[test]
fn a_follower_that_is_fenced_is_not_proposed() {
    let mut l = leader(&[1, 2], 0);
    let fenced = FollowerFetch {
        is_eligible: false,
        ..fetch(3, 0)
    };
    assert_eq!(l.on_fetch(fenced, 1).unwrap().propose, None);
}

#[test]
fn a_follower_below_the_start_of_the_epoch_is_not_proposed() {
    // The new leader's high watermark (0) is behind what it holds (10).
    let mut l = leader(&[1, 2], 10);
    assert_eq!(l.on_fetch(fetch(3, 5), 1).unwrap().propose, None);
}

#[test]
fn a_laggard_leaves_only_when_the_controller_says_so() {
    let mut l = leader(&[1, 2, 3], 10);
    let _ = l.on_fetch(fetch(2, 10), LAG_MS).unwrap();
    assert_eq!(l.on_tick(LAG_MS).propose, None);
    let proposal = l.on_tick(LAG_MS + 1).propose.unwrap();
    assert_eq!(members(&proposal), ids(&[1, 2]));
    assert_eq!(l.high_watermark(), 0, "3 still counts");
    let effects = l.on_partition_change(&state(2, &[1, 2]), MIN_ISR, LAG_MS + 2);
    assert_eq!(effects.high_watermark, Some(10));
}

#[test]
fn a_follower_at_the_end_never_lags_however_long_nothing_is_written() {
    let mut l = leader(&[1, 2, 3], 10);
    let _ = l.on_fetch(fetch(2, 10), 1).unwrap();
    let _ = l.on_fetch(fetch(3, 10), 1).unwrap();
    assert_eq!(l.on_tick(100 * LAG_MS), Effects::default());
}

#[test]
fn a_follower_that_keeps_pace_behind_the_end_stays() {
    let mut l = leader(&[1, 2, 3], 0);
    for t in 1..50 {
        let now = t * 200;
        let _ = l.on_local(log(t * 10), now);
        // Always what the leader had at the fetch before.
        let _ = l.on_fetch(fetch(2, (t - 1) * 10), now).unwrap();
        let _ = l.on_fetch(fetch(3, t * 10), now).unwrap();
        assert_eq!(l.on_tick(now).propose, None, "at {now} ms");
    }
}

#[test]
fn below_min_isr_the_high_watermark_stands_still() {
    let mut l = leader(&[1], 0);
    assert!(!l.has_enough_replicas());
    assert_eq!(l.on_local(log(5), 1).high_watermark, None);
    let proposal = l.on_fetch(fetch(2, 5), 2).unwrap().propose.unwrap();
    assert_eq!(members(&proposal), ids(&[1, 2]));
    assert_eq!(l.high_watermark(), 0);
    let effects = l.on_partition_change(&state(2, &[1, 2]), MIN_ISR, 3);
    assert_eq!(effects.high_watermark, Some(5));
}

#[test]
fn min_isr_above_the_replication_factor_asks_for_all_replicas() {
    let mut l = leader(&[1, 2, 3], 0);
    let _ = l.set_min_isr(7, 1);
    assert_eq!(l.effective_min_isr(), 3);
    assert!(l.has_enough_replicas());
}

#[test]
fn refusals_roll_back_wait_or_try_again() {
    let propose = |l: &mut Leader| l.on_fetch(fetch(3, 10), 1).unwrap().propose.unwrap();
    let check = |error, expect_retry, expect_pending| {
        let mut l = leader(&[1, 2], 10);
        let proposal = propose(&mut l);
        let again = l.on_proposal_failed(PartitionEpoch(1), error);
        assert_eq!(again, Some(proposal).filter(|_| expect_retry), "{error}");
        assert_eq!(l.isr().is_pending(), expect_pending, "{error}");
    };
    check(ErrorCode::InvalidUpdateVersion, false, true);
    check(ErrorCode::FencedLeaderEpoch, false, true);
    check(ErrorCode::NetworkException, true, true);
}

#[test]
fn an_answer_to_an_older_proposal_changes_nothing() {
    let mut l = leader(&[1, 2], 10);
    let _ = l.on_fetch(fetch(3, 10), 1).unwrap();
    let _ = l.on_partition_change(&state(2, &[1, 2, 3]), MIN_ISR, 2);
    assert_eq!(
        l.on_proposal_failed(PartitionEpoch(1), ErrorCode::NetworkException),
        None
    );
    assert_eq!(l.isr(), &Isr::Committed(ids(&[1, 2, 3])));
}

#[test]
fn strangers_and_older_registrations_are_told_so() {
    let mut l = leader(&[1, 2, 3], 0);
    assert_eq!(
        l.on_fetch(fetch(9, 0), 1),
        Err(ErrorCode::UnknownLeaderEpoch)
    );
    let _ = l.on_fetch(fetch(2, 0), 1).unwrap();
    let older = FollowerFetch {
        broker_epoch: BrokerEpoch(19),
        ..fetch(2, 0)
    };
    assert_eq!(l.on_fetch(older, 2), Err(ErrorCode::NotLeaderOrFollower));
}

#[test]
fn a_follower_outside_the_isr_that_keeps_up_is_waited_for() {
    let mut l = leader(&[1, 2], 10);
    let _ = l.on_fetch(fetch(2, 10), 1).unwrap();
    let _ = l.on_fetch(fetch(3, 10), 1).unwrap();
    let _ = l.on_proposal_failed(PartitionEpoch(1), ErrorCode::IneligibleReplica);
    let _ = l.on_partition_change(&state(2, &[1, 2]), MIN_ISR, 2);
    let _ = l.on_local(log(20), 2);
    assert_eq!(l.on_fetch(fetch(2, 20), 3).unwrap().high_watermark, None);
    // Fenced: nobody waits for it any more.
    let effects = l.on_brokers_change(|id, _| id != BrokerId(3), 4);
    assert_eq!(effects.high_watermark, Some(20));
}

#[test]
fn a_start_offset_that_moved_lifts_the_high_watermark() {
    let mut l = leader(&[1], 10);
    let moved = LocalLog {
        start_offset: 4,
        ..log(10)
    };
    assert_eq!(l.on_local(moved, 1).high_watermark, Some(4));
}

#[test]
fn the_low_watermark_waits_for_the_log_start_of_every_living_replica() {
    let mut l = leader(&[1, 2], 10);
    let starts_at = |replica, log_start_offset| FollowerFetch {
        log_start_offset,
        ..fetch(replica, 10)
    };
    let _ = l.on_local(
        LocalLog {
            start_offset: 7,
            ..log(10)
        },
        1,
    );
    let _ = l.on_fetch(starts_at(2, 5), 1).unwrap();
    // Replica 3 has not said where it starts.
    assert_eq!(l.low_watermark(|_| true), -1);
    assert_eq!(l.low_watermark(|id| id != BrokerId(3)), 5);
    let _ = l.on_fetch(starts_at(3, 8), 2).unwrap();
    assert_eq!(l.low_watermark(|_| true), 5);
    let _ = l.on_fetch(starts_at(2, 7), 3).unwrap();
    assert_eq!(l.low_watermark(|_| true), 7);
}

#[test]
fn a_smaller_isr_counts_by_the_minimum_that_came_with_it() {
    let mut l = leader(&[1, 2], 10);
    let _ = l.set_min_isr(1, 0);
    // The controller keeps broker 2 eligible: it has decided under a minimum of two.
    let effects = l.on_partition_change(&state(2, &[1]), 2, 1);
    assert_eq!(effects.high_watermark, None);
    assert_eq!(l.high_watermark(), 0);
    let effects = l.on_partition_change(&state(3, &[1]), 1, 2);
    assert_eq!(effects.high_watermark, Some(10));
}

/// A leader whose followers 2 and 3 have everything at 0 ms, with a lag time that plays no part.
fn patient_leader(min_isr: usize) -> Leader {
    let lag_ms = 30_000;
    let state = state(1, &[1, 2, 3]);
    let mut l = Leader::new(BrokerId(1), &state, log(10), 0, min_isr, lag_ms, 0);
    for replica in [2, 3] {
        let _ = l.on_fetch(fetch(replica, 10), 0).unwrap();
    }
    l
}

#[test]
fn a_member_that_stalls_alone_is_dropped_long_before_the_lag_time() {
    let mut l = patient_leader(2);
    // However long nothing was written: it counts from what it lacks.
    let _ = l.on_local(log(11), 20_000);
    let _ = l.on_fetch(fetch(2, 11), 20_005).unwrap();
    assert_eq!(l.on_tick(20_000 + STALL_MS_MAX).propose, None);
    let proposal = l.on_tick(20_001 + STALL_MS_MAX).propose.unwrap();
    assert_eq!(members(&proposal), ids(&[1, 2]));
    assert_eq!(l.high_watermark(), 10, "3 still counts");
    // It was at the high watermark a moment ago, and is not waited for all the same.
    let now_ms = 20_002 + STALL_MS_MAX;
    let effects = l.on_partition_change(&state(2, &[1, 2]), 2, now_ms);
    assert_eq!(effects.high_watermark, Some(11));
    let back = l.on_fetch(fetch(3, 11), now_ms + 1).unwrap();
    assert_eq!(members(&back.propose.unwrap()), ids(&[1, 2, 3]));
}

#[test]
fn a_member_that_gets_on_however_slowly_has_the_whole_lag_time() {
    let mut l = patient_leader(2);
    for second in 1..=30 {
        let now_ms = second * 1_000;
        let _ = l.on_local(log(10 + second * 1_000), now_ms);
        let _ = l.on_fetch(fetch(2, 10 + second * 1_000), now_ms).unwrap();
        let _ = l.on_fetch(fetch(3, 10 + second), now_ms).unwrap();
        assert_eq!(l.on_tick(now_ms).propose, None, "at {now_ms} ms");
    }
    // Fetches that bring nothing are no progress.
    let mut l = patient_leader(2);
    let _ = l.on_local(log(11), 0);
    for now_ms in 1..=STALL_MS_MAX {
        let _ = l.on_fetch(fetch(2, 11), now_ms).unwrap();
        let _ = l.on_fetch(fetch(3, 10), now_ms).unwrap();
    }
    assert!(l.on_tick(STALL_MS_MAX + 2).propose.is_some());
}

#[test]
fn who_stalls_stays_where_the_others_are_too_few_or_have_no_more() {
    let check = |min_isr, second_has: i64, durable: i64, expect_dropped| {
        let mut l = patient_leader(min_isr);
        let local = LocalLog {
            start_offset: 0,
            durable_end_offset: durable,
            end_offset: 11,
        };
        let _ = l.on_local(local, 1);
        let _ = l.on_fetch(fetch(2, second_has), 2).unwrap();
        let dropped = l.on_tick(2_000).propose.is_some();
        assert_eq!(dropped, expect_dropped, "{min_isr} {second_has} {durable}");
    };
    check(2, 11, 11, true);
    check(1, 11, 11, true);
    // acks=all needs all three.
    check(3, 11, 11, false);
    // Both have stalled: the leader would be alone.
    check(1, 10, 11, false);
    // The leader's own disk hangs.
    check(2, 11, 10, false);
}

#[test]
fn a_leader_whose_disk_hangs_resigns_where_the_others_are_enough() {
    let check = |min_isr, isr: &[i32], second_has, durable_later, expected| {
        let mut l = patient_leader(min_isr);
        let _ = l.on_partition_change(&state(2, isr), min_isr, 0);
        let local = |durable_end_offset, end_offset| LocalLog {
            start_offset: 0,
            durable_end_offset,
            end_offset,
        };
        let _ = l.on_local(local(10, 11), 100);
        let _ = l.on_fetch(fetch(2, second_has), 101).unwrap();
        let _ = l.on_fetch(fetch(3, 11), 102).unwrap();
        let _ = l.on_local(local(durable_later, 12), 1_000);
        assert!(!l.should_resign(false, 100 + STALL_MS_MAX));
        let resigns = l.should_resign(false, 101 + STALL_MS_MAX);
        let what = format!("{min_isr} {isr:?} {second_has} {durable_later}");
        assert_eq!(resigns, expected, "{what}");
    };
    check(2, &[1, 2, 3], 11, 10, true);
    check(1, &[1, 2, 3], 11, 10, true);
    // It gets on, or the other one does not.
    check(2, &[1, 2, 3], 11, 11, false);
    check(2, &[1, 2, 3], 10, 10, false);
    // acks=all would be refused, or be on one replica only.
    check(3, &[1, 2, 3], 11, 10, false);
    check(1, &[1, 3], 11, 10, false);
}

#[test]
fn a_leader_whose_disk_is_full_resigns_where_the_others_are_enough() {
    for (min_isr, isr, expected) in [
        (2, &[1, 2, 3][..], true),
        (3, &[1, 2, 3], false),
        (1, &[1, 2], false),
        (1, &[1], false),
    ] {
        let mut l = patient_leader(min_isr);
        let _ = l.on_partition_change(&state(2, isr), min_isr, 0);
        assert!(!l.should_resign(false, 1));
        assert_eq!(l.should_resign(true, 1), expected, "{min_isr} {isr:?}");
    }
}

#[test]
fn a_refused_expansion_is_withdrawn_before_anybody_goes_on_without_the_member() {
    let mut l = leader(&[1, 2], 10);
    let _ = l.on_fetch(fetch(2, 10), 1).unwrap();
    let proposed = l.on_fetch(fetch(3, 10), 1).unwrap().propose.unwrap();
    assert_eq!(members(&proposed), ids(&[1, 2, 3]));
    let lost = l.on_proposal_failed(PartitionEpoch(1), ErrorCode::NetworkException);
    assert_eq!(lost, Some(proposed), "sent again");

    // The second copy is refused: broker 3 is fenced for a moment. The first is still under way.
    let withdrawn = l.on_proposal_failed(PartitionEpoch(1), ErrorCode::IneligibleReplica);
    assert_eq!(members(&withdrawn.clone().unwrap()), ids(&[1, 2]));
    let _ = l.on_local(log(20), 2);
    let effects = l.on_fetch(fetch(2, 20), 3).unwrap();
    assert_eq!(effects.high_watermark, None, "broker 3 may be in the ISR");
    let lost = l.on_proposal_failed(PartitionEpoch(1), ErrorCode::NetworkException);
    assert_eq!(lost, withdrawn);

    // Whatever comes first is recorded; the other one is out of date then.
    let mut taken = l.clone();
    let effects = taken.on_partition_change(&state(2, &[1, 2, 3]), MIN_ISR, 4);
    assert_eq!(effects.high_watermark, None);
    let _ = l.on_brokers_change(|id, _| id != BrokerId(3), 4);
    let effects = l.on_partition_change(&state(2, &[1, 2]), MIN_ISR, 4);
    assert_eq!(effects.high_watermark, Some(20));
    assert!(!l.isr().is_pending());
}

#[test]
fn a_follower_that_has_everything_need_not_say_so_again() {
    let mut l = leader(&[1, 2, 3], 10);
    assert!(!l.is_settled(BrokerId(2)), "nothing is known of it");
    let _ = l.on_fetch(fetch(2, 10), 1).unwrap();
    assert!(!l.is_settled(BrokerId(2)), "3 may not have it");
    let _ = l.on_fetch(fetch(3, 10), 2).unwrap();
    assert!(l.is_settled(BrokerId(2)));
    assert!(l.is_settled(BrokerId(3)));
    assert!(!l.is_settled(BrokerId(4)), "no replica");

    let _ = l.on_local(log(11), 3);
    assert!(!l.is_settled(BrokerId(2)), "it lacks something");
    let _ = l.on_fetch(fetch(2, 11), 4).unwrap();
    let _ = l.on_fetch(fetch(3, 11), 4).unwrap();
    let _ = l.on_partition_change(&state(2, &[1, 2]), MIN_ISR, 5);
    assert!(l.is_settled(BrokerId(2)));
    assert!(!l.is_settled(BrokerId(3)), "it is to join again");
    assert!(l.on_fetch(fetch(3, 11), 6).unwrap().propose.is_some());
    assert!(!l.is_settled(BrokerId(2)), "a change is under way");
}

/// Whoever is quiet for an hour is not behind at the first record after it.
#[test]
fn silence_is_no_lag() {
    let hour_ms = 3_600_000;
    let mut l = leader(&[1, 2, 3], 10);
    let _ = l.on_fetch(fetch(2, 10), 1).unwrap();
    let _ = l.on_fetch(fetch(3, 10), 1).unwrap();
    let _ = l.on_local(log(11), hour_ms);
    let _ = l.on_local(log(12), hour_ms + 1);
    assert_eq!(l.on_tick(hour_ms + 2), Effects::default());
    // One batch behind all the time, as under load: caught up when it last fetched.
    let _ = l.on_fetch(fetch(2, 11), hour_ms + 3).unwrap();
    let _ = l.on_fetch(fetch(3, 12), hour_ms + 3).unwrap();
    assert_eq!(l.on_tick(hour_ms + 4), Effects::default());
    let caught_up_ms = |id| l.follower(BrokerId(id)).unwrap().last_caught_up_ms;
    assert_eq!((caught_up_ms(2), caught_up_ms(3)), (hour_ms, hour_ms + 3));
    // From the first record that it lacks on, its time runs.
    let proposal = l.on_tick(hour_ms + LAG_MS + 4).propose.unwrap();
    assert_eq!(members(&proposal), ids(&[1, 3]));
}
