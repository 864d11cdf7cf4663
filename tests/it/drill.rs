//! `klamm drill`: a cluster that keeps its promises passes, a history with a loss does not.

use crate::process::Process;
use klamm_tests::wait_until;
use rustix::process::Signal;
use std::{fs, path::Path, time::Duration};

/// A drill waits for its cluster again and again, and each wait is bounded by itself.
const PATIENCE: Duration = Duration::from_secs(300);

fn drill(arguments: &[&str]) -> crate::process::Ended {
    Process::start(&[&["drill"], arguments].concat(), &[]).end_within(PATIENCE)
}

#[test]
fn a_drill_kills_leaders_and_finds_nothing_wrong_until_an_acknowledged_record_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let options = [
        "--scenario",
        "kill-leader",
        "--rounds",
        "2",
        "--rate",
        "200",
        "--group-members",
        "1",
        "--out",
        out.to_str().unwrap(),
    ];
    let said = drill(&options).succeeded();
    assert!(said.contains("kill-leader"), "{said}");
    let history = fs::read_to_string(out.join("history.jsonl")).unwrap();
    for phase in ["begin", "begun", "heal", "healed"] {
        let marked = history.matches(&format!("\"phase\":\"{phase}\"")).count();
        assert_eq!(marked, 2, "{phase}");
    }
    for file in ["history.edn", "report.html", "report.json"] {
        assert!(out.join(file).exists(), "{file} is missing");
    }

    let kept = out.join("history.jsonl");
    drill(&["check", kept.to_str().unwrap()]).succeeded();
    let lost = folder.path().join("lost.jsonl");
    let value = lose_one(&history, &lost);
    let ended = drill(&["check", lost.to_str().unwrap()]);
    assert!(ended.stdout.contains(&value.to_string()), "{ended:?}");
    ended.failed(&["lost-write"]);
}

/// Writes the history without any poll's sight of the record that was acknowledged first. Returns its value.
fn lose_one(history: &str, path: &Path) -> u64 {
    let (offset, value) = history.lines().find_map(acknowledged).unwrap();
    let pair = format!("[{offset},{value}]");
    let forget = |line: &str| {
        let line = line.replace(&format!("{pair},"), "");
        let line = line.replace(&format!(",{pair}]"), "]");
        line.replace(&format!("[{pair}]"), "[]")
    };
    let mut without = String::new();
    for line in history.lines() {
        match line.contains("\"f\":\"poll\"") {
            true => without.push_str(&forget(line)),
            false => without.push_str(line),
        }
        without.push('\n');
    }
    assert!(without != history, "nobody has read {value}");
    fs::write(path, without).unwrap();
    value
}

/// Offset and value of a send that was acknowledged: `"type":"ok","f":"send","value":[["send",0,[5,17]]]`.
fn acknowledged(line: &str) -> Option<(u64, u64)> {
    let (_, told) = line.split_once("\"type\":\"ok\",\"f\":\"send\",\"value\":[[\"send\",")?;
    let (_, pair) = told.split_once('[')?;
    let (pair, _) = pair.split_once(']')?;
    let (offset, value) = pair.split_once(',')?;
    Some((offset.parse().ok()?, value.parse().ok()?))
}

#[test]
fn a_drill_whose_terminal_goes_away_heals_and_reads_everything_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let history = out.join("history.jsonl");
    let options = [
        "drill",
        "--scenario",
        "pause-leader",
        "--rounds",
        "100",
        "--out",
        out.to_str().unwrap(),
    ];
    let drill = Process::start(&options, &[]);
    wait_until("a node stands still", PATIENCE, || {
        let begun = |text: &String| text.contains("\"phase\":\"begun\"");
        Ok(fs::read_to_string(&history).ok().filter(begun))
    });
    drill.signal(Signal::HUP);
    drill.end_within(PATIENCE).succeeded();
    let history = fs::read_to_string(history).unwrap();
    let count = |phase| history.matches(&format!("\"phase\":\"{phase}\"")).count();
    assert_eq!(count("begin"), count("healed"));
    assert!(out.join("report.html").exists());
}

#[test]
fn what_cannot_be_drilled_is_told_with_another_exit_code() {
    let nowhere = tempfile::tempdir().unwrap();
    let nowhere = nowhere.path().to_str().unwrap();
    let could_not_run = [
        (vec!["--cluster", nowhere], "no cluster"),
        (vec!["check", "/no/such/history"], "history"),
        (vec!["--scenario", "no-such-thing"], "kill-leader"),
    ];
    for (arguments, word) in could_not_run {
        let ended = drill(&arguments);
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert!(ended.stderr.contains(word), "{ended:?}");
    }
    let listed = drill(&["list"]).succeeded();
    for name in ["kill-leader", "pause-leader", "cut-leader", "random"] {
        assert!(listed.contains(name), "{listed}");
    }
}
