//! Processes on this machine: signals, and whether they stand still or are gone.

use super::{NODE_PATIENCE, TargetError, wait_until};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::{fs, path::Path};

/// A process by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process(Pid);

impl Process {
    /// None if there can be no such process.
    pub(super) fn new(pid: u32) -> Option<Process> {
        // 1 is never a node, and all processes would be meant by others below.
        let pid = i32::try_from(pid).ok().filter(|pid| *pid > 1)?;
        Pid::from_raw(pid).map(Process)
    }

    /// Sends SIGKILL and does not wait.
    pub(super) fn kill(self) -> Result<(), TargetError> {
        self.signal(Signal::KILL)
    }

    /// Waits until it is gone.
    pub(super) fn wait_gone(self) -> Result<(), TargetError> {
        let what = format!("process {} ends", self.id());
        wait_until(&what, NODE_PATIENCE, || Ok(!self.is_alive()))
    }

    /// Freezes it. SIGSTOP is taken by one thread after the other: it stands still when all of them do.
    pub(super) fn pause(self) -> Result<(), TargetError> {
        self.signal(Signal::STOP)?;
        let what = format!("process {} stands still", self.id());
        wait_until(&what, NODE_PATIENCE, || {
            if !self.is_alive() {
                return Err(TargetError::new(format!("process {} is gone", self.id())));
            }
            Ok(self.stands_still())
        })
    }

    /// Lets it go on.
    pub(super) fn resume(self) -> Result<(), TargetError> {
        self.signal(Signal::CONT)
    }

    /// Whether there is such a process that is not just waiting to be buried.
    pub(super) fn is_alive(self) -> bool {
        let state = state_of(Path::new(&format!("/proc/{}/stat", self.id())));
        match state {
            Some(state) => !matches!(state, 'Z' | 'X'),
            None => !Path::new("/proc/self/stat").exists() && test_kill_process(self.0).is_ok(),
        }
    }

    fn stands_still(self) -> bool {
        let Ok(threads) = fs::read_dir(format!("/proc/{}/task", self.id())) else {
            return false;
        };
        // A thread that ends meanwhile runs no more either.
        threads.flatten().all(|thread| {
            state_of(&thread.path().join("stat")).is_none_or(|s| matches!(s, 'T' | 't' | 'Z' | 'X'))
        })
    }

    pub(super) fn id(self) -> u32 {
        self.0.as_raw_nonzero().get().unsigned_abs()
    }

    fn signal(self, signal: Signal) -> Result<(), TargetError> {
        kill_process(self.0, signal).map_err(|error| {
            TargetError::new(format!("cannot signal process {}: {error}", self.id()))
        })
    }
}

/// The letter behind the name of a program, which may contain anything.
fn state_of(stat: &Path) -> Option<char> {
    let text = fs::read_to_string(stat).ok()?;
    state_in(&text)
}

fn state_in(stat: &str) -> Option<char> {
    let (_, behind) = stat.rsplit_once(')')?;
    behind.trim_start().chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn the_state_stands_behind_the_name() {
        assert_eq!(state_in("17 (a) S b) T 1 17 17"), Some('T'));
        assert_eq!(state_in("17"), None);
    }

    #[test]
    fn processes_stand_still_go_on_and_end() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let process = Process::new(child.id()).unwrap();
        assert!(process.is_alive() && !process.stands_still());
        process.pause().unwrap();
        assert!(process.stands_still());
        process.resume().unwrap();
        wait_until("it runs", NODE_PATIENCE, || Ok(!process.stands_still())).unwrap();
        process.kill().unwrap();
        process.wait_gone().unwrap();
        child.wait().unwrap();
        assert!(process.pause().is_err());
    }

    #[test]
    fn ids_that_mean_others_are_refused() {
        for pid in [0, 1, u32::MAX] {
            assert_eq!(Process::new(pid), None, "{pid}");
        }
    }
}
