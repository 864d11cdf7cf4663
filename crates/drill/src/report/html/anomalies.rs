//! What was found, with the operations that prove it; and what was looked for.

use std::fmt::Write as _;

use super::markup::escape;
use crate::checker::{Anomaly, Finding, Findings};
use crate::report::Report;
use crate::report::format::{counted, moment};

pub(super) fn push(report: &Report, page: &mut String) {
    page.push_str("<section>\n<h2>Anomalies</h2>\n");
    if report.verdict.found.is_empty() {
        let _ = writeln!(
            page,
            "<p class=\"none\">None. Every acknowledged record was read once, at one offset, in the order \
             of its producer.</p>"
        );
    }
    for findings in &report.verdict.found {
        push_findings(report, findings, page);
    }
    push_checked(page);
    page.push_str("</section>\n");
}

fn push_findings(report: &Report, findings: &Findings, page: &mut String) {
    let anomaly = findings.anomaly;
    let class = if anomaly.is_tolerated() {
        "tolerated"
    } else {
        "broken"
    };
    let _ = writeln!(
        page,
        "<article class=\"{class}\"><h3>{} <small>{}{}</small></h3><p>{}.</p>",
        anomaly.name(),
        counted(findings.count, "case"),
        if anomaly.is_tolerated() {
            ", tolerated"
        } else {
            ""
        },
        anomaly.meaning()
    );
    for finding in &findings.first {
        push_finding(report, finding, page);
    }
    let told: u64 = findings.first.len() as u64;
    if findings.count > told && anomaly != Anomaly::Unseen {
        let _ = writeln!(
            page,
            "<p class=\"hint\">and {} more</p>",
            findings.count - told
        );
    }
    page.push_str("</article>\n");
}

fn push_finding(report: &Report, finding: &Finding, page: &mut String) {
    let _ = write!(
        page,
        "<details><summary>{}</summary>\n<table class=\"proof\"><tbody>\n",
        escape(&finding.text)
    );
    for index in &finding.operations {
        let Some(told) = report.operations.iter().find(|told| told.index == *index) else {
            continue;
        };
        let error = told.error.as_deref().map(|error| format!(" ({error})"));
        let _ = writeln!(
            page,
            "<tr><td class=\"n\">#{}</td><td class=\"n\">{}</td><td>process {}</td><td>{} {}</td>\
             <td><code>{}{}</code></td></tr>",
            told.index,
            moment(told.time_us),
            escape(&told.process),
            told.kind,
            escape(&told.f),
            escape(&told.value),
            escape(&error.unwrap_or_default()),
        );
    }
    page.push_str("</tbody></table></details>\n");
}

fn push_checked(page: &mut String) {
    page.push_str(
        "<details class=\"checked\"><summary>What was looked for</summary>\n<dl class=\"wide\">\n",
    );
    for anomaly in Anomaly::ALL {
        let _ = writeln!(
            page,
            "<div><dt>{}</dt><dd>{}</dd></div>",
            anomaly.name(),
            anomaly.meaning()
        );
    }
    page.push_str("</dl></details>\n");
}
