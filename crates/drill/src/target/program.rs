//! Other programs, run to their end within a time limit.

use super::{POLL, TargetError};
use std::{
    io::{Read, Write},
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// No program that is run here takes longer when all is well.
const PATIENCE: Duration = Duration::from_secs(120);

/// A program that left something running behind it leaves its output open as well.
const OUTPUT_PATIENCE: Duration = Duration::from_millis(500);

/// Its output is kept up to this length.
const OUTPUT_BYTES_MAX: u64 = 1 << 20;

/// Runs a program and returns what it printed.
///
/// # Errors
/// It cannot be started, takes too long, or fails; the error has what it said.
pub(super) fn run(program: &str, arguments: &[&str]) -> Result<String, TargetError> {
    run_with(program, arguments, "")
}

/// The same with something to read for the program.
///
/// # Errors
/// As [`run`].
pub(super) fn run_with(
    program: &str,
    arguments: &[&str],
    input: &str,
) -> Result<String, TargetError> {
    let failed = |why: String| {
        let line = [&[program], arguments].concat().join(" ");
        TargetError::new(format!("`{line}`: {why}"))
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C is for the drill: what heals the cluster must not die of it.
        .process_group(0)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input says by its exit code whether that matters.
        let _ = stdin.write_all(input.as_bytes());
    }
    let stdout = child.stdout.take().map(collect);
    let stderr = child.stderr.take().map(collect);
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
            Ok(None) => {
                // Whether it can be killed or not, it has failed.
                let _ = child.kill();
                return Err(failed(format!("not done within {} s", PATIENCE.as_secs())));
            }
            Err(error) => return Err(failed(error.to_string())),
        }
    };
    let text = |output: Option<mpsc::Receiver<String>>| {
        let text = output.and_then(|output| output.recv_timeout(OUTPUT_PATIENCE).ok());
        text.unwrap_or_default()
    };
    let (printed, complained) = (text(stdout), text(stderr));
    if status.success() {
        return Ok(printed);
    }
    Err(failed(format!("{status}: {}", complained.trim())))
}

fn collect(pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, output) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What could be read is better than nothing.
        let _ = pipe.take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes);
        // Nobody may wait for it any more.
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_comes_back_and_failures_say_why() {
        assert_eq!(run("echo", &["a", "b"]).unwrap(), "a b\n");
        assert_eq!(run_with("cat", &[], "x").unwrap(), "x");
        let error = run("sh", &["-c", "echo no >&2; exit 3"]).unwrap_err();
        assert!(error.to_string().contains("no"), "{error}");
        assert!(run("no-such-program-anywhere", &[]).is_err());
    }

    #[test]
    fn signals_for_the_group_of_the_drill_do_not_reach_programs() {
        // There is a group of its own.
        run("sh", &["-c", "kill -s 0 -- -$$"]).unwrap();
    }
}
