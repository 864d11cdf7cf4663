//! What a history says, as a table, JSON and a page to look at.

use super::{COULD_NOT_RUN, say};
use crate::failure::{Context, Failure};
use klamm_drill::{journal::HISTORY_JSON, report::Report};
use std::{
    fs::{self, File},
    io::BufReader,
    path::Path,
};

/// The report for people.
const REPORT_HTML: &str = "report.html";
/// The report for programs.
const REPORT_JSON: &str = "report.json";

/// Judges a history, prints what came of it, and writes the report into `out`. An anomaly is a failure.
pub(super) fn check(history: &Path, out: Option<&Path>) -> Result<(), Failure> {
    let report = report(history, out).map_err(|failure| failure.exit_with(COULD_NOT_RUN))?;
    say(report.text().trim_end_matches('\n'));
    if let Some(folder) = out {
        say(format_args!(
            "look at {}",
            folder.join(REPORT_HTML).display()
        ));
    }
    let violations = report.verdict.violations();
    let names: Vec<&str> = violations.iter().map(|anomaly| anomaly.name()).collect();
    match names.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(format!("found {}", names.join(", ")))),
    }
}

fn report(history: &Path, out: Option<&Path>) -> Result<Report, Failure> {
    let open = || File::open(history).map(BufReader::new);
    let report = Report::read(open).context(format!("judge {}", history.display()))?;
    if let Some(folder) = out {
        for (name, text) in [(REPORT_HTML, report.html()), (REPORT_JSON, report.json())] {
            let path = folder.join(name);
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&path, text))
                .context(format!("write {}", path.display()))?;
        }
    }
    Ok(report)
}

/// Judges the history in the folder of a drill.
pub(super) fn judge_and_report(folder: &Path) -> Result<(), Failure> {
    check(&folder.join(HISTORY_JSON), Some(folder))
}
