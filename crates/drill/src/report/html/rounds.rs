//! All rounds, one a row.

use std::fmt::Write as _;

use super::markup::escape;
use super::timeline::nodes;
use crate::report::Report;
use crate::report::format::{counted, duration, moment};

/// With more rounds than these, the table is folded.
const UNFOLDED_MAX: usize = 20;

pub(super) fn push(report: &Report, page: &mut String) {
    let rounds = &report.availability.rounds;
    if rounds.is_empty() {
        return;
    }
    let longest = rounds
        .iter()
        .map(|round| round.gap_us())
        .max()
        .unwrap_or(1)
        .max(1);
    let open = if rounds.len() > UNFOLDED_MAX {
        ""
    } else {
        " open=\"open\""
    };
    let _ = write!(
        page,
        "<section>\n<h2>Rounds</h2>\n<details{open}><summary>{}</summary>\n<table class=\"rounds\">\n\
         <thead><tr><th class=\"n\">round</th><th>scenario</th><th>nodes</th><th class=\"n\">begin</th>\
         <th class=\"n\">healed after</th><th class=\"n\">recovery</th><th class=\"n\">longest gap</th>\
         <th></th><th>of</th><th>notes</th></tr></thead>\n<tbody>\n",
        counted(rounds.len() as u64, "round")
    );
    for round in rounds {
        let healed = round
            .healed_us
            .map(|healed| duration(healed - round.begin_us));
        let recovery = round.recovery_us.map(duration);
        let of = round
            .gap
            .and_then(|gap| gap.key)
            .map(|key| report.partition_name(key));
        let _ = writeln!(
            page,
            "<tr data-a=\"{}\" data-b=\"{}\"><td class=\"n\">{}</td><td>{}</td><td>{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"bar\"><i style=\"width:{:.1}%\"></i></td><td>{}</td><td>{}</td></tr>",
            round.begin_us,
            round.end_us,
            round.round,
            escape(&round.scenario),
            escape(&nodes(&round.nodes)),
            moment(round.begin_us),
            healed.unwrap_or_else(|| "never".to_owned()),
            recovery.unwrap_or_else(|| "never".to_owned()),
            duration(round.gap_us()),
            round.gap_us() as f64 * 100.0 / longest as f64,
            escape(&of.unwrap_or_default()),
            escape(&round.details.join("; ")),
        );
    }
    page.push_str("</tbody>\n</table>\n</details>\n</section>\n");
}
