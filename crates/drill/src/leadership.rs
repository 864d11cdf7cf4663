//! Who leads what, seen by asking the cluster all the time.

use crate::{
    history::{Action, Key, Leaders, Node, Operation, PartitionName},
    journal::Journal,
};
use klamm_client::{Admin, Client, ClientError, ClusterView};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    task::AbortHandle,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

/// How often the cluster is asked.
const ASK_INTERVAL: Duration = Duration::from_millis(100);

/// A node that does not answer in this time is not asked further; the next question goes to another one.
const ASK_PATIENCE: Duration = Duration::from_millis(400);

/// The state of all partitions of a drill.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leadership {
    /// The active controller, if the cluster tells.
    pub controller: Option<Node>,
    /// Brokers that are alive.
    pub brokers: Vec<Node>,
    /// The leader of each partition, −1 for none.
    pub leaders: BTreeMap<Key, Node>,
    /// Replicas of each partition.
    pub replicas: BTreeMap<Key, Vec<Node>>,
    /// Replicas in sync of each partition.
    pub in_sync: BTreeMap<Key, Vec<Node>>,
}

impl Leadership {
    /// Whether every partition is led and has all its replicas in sync.
    pub fn is_whole(&self) -> bool {
        let is_whole = |(key, replicas): (&Key, &Vec<Node>)| {
            let in_sync = self.in_sync.get(key).map_or(0, Vec::len);
            in_sync == replicas.len() && self.leaders.get(key).is_some_and(|node| node.0 >= 0)
        };
        !self.replicas.is_empty() && self.replicas.iter().all(is_whole)
    }

    /// The partitions that these nodes lead.
    pub fn led_by(&self, nodes: &[Node]) -> Vec<Key> {
        let led = self
            .leaders
            .iter()
            .filter(|(_, leader)| nodes.contains(leader));
        led.map(|(key, _)| *key).collect()
    }

    fn of_view(view: &ClusterView, keys: &[PartitionName]) -> Leadership {
        let mut seen = Leadership {
            brokers: view.brokers.keys().copied().map(Node).collect(),
            ..Leadership::default()
        };
        for (key, name) in (0..).map(Key).zip(keys) {
            let Some(partition) = view.partition(&name.topic, name.partition) else {
                continue;
            };
            let nodes = |ids: &[i32]| ids.iter().copied().map(Node).collect();
            seen.leaders.insert(key, Node(partition.leader));
            seen.replicas.insert(key, nodes(&partition.replicas));
            seen.in_sync.insert(key, nodes(&partition.isr));
        }
        seen
    }

    /// What is different from `before`.
    fn changes_since(&self, before: &Leadership) -> Option<Leaders> {
        let controller = self
            .controller
            .filter(|controller| before.controller != Some(*controller));
        let leaders: BTreeMap<Key, Node> = self
            .leaders
            .iter()
            .filter(|(key, leader)| before.leaders.get(key) != Some(leader))
            .map(|(key, leader)| (*key, *leader))
            .collect();
        (controller.is_some() || !leaders.is_empty()).then_some(Leaders {
            controller,
            leaders,
        })
    }
}

/// Watches the cluster and records changes; ends when it is dropped.
#[derive(Debug)]
pub struct Observer {
    seen: watch::Receiver<Seen>,
    task: AbortHandle,
}

