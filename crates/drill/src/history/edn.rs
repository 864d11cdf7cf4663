//! Operations as lines of EDN, the way Jepsen stores its histories.
//!
//! ```text
//! {:index 9, :time 310020, :process 3, :type :ok, :f :send, :value [[:send 4 [812 77]]], :producer 1}
//! ```

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::operation::{Action, Key, Kind, MicroOp, Operation, Process};

/// Appends `operation` to `out` as one line, without its end.
pub fn to_edn(operation: &Operation, out: &mut String) {
    let Operation { index, time_ns, .. } = operation;
    // Writing to a String cannot fail.
    let _ = write!(out, "{{:index {index}, :time {time_ns}, :process ");
    match operation.process {
        Process::Client(number) => {
            let _ = write!(out, "{number}");
        }
        Process::Nemesis => out.push_str(":nemesis"),
    }
    let _ = write!(out, ", :type :{}, :f ", operation.kind.name());
    push_keyword(operation.action.name(), out);
    out.push_str(", :value ");
    push_value(operation, out);
    push_rare_fields(operation, out);
    out.push('}');
}

fn push_value(operation: &Operation, out: &mut String) {
    match &operation.action {
        Action::Send(ops) | Action::Poll(ops) | Action::Txn(ops) => {
            push_vector(out, ops, |op, out| push_micro_op(op, operation.kind, out));
        }
        Action::Assign { keys, .. }
        | Action::Subscribe(keys)
        | Action::DebugTopicPartitions(keys) => push_keys(keys, out),
        Action::Crash => out.push_str("nil"),
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
                Some(offset) => write!(out, "[:send {key} [{offset} {value}]]"),
                None => write!(out, "[:send {key} {value}]"),
            };
        }
        MicroOp::Poll(partitions) if partitions.is_empty() && kind == Kind::Invoke => {
            out.push_str("[:poll]");
        }
        MicroOp::Poll(partitions) => {
            out.push_str("[:poll {");
            for (at, (key, pairs)) in partitions.iter().enumerate() {
                let comma = if at > 0 { ", " } else { "" };
                let _ = write!(out, "{comma}{key} ");
                push_vector(out, pairs, |(offset, value), out| {
                    let _ = write!(out, "[{offset} {value}]");
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
        out.push_str(", :seek-to-beginning? true");
    }
    if let Some(due_ns) = operation.due_ns {
        let _ = write!(out, ", :due {due_ns}");
    }
    if let Some(producer) = operation.producer {
        let _ = write!(out, ", :producer {producer}");
    }
    if !operation.rebalanced.is_empty() {
        out.push_str(", :rebalance-log [{:keys ");
        push_keys(&operation.rebalanced, out);
        out.push_str("}]");
    }
    if let Some(error) = &operation.error {
        out.push_str(", :error ");
        push_string(error, out);
    }
}

fn push_keys(keys: &[Key], out: &mut String) {
    push_vector(out, keys, |key, out| {
        let _ = write!(out, "{key}");
    });
}

fn push_vector<T>(out: &mut String, items: &[T], mut push: impl FnMut(&T, &mut String)) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        push(item, out);
    }
    out.push(']');
}

/// A keyword; characters that none may have become hyphens.
fn push_keyword(name: &str, out: &mut String) {
    out.push(':');
    out.extend(name.chars().map(|c| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '*' | '+' | '!' | '?' | '-' => c,
        _ => '-',
    }));
}

fn push_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // EDN has no escape for other control characters that all its readers know.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn push_serialized<T: Serialize>(value: &T, out: &mut String) {
    push_json(&serde_json::to_value(value).unwrap_or(Value::Null), out);
}

/// JSON in EDN's clothes: names become keywords, unless they are numbers.
fn push_json(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("nil"),
        Value::Bool(_) | Value::Number(_) => {
            let _ = write!(out, "{value}");
        }
        Value::String(text) => push_string(text, out),
        Value::Array(items) => push_vector(out, items, push_json),
        Value::Object(fields) => {
            out.push('{');
            for (at, (name, value)) in fields.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                match name.parse::<i64>() {
                    Ok(number) => {
                        let _ = write!(out, "{number}");
                    }
                    Err(_) => push_keyword(name, out),
                }
                out.push(' ');
                push_json(value, out);
            }
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::operation::{FaultNote, Node, Phase};
    use super::*;

    fn edn(operation: &Operation) -> String {
        let mut out = String::new();
        to_edn(operation, &mut out);
        out
    }

    #[test]
    fn a_send_has_the_shape_of_jepsens() {
        let send = |offset| {
            Action::Send(vec![MicroOp::Send {
                key: Key(4),
                value: 77,
                offset,
            }])
        };
        let mut invoked = Operation::new(Process::Client(3), Kind::Invoke, send(None), 5);
        invoked.due_ns = Some(4);
        invoked.producer = Some(1);
        assert_eq!(
            edn(&invoked),
            "{:index 0, :time 5, :process 3, :type :invoke, :f :send, :value [[:send 4 77]], \
             :due 4, :producer 1}"
        );
        let acknowledged = Operation::new(Process::Client(3), Kind::Ok, send(Some(812)), 9);
        assert_eq!(
            edn(&acknowledged),
            "{:index 0, :time 9, :process 3, :type :ok, :f :send, :value [[:send 4 [812 77]]]}"
        );
    }

    #[test]
    fn a_poll_has_the_shape_of_jepsens() {
        let poll = |kind, partitions| {
            let action = Action::Poll(vec![MicroOp::Poll(partitions)]);
            edn(&Operation::new(Process::Client(0), kind, action, 1))
        };
        assert!(poll(Kind::Invoke, Vec::new()).ends_with(":f :poll, :value [[:poll]]}"));
        assert!(poll(Kind::Ok, Vec::new()).ends_with(":value [[:poll {}]]}"));
        let read = vec![(Key(1), vec![(0, 5), (1, 6)]), (Key(2), vec![(9, 7)])];
        assert!(poll(Kind::Ok, read).ends_with(":value [[:poll {1 [[0 5] [1 6]], 2 [[9 7]]}]]}"));
    }

    #[test]
    fn a_fault_is_the_nemesis_doing_and_quotes_its_words() {
        let note = FaultNote {
            fault: "kill -9".to_owned(),
            phase: Phase::Begun,
            scenario: "kill-leader".to_owned(),
            round: 3,
            nodes: vec![Node(2)],
            keys: vec![Key(0)],
            detail: "said \"no\"\n".to_owned(),
        };
        assert_eq!(
            edn(&Operation::nemesis(Action::Fault(note), 7)),
            "{:index 0, :time 7, :process :nemesis, :type :info, :f :kill--9, :value \
             {:detail \"said \\\"no\\\"\\n\", :keys [0], :nodes [2], :phase \"begun\", :round 3, \
             :scenario \"kill-leader\"}}"
        );
    }
}
