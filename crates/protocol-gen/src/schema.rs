//! The schema's text format and what it says.

use std::fmt;

/// An inclusive range of versions; empty when `low > high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// First version.
    pub low: i16,
    /// Last version; `i16::MAX` when open.
    pub high: i16,
}

impl Versions {
    /// No version at all.
    pub const NONE: Versions = Versions { low: 1, high: 0 };

    /// Whether no version is inside.
    pub fn is_empty(self) -> bool {
        self.low > self.high
    }

    /// The versions inside both.
    pub fn intersect(self, other: Versions) -> Versions {
        Versions {
            low: self.low.max(other.low),
            high: self.high.min(other.high),
        }
    }

    fn parse(text: &str) -> Option<Versions> {
        if text == "none" {
            return Some(Versions::NONE);
        }
        if let Some(low) = text.strip_suffix('+') {
            return Some(Versions {
                low: low.parse().ok()?,
                high: i16::MAX,
            });
        }
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        Some(Versions {
            low: low.parse().ok()?,
            high: high.parse().ok()?,
        })
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.low, self.high) {
            _ if self.is_empty() => f.write_str("none"),
            (low, i16::MAX) => write!(f, "{low}+"),
            (low, high) if low == high => write!(f, "{low}"),
            (low, high) => write!(f, "{low}-{high}"),
        }
    }
}

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request of an API.
    Request,
    /// A response of an API.
    Response,
    /// Anything else: headers, embedded structures, records.
    Data,
}

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A number, a boolean or a UUID, by its Rust name.
    Plain(&'static str),
    /// UTF-8 text.
    String,
    /// Bytes or record batches.
    Bytes,
    /// Record batches: like bytes, but null by default.
    Records,
    /// A structure by name.
    Struct(String),
    /// A sequence.
    Array(Box<Type>),
}

impl Type {
    fn parse(text: &str) -> Type {
        match text {
            "bool" => Type::Plain("bool"),
            "int8" => Type::Plain("i8"),
            "int16" => Type::Plain("i16"),
            "int32" => Type::Plain("i32"),
            "int64" => Type::Plain("i64"),
            "uint16" => Type::Plain("u16"),
            "uint32" => Type::Plain("u32"),
            "float64" => Type::Plain("f64"),
            "uuid" => Type::Plain("Uuid"),
            "string" => Type::String,
            "bytes" => Type::Bytes,
            "records" => Type::Records,
            other => match other.strip_prefix("[]") {
                Some(element) => Type::Array(Box::new(Type::parse(element))),
                None => Type::Struct(other.to_owned()),
            },
        }
    }

    /// The Rust type, nullability aside.
    pub fn rust(&self) -> String {
        match self {
            Type::Plain(name) => (*name).to_owned(),
            Type::String => "String".to_owned(),
            Type::Bytes | Type::Records => "Bytes".to_owned(),
            Type::Struct(name) => name.clone(),
            Type::Array(element) => format!("Vec<{}>", element.rust()),
        }
    }
}

/// One field of a structure.
#[derive(Clone, Debug)]
pub struct Field {
    /// Name as Kafka writes it.
    pub name: String,
    /// Its type.
    pub kind: Type,
    /// Versions that have it.
    pub versions: Versions,
    /// Versions in which it may be null.
    pub nullable: Versions,
    /// Tag number and the versions in which it travels as a tagged field.
    pub tag: Option<(u32, Versions)>,
    /// Literal of the schema, if any.
    pub default: Option<String>,
    /// May be dropped where the version lacks it.
    pub ignorable: bool,
    /// Uses the old encoding even in flexible versions.
    pub never_flexible: bool,
}

impl Field {
    /// Whether the Rust field is an `Option`.
    pub fn optional(&self) -> bool {
        !self.nullable.is_empty()
    }

    /// Whether a fresh value is null.
    pub fn default_null(&self) -> bool {
        self.optional() && (self.default.as_deref() == Some("null") || self.kind == Type::Records)
    }
}

/// A structure: the message itself or one nested inside.
#[derive(Clone, Debug)]
pub struct Struct {
    /// Name, also of the Rust type.
    pub name: String,
    /// Versions that use it.
    pub versions: Versions,
    /// Its fields in wire order.
    pub fields: Vec<Field>,
}

/// One message with everything nested in it.
#[derive(Clone, Debug)]
pub struct Message {
    /// What it is for.
    pub kind: Kind,
    /// API key or record type, −1 if it has none.
    pub key: i16,
    /// Versions from which encodings are compact.
    pub flexible: Versions,
    /// Versions that Klamm serves (requests only).
    pub served: Versions,
    /// Whether brokers and controllers answer it (requests only).
    pub listeners: (bool, bool),
    /// The top structure.
    pub body: Struct,
    /// Nested structures.
    pub structs: Vec<Struct>,
}

/// A line of the schema that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError {
    /// The line.
    pub line: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.line)
    }
}

impl std::error::Error for SchemaError {}

/// Reads all messages of one schema file.
pub(crate) fn parse(text: &str) -> Result<Vec<Message>, SchemaError> {
    let mut messages = Vec::new();
    let mut open: Option<(Message, Vec<usize>)> = None;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if !line.starts_with(' ') {
            messages.extend(open.take().map(|(message, _)| message));
            open = Some((header(trimmed)?, Vec::new()));
            continue;
        }
        let Some((message, path)) = &mut open else {
            return Err(bad(line, "a field outside of a message"));
        };
        let depth = (line.len() - line.trim_start().len()) / 2;
        member(message, path, depth, trimmed)?;
    }
    messages.extend(open.map(|(message, _)| message));
    Ok(messages)
}

