//! Rewrites `crates/protocol/src/messages` from `crates/protocol/schema`.

use std::{error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol");
    let target = root.join("src/messages");
    let files = klamm_protocol_gen::generate(
        klamm_protocol_gen::schema_texts(&root.join("schema"))?
            .iter()
            .map(String::as_str),
    )?;
    fs::create_dir_all(&target)?;
    for entry in fs::read_dir(&target)? {
        let entry = entry?;
        if !files.contains_key(&*entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path())?;
        }
    }
    for (name, text) in &files {
        let path = target.join(name);
        if fs::read_to_string(&path).ok().as_deref() != Some(text) {
            fs::write(&path, text)?;
        }
    }
    Ok(())
}
