//! Operations as lines of JSON, written and read back.
//!
//! ```text
//! {"index":8,"time":120450,"process":3,"type":"invoke","f":"send","value":[["send",4,77]],"due":120000,"producer":1}
//! {"index":9,"time":310020,"process":3,"type":"ok","f":"send","value":[["send",4,[812,77]]],"producer":1}
//! {"index":12,"time":400000,"process":9,"type":"ok","f":"poll","value":[["poll",{"4":[[811,76],[812,77]]}]]}
//! ```
//!
//! It is what Jepsen's EDN becomes when keywords become strings. Fields that say nothing are left out.

use std::fmt::Write as _;
use std::str::Utf8Error;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::operation::{
    Action, FaultNote, Key, Kind, MicroOp, Operation, Process, Setup, VALUE_MAX,
};

/// A line that is no operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MalformedOperation(String);

impl MalformedOperation {
    fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl From<Utf8Error> for MalformedOperation {
    fn from(error: Utf8Error) -> Self {
        Self::new(error.to_string())
    }
}

/// Appends `operation` to `out` as one line, without its end.
pub fn to_json(operation: &Operation, out: &mut String) {
    let Operation { index, time_ns, .. } = operation;
    // Writing to a String cannot fail.
    let _ = write!(out, r#"{{"index":{index},"time":{time_ns},"process":"#);
    match operation.process {
        Process::Client(number) => {
            let _ = write!(out, "{number}");
        }
        Process::Nemesis => out.push_str(r#""nemesis""#),
    }
    let _ = write!(out, r#","type":"{}","f":"#, operation.kind.name());
    push_serialized(operation.action.name(), out);
    out.push_str(r#","value":"#);
    push_value(operation, out);
    push_rare_fields(operation, out);
    out.push('}');
}

fn push_value(operation: &Operation, out: &mut String) {
    match &operation.action {
        Action::Send(ops) | Action::Poll(ops) | Action::Txn(ops) => {
            push_list(out, ops, |op, out| push_micro_op(op, operation.kind, out));
        }
        Action::Assign { keys, .. }
        | Action::Subscribe(keys)
        | Action::DebugTopicPartitions(keys) => push_keys(keys, out),
        Action::Crash => out.push_str("null"),
        Action::Setup(setup) => push_serialized(setup, out),
        Action::Fault(note) => push_serialized(note, out),
        Action::Leaders(leaders) => push_serialized(leaders, out),
        Action::Remark(text) => push_serialized(text, out),
    }
}

fn push_micro_op(op: &MicroOp, kind: Kind, out: &mut String) {
    match op {
        MicroOp::Send { key, value, offset } => {
            let _ = match offset {
                Some(offset) => write!(out, r#"["send",{key},[{offset},{value}]]"#),
                None => write!(out, r#"["send",{key},{value}]"#),
            };
        }
        MicroOp::Poll(partitions) if partitions.is_empty() && kind == Kind::Invoke => {
            out.push_str(r#"["poll"]"#);
        }
        MicroOp::Poll(partitions) => {
            out.push_str(r#"["poll",{"#);
            for (at, (key, pairs)) in partitions.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                let _ = write!(out, r#"{comma}"{key}":"#);
                push_list(out, pairs, |(offset, value), out| {
                    let _ = write!(out, "[{offset},{value}]");
                });
            }
            out.push_str("}]");
        }
    }
}

fn push_rare_fields(operation: &Operation, out: &mut String) {
    if let Action::Assign {
        seek_to_beginning: true,
        ..
    } = operation.action
    {
        out.push_str(r#","seek-to-beginning?":true"#);
    }
    if let Some(due_ns) = operation.due_ns {
        let _ = write!(out, r#","due":{due_ns}"#);
    }
    if let Some(producer) = operation.producer {
        let _ = write!(out, r#","producer":{producer}"#);
    }
    if !operation.rebalanced.is_empty() {
        out.push_str(r#","rebalance-log":[{"keys":"#);
        push_keys(&operation.rebalanced, out);
        out.push_str("}]");
    }
    if let Some(error) = &operation.error {
        out.push_str(r#","error":"#);
        push_serialized(error, out);
    }
}

fn push_keys(keys: &[Key], out: &mut String) {
    push_list(out, keys, |key, out| {
        let _ = write!(out, "{key}");
    });
}

fn push_list<T>(out: &mut String, items: &[T], mut push: impl FnMut(&T, &mut String)) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        push(item, out);
    }
    out.push(']');
}

fn push_serialized<T: Serialize + ?Sized>(value: &T, out: &mut String) {
    // Strings, numbers, lists and maps with keys of text or numbers always serialize.
    out.push_str(&serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()));
}

/// The fields of a line.
#[derive(Deserialize)]
struct Line {
    index: u64,
    time: u64,
    process: Value,
    #[serde(rename = "type")]
    kind: String,
    f: String,
    #[serde(default)]
    value: Value,
    #[serde(default, rename = "seek-to-beginning?")]
    seek_to_beginning: bool,
    due: Option<u64>,
    producer: Option<u32>,
    #[serde(default, rename = "rebalance-log")]
    rebalance_log: Vec<Rebalance>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Rebalance {
    #[serde(default)]
    keys: Vec<Key>,
}

/// The operation of one line.
///
/// # Errors
/// If the line is no JSON, or says something that no operation says; the error tells what.
pub fn from_json(line: &str) -> Result<Operation, MalformedOperation> {
    let line: Line = parse(serde_json::from_str(line))?;
    let process = match &line.process {
        Value::String(name) if name == "nemesis" => Process::Nemesis,
        other => Process::Client(small(other, "process")?),
    };
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| kind.name() == line.kind)
        .ok_or_else(|| MalformedOperation::new(format!("no type is called {:?}", line.kind)))?;
    let action = match process {
        Process::Nemesis => nemesis_action(line.f, line.value)?,
        Process::Client(_) => client_action(&line.f, line.value, line.seek_to_beginning)?,
    };
    Ok(Operation {
        index: line.index,
        process,
        kind,
        action,
        time_ns: line.time,
        due_ns: line.due,
        producer: line.producer,
        rebalanced: line
            .rebalance_log
            .into_iter()
            .flat_map(|r| r.keys)
            .collect(),
        error: line.error.map(|error| match error {
            Value::String(text) => text,
            other => other.to_string(),
        }),
    })
}

fn nemesis_action(f: String, value: Value) -> Result<Action, MalformedOperation> {
    Ok(match f.as_str() {
        "setup" => Action::Setup(parse::<Setup>(serde_json::from_value(value))?),
        "leaders" => Action::Leaders(parse(serde_json::from_value(value))?),
        "remark" => Action::Remark(parse(serde_json::from_value(value))?),
        _ => {
            let mut note: FaultNote = parse(serde_json::from_value(value))?;
            note.fault = f;
            Action::Fault(note)
        }
    })
}

fn client_action(
    f: &str,
    value: Value,
    seek_to_beginning: bool,
) -> Result<Action, MalformedOperation> {
    let keys = |value| parse::<Option<Vec<Key>>>(serde_json::from_value(value));
    Ok(match f {
        "send" => Action::Send(micro_ops(value)?),
        "poll" => Action::Poll(micro_ops(value)?),
        "txn" => Action::Txn(micro_ops(value)?),
        "assign" => Action::Assign {
            keys: keys(value)?.unwrap_or_default(),
            seek_to_beginning,
        },
        "subscribe" => Action::Subscribe(keys(value)?.unwrap_or_default()),
        "debug-topic-partitions" => {
            // Completions carry whatever the cluster said; only the question is kept.
            Action::DebugTopicPartitions(keys(value).unwrap_or_default().unwrap_or_default())
        }
        "crash" => Action::Crash,
        other => return Err(MalformedOperation::new(format!("no client does {other:?}"))),
    })
}

fn micro_ops(value: Value) -> Result<Vec<MicroOp>, MalformedOperation> {
    let Value::Array(ops) = value else {
        return Err(MalformedOperation::new("micro-operations are no list"));
    };
    ops.iter().map(micro_op).collect()
}

fn micro_op(op: &Value) -> Result<MicroOp, MalformedOperation> {
    let parts = op.as_array().map_or(&[][..], Vec::as_slice);
    match parts {
        [Value::String(f), key, value] if f == "send" => {
            let (offset, value) = sent(value)?;
            let key = Key(small(key, "key")?);
            Ok(MicroOp::Send { key, value, offset })
        }
        [Value::String(f)] if f == "poll" => Ok(MicroOp::Poll(Vec::new())),
        [Value::String(f), Value::Null] if f == "poll" => Ok(MicroOp::Poll(Vec::new())),
        [Value::String(f), Value::Object(partitions)] if f == "poll" => polled(partitions),
        _ => Err(MalformedOperation::new(format!("no micro-operation: {op}"))),
    }
}

/// `value`, or `[offset, value]` with an offset that may be null.
fn sent(value: &Value) -> Result<(Option<i64>, u64), MalformedOperation> {
    match value.as_array().map(Vec::as_slice) {
        Some([Value::Null, value]) => Ok((None, unique(value)?)),
        Some([offset, value]) => Ok((Some(position(offset)?), unique(value)?)),
        Some(_) => Err(MalformedOperation::new(format!(
            "no offset and value: {value}"
        ))),
        None => Ok((None, unique(value)?)),
    }
}

fn polled(partitions: &Map<String, Value>) -> Result<MicroOp, MalformedOperation> {
    let partitions = partitions.iter().map(|(key, records)| {
        let key = key
            .parse()
            .map_err(|_| MalformedOperation::new(format!("no key: {key:?}")))?;
        let records = records.as_array().map_or(&[][..], Vec::as_slice);
        let pairs: Result<_, _> = records.iter().map(pair).collect();
        pairs.map(|pairs| (Key(key), pairs))
    });
    Ok(MicroOp::Poll(partitions.collect::<Result<_, _>>()?))
}

fn pair(pair: &Value) -> Result<(i64, u64), MalformedOperation> {
    match pair.as_array().map(Vec::as_slice) {
        Some([offset, value]) => Ok((position(offset)?, unique(value)?)),
        _ => Err(MalformedOperation::new(format!(
            "no offset and value: {pair}"
        ))),
    }
}

fn parse<T: DeserializeOwned>(parsed: serde_json::Result<T>) -> Result<T, MalformedOperation> {
    parsed.map_err(|error| MalformedOperation::new(error.to_string()))
}

fn small(value: &Value, what: &str) -> Result<u32, MalformedOperation> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| MalformedOperation::new(format!("no {what}: {value}")))
}

fn position(value: &Value) -> Result<i64, MalformedOperation> {
    let number = value.as_i64().filter(|offset| *offset >= 0);
    number.ok_or_else(|| MalformedOperation::new(format!("no offset: {value}")))
}

fn unique(value: &Value) -> Result<u64, MalformedOperation> {
    let number = value.as_u64().filter(|number| *number <= VALUE_MAX);
    number.ok_or_else(|| MalformedOperation::new(format!("no value of a drill: {value}")))
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
