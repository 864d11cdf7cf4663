//! A client that runs beside a test and reports a line a record.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::process::{TOOL_TIMEOUT, drain, wait};

/// What a failing test shows of a client's own log: clients tell every refused connection while nodes are down.
const COMPLAINT_BYTES_MAX: usize = 4096;

/// What becomes of the lines.
pub(crate) trait Report: Default + Send + 'static {
    /// Takes in one line of the client's standard output.
    fn add(&mut self, line: &str);
}

/// A running client. Killed with SIGKILL when dropped.
pub(crate) struct Reporter<R> {
    child: Child,
    stdin: Option<ChildStdin>,
    report: Arc<Mutex<R>>,
    reader: Option<JoinHandle<()>>,
    complaints: Option<JoinHandle<Vec<u8>>>,
}

impl<R: Report> Reporter<R> {
    pub(crate) fn start(mut command: Command) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("start a client");
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("a piped stdout");
        let complaints = drain(child.stderr.take());
        let report = Arc::new(Mutex::new(R::default()));
        let shared = Arc::clone(&report);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                lock(&shared).add(&line);
            }
        });
        Self {
            child,
            stdin,
            report,
            reader: Some(reader),
            complaints: Some(complaints),
        }
    }

    /// What it has reported so far.
    pub(crate) fn report(&self) -> MutexGuard<'_, R> {
        lock(&self.report)
    }

    /// Closes its input, waits for its end and returns all that it reported.
    ///
    /// # Panics
    /// When it fails or does not end.
    pub(crate) fn finish(mut self) -> R {
        drop(self.stdin.take());
        let status =
            wait(&mut self.child, TOOL_TIMEOUT).expect("a client that ends when its input does");
        assert!(status.success(), "a client failed: {status}");
        self.read_to_end()
    }

    /// Kills it with SIGKILL and returns all that it reported.
    pub(crate) fn kill(mut self) -> R {
        self.child.kill().expect("kill a client");
        self.read_to_end()
    }

    fn read_to_end(&mut self) -> R {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("read a client's reports");
        }
        std::mem::take(&mut *self.report())
    }
}

impl<R> Drop for Reporter<R> {
    fn drop(&mut self) {
        // After `finish` there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(complaints) = self.complaints.take().filter(|_| std::thread::panicking()) {
            let complaints = complaints.join().unwrap_or_default();
            let tail = &complaints[complaints.len().saturating_sub(COMPLAINT_BYTES_MAX)..];
            eprintln!("--- a client said\n{}", String::from_utf8_lossy(tail));
        }
    }
}

fn lock<R>(report: &Mutex<R>) -> MutexGuard<'_, R> {
    report.lock().unwrap_or_else(PoisonError::into_inner)
}
