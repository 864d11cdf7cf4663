//! The rounds with the longest gaps, from close by.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::markup::escape;
use super::scale::{Scale, line};
use super::timeline::{nodes, rate_shown};
use crate::availability::{RoundResult, Series};
use crate::history::Phase;
use crate::report::Report;
use crate::report::format::duration;

/// How many rounds are shown of one scenario, and of several: of these the longest of each.
const SHOWN_OF_ONE: usize = 6;
const SHOWN_MAX: usize = 18;

const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 170.0;
const X: (f64, f64) = (44.0, 372.0);
const Y: (f64, f64) = (28.0, 140.0);

/// What is shown before a round begins, and behind its gap or healing.
const BEFORE_US: u64 = 1_000_000;
const BEHIND_US: u64 = 1_500_000;

pub(super) fn push(report: &Report, page: &mut String) {
    let shown = worst(&report.availability.rounds);
    if shown.is_empty() {
        return;
    }
    page.push_str(
        "<section>\n<h2>Longest gaps from close by</h2>\n<p class=\"hint\">Acknowledgements a second \
         (filled) and the 99th percentile of latency (line, to the same height as the longest). The gap \
         is shaded; dashed lines are fault and healing.</p>\n<div class=\"grid3\">\n",
    );
    for round in shown {
        push_round(report, round, page);
    }
    page.push_str("</div>\n</section>\n");
}

/// The rounds to show, the longest gap first.
fn worst(rounds: &[RoundResult]) -> Vec<&RoundResult> {
    let mut worst: Vec<_> = rounds.iter().collect();
    worst.sort_by_key(|round| (std::cmp::Reverse(round.gap_us()), round.round));
    let several = rounds
        .iter()
        .any(|round| worst.first().is_some_and(|w| w.scenario != round.scenario));
    if several {
        let mut seen = BTreeSet::new();
        worst.retain(|round| seen.insert(round.scenario.as_str()));
        worst.truncate(SHOWN_MAX);
    } else {
        worst.truncate(SHOWN_OF_ONE);
    }
    worst
}

fn push_round(report: &Report, round: &RoundResult, page: &mut String) {
    let series = &report.availability.series;
    let until_us = round
        .gap
        .map_or(0, |gap| gap.to_us)
        .max(round.healed_us.unwrap_or(0));
    let from_us = round.begin_us.saturating_sub(BEFORE_US);
    let time = Scale::linear((from_us as f64, (until_us + BEHIND_US) as f64), X);
    let _ = writeln!(
        page,
        "<figure><figcaption>round {} · {} · {} · <b>{}</b></figcaption>\n\
         <svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\">",
        round.round,
        escape(&round.scenario),
        escape(&nodes(&round.nodes)),
        duration(round.gap_us())
    );
    if let Some(gap) = round.gap {
        let (from, to) = (time.at(gap.from_us as f64), time.at(gap.to_us as f64));
        let _ = writeln!(
            page,
            "<rect class=\"gap\" x=\"{from:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{}\"/>",
            Y.0,
            (to - from).max(1.0),
            Y.1 - Y.0
        );
    }
    push_curves(series, &time, page);
    push_marks(round, &time, page);
    let seconds = Scale::linear(
        (from_us as f64 / 1e6, (until_us + BEHIND_US) as f64 / 1e6),
        X,
    );
    for tick in seconds.ticks(5.0) {
        let _ = write!(
            page,
            "<text class=\"tick middle\" x=\"{:.1}\" y=\"{}\">{tick} s</text>",
            seconds.at(tick),
            Y.1 + 18.0
        );
    }
    page.push_str("\n</svg></figure>\n");
}

fn push_curves(series: &Series, time: &Scale, page: &mut String) {
    let width_us = series.bucket_ms as f64 * 1000.0;
    let (from, to) = time.ends();
    let first = (from / width_us) as usize;
    let last = ((to / width_us) as usize).min(series.due.len().saturating_sub(1));
    let shown = |at: &usize| (first..=last).contains(at);
    let per_second = 1000.0 / series.bucket_ms as f64;
    let counts = series
        .acknowledged
        .iter()
        .map(|count| f64::from(*count) * per_second);
    let counts: Vec<_> = counts.enumerate().filter(|(at, _)| shown(at)).collect();
    let highest = rate_shown(series) * per_second;
    let rates = Scale::linear((0.0, highest), (Y.1, Y.0));
    let mut area = format!("M{:.1} {}", X.0, Y.1);
    for (at, rate) in &counts {
        let _ = write!(
            area,
            "L{:.1} {:.1}",
            time.at((*at as f64 + 0.5) * width_us),
            rates.at(*rate)
        );
    }
    let latencies: Vec<_> = series
        .p99_us
        .iter()
        .enumerate()
        .filter(|(at, _)| shown(at))
        .collect();
    let worst = latencies
        .iter()
        .filter_map(|(_, us)| **us)
        .max()
        .unwrap_or(1);
    let scale = Scale::linear((0.0, worst as f64), (Y.1, Y.0));
    let path = line(latencies.iter().map(|(at, us)| {
        let us = (**us)?;
        Some((time.at((*at as f64 + 0.5) * width_us), scale.at(us as f64)))
    }));
    let _ = writeln!(
        page,
        "<path class=\"area\" d=\"{area}V{}Z\"/><path class=\"p99\" d=\"{path}\"/>\
         <line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/>\
         <text class=\"tick end\" x=\"{}\" y=\"{}\">{highest:.0}/s</text>\
         <text class=\"tick p99\" x=\"{}\" y=\"{}\">{}</text>",
        Y.1,
        X.0,
        X.1,
        Y.1,
        Y.1,
        X.0 - 3.0,
        Y.0 + 8.0,
        X.0 + 2.0,
        Y.0 - 5.0,
        duration(worst)
    );
}

fn push_marks(round: &RoundResult, time: &Scale, page: &mut String) {
    for mark in round
        .marks
        .iter()
        .filter(|mark| matches!(mark.phase, Phase::Begin | Phase::Healed))
    {
        let x = time.at(mark.at_us as f64);
        let (class, label) = match mark.phase {
            Phase::Begin => ("begin", mark.fault.as_str()),
            _ => ("healed", "healed"),
        };
        let _ = writeln!(
            page,
            "<line class=\"mark {class}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{}\"/>\
             <text class=\"tick middle {class}\" x=\"{x:.1}\" y=\"12\">{}</text>",
            Y.0 - 12.0,
            Y.1,
            escape(label)
        );
    }
}