fn bad(line: &str, reason: &'static str) -> SchemaError {
    SchemaError {
        line: line.to_owned(),
        reason,
    }
}

fn header(line: &str) -> Result<Message, SchemaError> {
    let mut parts = line.split("  ").map(str::trim);
    let kind = match parts.next() {
        Some("request") => Kind::Request,
        Some("response") => Kind::Response,
        _ => Kind::Data,
    };
    let name = parts
        .next()
        .ok_or_else(|| bad(line, "a message without a name"))?;
    let mut message = Message {
        kind,
        key: -1,
        flexible: Versions::NONE,
        served: Versions::NONE,
        listeners: (false, false),
        body: Struct {
            name: name.to_owned(),
            versions: Versions::NONE,
            fields: Vec::new(),
        },
        structs: Vec::new(),
    };
    let versions = |text: &str| Versions::parse(text).ok_or_else(|| bad(line, "versions expected"));
    for part in parts {
        match part.split_once(' ') {
            Some(("key", key)) => {
                message.key = key.parse().map_err(|_| bad(line, "key expected"))?;
            }
            Some(("versions", text)) => message.body.versions = versions(text)?,
            Some(("flexible", text)) => message.flexible = versions(text)?,
            Some(("served", text)) => message.served = versions(text)?,
            Some(("listeners", text)) => {
                message.listeners = (text.contains("broker"), text.contains("controller"));
            }
            None if part == "latest-unstable" => {}
            _ => return Err(bad(line, "unknown attribute of a message")),
        }
    }
    Ok(message)
}

/// Adds a field or a `struct` line at `depth`; `path` holds the structs open at each level,
/// where index 0 of `structs` is written as 1 and 0 stands for the message itself.
fn member(
    message: &mut Message,
    path: &mut Vec<usize>,
    depth: usize,
    line: &str,
) -> Result<(), SchemaError> {
    if depth == 0 || depth > path.len() + 1 {
        return Err(bad(line, "indentation without a parent"));
    }
    path.truncate(depth - 1);
    if let Some(shared) = line.strip_prefix("struct  ") {
        let (name, versions) = shared
            .split_once("  ")
            .ok_or_else(|| bad(line, "name and versions expected"))?;
        let versions = Versions::parse(versions).ok_or_else(|| bad(line, "versions expected"))?;
        path.push(open_struct(message, name, versions));
        return Ok(());
    }
    let field = field(line)?;
    // A field of a structure type opens it; a structure without indented fields is a `struct`
    // line elsewhere, which fills it when it comes.
    let opened = match struct_name(&field.kind) {
        Some(name) => open_struct(message, name, field.versions),
        None => usize::MAX,
    };
    let parent = path.last().copied().unwrap_or(0);
    match parent {
        0 => message.body.fields.push(field),
        usize::MAX => return Err(bad(line, "a child of a field without structure")),
        _ => message.structs[parent - 1].fields.push(field),
    }
    path.push(opened);
    Ok(())
}

fn struct_name(kind: &Type) -> Option<&str> {
    match kind {
        Type::Struct(name) => Some(name),
        Type::Array(element) => struct_name(element),
        _ => None,
    }
}

fn open_struct(message: &mut Message, name: &str, versions: Versions) -> usize {
    if let Some(index) = message.structs.iter().position(|known| known.name == name) {
        let known = &mut message.structs[index].versions;
        *known = Versions {
            low: known.low.min(versions.low),
            high: known.high.max(versions.high),
        };
        return index + 1;
    }
    message.structs.push(Struct {
        name: name.to_owned(),
        versions,
        fields: Vec::new(),
    });
    message.structs.len()
}

fn field(line: &str) -> Result<Field, SchemaError> {
    let parts: Vec<&str> = line.split("  ").map(str::trim).collect();
    let [name, kind, versions, attributes @ ..] = parts.as_slice() else {
        return Err(bad(line, "name, type and versions expected"));
    };
    let range = |text: &str| Versions::parse(text).ok_or_else(|| bad(line, "versions expected"));
    let mut field = Field {
        name: (*name).to_owned(),
        kind: Type::parse(kind),
        versions: Versions::NONE,
        nullable: Versions::NONE,
        tag: None,
        default: None,
        ignorable: false,
        never_flexible: false,
    };
    for attribute in attributes {
        match attribute.split_once(' ') {
            Some(("nullable", text)) => field.nullable = range(text)?,
            Some(("tag", text)) => field.tag = Some(tag(line, text)?),
            Some(("default", text)) => field.default = Some(text.to_lowercase()),
            Some(("flexible", "none")) => field.never_flexible = true,
            Some(("is", _)) => {}
            None if *attribute == "ignorable" => field.ignorable = true,
            None if ["key", "zerocopy", ""].contains(attribute) => {}
            _ => return Err(bad(line, "unknown attribute of a field")),
        }
    }
    field.versions = match (versions.is_empty(), field.tag) {
        (true, Some((_, tagged))) => tagged,
        _ => range(versions)?,
    };
    Ok(field)
}

fn tag(line: &str, text: &str) -> Result<(u32, Versions), SchemaError> {
    text.split_once('@')
        .and_then(|(number, versions)| Some((number.parse().ok()?, Versions::parse(versions)?)))
        .ok_or_else(|| bad(line, "tag and versions expected"))
}
