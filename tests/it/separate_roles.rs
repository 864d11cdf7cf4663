//! Brokers and controllers in processes of their own.

use klamm_tests::Cluster;

use crate::lab::{client, create_topic};
use crate::replicas::wait_identical;
use crate::traffic::Traffic;

#[tokio::test(flavor = "multi_thread")]
async fn brokers_and_controllers_die_separately() {
    let cluster = Cluster::builder(3).separate_controllers(3).start();
    assert_eq!(cluster.broker_ids(), [1, 2, 3]);
    let client = client(&cluster);
    create_topic(&cluster, "separate", 3, &[]).await;
    let traffic = Traffic::start(client.clone(), "separate", 3);
    traffic.flows().await;

    let controller = cluster.active_controller();
    assert!((4..=6).contains(&controller), "node {controller} controls");
    cluster.kill9(controller);
    create_topic(&cluster, "without-one-controller", 3, &[]).await;
    traffic.flows().await;

    // With a controller down, a broker's death is still noticed.
    let broker = cluster.leader("separate", 0);
    cluster.kill9(broker);
    traffic.flows().await;
    cluster.restart_all(&[controller, broker]);
    cluster.wait_ready();
    cluster.wait_in_sync(&["separate", "without-one-controller"]);

    assert!(cluster.stop(broker).success());
    traffic.flows().await;
    cluster.restart(broker);
    let successor = cluster.active_controller();
    assert!(cluster.stop(successor).success());
    cluster.wait_ready();
    cluster.wait_in_sync(&["separate"]);
    cluster.restart(successor);
    traffic.flows().await;
    traffic.finish(&client).await;
    for partition in 0..3 {
        wait_identical(&cluster, "separate", partition);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_killed_at_once_finds_together_again() {
    let cluster = Cluster::builder(3).separate_controllers(3).start();
    let client = client(&cluster);
    create_topic(&cluster, "separate", 3, &[]).await;
    let traffic = Traffic::start(client.clone(), "separate", 3);
    traffic.flows().await;
    let everybody = [1, 2, 3, 4, 5, 6];
    cluster.kill9_all(&everybody);
    cluster.restart_all(&everybody);
    traffic.flows().await;
    traffic.finish(&client).await;
}
