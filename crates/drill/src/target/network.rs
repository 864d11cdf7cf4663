//! Networks of nodes that share this machine: which packets are dropped.
//!
//! Every node talks over the loopback interface from the same address, so packets are told apart by the ports that a
//! node listens on and, where it is the client, by the control group of its socket. A socket belongs to the group
//! in which its process was when it was made; so nodes have to be *started* in their groups.
//!
//! What a node sends is marked where it leaves, and judged where it arrives, which is on this machine again: there it is
//! known who sent and who gets it. A node that talks to itself is not disturbed.
//!
//! All rules of a drill are in one table of nftables that carries the drill's process id, and a table replaces its
//! predecessor at once. `sweep` removes what a drill that was killed has left behind.

use super::{TargetError, process::Process, program};
use crate::{history::Node, scenario::Direction};
use rustix::process::geteuid;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Tables and groups of drills begin with this.
const PREFIX: &str = "klamm_drill_";

/// Packets of node N that is cut off carry this and N.
const MARK: i32 = 0x4b00_0000;

/// Where control groups of version 2 are mounted: alone, or beside those of version 1.
const CGROUP_MOUNTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/// The ports that a node listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodePorts {
    pub(super) node: Node,
    pub(super) ports: Vec<u16>,
}

/// The network between some nodes and everybody else.
#[derive(Debug)]
pub(super) struct Network {
    nodes: Vec<NodePorts>,
    /// The folder of the drill's control groups; None if there can be none, then the reason is known.
    groups: Result<PathBuf, String>,
    cuts: Mutex<BTreeMap<Node, Direction>>,
    /// Held while a starter is in the group of a node.
    starting: Mutex<()>,
}

impl Network {
    pub(super) fn new(nodes: impl IntoIterator<Item = NodePorts>) -> Network {
        Network {
            nodes: nodes.into_iter().collect(),
            groups: groups_folder(),
            cuts: Mutex::default(),
            starting: Mutex::default(),
        }
    }

    /// Why nothing can be cut, if so.
    pub(super) fn unable(&self) -> Option<String> {
        self.groups.as_ref().err().cloned()
    }

    /// Makes the control groups of all nodes.
    pub(super) fn make_groups(&self) -> Result<(), TargetError> {
        for NodePorts { node, .. } in &self.nodes {
            let group = self.group(*node)?;
            fs::create_dir_all(&group).map_err(|error| {
                TargetError::new(format!("cannot make {}: {error}", group.display()))
            })?;
        }
        Ok(())
    }

    /// Lets `starter` start a node, in the node's group if there are groups.
    pub(super) fn start_in_group(
        &self,
        node: Node,
        starter: u32,
        start: impl FnOnce() -> Result<(), TargetError>,
    ) -> Result<(), TargetError> {
        let group = match self.group(node) {
            Ok(group) if group.exists() => group,
            _ => return start(),
        };
        let _one_by_one = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        let home = group_of(starter)?;
        enter(&group, starter)?;
        let outcome = start();
        enter(&home, starter)?;
        outcome
    }

    /// Drops packets of a node.
    pub(super) fn cut(&self, node: Node, direction: Direction) -> Result<(), TargetError> {
        let mut cuts = self.lock();
        cuts.insert(node, direction);
        self.apply(&cuts)
    }

    /// Lets all packets through.
    pub(super) fn mend(&self) -> Result<(), TargetError> {
        let mut cuts = self.lock();
        if cuts.is_empty() {
            return Ok(());
        }
        self.apply(&BTreeMap::new())?;
        cuts.clear();
        Ok(())
    }

    fn apply(&self, cuts: &BTreeMap<Node, Direction>) -> Result<(), TargetError> {
        let table = format!("{PREFIX}{}", std::process::id());
        let rules = self.rules(&table, cuts)?;
        program::run_with("nft", &["-f", "-"], &rules).map(drop)
    }

