//! Benchmarks live beside this file, a folder each; `cargo bench -p klamm-benches` runs them.
