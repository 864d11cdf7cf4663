//! Turns the message schema of `klamm-protocol` into Rust code.
//!
//! Text in, text out: [`generate`] reads no files, so that a test can compare its result with what is
//! checked in. The schema's format is described in `crates/protocol/schema/README.md`.

mod emit;
mod names;
mod schema;
mod tables;

pub use schema::{Field, Kind, Message, SchemaError, Struct, Type, Versions};

use std::{collections::BTreeMap, fs, io, path::Path};

/// Generated files: name inside `src/messages` → contents.
pub type Files = BTreeMap<String, String>;

/// Generates the whole `src/messages` tree from the texts of the schema files.
///
/// # Errors
/// A line of the schema cannot be understood; the error names it.
pub fn generate<'a>(schemas: impl IntoIterator<Item = &'a str>) -> Result<Files, SchemaError> {
    let mut messages = Vec::new();
    for text in schemas {
        messages.extend(schema::parse(text)?);
    }
    messages.sort_by(|a, b| a.body.name.cmp(&b.body.name));
    let mut files = Files::new();
    for message in &messages {
        let file = format!("{}.rs", names::snake(&message.body.name));
        files.insert(file, emit::message(message));
    }
    files.insert("mod.rs".into(), tables::root(&messages));
    files.insert("table.rs".into(), tables::api_keys(&messages));
    files.insert("any.rs".into(), tables::any(&messages));
    Ok(files)
}

/// The texts of all `.kmsg` files of a folder, in the order of their names.
///
/// # Errors
/// The folder or a file of it cannot be read.
pub fn schema_texts(folder: &Path) -> io::Result<Vec<String>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "kmsg")
        {
            paths.push(path);
        }
    }
    paths.sort();
    paths.iter().map(fs::read_to_string).collect()
}
