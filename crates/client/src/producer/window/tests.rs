use super::*;
use std::time::Duration;

const ID: ProducerId = ProducerId(7);

/// A window whose batches are letters of two records each.
struct Story {
    window: Window<char>,
    begun: Instant,
}

impl Story {
    fn new(batches: &str) -> Story {
        let begun = Instant::now();
        let mut window = Window::new(true, 5);
        for (i, batch) in batches.chars().enumerate() {
            let deadline = begun + Duration::from_secs(10 + i as u64);
            window.push(batch, 2, deadline);
        }
        let epoch = ProducerEpoch(0);
        window.identify(Identity { id: ID, epoch });
        window.is_known = true;
        Story { window, begun }
    }

    /// Sends what may be sent: batch, epoch and sequence number of each.
    fn send(&mut self) -> String {
        let mut sent = Vec::new();
        while let Next::Send(ticket, stamp) = self.window.next() {
            let batch = *self.window.batch(ticket).unwrap();
            let stamp = stamp.unwrap();
            let epoch = stamp.identity.epoch.0;
            sent.push(format!("{batch}{epoch}:{}", stamp.base_sequence));
        }
        sent.join(" ")
    }

    fn answer(&mut self, batch: char, answer: Answer) -> Verdict<char> {
        let mut entries = self.window.entries.iter();
        let ticket = entries.find(|entry| entry.batch == batch).unwrap().ticket;
        self.window.answer(ticket, answer)
    }

    fn again(&mut self, batch: char, answer: Answer) {
        assert_eq!(self.answer(batch, answer), Verdict::Again);
    }

    fn written(&mut self, batch: char) {
        let verdict = self.answer(batch, Answer::Written);
        assert_eq!(verdict, Verdict::Written(batch));
    }

    fn expire(&mut self, seconds: u64) -> Vec<char> {
        self.window
            .expire(self.begun + Duration::from_secs(seconds))
    }
}

/// The leader of a new topic may refuse the first batch and take the second one a moment later.
#[test]
fn the_first_batch_of_an_epoch_goes_alone() {
    let mut story = Story::new("abc");
    story.window.is_known = false;
    assert_eq!(story.send(), "a0:0");
    story.again('a', Answer::TryAgain);
    assert_eq!(story.send(), "a0:0");
    story.written('a');
    assert_eq!(story.send(), "b0:2 c0:4");
}

#[test]
fn five_are_in_flight_and_answers_make_room() {
    let mut story = Story::new("abcde");
    assert_eq!(story.send(), "a0:0 b0:2 c0:4 d0:6 e0:8");
    assert!(!story.window.has_room());
    story.written('a');
    assert!(story.window.has_room());
    story.window.push('f', 1, story.begun);
    assert_eq!(story.send(), "f0:10");
}

#[test]
fn repeated_batches_go_one_at_a_time_with_the_same_numbers() {
    let mut story = Story::new("abc");
    story.send();
    story.again('a', Answer::TryAgain);
    assert_eq!(story.send(), "", "others are still in flight");
    story.again('b', Answer::OutOfSequence);
    story.again('c', Answer::TryAgain);
    story.window.push('d', 2, story.begun);
    assert_eq!(story.send(), "a0:0");
    story.written('a');
    assert_eq!(story.send(), "b0:2");
    story.written('b');
    assert_eq!(story.send(), "c0:4");
    assert_eq!(story.send(), "", "it is still being repeated");
    story.written('c');
    assert_eq!(story.send(), "d0:6");
}

#[test]
fn what_follows_a_refused_batch_begins_a_new_epoch_once_all_are_answered() {
    let mut story = Story::new("abc");
    story.send();
    story.written('a');
    assert_eq!(story.answer('b', Answer::Refused), Verdict::GivenUp('b'));
    assert_eq!(story.send(), "");
    story.again('c', Answer::OutOfSequence);
    assert_eq!(story.send(), "c1:0");
}

#[test]
fn a_first_batch_that_does_not_follow_begins_a_new_epoch() {
    let mut story = Story::new("abc");
    story.send();
    story.written('a');
    story.again('b', Answer::OutOfSequence);
    story.again('c', Answer::OutOfSequence);
    assert_eq!(story.send(), "b1:0");
    story.written('b');
    assert_eq!(story.send(), "c1:2");
}

/// Written under a new number it would be there twice.
#[test]
fn a_batch_that_may_be_there_keeps_its_number_though_a_later_one_was_refused() {
    let mut story = Story::new("abc");
    story.send();
    story.again('a', Answer::TryAgain);
    assert_eq!(story.answer('b', Answer::Refused), Verdict::GivenUp('b'));
    story.again('c', Answer::OutOfSequence);
    assert_eq!(story.send(), "a0:0");
    story.again('a', Answer::TryAgain);
    assert_eq!(story.send(), "a0:0");
    story.written('a');
    assert_eq!(story.send(), "c1:0");
}

