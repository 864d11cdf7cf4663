//! Generates the gRPC services from `proto/`, without `protoc`.

use std::{error::Error, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo::rerun-if-changed={}", proto.display());
    let descriptors = protox::compile(["controller.proto", "raft.proto"], [&proto])?;
    tonic_prost_build::configure()
        .bytes(".klamm.raft.v1")
        .extern_path(".klamm.metadata.v1", "::klamm_metadata::proto")
        .compile_fds(descriptors)?;
    Ok(())
}