    /// The table that drops what is to be dropped.
    fn rules(&self, table: &str, cuts: &BTreeMap<Node, Direction>) -> Result<String, TargetError> {
        // Made first, so that there is something to delete.
        let mut text = format!("table inet {table}\ndelete table inet {table}\n");
        if cuts.is_empty() {
            return Ok(text);
        }
        let (mut output, mut input) = (String::new(), String::new());
        for (node, direction) in cuts {
            let ports = self.ports(*node);
            let group = self.group(*node)?;
            let socket = socket_of(&group);
            let mark = MARK | node.0;
            // Answers to connections that are being made belong to no socket yet. Writing to a String cannot fail.
            let _ = writeln!(
                output,
                "    {socket} meta mark set {mark}\n    tcp sport {ports} meta mark set {mark}"
            );
            let _ = writeln!(
                input,
                "    meta mark {mark} {socket} accept\n    meta mark {mark} tcp dport {ports} accept"
            );
            if *direction != Direction::Inbound {
                let _ = writeln!(input, "    meta mark {mark} drop");
            }
            if *direction != Direction::Outbound {
                let _ = writeln!(input, "    {socket} drop\n    tcp dport {ports} drop");
            }
        }
        for (hook, rules) in [("output", output), ("input", input)] {
            // Over every interface, loopback included; other tables are not touched.
            let begin = format!(
                "  chain {hook} {{\n    type filter hook {hook} priority -10; policy accept;\n"
            );
            let _ = write!(text, "table inet {table} {{\n{begin}{rules}  }}\n}}\n");
        }
        Ok(text)
    }

    fn ports(&self, node: Node) -> String {
        let mut nodes = self.nodes.iter();
        let ports = nodes
            .find(|known| known.node == node)
            .map(|known| &known.ports);
        let ports: Vec<String> = ports.into_iter().flatten().map(u16::to_string).collect();
        format!("{{ {} }}", ports.join(", "))
    }

