//! Compiles `proto/metadata.proto` into Rust, without `protoc`.

use std::{error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let file = folder.join("metadata.proto");
    println!("cargo:rerun-if-changed={}", file.display());
    println!("cargo:rerun-if-changed=build.rs");
    let descriptors = protox::compile([&file], [&folder])?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}
