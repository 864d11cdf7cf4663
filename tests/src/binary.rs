//! Where the `klamm` binary is, built first when it is missing or older than its sources.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// Names a binary to test instead of the one in the target folder.
const BINARY_ENV: &str = "KLAMM_TEST_BINARY";

/// The path of the `klamm` binary of this build's profile.
///
/// `cargo test --workspace` builds it before the tests run; if only some packages are tested it may be missing or stale, and
/// the first call builds it.
///
/// # Panics
/// When the build fails.
pub fn klamm_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os(BINARY_ENV) {
        Some(path) => PathBuf::from(path),
        None => built_binary(),
    })
}

fn built_binary() -> PathBuf {
    let test_exe = std::env::current_exe().expect("path of the running test");
    let profile_dir = test_exe
        .parent()
        .and_then(Path::parent)
        .expect("tests run from target/<profile>/deps");
    let binary = profile_dir.join(format!("klamm{}", std::env::consts::EXE_SUFFIX));
    if !is_fresh(&binary) {
        build(profile_dir);
    }
    binary
}

/// Whether the binary is newer than each of its sources; false when either cannot be told.
/// Whether the binary is newer than everything that it is made from; false when that cannot be told.
fn is_fresh(binary: &Path) -> bool {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let parts = ["Cargo.toml", "Cargo.lock", "proto", "crates"];
    let newest: io::Result<Vec<SystemTime>> =
        parts.iter().map(|part| newest(&root.join(part))).collect();
    match (modified(binary), newest) {
        (Some(built_at), Ok(newest)) => newest.into_iter().all(|at| at <= built_at),
        _ => false,
    }
}

/// When the newest file of a folder, or a file, was changed. A crate's own tests are no part of the binary.
fn newest(path: &Path) -> io::Result<SystemTime> {
    let metadata = path.metadata()?;
    let mut newest = SystemTime::UNIX_EPOCH;
    if metadata.is_file() {
        newest = metadata.modified()?;
    } else if !path.ends_with("tests") {
        for entry in path.read_dir()? {
            newest = newest.max(self::newest(&entry?.path())?);
        }
    }
    Ok(newest)
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|meta| meta.modified()).ok()
}

fn build(profile_dir: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        // The binary as the tests of its own package have it: with the features that all tests together ask for, so
        // that `cargo test` and this build share their work.
        .args(["test", "--workspace", "--no-run", "--test", "cli"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .env("CARGO_TARGET_DIR", profile_dir.parent().expect("target"));
    match profile_dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => {}
        Some(profile) => {
            command.args(["--profile", profile]);
        }
    }
    let status = command.status().expect("run cargo build");
    assert!(status.success(), "building klamm failed: {status}");
}