    fn group(&self, node: Node) -> Result<PathBuf, TargetError> {
        match &self.groups {
            Ok(folder) => Ok(folder.join(format!("node-{node}"))),
            Err(why) => Err(TargetError::new(format!("cannot cut nodes off: {why}"))),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Node, Direction>> {
        self.cuts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // What cannot be removed here is swept by the next drill.
        let _ = self.mend();
        if let Ok(folder) = &self.groups {
            for NodePorts { node, .. } in &self.nodes {
                let _ = fs::remove_dir(folder.join(format!("node-{node}")));
            }
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Matches packets of sockets of a group; the path is relative to where nft looks for groups, the level to their root.
fn socket_of(group: &Path) -> String {
    let relative = group.strip_prefix(CGROUP_MOUNTS[0]).unwrap_or(group);
    // The folder of the drill, and that of the node in it.
    format!("socket cgroupv2 level 2 \"{}\"", relative.display())
}

/// The folder for the drill's groups, if nodes can be cut off at all.
fn groups_folder() -> Result<PathBuf, String> {
    if !geteuid().is_root() {
        return Err("only root may drop packets".to_owned());
    }
    if let Err(error) = program::run("nft", &["--version"]) {
        return Err(format!("nftables is needed ({error})"));
    }
    let mount = CGROUP_MOUNTS
        .into_iter()
        .find(|m| Path::new(m).join("cgroup.procs").exists());
    let Some(mount) = mount else {
        return Err("there are no control groups of version 2".to_owned());
    };
    Ok(Path::new(mount).join(format!("{PREFIX}{}", std::process::id())))
}

/// The group of a process, as a folder.
fn group_of(pid: u32) -> Result<PathBuf, TargetError> {
    let path = format!("/proc/{pid}/cgroup");
    let text = fs::read_to_string(&path)
        .map_err(|error| TargetError::new(format!("cannot read {path}: {error}")))?;
    let own = text.lines().find_map(|line| line.strip_prefix("0::/"));
    let own = own.ok_or_else(|| TargetError::new(format!("{path} names no group")))?;
    let mount = CGROUP_MOUNTS
        .into_iter()
        .find(|m| Path::new(m).join("cgroup.procs").exists());
    Ok(Path::new(mount.unwrap_or(CGROUP_MOUNTS[0])).join(own))
}

fn enter(group: &Path, pid: u32) -> Result<(), TargetError> {
    let procs = group.join("cgroup.procs");
    fs::write(&procs, pid.to_string())
        .map_err(|error| TargetError::new(format!("cannot write {}: {error}", procs.display())))
}

/// Removes the rules of drills that do not run any more. Without the right to do so there can be none of ours.
pub(super) fn sweep() {
    CGROUP_MOUNTS.into_iter().for_each(sweep_groups);
    let Ok(tables) = program::run("nft", &["list", "tables"]) else {
        return;
    };
    for table in left_behind(&tables) {
        // It may have gone meanwhile, by another drill that sweeps.
        let _ = program::run("nft", &["delete", "table", "inet", &table]);
    }
}

/// Tables of drills whose process is gone.
fn left_behind(tables: &str) -> Vec<String> {
    let names = tables
        .lines()
        .filter_map(|line| line.strip_prefix("table inet "));
    names
        .filter(|name| is_orphan(name))
        .map(str::to_owned)
        .collect()
}

/// Whether this is the name of something of a drill whose process is gone.
fn is_orphan(name: &str) -> bool {
    let pid = name.strip_prefix(PREFIX).and_then(|pid| pid.parse().ok());
    pid.is_some_and(|pid| !Process::new(pid).is_some_and(Process::is_alive))
}

/// Removes control groups of drills whose process is gone, and those of their nodes, if no process is in them.
fn sweep_groups(mount: &str) {
    let folders = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    let groups = folders(Path::new(mount)).filter(|g| is_orphan(&g.file_name().to_string_lossy()));
    for group in groups {
        for node in folders(&group.path()).filter(|entry| entry.path().is_dir()) {
            let _ = fs::remove_dir(node.path());
        }
        let _ = fs::remove_dir(group.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> Network {
        let node = |id, ports: &[u16]| NodePorts {
            node: Node(id),
            ports: ports.to_vec(),
        };
        Network {
            nodes: vec![node(1, &[9092, 9192]), node(2, &[9093])],
            groups: Ok(PathBuf::from("/sys/fs/cgroup/unified/klamm_drill_7")),
            cuts: Mutex::default(),
            starting: Mutex::default(),
        }
    }

    /// Rules of the chain `hook`, in order.
    fn chain(direction: Direction, hook: &str) -> Vec<String> {
        let cuts = BTreeMap::from([(Node(1), direction)]);
        let rules = network().rules("klamm_drill_7", &cuts).unwrap();
        let begin = rules.find(&format!("chain {hook} {{")).unwrap();
        let lines = rules[begin..].lines().skip(2);
        let lines = lines.take_while(|line| !line.ends_with('}'));
        lines.map(|line| line.trim().to_owned()).collect()
    }

    const SOCKET: &str = "socket cgroupv2 level 2 \"unified/klamm_drill_7/node-1\"";
    const SENT: &str = "meta mark 1258291201";

    #[test]
    fn both_ways_drops_what_a_node_sends_and_gets_but_from_itself() {
        let rules = [
            format!("{SENT} {SOCKET} accept"),
            format!("{SENT} tcp dport {{ 9092, 9192 }} accept"),
            format!("{SENT} drop"),
            format!("{SOCKET} drop"),
            "tcp dport { 9092, 9192 } drop".to_owned(),
        ];
        assert_eq!(chain(Direction::Both, "input"), rules);
    }

    #[test]
    fn one_way_drops_the_half() {
        let outbound = chain(Direction::Outbound, "input");
        assert_eq!(outbound[2..], [format!("{SENT} drop")]);
        let inbound = chain(Direction::Inbound, "input");
        let dropped = [
            format!("{SOCKET} drop"),
            "tcp dport { 9092, 9192 } drop".to_owned(),
        ];
        assert_eq!(inbound[2..], dropped);
    }

    #[test]
    fn what_a_node_sends_is_marked() {
        let rules = [
            format!("{SOCKET} meta mark set 1258291201"),
            "tcp sport { 9092, 9192 } meta mark set 1258291201".to_owned(),
        ];
        assert_eq!(chain(Direction::Both, "output"), rules);
    }

    #[test]
    fn without_cuts_there_is_no_table() {
        let rules = network().rules("t", &BTreeMap::new()).unwrap();
        assert_eq!(rules, "table inet t\ndelete table inet t\n");
    }

    #[test]
    fn tables_of_living_drills_stay() {
        let own = std::process::id();
        let tables =
            format!("table ip nat\ntable inet klamm_drill_{own}\ntable inet klamm_drill_4000000\n");
        assert_eq!(left_behind(&tables), ["klamm_drill_4000000"]);
    }
}
