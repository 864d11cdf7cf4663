//! How gaps are spread: a table, and a strip with a dot for each round.

use std::fmt::Write as _;

use super::markup::escape;
use super::scale::Scale;
use super::timeline::nodes;
use crate::report::Report;
use crate::report::format::{Told, count, duration};
use crate::scenario::Scenario;

const WIDTH: f64 = 1200.0;
const ROW: f64 = 34.0;
/// Left and right end of the strips.
const X: (f64, f64) = (160.0, 1180.0);

pub(super) fn push(report: &Report, page: &mut String) {
    if report.availability.rounds.is_empty() {
        return;
    }
    page.push_str(
        "<section>\n<h2>Write gaps</h2>\n<p class=\"hint\">The longest time in a round during which a \
         partition acknowledged nothing although something was due; and the recovery, from the moment \
         before the fault to the first acknowledgement of a request that became due afterwards, on the \
         slowest partition that the fault befell.</p>\n",
    );
    push_strips(report, page);
    page.push_str(
        "<table>\n<thead><tr><th>scenario</th><th class=\"n\">rounds</th><th class=\"n\">gap p50</th>\
         <th class=\"n\">p90</th><th class=\"n\">p99</th><th class=\"n\">max</th>\
         <th class=\"n\">recovery p50</th><th class=\"n\">p99</th><th class=\"n\">max</th>\
         <th class=\"n\">never</th></tr></thead>\n<tbody>\n",
    );
    for gaps in &report.availability.gaps {
        let summary = Scenario::by_name(&gaps.scenario).map_or("", Scenario::summary);
        let name = escape(&gaps.scenario);
        let _ = write!(
            page,
            "<tr><td>{name}<small>{}</small></td>",
            escape(summary)
        );
        let (gap, recovery) = (Told::of(&gaps.gap), Told::of(&gaps.recovery));
        let figures = [
            count(gaps.gap.count),
            gap.p50,
            gap.p90,
            gap.p99,
            gap.max,
            recovery.p50,
            recovery.p99,
            recovery.max,
            count(gaps.never_recovered),
        ];
        for figure in figures {
            let _ = write!(page, "<td class=\"n\">{figure}</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n</section>\n");
}

/// A strip for each scenario: dots at the gaps of its rounds, ticks at p50 and p99.
fn push_strips(report: &Report, page: &mut String) {
    let availability = &report.availability;
    let rows: Vec<_> = availability
        .gaps
        .iter()
        .filter(|gaps| gaps.scenario != "all")
        .collect();
    let bottom = ROW * rows.len() as f64 + 6.0;
    let longest = rows.iter().map(|gaps| gaps.gap.max_us).max().unwrap_or(0);
    let shortest = availability
        .rounds
        .iter()
        .map(|round| round.gap_us())
        .min()
        .unwrap_or(0);
    let scale = Scale::log((shortest as f64, longest as f64), X);
    let _ = writeln!(
        page,
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {:.0}\">",
        bottom + 24.0
    );
    for decade in scale.decades() {
        let x = scale.at(decade);
        let label = duration(decade as u64)
            .replace(".00 ", " ")
            .replace(".0 ", " ");
        let _ = writeln!(
            page,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{bottom:.0}\"/>\
             <text class=\"tick middle\" x=\"{x:.1}\" y=\"{:.0}\">{label}</text>",
            bottom + 16.0
        );
    }
    for (at, gaps) in rows.iter().enumerate() {
        let y = ROW * (at as f64 + 0.5) + 3.0;
        let _ = writeln!(
            page,
            "<text class=\"tick end\" x=\"{}\" y=\"{:.1}\">{}</text>",
            X.0 - 14.0,
            y + 4.0,
            escape(&gaps.scenario)
        );
        for round in availability
            .rounds
            .iter()
            .filter(|round| round.scenario == gaps.scenario)
        {
            let _ = write!(
                page,
                "<circle class=\"dot\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"><title>round {}, {}: {}</title>\
                 </circle>",
                scale.at(round.gap_us() as f64),
                // Rounds of one length would hide one another.
                y + f64::from(round.round % 5) * 3.0 - 6.0,
                round.round,
                escape(&nodes(&round.nodes)),
                duration(round.gap_us()),
            );
        }
        for (name, us) in [("p50", gaps.gap.p50_us), ("p99", gaps.gap.p99_us)] {
            let x = scale.at(us as f64);
            let _ = write!(
                page,
                "<line class=\"{name}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\">\
                 <title>{name}: {}</title></line>",
                y - 13.0,
                y + 13.0,
                duration(us)
            );
        }
        page.push('\n');
    }
    page.push_str(
        "</svg>\n<p class=\"legend\"><span><i class=\"dot\"></i>a round</span><span><i class=\"p50\"></i>p50\
         </span><span><i class=\"p99\"></i>p99</span></p>\n",
    );
}
