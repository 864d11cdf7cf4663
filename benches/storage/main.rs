//! How fast a log is, next to what the machine could do at best.
//!
//! ```text
//! cargo bench -p klamm-benches --bench storage              # all
//! cargo bench -p klamm-benches --bench storage -- append    # one group
//! ```
//!
//! Groups: `limits` (checksum, page cache, disk), `append`, `read`, `recovery`, `lookup`, `compaction`. Files lie in the
//! folder that `TMPDIR` names, which must be on the disk that is to be measured.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)] // criterion's macros; a benchmark that fails may panic

mod append;
mod compaction;
mod fixture;
mod limits;
mod lookup;
mod read;
mod recovery;

criterion::criterion_group!(
    benches,
    limits::benches,
    append::benches,
    read::benches,
    recovery::benches,
    lookup::benches,
    compaction::benches
);
criterion::criterion_main!(benches);
