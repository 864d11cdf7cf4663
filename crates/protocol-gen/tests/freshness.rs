//! What is checked in is what the generator says.

use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn checked_in_messages_are_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol");
    let texts = klamm_protocol_gen::schema_texts(&root.join("schema")).unwrap();
    let files = klamm_protocol_gen::generate(texts.iter().map(String::as_str)).unwrap();
    let present: BTreeSet<String> = fs::read_dir(root.join("src/messages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(present, files.keys().cloned().collect());
    for (name, text) in &files {
        let checked_in = fs::read_to_string(root.join("src/messages").join(name)).unwrap();
        assert!(
            checked_in == *text,
            "{name} is stale: cargo run -p klamm-protocol-gen"
        );
    }
}

#[test]
fn nonsense_in_the_schema_is_named() {
    for (text, reason) in [
        ("  Field  int8  0+\n", "a field outside of a message"),
        (
            "request  A  key 1  colour red\n",
            "unknown attribute of a message",
        ),
        (
            "data  A  versions 0\n  F  int8\n",
            "name, type and versions expected",
        ),
        ("data  A  versions 0\n  F  int8  x\n", "versions expected"),
        (
            "data  A  versions 0\n    F  int8  0+\n",
            "indentation without a parent",
        ),
        (
            "data  A  versions 0\n  F  int8  0+\n    G  int8  0+\n",
            "a child of a field without structure",
        ),
    ] {
        assert_eq!(
            klamm_protocol_gen::generate([text]).unwrap_err().reason,
            reason
        );
    }
}
