//! Tests of the crate from within: what a crash at any moment leaves behind.

mod crash_checks;
mod crash_points;
mod crash_scenario;
mod disk_image;
mod disk_without_room;
mod few_descriptors;
#[allow(dead_code)] // The tests from outside need all of it.
#[path = "../../tests/it/fixture.rs"]
mod fixture;
mod flushed_together;
mod repairs_at_start;
