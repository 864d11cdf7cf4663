//! Kafka's tool that compares the replicas of topics, by reading each of them where it lies.

use std::fs;
use std::process::{Child, Stdio};

use klamm_tests::wait_until;
use tempfile::NamedTempFile;

use crate::foreign::{Client, java};
use crate::kafka_tools::fill;
use crate::process::TOOL_TIMEOUT;
use crate::{shared_cluster, unique};

const VERIFICATION: &str = "org.apache.kafka.tools.ReplicaVerificationTool";
const RECORDS: u32 = 2_000;

/// Ends the tool, which goes on for ever, however the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn replicas_are_the_same_on_every_broker() {
    if !Client::Java.is_here() {
        return;
    }
    let cluster = shared_cluster();
    let _logs = cluster.logs_on_panic();
    let topic = unique("verified");
    cluster.create_topic(&topic, 3);
    fill(cluster, &topic, RECORDS, 200);
    let said = NamedTempFile::new().expect("create a file");
    let tool = java(VERIFICATION)
        .args(["--broker-list", &cluster.bootstrap()])
        .args(["--topics-include", &topic, "--time", "-2"])
        .args(["--report-interval-ms", "1000"])
        .stdin(Stdio::null())
        .stdout(said.reopen().expect("open a file"))
        .stderr(said.reopen().expect("open a file"))
        .spawn();
    let mut tool = Running(tool.expect("start the tool"));
    // What it says of the whole topic is enough.
    let verdict = wait_until("the tool has read all replicas", TOOL_TIMEOUT, || {
        let is_over = tool.0.try_wait()?.is_some();
        let said = fs::read_to_string(said.path())?;
        let verdict = said.lines().rfind(|line| line.contains("max lag is"));
        let verdict = verdict.filter(|line| line.contains("among 3 partitions"));
        assert!(verdict.is_some() || !is_over, "the tool has ended: {said}");
        Ok(verdict.map(str::to_owned))
    });
    assert!(verdict.contains("max lag is 0 "), "{verdict}");
}
