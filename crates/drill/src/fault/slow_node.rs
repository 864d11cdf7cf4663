//! A node that is late with everything: it stands still most of the time.

use crate::{
    history::Node,
    target::{Target, TargetError},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How long it runs before it stands still again: enough to answer what waits.
const RUN: Duration = Duration::from_millis(20);

/// A thread that freezes a node and lets it go on by turns.
#[derive(Debug)]
pub(super) struct SlowNode {
    node: Node,
    ends: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), TargetError>>,
}

impl SlowNode {
    /// Makes a node late by up to `delay_ms`.
    pub(super) fn start(target: Arc<dyn Target>, node: Node, delay_ms: u64) -> SlowNode {
        let ends = Arc::new(AtomicBool::new(false));
        let told = ends.clone();
        let thread = thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                let paused = target.pause(node);
                if paused.is_ok() {
                    thread::sleep(Duration::from_millis(delay_ms));
                }
                // Also if it did not stand still in time: it might later.
                target.resume(node)?;
                paused?;
                thread::sleep(RUN);
            }
            Ok(())
        });
        SlowNode { node, ends, thread }
    }

    /// Which node it is.
    pub(super) fn node(&self) -> Node {
        self.node
    }

    /// Lets it be quick again.
    pub(super) fn end(self) -> Result<(), TargetError> {
        self.ends.store(true, Ordering::Relaxed);
        let panicked = || TargetError::new("slowing a node down panicked");
        self.thread.join().unwrap_or_else(|_| Err(panicked()))
    }
}
