//! Where the `klamm` binary is, built first when it is missing or older than its sources.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

/// Names a binary to test instead of the one in the target folder.
const BINARY_ENV: &str = "KLAMM_TEST_BINARY";

/// The path of the `klamm` binary of this build's profile.
///
/// `cargo test` builds no binaries of other packages by itself, so the first call runs `cargo build -p klamm` unless the
/// binary is newer than every source file that cargo's dep-info names.
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
fn is_fresh(binary: &Path) -> bool {
    let Some(built_at) = modified(binary) else {
        return false;
    };
    let Ok(dep_info) = std::fs::read_to_string(binary.with_extension("d")) else {
        return false;
    };
    let Some((_, sources)) = dep_info.split_once(": ") else {
        return false;
    };
    sources
        .split_whitespace()
        .all(|source| modified(Path::new(source)).is_some_and(|at| at <= built_at))
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|meta| meta.modified()).ok()
}

fn build(profile_dir: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "-p", "klamm", "--bin", "klamm"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .env("CARGO_TARGET_DIR", profile_dir.parent().expect("target"));
    match profile_dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => {}
        Some(profile) => {
            command.args(["--profile", profile]);
        }
    }
    let status = command.status().expect("run cargo build");
    assert!(status.success(), "cargo build -p klamm failed: {status}");
}
