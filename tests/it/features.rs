//! Feature levels: a cluster of nodes that do not all support the same.

use std::collections::BTreeMap;

use klamm_client::{Admin, Feature, LevelChange};
use klamm_tests::Cluster;

use crate::lab::{client, create_topic, eventually};
use crate::process::klamm;
use crate::traffic::Traffic;

const KLAMM_VERSION: &str = "klamm.version";
/// A property of tests: no higher level is supported.
const LEVEL_MAX: &str = "klamm.version.max";

/// Three nodes of a release that knows one level are upgraded one by one under load: nothing new is written, and no
/// level is raised, before the last one has been.
#[tokio::test(flavor = "multi_thread")]
async fn the_level_rises_when_the_last_node_supports_it() {
    let cluster = Cluster::builder(3).property(LEVEL_MAX, "1").start();
    let client = client(&cluster);
    let admin = Admin::new(client.clone());
    assert_eq!(level_of(&admin.features().await.unwrap()), 1);
    create_topic(&cluster, "flows", 3, &[]).await;
    let traffic = Traffic::start(client.clone(), "flows", 3);
    for id in 1..=3 {
        traffic.flows().await;
        let refused = upgrade(&admin, true).await.unwrap_err();
        assert!(refused.contains("supports versions 1-1"), "{refused}");
        cluster.stop(id);
        cluster.set_property(id, LEVEL_MAX, "2");
        cluster.restart(id);
        cluster.wait_ready();
        cluster.wait_in_sync(&["flows"]);
    }
    eventually("all nodes are known to support it", async || {
        upgrade(&admin, true).await.ok()
    })
    .await;
    assert_eq!(level_of(&admin.features().await.unwrap()), 1);
    upgrade(&admin, false).await.unwrap();
    eventually("every broker knows", async || {
        let features = admin.features().await.ok()?;
        (level_of(&features) == 2 && level(&features, "kraft.version") == 1).then_some(())
    })
    .await;
    traffic.flows().await;

    // One that was left behind is told why it cannot come back.
    cluster.stop(3);
    cluster.set_property(3, LEVEL_MAX, "1");
    cluster.restart(3);
    assert!(!cluster.wait_stopped(3).success());
    let log = cluster.log(3);
    assert!(log.contains("klamm.version 2"), "{log}");
    cluster.set_property(3, LEVEL_MAX, "2");
    cluster.restart(3);
    cluster.wait_ready();
    traffic.finish(&client).await;
}

#[test]
fn the_command_shows_and_changes_levels() {
    let cluster = Cluster::start(1);
    let bootstrap = cluster.bootstrap();
    let features = |arguments: &str| {
        let mut all = vec!["features"];
        all.extend(arguments.split(' '));
        all.extend(["--bootstrap-server", &bootstrap]);
        klamm(&all)
    };
    let described = features("describe").succeeded();
    let line = "klamm.version          1-2         2";
    assert!(described.contains(line), "{described}");
    assert!(described.contains("kraft.version"), "{described}");
    features("downgrade --to 1").failed(&["not safe"]);
    let says = |arguments: &str, words: &str| {
        let said = features(arguments).succeeded();
        assert!(said.contains(words), "{said}");
    };
    says("downgrade --to 1 --unsafe --dry-run", "can be set to 1");
    says("downgrade --to 1 --unsafe", "is 1");
    says("upgrade", "is 2");
    features("upgrade --to 9").failed(&["supports versions 1-2"]);
}

async fn upgrade(admin: &Admin, validate_only: bool) -> Result<(), String> {
    let updated = admin.update_feature(KLAMM_VERSION, 2, LevelChange::Upgrade, validate_only);
    updated.await.map_err(|error| error.to_string())
}

fn level_of(features: &BTreeMap<String, Feature>) -> i16 {
    level(features, KLAMM_VERSION)
}

fn level(features: &BTreeMap<String, Feature>, name: &str) -> i16 {
    features.get(name).map_or(0, |feature| feature.finalized)
}
