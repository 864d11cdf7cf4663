//! The generated files that list all messages.

use crate::{
    names::snake,
    schema::{Kind, Message, Versions},
};
use std::fmt::Write;

/// `mod.rs`: one module per message.
pub(crate) fn root(messages: &[Message]) -> String {
    let mut out = String::from(
        "//! Kafka's messages, one module each. Generated from the schema; do not edit.\n\n\
         #![allow(missing_docs, unreachable_pub, unused_mut, unused_parens, unused_variables)]\n\
         #![allow(clippy::all)]\n\npub mod any;\npub mod table;\n\n",
    );
    for message in messages {
        let _ = writeln!(out, "pub mod {};", snake(&message.body.name));
    }
    out.push_str("\npub use any::{AnyRequest, AnyResponse};\n");
    out.push_str(
        "\n/// Calls `$run!(Type)` for every message; for tests that cover all of them.\n",
    );
    out.push_str("#[cfg(any(test, feature = \"testing\"))]\n#[macro_export]\nmacro_rules! for_each_message {\n    ($run:ident) => {\n");
    for message in messages {
        let name = &message.body.name;
        let _ = writeln!(
            out,
            "        $run!($crate::messages::{}::{name});",
            snake(name)
        );
    }
    out.push_str("    };\n}\n");
    out
}

/// Requests in the order of their keys.
fn requests(messages: &[Message]) -> Vec<(&Message, &str)> {
    let mut found: Vec<(&Message, &str)> = messages
        .iter()
        .filter(|message| message.kind == Kind::Request)
        .map(|message| (message, message.body.name.trim_end_matches("Request")))
        .collect();
    found.sort_by_key(|(message, _)| message.key);
    found
}

/// `table.rs`: the enum of API keys and their facts.
pub(crate) fn api_keys(messages: &[Message]) -> String {
    let requests = requests(messages);
    let mut out = String::from(
        "//! The API keys and their facts. Generated from the schema; do not edit.\n\n\
         /// A live API key of Kafka.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]\n#[repr(i16)]\npub enum ApiKey {\n",
    );
    for (message, name) in &requests {
        let _ = writeln!(
            out,
            "    /// Versions {}.\n    {name} = {},",
            message.body.versions, message.key
        );
    }
    let _ = write!(
        out,
        "}}\n\n/// What the schema says of one API.\npub(crate) struct Row {{\n    pub(crate) name: &'static str,\n    \
         pub(crate) schema: (i16, i16),\n    pub(crate) served: (i16, i16),\n    pub(crate) flexible_from: i16,\n    \
         pub(crate) broker: bool,\n    pub(crate) controller: bool,\n}}\n\n\
         /// All live keys in ascending order.\npub(crate) const ALL: [ApiKey; {}] = [\n",
        requests.len()
    );
    for (_, name) in &requests {
        let _ = writeln!(out, "    ApiKey::{name},");
    }
    out.push_str("];\n\nconst fn row(name: &'static str, schema: (i16, i16), served: (i16, i16), flexible_from: i16, broker: bool, controller: bool) -> Row {\n    Row { name, schema, served, flexible_from, broker, controller }\n}\n\n/// The facts of a key.\npub(crate) const fn facts(key: ApiKey) -> Row {\n    match key {\n");
    for (message, name) in &requests {
        let range = |v: Versions| format!("({}, {})", v.low, v.high);
        let flexible = match message.flexible.is_empty() {
            true => "i16::MAX".to_owned(),
            false => message.flexible.low.to_string(),
        };
        let (broker, controller) = message.listeners;
        let _ = writeln!(
            out,
            "        ApiKey::{name} => row(\"{name}\", {}, {}, {flexible}, {broker}, {controller}),",
            range(message.body.versions),
            range(message.served),
        );
    }
    out.push_str("    }\n}\n");
    out
}

/// `any.rs`: requests and responses whose type is known only at run time.
pub(crate) fn any(messages: &[Message]) -> String {
    let requests = requests(messages);
    let mut out = String::from(
        "//! Messages whose type is known only at run time. Generated from the schema; do not edit.\n\n\
         use super::*;\nuse crate::wire::*;\n",
    );
    for kind in ["Request", "Response"] {
        let _ = write!(
            out,
            "\n/// Any {}.\n#[derive(Clone, Debug, PartialEq)]\npub enum Any{kind} {{\n",
            kind.to_lowercase()
        );
        for (_, name) in &requests {
            let _ = writeln!(
                out,
                "    {name}(Box<{}::{name}{kind}>),",
                snake(&format!("{name}{kind}"))
            );
        }
        let _ = write!(
            out,
            "}}\n\nimpl Any{kind} {{\n    /// Decodes the body of an API's message.\n    pub fn decode(key: ApiKey, version: i16, d: &mut Decoder) -> Result<Self, DecodeError> {{\n        Ok(match key {{\n"
        );
        for (_, name) in &requests {
            let _ = writeln!(
                out,
                "            ApiKey::{name} => Self::{name}(Box::new(Message::decode(d, version)?)),"
            );
        }
        out.push_str("        })\n    }\n\n    /// Encodes the body.\n    pub fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {\n        match self {\n");
        for (_, name) in &requests {
            let _ = writeln!(out, "            Self::{name}(m) => m.encode(e, version),");
        }
        out.push_str("        }\n    }\n\n    /// The API it belongs to.\n    pub fn key(&self) -> ApiKey {\n        match self {\n");
        for (_, name) in &requests {
            let _ = writeln!(out, "            Self::{name}(_) => ApiKey::{name},");
        }
        out.push_str("        }\n    }\n\n    /// A random message of an API, for tests.\n    #[cfg(any(test, feature = \"testing\"))]\n    pub fn random(key: ApiKey, version: i16, r: &mut Rng) -> Self {\n        match key {\n");
        for (_, name) in &requests {
            let _ = writeln!(
                out,
                "            ApiKey::{name} => Self::{name}(Box::new(r.message(version))),"
            );
        }
        out.push_str("        }\n    }\n}\n");
    }
    out
}
