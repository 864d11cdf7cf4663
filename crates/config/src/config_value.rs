//! Checks one value against one row of the table.

use crate::{
    config_key::{ConfigKey, ConfigType, Validator},
    error::ConfigError,
};
use std::borrow::Cow;

/// How much of a value messages show, in characters: enough to know it again. The longest value that
/// a client can send would not fit into an answer.
const SHOWN_CHARS_MAX: usize = 200;

/// The elements of a list value: split at commas, blanks around them dropped, no empty ones.
pub(crate) fn list_elements(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|e| !e.is_empty())
}

/// Parses `true` or `false`, in any case.
pub(crate) fn parse_boolean(value: &str) -> Option<bool> {
    match value.trim() {
        v if v.eq_ignore_ascii_case("true") => Some(true),
        v if v.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Checks `value` against the type and the validator of `key`.
///
/// # Errors
/// [`ConfigError::Invalid`] with the key, the value (hidden if it is a secret) and what is allowed.
pub(crate) fn check(key: &ConfigKey, value: &str) -> Result<(), ConfigError> {
    let fits = match key.config_type {
        ConfigType::Boolean => parse_boolean(value).is_some(),
        ConfigType::Int => number_fits::<i32>(key, value),
        ConfigType::Short => number_fits::<i16>(key, value),
        ConfigType::Long => number_fits::<i64>(key, value),
        ConfigType::Double => fraction_fits(key, value),
        ConfigType::List => list_fits(key, value),
        ConfigType::String | ConfigType::Class | ConfigType::Password => text_fits(key, value),
    };
    if fits {
        return Ok(());
    }
    let shown = if key.is_sensitive() {
        "[hidden]".into()
    } else {
        shown(value)
    };
    Err(ConfigError::invalid(key.name, shown, allowed(key)))
}

/// A value as messages show it.
pub(crate) fn shown(value: &str) -> Cow<'_, str> {
    if value.len() <= SHOWN_CHARS_MAX {
        return value.into();
    }
    let start: String = value.chars().take(SHOWN_CHARS_MAX).collect();
    format!("{start}… ({} bytes)", value.len()).into()
}

/// How a wrong value reads in an answer.
pub(crate) fn in_answer(error: ConfigError) -> String {
    match error {
        ConfigError::Invalid {
            key,
            value,
            allowed,
        } => {
            format!("Invalid value {value} for configuration {key}: {allowed}")
        }
        other => other.to_string(),
    }
}

/// A value as Kafka shows it: without blanks, and the same for every way to write it.
pub(crate) fn canonical(key: &ConfigKey, value: &str) -> String {
    let value = value.trim();
    let written = match key.config_type {
        ConfigType::Boolean => parse_boolean(value).map(|flag| flag.to_string()),
        ConfigType::Int | ConfigType::Short | ConfigType::Long => {
            value.parse::<i64>().ok().map(|number| number.to_string())
        }
        ConfigType::List => Some(list_elements(value).collect::<Vec<_>>().join(",")),
        _ => None,
    };
    written.unwrap_or_else(|| value.to_owned())
}

fn number_fits<T: std::str::FromStr + Into<i64>>(key: &ConfigKey, value: &str) -> bool {
    let Ok(number) = value.trim().parse::<T>() else {
        return false;
    };
    let number: i64 = number.into();
    match key.validator {
        Validator::AtLeast(min) => number >= min,
        Validator::Between(min, max) => (min..=max).contains(&number),
        Validator::GzipLevel => number == -1 || (1..=9).contains(&number),
        _ => true,
    }
}

fn fraction_fits(key: &ConfigKey, value: &str) -> bool {
    match (value.trim().parse::<f64>(), key.validator) {
        (Ok(number), Validator::BetweenFractions(min, max)) => (min..=max).contains(&number),
        (parsed, _) => parsed.is_ok(),
    }
}

fn list_fits(key: &ConfigKey, value: &str) -> bool {
    let has_gap = !value.trim().is_empty() && value.split(',').any(|e| e.trim().is_empty());
    match key.validator {
        Validator::ListOf(_) | Validator::ThrottledReplicas if has_gap => false,
        // Kafka takes an element that stands there twice as if it stood there once.
        Validator::ListOf(allowed) => list_elements(value).all(|e| allowed.contains(&e)),
        Validator::ThrottledReplicas => {
            value.trim() == "*" || list_elements(value).all(is_partition_and_broker)
        }
        _ => true,
    }
}

fn is_partition_and_broker(element: &str) -> bool {
    let is_id = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    matches!(element.split_once(':'), Some((p, b)) if is_id(p) && is_id(b))
}

fn text_fits(key: &ConfigKey, value: &str) -> bool {
    match key.validator {
        Validator::OneOf(allowed) => allowed.contains(&value.trim()),
        Validator::OneOfIgnoringCase(allowed) => {
            allowed.iter().any(|a| a.eq_ignore_ascii_case(value.trim()))
        }
        Validator::NonEmpty => !value.trim().is_empty(),
        _ => true,
    }
}

/// What a value of `key` may be, in words.
pub(crate) fn allowed(key: &ConfigKey) -> String {
    let kind = key.config_type.name();
    match key.validator {
        Validator::Any => format!("it must be {kind}"),
        Validator::AtLeast(min) => format!("it must be {kind}, at least {min}"),
        Validator::Between(min, max) => format!("it must be {kind}, from {min} to {max}"),
        Validator::BetweenFractions(min, max) => {
            format!("it must be {kind}, from {min} to {max}")
        }
        Validator::GzipLevel => format!("it must be {kind}, from 1 to 9, or -1"),
        Validator::OneOf(texts) | Validator::OneOfIgnoringCase(texts) => {
            format!("it must be one of {}", texts.join(", "))
        }
        Validator::ListOf(texts) => {
            format!("it must be a list of {}", texts.join(", "))
        }
        Validator::NonEmpty => format!("it must be {kind} that is not empty"),
        Validator::ThrottledReplicas => {
            "it must be * or a list of partition:broker pairs, such as 0:1,1:2".to_owned()
        }
    }
}