#[test]
fn batches_behind_a_gap_begin_anew_when_those_in_front_of_it_were_given_up() {
    let mut story = Story::new("abc");
    story.send();
    story.again('a', Answer::TryAgain);
    assert_eq!(story.answer('b', Answer::Refused), Verdict::GivenUp('b'));
    story.again('c', Answer::TryAgain);
    assert_eq!(story.expire(10), ['a']);
    assert_eq!(story.send(), "c1:0");
}

#[test]
fn the_gap_is_the_first_of_several() {
    let mut story = Story::new("abc");
    story.send();
    assert_eq!(story.answer('c', Answer::Refused), Verdict::GivenUp('c'));
    story.again('a', Answer::OutOfSequence);
    story.again('b', Answer::OutOfSequence);
    assert_eq!(story.send(), "a1:0");
}

#[test]
fn a_batch_given_up_in_doubt_was_written_if_the_next_one_follows() {
    let mut story = Story::new("ab");
    story.send();
    assert_eq!(story.expire(10), ['a']);
    story.window.push('c', 2, story.begun);
    story.written('b');
    assert_eq!(story.send(), "c0:4", "no doubt is left");
}

#[test]
fn a_batch_given_up_in_doubt_was_not_written_if_the_next_one_does_not_follow() {
    let mut story = Story::new("ab");
    story.send();
    story.again('a', Answer::TryAgain);
    story.again('b', Answer::TryAgain);
    assert_eq!(story.expire(10), ['a']);
    assert_eq!(story.send(), "b0:2", "it may be there already");
    story.again('b', Answer::OutOfSequence);
    assert_eq!(story.send(), "b1:0");
}

#[test]
fn doubt_that_nobody_can_clear_up_ends_with_a_new_epoch() {
    let mut story = Story::new("a");
    story.send();
    assert_eq!(story.expire(10), ['a']);
    story.window.push('b', 2, story.begun);
    assert_eq!(story.send(), "b1:0");
}

#[test]
fn a_batch_refused_in_doubt_may_be_there() {
    let mut story = Story::new("ab");
    story.send();
    story.again('a', Answer::TryAgain);
    story.again('b', Answer::TryAgain);
    assert_eq!(story.send(), "a0:0");
    assert_eq!(story.answer('a', Answer::Refused), Verdict::GivenUp('a'));
    assert_eq!(story.send(), "b0:2");
}

#[test]
fn batches_that_were_never_sent_leave_no_doubt() {
    let mut story = Story::new("a");
    assert_eq!(story.expire(10), ['a']);
    story.window.push('b', 2, story.begun);
    assert_eq!(story.send(), "b0:0");
}

#[test]
fn abandoned_attempts_are_repeated_and_their_answers_count_no_more_than_once() {
    let mut story = Story::new("ab");
    story.send();
    story.window.abandon();
    assert_eq!(story.send(), "a0:0");
    let ticket = story.window.entries[0].ticket;
    story.written('a');
    let late = story.window.answer(ticket, Answer::Written);
    assert_eq!(late, Verdict::Forgotten);
    assert_eq!(story.send(), "b0:2");
}

#[test]
fn after_the_last_epoch_a_new_id_is_asked_for() {
    let mut story = Story::new("ab");
    let epoch = ProducerEpoch(i16::MAX);
    story.window.identify(Identity { id: ID, epoch });
    story.send();
    story.again('a', Answer::OutOfSequence);
    story.again('b', Answer::OutOfSequence);
    assert_eq!(story.window.next(), Next::Identify);
}

#[test]
fn without_idempotence_one_is_in_flight() {
    let mut window = Window::new(false, 5);
    let deadline = Instant::now();
    window.push('a', 1, deadline);
    assert!(!window.has_room());
    let Next::Send(ticket, None) = window.next() else {
        panic!("it is not sent");
    };
    assert_eq!(window.next(), Next::Wait);
    assert_eq!(window.answer(ticket, Answer::TryAgain), Verdict::Again);
    assert_eq!(window.next(), Next::Send(ticket, None));
}

#[test]
fn sequence_numbers_wrap_to_zero() {
    assert_eq!(sequence_after(5, 3), 8);
    assert_eq!(sequence_after(i32::MAX, 1), 0);
    assert_eq!(sequence_after(i32::MAX - 1, 4), 2);
}
