//! Several drills side by side.

use super::COULD_NOT_RUN;
use crate::failure::{Context, Failure};
use klamm_drill::report::{Report, comparison};
use std::{fs::File, io::BufReader, path::PathBuf};

/// A drill and the name it goes by in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    name: String,
    history: PathBuf,
}

impl Named {
    /// Reads `NAME=HISTORY`.
    ///
    /// # Errors
    /// The text has another form; the error says which is meant.
    pub(super) fn parse(text: &str) -> Result<Named, String> {
        match text.split_once('=') {
            Some((name, history)) if !name.is_empty() && !history.is_empty() => Ok(Named {
                name: name.to_owned(),
                history: PathBuf::from(history),
            }),
            _ => Err(
                "a drill is given as NAME=HISTORY, as in klamm=drill-report/history.jsonl"
                    .to_owned(),
            ),
        }
    }
}

/// Judges all histories and prints a table of their gaps, latencies and anomalies in Markdown.
pub(super) fn compare(drills: &[Named]) -> Result<(), Failure> {
    let judged = drills.iter().map(judge).collect::<Result<Vec<_>, _>>();
    let reports = judged.map_err(|failure| failure.exit_with(COULD_NOT_RUN))?;
    let named: Vec<_> = drills
        .iter()
        .map(|drill| drill.name.as_str())
        .zip(&reports)
        .collect();
    print!("{}", comparison(&named));
    Ok(())
}

fn judge(drill: &Named) -> Result<Report, Failure> {
    let open = || File::open(&drill.history).map(BufReader::new);
    Report::read(open).context(format!("judge {}", drill.history.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drill_has_a_name_and_a_history() {
        let named = Named::parse("kafka 4.3=a=b/history.jsonl").unwrap();
        assert_eq!(named.name, "kafka 4.3");
        assert_eq!(named.history, PathBuf::from("a=b/history.jsonl"));
        for wrong in ["history.jsonl", "=history.jsonl", "kafka="] {
            assert!(Named::parse(wrong).is_err(), "{wrong}");
        }
    }
}
