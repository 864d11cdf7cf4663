//! The replicas of a partition as files.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use klamm_tests::{Cluster, wait_until};

use crate::lab::PATIENCE;

/// The folder of a partition on a node, in whichever of its log directories.
pub(crate) fn folder(cluster: &Cluster, id: i32, topic: &str, partition: i32) -> PathBuf {
    let name = format!("{topic}-{partition}");
    let data = cluster.data_dir(id).expect("a node on this machine");
    let first = data.join(&name);
    let elsewhere = cluster.data_dirs(id).into_iter().map(|dir| dir.join(&name));
    let mut elsewhere = elsewhere.filter(|folder| folder.exists());
    elsewhere.next().unwrap_or(first)
}

/// The segments in a partition's folder, oldest first; none if there is no folder.
pub(crate) fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        entries => entries.expect("list a partition's folder"),
    };
    let paths = entries.map(|entry| entry.expect("list a partition's folder").path());
    let mut segments: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .collect();
    segments.sort();
    segments
}

/// The last segment of a node's replica.
pub(crate) fn last_segment(cluster: &Cluster, id: i32, topic: &str, partition: i32) -> PathBuf {
    let mut segments = segments(&folder(cluster, id, topic, partition));
    segments.pop().expect("a replica has a segment")
}

/// All bytes of a node's replica. Segments may begin at different offsets on different nodes, their sum may not differ.
pub(crate) fn bytes(cluster: &Cluster, id: i32, topic: &str, partition: i32) -> Vec<u8> {
    let segments = segments(&folder(cluster, id, topic, partition));
    let parts = segments.iter().map(|segment| {
        // A segment may go away while others are read; the next look sees another picture.
        fs::read(segment).unwrap_or_default()
    });
    parts.collect::<Vec<_>>().concat()
}

/// Waits until the partition's replicas on all brokers are equal, byte for byte, and returns those bytes.
pub(crate) fn wait_identical(cluster: &Cluster, topic: &str, partition: i32) -> Vec<u8> {
    let what = format!("the replicas of {topic}-{partition} are equal");
    wait_until(&what, PATIENCE, || {
        let ids = cluster.broker_ids();
        let replicas: Vec<Vec<u8>> = ids
            .iter()
            .map(|&id| bytes(cluster, id, topic, partition))
            .collect();
        if replicas.windows(2).all(|two| two[0] == two[1]) {
            return Ok(Some(replicas[0].clone()));
        }
        let sizes: Vec<usize> = replicas.iter().map(Vec::len).collect();
        Err(std::io::Error::other(format!("{sizes:?} bytes")))
    })
}

/// Appends bytes to a file.
pub(crate) fn append_bytes(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(path).expect("open");
    file.write_all(bytes).expect("append to a file");
}

/// Cuts bytes off the end of a file.
pub(crate) fn cut_bytes(path: &Path, count: u64) {
    let file = OpenOptions::new().write(true).open(path).expect("open");
    let size = file.metadata().expect("size of a file").len();
    file.set_len(size.checked_sub(count).expect("enough bytes"))
        .expect("cut a file");
}
