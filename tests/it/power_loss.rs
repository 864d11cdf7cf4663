//! All nodes lose power at once: what no disk was told to keep is gone, what was acknowledged is not.
//!
//! The nodes' data lies on one file system of its own, which is cut off under load as a power failure does it: its journal
//! ends where it was last flushed, and what the kernel had yet to write is dropped.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use klamm_tests::{Cluster, wait_until};

use crate::lab::{PATIENCE, client, create_topic};
use crate::replicas::wait_identical;
use crate::small_disk::SmallDisk;
use crate::traffic::Traffic;

const NODES: [i32; 3] = [1, 2, 3];
const DISK_BYTES: u64 = 512 << 20;
const PARTITIONS: i32 = 3;
/// How often the power goes.
const LOSSES_ENV: &str = "KLAMM_POWER_LOSSES";
const LOSSES: u64 = 2;
/// Where a log directory notes in which start of the machine it was used.
const BOOT_ID_FILE: &str = ".klamm_boot_id";

/// Three nodes whose data folders lie on one disk.
fn on_one_disk() -> Option<(Cluster, SmallDisk)> {
    let cluster = Cluster::builder(3)
        .property("klamm.log.dirs.free.bytes.min", "16777216")
        .property("offsets.topic.num.partitions", "3")
        // Small segments, so that some roll and are new when the power goes.
        .property("log.segment.bytes", "1048576")
        .create();
    let folder = cluster.node_dir(1).parent()?.join("disk");
    // By this name the watchdog finds and unmounts it.
    let disk = SmallDisk::mount(&folder.join("data"), DISK_BYTES)?;
    for id in NODES {
        let own = disk.path().join(id.to_string());
        fs::create_dir(&own).expect("make a data folder");
        symlink(&own, cluster.data_dir(id).unwrap()).expect("link a data folder");
    }
    cluster.restart_all(&NODES);
    cluster.wait_ready();
    Some((cluster, disk))
}

/// The power comes back: another start of the machine, as far as anybody can tell.
pub(crate) fn note_new_boot(data_dir: &Path, number: u64) {
    let mark = data_dir.join(BOOT_ID_FILE);
    if mark.exists() {
        fs::write(mark, format!("boot {number}\n")).expect("write a boot mark");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_nodes_losing_power_at_once_lose_nothing_acknowledged() {
    let Some((cluster, disk)) = on_one_disk() else {
        return;
    };
    if !disk.can_lose_power() {
        return;
    }
    let losses = std::env::var(LOSSES_ENV).ok();
    let losses = losses.map_or(LOSSES, |losses| losses.parse().expect("a number"));
    let client = client(&cluster);
    create_topic(&cluster, "power", PARTITIONS, &[]).await;
    let traffic = Traffic::start(client.clone(), "power", PARTITIONS);
    for number in 1..=losses {
        traffic.flows().await;
        // Not a wait: the moment of the fault, another one each time.
        tokio::time::sleep(Duration::from_millis(number * 271 % 400)).await;
        disk.lose_power();
        cluster.kill9_all(&NODES);
        wait_until("the disk can be taken out", PATIENCE, || {
            Ok(disk.remount().then_some(()))
        });
        for id in NODES {
            note_new_boot(&cluster.data_dir(id).unwrap(), number);
        }
        cluster.restart_all(&NODES);
        cluster.wait_ready();
        cluster.wait_in_sync(&["power"]);
        println!("the power was lost {number} times");
    }
    traffic.flows().await;
    let records = traffic.finish(&client).await;
    for partition in 0..PARTITIONS {
        wait_identical(&cluster, "power", partition);
    }
    println!(
        "{losses} losses of power, {} records acknowledged",
        records.len()
    );
}
