//! The report as one HTML file that needs nothing else: charts are inline SVG, drawn here; the script
//! only zooms and points. Without a script it is complete all the same.

mod anomalies;
mod closeup;
mod gaps;
mod leadership;
mod markup;
mod rounds;
mod scale;
mod timeline;

use std::fmt::Write as _;

use self::markup::escape;
use super::Report;
use super::format::{Told, count, counted, duration};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// With more scenarios than these, the title counts them.
const TITLE_SCENARIOS_MAX: usize = 3;

impl Report {
    /// The report as an HTML file.
    #[must_use]
    pub fn html(&self) -> String {
        let mut page = String::new();
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <title>klamm drill: {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
            if self.valid { "valid" } else { "invalid" }
        );
        self.push_header(&mut page);
        self.push_tiles(&mut page);
        anomalies::push(self, &mut page);
        timeline::push(self, &mut page);
        gaps::push(self, &mut page);
        closeup::push(self, &mut page);
        rounds::push(self, &mut page);
        self.push_latencies(&mut page);
        self.push_setup(&mut page);
        let _ = write!(
            page,
            "</main>\n<script type=\"application/json\" id=\"data\">{}</script>\n\
             <script>\n{SCRIPT}</script>\n</body>\n</html>\n",
            self.chart_data()
        );
        page
    }

    fn push_header(&self, page: &mut String) {
        let (class, verdict) = if self.valid {
            ("good", "valid")
        } else {
            ("bad", "invalid")
        };
        let _ = write!(
            page,
            "<header>\n<div><p class=\"brand\">klamm drill</p>\n<h1>{}</h1>\n<p class=\"sub\">{}</p></div>\n\
             <div class=\"actions\"><span class=\"badge {class}\">{verdict}</span>\
             <button id=\"theme\" type=\"button\" title=\"light or dark\">◐</button></div>\n</header>\n",
            escape(&self.title()),
            escape(&self.headline()),
        );
    }

    fn title(&self) -> String {
        match self.setup.scenarios.as_slice() {
            [] => "Drill".to_owned(),
            few if few.len() <= TITLE_SCENARIOS_MAX => few.join(", "),
            many => counted(many.len() as u64, "scenario"),
        }
    }

    /// What counts most, in large figures.
    fn push_tiles(&self, page: &mut String) {
        let availability = &self.availability;
        let counts = &self.verdict.counts;
        let quiet = availability
            .latencies
            .iter()
            .find(|group| group.when == "quiet");
        let none = || "–".to_owned();
        let gaps = availability.gaps.first();
        let longest = availability
            .longest
            .map_or_else(none, |gap| duration(gap.length_us()));
        let rounds = availability.rounds.len() as u64;
        let tiles = [
            (
                "anomalies",
                count(self.verdict.violations().len() as u64),
                format!("of {} kinds checked", crate::checker::Anomaly::ALL.len()),
            ),
            (
                "records acknowledged",
                count(counts.sends_acknowledged),
                format!("{} without known outcome", count(counts.sends_unknown)),
            ),
            (
                "write gap p99",
                gaps.map_or_else(none, |gaps| duration(gaps.gap.p99_us)),
                format!(
                    "p50 {}",
                    gaps.map_or_else(none, |gaps| duration(gaps.gap.p50_us))
                ),
            ),
            (
                "longest gap",
                longest,
                format!("in {} rounds", count(rounds)),
            ),
            (
                "quiet latency p99",
                quiet.map_or_else(none, |group| duration(group.latency.p99_us)),
                format!(
                    "p50 {}",
                    quiet.map_or_else(none, |group| duration(group.latency.p50_us))
                ),
            ),
        ];
        page.push_str("<section class=\"tiles\">\n");
        for (label, value, more) in tiles {
            let _ = writeln!(
                page,
                "<div class=\"tile\"><p>{label}</p><strong>{value}</strong><small>{more}</small></div>"
            );
        }
        page.push_str("</section>\n");
        if !self.remarks.is_empty() {
            page.push_str("<section class=\"remarks\">\n<h2>Remarks</h2>\n<ul>\n");
            for remark in &self.remarks {
                let _ = writeln!(page, "<li>{}</li>", escape(remark));
            }
            page.push_str("</ul>\n</section>\n");
        }
    }

    fn push_latencies(&self, page: &mut String) {
        page.push_str(
            "<section>\n<h2>Latency</h2>\n<p class=\"hint\">From the moment a request was due by the fixed \
             rate to its acknowledgement. Around a fault: outstanding between its begin and a second after \
             its healing.</p>\n<table>\n<thead><tr><th>when</th><th class=\"n\">acknowledged</th>\
             <th class=\"n\">p50</th><th class=\"n\">p90</th><th class=\"n\">p99</th>\
             <th class=\"n\">p99.9</th><th class=\"n\">max</th><th class=\"n\">never acknowledged</th></tr>\
             </thead>\n<tbody>\n",
        );
        for group in &self.availability.latencies {
            let told = Told::of(&group.latency);
            let around = if group.when == "quiet" { "" } else { "around " };
            let _ = write!(page, "<tr><td>{around}{}</td>", escape(&group.when));
            let cells = [
                count(group.latency.count),
                told.p50,
                told.p90,
                told.p99,
                told.p999,
                told.max,
            ];
            for cell in cells.into_iter().chain([count(group.unacknowledged)]) {
                let _ = write!(page, "<td class=\"n\">{cell}</td>");
            }
            page.push_str("</tr>\n");
        }
        page.push_str("</tbody>\n</table>\n</section>\n");
    }

    fn push_setup(&self, page: &mut String) {
        let setup = &self.setup;
        let nodes: Vec<_> = setup.nodes.iter().map(ToString::to_string).collect();
        let facts = [
            ("target", setup.target.clone()),
            ("version", setup.version.clone()),
            ("started", setup.started.clone()),
            ("nodes", nodes.join(", ")),
            ("partitions", count(setup.keys.len() as u64)),
            ("sends a second", count(u64::from(setup.sends_per_second))),
            ("producers", count(u64::from(setup.producers))),
            ("consumers", count(u64::from(setup.consumers))),
            ("seed", setup.seed.to_string()),
            ("scenarios", setup.scenarios.join(", ")),
            ("operations", count(self.verdict.counts.operations)),
        ];
        page.push_str("<section>\n<h2>How it was run</h2>\n<dl>\n");
        for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = writeln!(page, "<div><dt>{name}</dt><dd>{}</dd></div>", escape(value));
        }
        page.push_str("</dl>\n");
        for limit in &setup.limits {
            let _ = writeln!(page, "<p class=\"hint\">Not drilled: {}</p>", escape(limit));
        }
        page.push_str("</section>\n");
    }

    /// What the script needs to draw the timeline anew for a part of the time.
    fn chart_data(&self) -> String {
        let data = serde_json::json!({
            "series": self.availability.series,
            "rounds": self.availability.rounds.iter().map(|round| {
                (round.round, &round.scenario, round.begin_us, round.healed_us.unwrap_or(round.end_us))
            }).collect::<Vec<_>>(),
        });
        // "</script>" inside the data would end it.
        data.to_string().replace('<', "\\u003c")
    }
}

#[cfg(test)]
mod tests;
