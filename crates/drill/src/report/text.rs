//! The report as text for a terminal.

use std::fmt::Write as _;

use super::Report;
use super::format::{Told, count, counted, duration, moment};
use crate::availability::Gap;
use crate::checker::Findings;

/// How many findings of one anomaly are told; the others are in the JSON and HTML reports.
const FINDINGS_TOLD: usize = 3;

impl Report {
    /// The report as text: what was drilled, the verdict, tables of gaps and latencies. Ends with a line end.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}\n\n{}", self.headline(), self.verdict_line());
        for findings in &self.verdict.found {
            push_findings(findings, &mut out);
        }
        if !self.availability.rounds.is_empty() {
            let _ = write!(out, "\n{}", self.gap_table());
        }
        let _ = write!(out, "\n{}", self.latency_table());
        let _ = writeln!(out, "\n{}", self.longest_gaps());
        for remark in &self.remarks {
            let _ = writeln!(out, "remark: {remark}");
        }
        for limit in &self.setup.limits {
            let _ = writeln!(out, "not drilled: {limit}");
        }
        out
    }

    /// What was drilled, in a line.
    pub(super) fn headline(&self) -> String {
        let setup = &self.setup;
        let known = |number: u64, text: String| if number == 0 { String::new() } else { text };
        let (nodes, keys) = (setup.nodes.len() as u64, setup.keys.len() as u64);
        let rate = u64::from(setup.sends_per_second);
        let parts = [
            setup.target.clone(),
            setup.version.clone(),
            known(nodes, counted(nodes, "node")),
            known(keys, counted(keys, "partition")),
            known(rate, format!("{} sends/s", count(rate))),
            format!("seed {}", setup.seed),
        ];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(" · ")
    }

    fn verdict_line(&self) -> String {
        let counts = &self.verdict.counts;
        let judged = format!(
            "{} acknowledged, {} without known outcome ({} of them stored), {} failed, {} read",
            counted(counts.sends_acknowledged, "record"),
            count(counts.sends_unknown),
            count(counts.sends_unknown_read),
            count(counts.sends_failed),
            count(counts.records_read),
        );
        match self.verdict.violations().len() as u64 {
            0 => format!("VALID    no anomaly: {judged}"),
            many => format!("INVALID  {} of anomaly: {judged}", counted(many, "kind")),
        }
    }

    fn gap_table(&self) -> String {
        let mut table = Table::new(&[
            "write gap",
            "rounds",
            "p50",
            "p90",
            "p99",
            "max",
            "recovery p50",
            "p99",
            "max",
        ]);
        for gaps in &self.availability.gaps {
            let (gap, recovery) = (Told::of(&gaps.gap), Told::of(&gaps.recovery));
            let slowest = if gaps.never_recovered == 0 {
                recovery.max
            } else {
                "never".to_owned()
            };
            table.add(vec![
                gaps.scenario.clone(),
                count(gaps.gap.count),
                gap.p50,
                gap.p90,
                gap.p99,
                gap.max,
                recovery.p50,
                recovery.p99,
                slowest,
            ]);
        }
        table.text()
    }

    fn latency_table(&self) -> String {
        let mut table = Table::new(&[
            "latency",
            "requests",
            "p50",
            "p99",
            "p99.9",
            "max",
            "never answered",
        ]);
        for group in &self.availability.latencies {
            let latency = Told::of(&group.latency);
            table.add(vec![
                group.when.clone(),
                count(group.latency.count),
                latency.p50,
                latency.p99,
                latency.p999,
                latency.max,
                count(group.unacknowledged),
            ]);
        }
        table.text()
    }

    fn longest_gaps(&self) -> String {
        let told = |gap: Option<Gap>| match gap {
            Some(gap) => {
                let key = gap
                    .key
                    .map_or_else(String::new, |key| self.partition_name(key));
                let end = if gap.unfinished { ", to the end" } else { "" };
                format!(
                    "{} (at {}, {key}{end})",
                    duration(gap.length_us()),
                    moment(gap.from_us)
                )
            }
            None => "none".to_owned(),
        };
        let quiet = told(self.availability.longest_quiet);
        format!(
            "longest gap {}; in quiet {quiet}",
            told(self.availability.longest)
        )
    }
}

fn push_findings(findings: &Findings, out: &mut String) {
    let anomaly = findings.anomaly;
    let tolerated = if anomaly.is_tolerated() {
        ", tolerated"
    } else {
        ""
    };
    let _ = writeln!(
        out,
        "\n{} ({}{tolerated}): {}",
        anomaly.name(),
        counted(findings.count, "case"),
        anomaly.meaning()
    );
    let mut told = 0;
    for finding in findings.first.iter().take(FINDINGS_TOLD) {
        let operations: Vec<_> = finding.operations.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            out,
            "  {} [operations {}]",
            finding.text,
            operations.join(", ")
        );
        told += 1;
    }
    if findings.first.len() > told {
        let _ = writeln!(out, "  …");
    }
}

/// Columns of text: the first to the left, the others to the right.
struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(head: &[&str]) -> Self {
        Self {
            rows: vec![head.iter().map(ToString::to_string).collect()],
        }
    }

    fn add(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cell = |row: &Vec<String>| row.get(column).map(|cell| cell.chars().count());
            self.rows.iter().filter_map(cell).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut out = String::new();
        for row in &self.rows {
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let _ = match at {
                    0 => write!(out, "{cell:<width$}"),
                    _ => write!(out, "  {cell:>width$}"),
                };
            }
            out.push('\n');
        }
        out
    }
}
