//! Cleans up after a test process, however it ends.
//!
//! A shell waits on a pipe that only this process holds. When the pipe closes (the cluster was dropped, or the test
//! process was killed, or a `static` kept the cluster to the end), it thaws what is left frozen of the disks that were
//! mounted as data folders, since nobody who waits for one can be killed, kills what is left of the nodes, unmounts the
//! disks, and removes their folder. No parent-death signal: that one fires when the *thread* that started a node ends.

use std::io;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Keeps `KLAMM_TEST_KEEP=1` folders for a look at their logs.
const KEEP_ENV: &str = "KLAMM_TEST_KEEP";

const SCRIPT: &str = r#"
trap '' INT TERM HUP
cat > /dev/null
for dir in "$1"/*/data; do mountpoint -q "$dir" && fsfreeze -u "$dir"; done
for pid in "$1"/*/pid; do [ -e "$pid" ] && kill -9 "$(cat "$pid")"; done
for dir in "$1"/*/data; do mountpoint -q "$dir" && umount -l "$dir"; done
[ -n "$2" ] || rm -rf "$1"
"#;

/// Guards a folder whose subfolders hold a node each, its process id in the file `pid`.
#[derive(Debug)]
pub(crate) struct Watchdog {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Watchdog {
    pub(crate) fn start(cluster_dir: &Path) -> io::Result<Self> {
        let keep = if keeps_folders() { "keep" } else { "" };
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "watchdog"])
            .arg(cluster_dir)
            .arg(keep)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.pipe.take());
        // Its exit status says nothing a test could act on.
        let _ = self.shell.wait();
    }
}

/// Whether the user asked to keep the folders of clusters.
pub(crate) fn keeps_folders() -> bool {
    std::env::var_os(KEEP_ENV).is_some_and(|value| value != "0")
}
