//! A cluster that somebody else runs, so that the same tests judge Apache Kafka, or Klamm in containers.
//!
//! * `KLAMM_TEST_BOOTSTRAP=host:port,…` one address a node, node ids counting from 1
//! * `KLAMM_TEST_CONTROL=program`: called as `program kill ID` and `program restart ID`; without it nothing is killed
//! * `KLAMM_TEST_DATA_DIRS=dir,…`: where the nodes' logs are, for the tests that read segments

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::Command;

/// The environment's cluster.
#[derive(Debug)]
pub(crate) struct External {
    addresses: Vec<SocketAddr>,
    control: Option<PathBuf>,
    data_dirs: Vec<PathBuf>,
}

impl External {
    /// The cluster that the environment names, if it names one.
    pub(crate) fn from_env() -> Option<Self> {
        let bootstrap = std::env::var("KLAMM_TEST_BOOTSTRAP").ok()?;
        let addresses = bootstrap.split(',').map(resolve).collect();
        let control = std::env::var_os("KLAMM_TEST_CONTROL").map(PathBuf::from);
        let data_dirs = std::env::var("KLAMM_TEST_DATA_DIRS").unwrap_or_default();
        let data_dirs = data_dirs
            .split(',')
            .filter(|dir| !dir.is_empty())
            .map(PathBuf::from);
        Some(Self {
            addresses,
            control,
            data_dirs: data_dirs.collect(),
        })
    }

    pub(crate) fn nodes(&self) -> usize {
        self.addresses.len()
    }

    pub(crate) fn address(&self, id: i32) -> SocketAddr {
        *at(&self.addresses, id).unwrap_or_else(|| panic!("no node {id} in KLAMM_TEST_BOOTSTRAP"))
    }

    pub(crate) fn data_dir(&self, id: i32) -> Option<PathBuf> {
        at(&self.data_dirs, id).cloned()
    }

    pub(crate) fn can_control(&self) -> bool {
        self.control.is_some()
    }

    /// Runs `program VERB ID…`.
    pub(crate) fn control(&self, verb: &str, ids: &[i32]) {
        let program = self
            .control
            .as_ref()
            .expect("KLAMM_TEST_CONTROL names no program");
        let status = Command::new(program)
            .arg(verb)
            .args(ids.iter().map(ToString::to_string))
            .status()
            .expect("run KLAMM_TEST_CONTROL");
        assert!(
            status.success(),
            "{} {verb} {ids:?}: {status}",
            program.display()
        );
    }
}

fn at<T>(items: &[T], id: i32) -> Option<&T> {
    items.get(usize::try_from(id).ok()?.checked_sub(1)?)
}

fn resolve(address: &str) -> SocketAddr {
    let mut resolved = address
        .to_socket_addrs()
        .unwrap_or_else(|error| panic!("{address}: {error}"));
    resolved
        .next()
        .unwrap_or_else(|| panic!("{address} resolves to nothing"))
}
