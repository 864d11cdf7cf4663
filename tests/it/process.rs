//! Runs the `klamm` binary as somebody at a terminal does.

use klamm_tests::{klamm_binary, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// Far beyond what a command takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// A command that runs; it is killed when dropped.
pub(crate) struct Process {
    child: Child,
    folder: TempDir,
}

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    /// Starts `klamm` with these arguments and variables, and nothing to read.
    pub(crate) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Process {
        Process::start_reading(arguments, variables, "")
    }

    /// Starts `klamm` with something to read.
    pub(crate) fn start_reading(
        arguments: &[&str],
        variables: &[(&str, &str)],
        input: &str,
    ) -> Process {
        let folder = tempfile::tempdir().unwrap();
        let file = |name| File::create(folder.path().join(name)).unwrap();
        // Whoever runs the tests may have told them to outlive the terminal, as nohup does.
        let mut child = Command::new("env")
            .arg("--default-signal=HUP")
            .arg(klamm_binary())
            .args(arguments)
            .env_remove("RUST_LOG")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .expect("start klamm");
        // A command that does not read does not have to.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Process { child, folder }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output so far.
    pub(crate) fn stdout(&self) -> String {
        self.read("stdout")
    }

    /// What it has written to standard error so far.
    pub(crate) fn stderr(&self) -> String {
        self.read("stderr")
    }

    fn read(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).expect("signal klamm");
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Ended {
        self.end_within(PATIENCE)
    }

    /// Waits for the end of something that takes its time.
    pub(crate) fn end_within(mut self, patience: Duration) -> Ended {
        let status = wait_until("klamm ends", patience, || self.child.try_wait());
        Ended {
            status,
            stdout: self.stdout(),
            stderr: self.stderr(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has mostly ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `klamm` to its end.
pub(crate) fn klamm(arguments: &[&str]) -> Ended {
    Process::start(arguments, &[]).end()
}

impl Ended {
    /// Checks that it succeeded, and returns its standard output.
    #[track_caller]
    pub(crate) fn succeeded(self) -> String {
        assert!(self.status.success(), "{self:?}");
        self.stdout
    }

    /// Checks that it ended with 1 and said these words on standard error.
    #[track_caller]
    pub(crate) fn failed(self, words: &[&str]) {
        assert_eq!(self.status.code(), Some(1), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is missing: {self:?}");
        }
    }
}