/// What was seen last, and when the cluster was asked for it.
#[derive(Debug, Clone)]
struct Seen {
    leadership: Leadership,
    asked: Instant,
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Observer {
    /// Begins to watch the partitions of a drill, which must exist.
    pub fn start(client: Client, keys: Arc<[PartitionName]>, journal: Arc<Journal>) -> Observer {
        let (sender, seen) = watch::channel(Seen {
            leadership: Leadership::default(),
            asked: Instant::now(),
        });
        let task = tokio::spawn(observe(client, keys, journal, sender)).abort_handle();
        Observer { seen, task }
    }

    /// Sees the same whenever it looks.
    #[cfg(test)]
    pub(crate) fn of(leadership: Leadership) -> Observer {
        let asked = Instant::now();
        let (sender, seen) = watch::channel(Seen { leadership, asked });
        let look = async move {
            loop {
                sender.send_modify(|seen| seen.asked = Instant::now());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let task = tokio::spawn(look).abort_handle();
        Observer { seen, task }
    }

    /// What was seen last.
    pub fn now(&self) -> Leadership {
        self.seen.borrow().leadership.clone()
    }

    /// Waits until `is_so`, `patience` at most. Returns what was seen last and whether it is so. What the cluster told
    /// before does not count: it may be out of reach since.
    pub async fn wait_until(
        &self,
        patience: Duration,
        is_so: impl Fn(&Leadership) -> bool,
    ) -> (Leadership, bool) {
        let (mut seen, since) = (self.seen.clone(), Instant::now());
        let is_so_now = |now: &Seen| now.asked >= since && is_so(&now.leadership);
        let waited = timeout(patience, seen.wait_for(is_so_now)).await;
        let is_so = matches!(waited, Ok(Ok(_)));
        drop(waited);
        (self.now(), is_so)
    }
}

async fn observe(
    client: Client,
    keys: Arc<[PartitionName]>,
    journal: Arc<Journal>,
    sender: watch::Sender<Seen>,
) {
    let admin = Admin::new(client.clone());
    let mut ticks = interval(ASK_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = Leadership::default();
    loop {
        ticks.tick().await;
        let asked = Instant::now();
        let Ok(Ok(view)) = timeout(ASK_PATIENCE, refresh(&client, &keys)).await else {
            continue;
        };
        let mut now = Leadership::of_view(&view, &keys);
        let controller = timeout(ASK_PATIENCE, admin.quorum_leader_once()).await;
        now.controller = match controller {
            Ok(Ok(id)) if id >= 0 => Some(Node(id)),
            _ => before.controller,
        };
        if let Some(leaders) = now.changes_since(&before) {
            journal.record(Operation::nemesis(Action::Leaders(leaders), 0));
        }
        sender.send_replace(Seen {
            leadership: now.clone(),
            asked,
        });
        before = now;
    }
}

async fn refresh(client: &Client, keys: &[PartitionName]) -> Result<Arc<ClusterView>, ClientError> {
    let mut topics: Vec<&str> = keys.iter().map(|name| name.topic.as_str()).collect();
    topics.dedup();
    client.refresh(Some(&topics)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leadership(leaders: &[i32], in_sync: &[i32]) -> Leadership {
        let keys = || (0..).map(Key);
        let replicas = [1, 2, 3].map(Node).to_vec();
        let in_sync: Vec<Node> = in_sync.iter().copied().map(Node).collect();
        Leadership {
            controller: Some(Node(1)),
            brokers: replicas.clone(),
            leaders: keys().zip(leaders.iter().copied().map(Node)).collect(),
            replicas: keys()
                .zip(leaders.iter().map(|_| replicas.clone()))
                .collect(),
            in_sync: keys()
                .zip(leaders.iter().map(|_| in_sync.clone()))
                .collect(),
        }
    }

    #[test]
    fn a_whole_cluster_leads_everything_with_everybody_in_sync() {
        assert!(leadership(&[1, 2], &[1, 2, 3]).is_whole());
        assert!(!leadership(&[1, -1], &[1, 2, 3]).is_whole());
        assert!(!leadership(&[1, 2], &[1, 2]).is_whole());
        assert!(!Leadership::default().is_whole());
    }

    #[test]
    fn only_changes_are_told() {
        let before = leadership(&[1, 2], &[1]);
        assert_eq!(before.changes_since(&before), None);
        let mut after = leadership(&[1, 3], &[1]);
        after.controller = None;
        let leaders = BTreeMap::from([(Key(1), Node(3))]);
        let expected = Leaders {
            controller: None,
            leaders,
        };
        assert_eq!(after.changes_since(&before), Some(expected));
        assert_eq!(after.led_by(&[Node(3)]), [Key(1)]);
    }
}
