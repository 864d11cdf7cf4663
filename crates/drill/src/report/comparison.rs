//! Several drills side by side, as a table for documents.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Report;
use super::format::{Told, counted};
use crate::availability::{Availability, GapDistribution, LatencyByTime};

/// A table in Markdown: a row for each scenario that any of the reports has, three columns for each report.
/// Behind the gaps come latencies in quiet, and the anomalies. Ends with a line end.
#[must_use]
pub fn comparison(reports: &[(&str, &Report)]) -> String {
    let mut table = "| |".to_owned();
    // Writing to a String cannot fail.
    for (name, _) in reports {
        let name = name.replace('|', " ");
        let _ = write!(table, " {name}: p50 | p99 | max |");
    }
    let _ = writeln!(table, "\n|---|{}", "--:|--:|--:|".repeat(reports.len()));
    for scenario in scenarios(reports) {
        let cells = reports
            .iter()
            .map(|(_, report)| gap_cells(&report.availability, scenario));
        push_row(&mut table, &format!("write gap, {scenario}"), cells);
    }
    let quiet = reports
        .iter()
        .map(|(_, report)| quiet_cells(&report.availability));
    push_row(&mut table, "latency in quiet", quiet);
    let anomalies = reports.iter().map(|(_, report)| {
        let names: Vec<_> = report
            .verdict
            .violations()
            .iter()
            .map(|found| found.name())
            .collect();
        let names = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        [names, String::new(), String::new()]
    });
    push_row(&mut table, "anomalies", anomalies);
    table
}

/// In alphabetical order, without what stands for all together.
fn scenarios<'a>(reports: &[(&str, &'a Report)]) -> BTreeSet<&'a str> {
    let gaps = reports
        .iter()
        .flat_map(|(_, report)| &report.availability.gaps);
    gaps.map(|gaps| gaps.scenario.as_str())
        .filter(|scenario| *scenario != "all")
        .collect()
}

fn gap_cells(availability: &Availability, scenario: &str) -> [String; 3] {
    let is_it = |gaps: &&GapDistribution| gaps.scenario == scenario;
    match availability.gaps.iter().find(is_it) {
        Some(gaps) => {
            let told = Told::of(&gaps.gap);
            let rounds = format!("{} ({})", told.p50, counted(gaps.gap.count, "round"));
            [rounds, told.p99, told.max]
        }
        None => Default::default(),
    }
}

fn quiet_cells(availability: &Availability) -> [String; 3] {
    let is_quiet = |group: &&LatencyByTime| group.when == "quiet";
    let quiet = availability.latencies.iter().find(is_quiet);
    let told = quiet.map(|group| Told::of(&group.latency));
    told.map(|told| [told.p50, told.p99, told.max])
        .unwrap_or_default()
}

fn push_row(table: &mut String, name: &str, cells: impl Iterator<Item = [String; 3]>) {
    let _ = write!(table, "| {name} |");
    for cell in cells.flatten() {
        let _ = write!(table, " {cell} |");
    }
    table.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::tests::report;
    use super::*;
    use crate::report::ReportBuilder;

    #[test]
    fn drills_stand_side_by_side() {
        let (ours, theirs, nothing) = (report(false), report(true), ReportBuilder::new().finish());
        let table = comparison(&[("ours", &ours), ("theirs", &theirs), ("no|body", &nothing)]);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines.len(), 6, "{table}");
        assert!(
            lines.iter().all(|line| line.matches('|').count() == 11),
            "{table}"
        );
        assert!(
            lines[0].starts_with("| | ours: p50 | p99 | max | theirs: p50 |"),
            "{table}"
        );
        assert!(
            lines[2].starts_with("| write gap, kill-leader | 354 ms (2 rounds) | 441 ms |"),
            "{table}"
        );
        assert!(
            lines[3].starts_with("| write gap, pause-leader |"),
            "{table}"
        );
        assert_eq!(
            lines[5],
            "| anomalies | none |  |  | lost-write |  |  | none |  |  |"
        );
    }
}
