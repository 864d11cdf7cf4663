//! The text format of Java's `Properties`: comments, continued lines, escapes.

use crate::error::ConfigError;
use std::collections::BTreeMap;

/// The longest file that is read, in bytes: far beyond any real one.
pub const FILE_BYTES_MAX: usize = 1 << 20;

/// Reads a file. A key that occurs twice keeps its last value, as in Java.
///
/// # Errors
/// [`ConfigError::Syntax`] with the line if an escape is malformed or the file is too long.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>, ConfigError> {
    if text.len() > FILE_BYTES_MAX {
        return Err(syntax(
            1,
            format!("the file is longer than {FILE_BYTES_MAX} bytes"),
        ));
    }
    let mut properties = BTreeMap::new();
    let mut lines = natural_lines(text);
    while let Some((number, line)) = lines.next() {
        let line = line.trim_start_matches(is_blank);
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut logical = line.to_owned();
        while ends_in_odd_backslashes(&logical) {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(next.trim_start_matches(is_blank));
        }
        let (key, value) = entry(&logical, number)?;
        properties.insert(key, value);
    }
    Ok(properties)
}

/// Reads one `key=value`, as `--override` takes it.
///
/// # Errors
/// [`ConfigError::Invalid`] if there is no `=` or no key.
pub fn parse_override(text: &str) -> Result<(String, String), ConfigError> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(ConfigError::invalid(
            "--override",
            text,
            "it must be key=value",
        )),
    }
}

fn syntax(line: usize, problem: impl Into<String>) -> ConfigError {
    ConfigError::Syntax {
        line,
        problem: problem.into(),
    }
}

/// The lines of a text with their numbers, ended by `\n`, `\r` or both.
fn natural_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = Some(text);
    let mut number = 0;
    std::iter::from_fn(move || {
        let text = rest?;
        number += 1;
        let (line, after) = match text.find(['\n', '\r']) {
            Some(end) if text[end..].starts_with("\r\n") => (&text[..end], Some(&text[end + 2..])),
            Some(end) => (&text[..end], Some(&text[end + 1..])),
            None => (text, None),
        };
        rest = after;
        Some((number, line))
    })
}

/// Java's blanks: space, tab and form feed.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

fn ends_in_odd_backslashes(line: &str) -> bool {
    line.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1
}

/// Splits a logical line at the first `=`, `:` or blank that is not escaped.
fn entry(line: &str, number: usize) -> Result<(String, String), ConfigError> {
    let mut escaped = false;
    let end = line
        .char_indices()
        .find(|(_, c)| {
            let ends = !escaped && (matches!(c, '=' | ':') || is_blank(*c));
            escaped = *c == '\\' && !escaped;
            ends
        })
        .map_or(line.len(), |(index, _)| index);
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start_matches(is_blank);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    let value = value.trim_start_matches(is_blank);
    // Java keeps blanks at the end of a value; no setting means them, and Kafka trims them.
    Ok((
        unescape(key, number)?,
        unescape(value, number)?.trim_end().to_owned(),
    ))
}

fn unescape(text: &str, line: usize) -> Result<String, ConfigError> {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let unescaped = match c {
            '\\' => match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\u{c}',
                Some('u') => {
                    units.push(unicode_escape(&mut chars, line)?);
                    continue;
                }
                Some(other) => other,
                None => continue,
            },
            other => other,
        };
        units.extend_from_slice(unescaped.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16(&units).map_err(|_| {
        syntax(
            line,
            "a \\u escape is half of a surrogate pair without the other",
        )
    })
}

fn unicode_escape(chars: &mut std::str::Chars<'_>, line: usize) -> Result<u16, ConfigError> {
    let digits: String = chars.by_ref().take(4).collect();
    let all_hex = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    u16::from_str_radix(&digits, 16)
        .ok()
        .filter(|_| all_hex)
        .ok_or_else(|| {
            syntax(
                line,
                format!("\\u{digits} is not \\u and four hexadecimal digits"),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let expected: BTreeMap<String, String> = expected
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect();
        assert_eq!(parse(text), Ok(expected), "{text:?}");
    }

    #[test]
    fn separators_and_blanks() {
        check("a=b", &[("a", "b")]);
        check("a:b", &[("a", "b")]);
        check("a b", &[("a", "b")]);
        check("  a \t = \t b  ", &[("a", "b")]);
        check("a = = b", &[("a", "= b")]);
        check("a", &[("a", "")]);
        check("a=", &[("a", "")]);
        check(
            "listeners=PLAINTEXT://:9092",
            &[("listeners", "PLAINTEXT://:9092")],
        );
        check("a=1\na=2", &[("a", "2")]);
    }

    #[test]
    fn comments_and_line_ends() {
        check("# x=1\n! y=2\n\n   # z\na=1", &[("a", "1")]);
        check("a=1\r\nb=2\rc=3", &[("a", "1"), ("b", "2"), ("c", "3")]);
        // Not a comment: it is not at the start of a line.
        check("a=1 # no comment", &[("a", "1 # no comment")]);
    }

    #[test]
    fn continued_lines() {
        check("a=1,\\\n   2,\\\r\n\t3\nb=4", &[("a", "1,2,3"), ("b", "4")]);
        check(
            "a=ends in two\\\\\nb=1",
            &[("a", "ends in two\\"), ("b", "1")],
        );
        check("a=1\\", &[("a", "1")]);
        check("# comments are not continued \\\na=1", &[("a", "1")]);
    }

    #[test]
    fn escapes() {
        check("a\\ b\\=c\\:d=e", &[("a b=c:d", "e")]);
        check("a=\\u00e4\\t\\n\\q", &[("a", "ä\t\nq")]);
        check("a=\\uD83D\\uDE00", &[("a", "😀")]);
    }

    #[test]
    fn errors_tell_the_line() {
        for (text, line) in [("a=1\nb=\\u12", 2), ("\n\nb=\\u12g4", 3), ("a=\\uD83D", 1)] {
            match parse(text) {
                Err(ConfigError::Syntax { line: found, .. }) => assert_eq!(found, line, "{text:?}"),
                other => panic!("{text:?} gave {other:?}"),
            }
        }
        assert!(parse(&"a".repeat(FILE_BYTES_MAX + 1)).is_err());
    }
}
