//! Names as Rust writes them.

const KEYWORDS: [&str; 8] = [
    "type", "match", "move", "ref", "self", "use", "where", "loop",
];

/// `TopicId` → `topic_id`; a keyword gets a trailing underscore.
pub(crate) fn snake(name: &str) -> String {
    let name = name.replace("KRaft", "Kraft");
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 8);
    for (i, letter) in letters.iter().enumerate() {
        let after_lower = i > 0 && !letters[i - 1].is_uppercase();
        let before_lower = letters.get(i + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && i > 0 && (after_lower || before_lower) {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    if KEYWORDS.contains(&out.as_str()) {
        out.push('_');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::snake;

    #[test]
    fn words_are_split_where_their_case_changes() {
        for (name, expected) in [
            ("TopicId", "topic_id"),
            ("protocolType", "protocol_type"),
            ("KRaftVersion", "kraft_version"),
            ("Type", "type_"),
            ("JBODState", "jbod_state"),
        ] {
            assert_eq!(snake(name), expected);
        }
    }
}
