//! Ports that stay ours while a node is down.
//!
//! Ephemeral ports do not: between a kill and a restart the kernel may give one to somebody's outgoing connection. So
//! ports come in blocks from below the ephemeral range, each block held by a lock file for as long as its cluster lives.

use std::fs::File;
use std::net::TcpListener;
use std::ops::Range;

/// Below Linux's ephemeral range (32768), above the ports that services usually have.
const PORTS: Range<u16> = 21_000..32_000;
/// Two ports a node for clusters of up to ten.
const BLOCK_SIZE: u16 = 20;

/// Locks ports by a name that all tests of this machine give them, until the file is dropped. `None` while another test
/// holds them.
pub fn lock_ports(name: &str) -> Option<File> {
    let dir = std::env::temp_dir().join("klamm-test-ports");
    std::fs::create_dir_all(&dir).expect("create folder of port locks");
    let lock = File::create(dir.join(name)).expect("create a port lock");
    lock.try_lock().is_ok().then_some(lock)
}

/// A block of free ports on 127.0.0.1, free for others once dropped.
#[derive(Debug)]
pub struct PortBlock {
    first: u16,
    _lock: File,
}

impl PortBlock {
    /// Takes a block that no other test holds and nobody listens on.
    pub fn take() -> Self {
        let blocks = (PORTS.end - PORTS.start) / BLOCK_SIZE;
        let start = u16::try_from(std::process::id() % u32::from(blocks)).expect("below a u16");
        for i in 0..blocks {
            let first = PORTS.start + (start + i) % blocks * BLOCK_SIZE;
            let Some(lock) = lock_ports(&first.to_string()) else {
                continue;
            };
            let block = Self { first, _lock: lock };
            if block.is_free() {
                return block;
            }
        }
        panic!("no block of {BLOCK_SIZE} free ports in {PORTS:?}");
    }

    fn is_free(&self) -> bool {
        (self.first..self.first + BLOCK_SIZE)
            .all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
    }

    /// The `index`-th port of the block.
    pub fn port(&self, index: u16) -> u16 {
        assert!(index < BLOCK_SIZE, "a block has {BLOCK_SIZE} ports");
        self.first + index
    }
}
