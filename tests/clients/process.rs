//! Runs a program to its end, with a limit to how long that may take.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What one tool may take on a slow, loaded machine.
pub(crate) const TOOL_TIMEOUT: Duration = Duration::from_secs(120);

/// What a program left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    what: String,
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: String,
}

impl Finished {
    /// Its standard output.
    ///
    /// # Panics
    /// When the program failed.
    pub(crate) fn bytes(self) -> Vec<u8> {
        assert!(
            self.status.success(),
            "{}: {}\n{}\n{}",
            self.what,
            self.status,
            String::from_utf8_lossy(&self.stdout[..self.stdout.len().min(1000)]),
            self.stderr
        );
        self.stdout
    }

    /// Its standard output as text; panics like [`Finished::bytes`].
    pub(crate) fn text(self) -> String {
        String::from_utf8(self.bytes()).expect("output in UTF-8")
    }

    /// Its standard output as text, and its standard error; panics like [`Finished::bytes`].
    pub(crate) fn text_and_complaints(self) -> (String, String) {
        let complaints = self.stderr.clone();
        (self.text(), complaints)
    }

    /// All output of a program that had to fail.
    pub(crate) fn refusal(self) -> String {
        assert!(!self.status.success(), "{} should have failed", self.what);
        format!("{}{}", String::from_utf8_lossy(&self.stdout), self.stderr)
    }
}

/// Runs `command` with the content of `input` on its standard input.
///
/// # Panics
/// When it cannot be started or does not end within `timeout`.
pub(crate) fn run(command: &mut Command, input: Option<&Path>, timeout: Duration) -> Finished {
    let what = what(command);
    let stdin = match input {
        Some(path) => Stdio::from(File::open(path).expect("open a program's input")),
        None => Stdio::null(),
    };
    let child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{what}: {error}"));
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let status = wait(&mut child, timeout);
    let stdout = stdout.join().expect("read stdout");
    let stderr = String::from_utf8_lossy(&stderr.join().expect("read stderr")).into_owned();
    let Some(status) = status else {
        panic!(
            "{what} did not end within {timeout:?}\n{}\n{stderr}",
            String::from_utf8_lossy(&stdout)
        );
    };
    Finished {
        what,
        status,
        stdout,
        stderr,
    }
}

/// Waits for the end of `child`, which is killed when the time is over (`None`).
pub(crate) fn wait(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + timeout;
    while Instant::now() < deadline {
        match child.try_wait().expect("wait for a program") {
            Some(status) => return Some(status),
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
    child.kill().expect("kill a program");
    child.wait().expect("wait for a killed program");
    None
}

/// The program and its arguments, without Java's flags.
fn what(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words = words
        .map(|word| word.to_string_lossy())
        .filter(|word| !is_setting(word));
    words.collect::<Vec<_>>().join(" ")
}

/// Whether `word` sets the Java machine: `-Dname=value`, or `-Xname` (kcat's `-X` stands alone).
fn is_setting(word: &str) -> bool {
    word.starts_with("-D") || word.len() > 2 && word.starts_with("-X")
}

/// Reads all of a pipe, so that a program is never stuck on a full one.
pub(crate) fn drain(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What a killed program leaves in the pipe is worth showing all the same.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}
