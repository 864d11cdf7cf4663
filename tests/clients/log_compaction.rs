//! Apache Kafka's own tester of log compaction, and its reader of segments over what was compacted.

use std::fs;
use std::path::PathBuf;

use klamm_tests::{Cluster, wait_until};

use crate::foreign::{Client, java};
use crate::process::{TOOL_TIMEOUT, run};
use crate::say;

const TESTER: &str = "org.apache.kafka.tools.LogCompactionTester";
const DUMP_LOG: &str = "org.apache.kafka.tools.DumpLogSegments";

/// The smallest segments that users may ask for; the tester's records fill one in 60,000.
const SEGMENT_BYTES: &str = "1048576";
const MESSAGES: &str = "100000";

#[test]
fn kafkas_tester_finds_the_last_value_of_each_key() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = Cluster::builder(1)
        .property("log.segment.bytes", SEGMENT_BYTES)
        .property("log.cleaner.backoff.ms", "100")
        .property("log.cleaner.min.cleanable.ratio", "0.01")
        .start();
    let mut tester = java(TESTER);
    tester
        .args(["--bootstrap-server", &cluster.bootstrap()])
        .args(["--messages", MESSAGES, "--duplicates", "10"])
        .args(["--percent-deletes", "20", "--sleep", "2"]);
    let output = run(&mut tester, None, 2 * TOOL_TIMEOUT).text();
    assert!(output.contains(", 0 mismatches"), "{output}");
    assert!(
        output.contains("Data verification is completed"),
        "{output}"
    );
    // How much was compacted by the time it read depends on the machine.
    let reduction = output.lines().find(|line| line.contains("% reduction"));
    say(reduction.unwrap_or_default());

    wait_until("the log is compacted", TOOL_TIMEOUT, || {
        let size = fs::metadata(&segments_of_tester(&cluster)[0])?.len();
        Ok((size < 500_000).then_some(()))
    });
    assert!(cluster.stop(1).success());
    for segment in segments_of_tester(&cluster) {
        let file = segment.to_str().expect("a path in UTF-8");
        let mut dump = java(DUMP_LOG);
        dump.args(["--deep-iteration", "--files", file]);
        let dumped = run(&mut dump, None, TOOL_TIMEOUT).text();
        assert!(dumped.contains("isvalid: true"), "{dumped}");
        assert!(!dumped.contains("isvalid: false"), "{dumped}");
        for index in ["index", "timeindex"] {
            let index = segment.with_extension(index);
            let mut check = java(DUMP_LOG);
            check.args(["--index-sanity-check", "--files"]).arg(index);
            let checked = run(&mut check, None, TOOL_TIMEOUT).text();
            assert!(checked.contains("passed sanity check"), "{checked}");
        }
    }
}

/// The segments of the topic that the tester made, oldest first.
fn segments_of_tester(cluster: &Cluster) -> Vec<PathBuf> {
    let list = |dir: PathBuf| {
        let entries = fs::read_dir(dir).expect("list a folder");
        entries.map(|entry| entry.expect("list a folder").path())
    };
    let name = |path: &PathBuf| path.to_string_lossy().into_owned();
    let data = cluster.data_dir(1).expect("a node on this machine");
    let folder = list(data).find(|path| name(path).contains("log-cleaner-test"));
    let files = list(folder.expect("the tester's topic"));
    let mut segments: Vec<PathBuf> = files.filter(|path| name(path).ends_with(".log")).collect();
    segments.sort();
    segments
}
