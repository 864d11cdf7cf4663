//! The Rust code of one message.

use crate::{
    names::snake,
    schema::{Field, Kind, Message, Struct, Type, Versions},
};
use std::fmt::Write;

/// The file of one message.
pub(crate) fn message(message: &Message) -> String {
    let mut body = String::new();
    structure(&mut body, message, &message.body);
    constants(&mut body, message);
    for nested in &message.structs {
        structure(&mut body, message, nested);
    }
    let name = &message.body.name;
    let mut out = format!("//! `{name}`. Generated from the schema; do not edit.\n\n");
    out.push_str("use crate::wire::*;\n");
    for (word, path) in [("Bytes", "bytes::Bytes"), ("Uuid", "klamm_types::Uuid")] {
        let types = message
            .structs
            .iter()
            .chain([&message.body])
            .flat_map(|s| &s.fields);
        if types
            .map(|f| f.kind.rust())
            .any(|t| t == word || t == format!("Vec<{word}>"))
        {
            let _ = writeln!(out, "use {path};");
        }
    }
    out + &body
}

fn constants(out: &mut String, message: &Message) {
    let Versions { low, high } = message.body.versions;
    let flexible = match message.flexible.is_empty() {
        true => "i16::MAX".to_owned(),
        false => message.flexible.low.to_string(),
    };
    let (name, key) = (&message.body.name, message.key);
    let _ = write!(
        out,
        "\nimpl Message for {name} {{\n    const NAME: &'static str = \"{name}\";\n    \
         const API_KEY: i16 = {key};\n    const MIN_VERSION: i16 = {low};\n    \
         const MAX_VERSION: i16 = {high};\n    const FLEXIBLE_FROM: i16 = {flexible};\n}}\n",
    );
    if message.kind == Kind::Request {
        let api = name.trim_end_matches("Request");
        let module = snake(&format!("{api}Response"));
        let _ = write!(
            out,
            "\nimpl Request for {name} {{\n    type Response = super::{module}::{api}Response;\n    \
             const KEY: ApiKey = ApiKey::{api};\n}}\n",
        );
    }
}

fn structure(out: &mut String, message: &Message, item: &Struct) {
    let scope = item.versions.intersect(message.body.versions);
    declaration(out, item);
    let name = &item.name;
    let versioned = item
        .fields
        .iter()
        .any(|f| condition(f.versions, scope).is_some())
        || item
            .fields
            .iter()
            .any(|f| f.optional() && f.nullable.intersect(scope) != scope)
        || item
            .fields
            .iter()
            .any(|f| f.tag.is_some_and(|(_, v)| condition(v, scope).is_some()));
    let version = if versioned {
        "        let v = cx.version;\n"
    } else {
        ""
    };
    let flexible = message.flexible.intersect(scope);
    let tags = if flexible.is_empty() {
        None
    } else {
        Some(tagged(item))
    };
    let _ = write!(
        out,
        "\nimpl Wire for {name} {{\n    fn read(d: &mut Decoder, cx: Cx) -> Result<Self, DecodeError> {{\n{version}"
    );
    read(out, item, scope, tags.as_deref());
    let _ = write!(
        out,
        "    }}\n\n    fn write(&self, e: &mut Encoder, cx: Cx) -> Result<(), EncodeError> {{\n{version}"
    );
    write_body(out, item, scope, tags.as_deref());
    let _ = write!(
        out,
        "    }}\n\n    #[cfg(any(test, feature = \"testing\"))]\n    fn fill(r: &mut Rng, cx: Cx) -> Self {{\n{version}"
    );
    fill(out, item, scope);
    out.push_str("    }\n}\n");
}

fn declaration(out: &mut String, item: &Struct) {
    let plain = item.fields.iter().all(is_zero_default);
    let default = if plain { ", Default" } else { "" };
    let _ = write!(
        out,
        "\n/// Versions {}.\n#[derive(Clone, Debug, PartialEq{default})]\npub struct {} {{\n",
        item.versions, item.name
    );
    for field in &item.fields {
        let mut about = format!("Versions {}", field.versions);
        if field.optional() {
            let _ = write!(about, ", nullable {}", field.nullable);
        }
        if let Some((number, versions)) = field.tag {
            let _ = write!(about, ", tag {number} in {versions}");
        }
        if let Some(default) = &field.default {
            let _ = write!(about, ", default `{default}`");
        }
        let _ = writeln!(
            out,
            "    /// {about}.\n    pub {}: {},",
            snake(&field.name),
            rust_type(field)
        );
    }
    out.push_str("}\n");
    if plain {
        return;
    }
    let _ = write!(
        out,
        "\nimpl Default for {} {{\n    fn default() -> Self {{\n        Self {{\n",
        item.name
    );
    for field in &item.fields {
        let _ = writeln!(
            out,
            "            {}: {},",
            snake(&field.name),
            default_value(field)
        );
    }
    out.push_str("        }\n    }\n}\n");
}

fn read(out: &mut String, item: &Struct, scope: Versions, tags: Option<&[Tagged]>) {
    let fields = item
        .fields
        .iter()
        .filter(|f| !untagged(f).intersect(scope).is_empty());
    let fields: Vec<&Field> = fields.collect();
    let mutable = !fields.is_empty() || tags.is_some_and(|t| !t.is_empty());
    let keyword = if mutable { "let mut m" } else { "let m" };
    let _ = writeln!(out, "        {keyword} = Self::default();");
    for field in fields {
        let value = format!("m.{} = {};", snake(&field.name), getter(field, scope));
        guarded(out, condition(untagged(field), scope), &value);
    }
    match tags {
        None => {}
        Some([]) => out.push_str("        d.skip_tags(cx)?;\n"),
        Some(tags) => {
            out.push_str("        d.tags(cx, &mut |d, tag| {\n            match tag {\n");
            for tag in tags {
                let when = match condition(tag.versions, scope) {
                    Some(condition) => format!(" if {condition}"),
                    None => String::new(),
                };
                let _ = writeln!(
                    out,
                    "                {}{when} => m.{} = {},",
                    tag.number,
                    snake(&tag.field.name),
                    tag_getter(tag.field, scope)
                );
            }
            out.push_str("                _ => return Ok(false),\n            }\n            Ok(true)\n        })?;\n");
        }
    }
    out.push_str("        Ok(m)\n");
}

fn write_body(out: &mut String, item: &Struct, scope: Versions, tags: Option<&[Tagged]>) {
    for field in &item.fields {
        let travels = untagged(field).intersect(scope);
        let here = field.versions.intersect(scope);
        let lost = !field.ignorable && here != scope;
        let absent = format!(
            "e.absent({}, \"{}.{}\", cx)?;",
            differs(field),
            item.name,
            field.name
        );
        let put = format!("{};", putter(field, scope));
        if travels.is_empty() {
            if lost {
                match condition(field.versions, scope) {
                    Some(condition) => guarded(out, Some(format!("!({condition})")), &absent),
                    None => guarded(out, None, &absent),
                }
            }
        } else if let (true, Some(condition)) = (lost && here == travels, condition(travels, scope))
        {
            let _ = writeln!(
                out,
                "        if {condition} {{ {put} }} else {{ {absent} }}"
            );
        } else {
            guarded(out, condition(travels, scope), &put);
            if lost && let Some(condition) = condition(field.versions, scope) {
                guarded(out, Some(format!("!({condition})")), &absent);
            }
        }
    }
    match tags {
        None => {}
        Some([]) => out.push_str("        e.no_tags(cx);\n"),
        Some(tags) => {
            out.push_str("        if cx.flexible {\n");
            let present: Vec<String> = tags
                .iter()
                .map(|tag| match condition(tag.versions, scope) {
                    Some(condition) => format!("{condition} && {}", differs(tag.field)),
                    None => differs(tag.field),
                })
                .collect();
            let _ = writeln!(
                out,
                "            let tags = [{}];\n            e.tag_count(&tags);",
                present.join(", ")
            );
            for (i, tag) in tags.iter().enumerate() {
                let put = tag_putter(tag.field, scope);
                let put = put.strip_suffix('?').unwrap_or(&put);
                let _ = writeln!(
                    out,
                    "            if tags[{i}] {{ e.tag({}, &mut |e| {put})?; }}",
                    tag.number
                );
            }
            out.push_str("        }\n");
        }
    }
    out.push_str("        Ok(())\n");
}

fn fill(out: &mut String, item: &Struct, scope: Versions) {
    let fields: Vec<&Field> = item
        .fields
        .iter()
        .filter(|f| !f.versions.intersect(scope).is_empty())
        .collect();
    let keyword = if fields.is_empty() {
        "let m"
    } else {
        "let mut m"
    };
    let _ = writeln!(out, "        {keyword} = Self::default();");
    for field in fields {
        let value = match field.optional() {
            true => format!("r.nullable(cx, {})", nullable(field, scope)),
            false => "r.get(cx)".to_owned(),
        };
        guarded(
            out,
            condition(field.versions, scope),
            &format!("m.{} = {value};", snake(&field.name)),
        );
    }
    out.push_str("        m\n");
}

struct Tagged<'a> {
    number: u32,
    versions: Versions,
    field: &'a Field,
}

fn tagged(item: &Struct) -> Vec<Tagged<'_>> {
    let mut tags: Vec<Tagged<'_>> = item
        .fields
        .iter()
        .filter_map(|field| {
            field.tag.map(|(number, versions)| Tagged {
                number,
                versions,
                field,
            })
        })
        .collect();
    tags.sort_by_key(|tag| tag.number);
    tags
}

/// The versions in which the field travels in its place, not as a tagged field.
fn untagged(field: &Field) -> Versions {
    match field.tag {
        None => field.versions,
        Some((_, tagged)) => field.versions.intersect(Versions {
            low: 0,
            high: tagged.low - 1,
        }),
    }
}

fn guarded(out: &mut String, condition: Option<String>, statement: &str) {
    let _ = match condition {
        None => writeln!(out, "        {statement}"),
        Some(condition) => writeln!(out, "        if {condition} {{ {statement} }}"),
    };
}

/// The test for `versions`, or `None` if every version of `scope` passes it.
fn condition(versions: Versions, scope: Versions) -> Option<String> {
    let inside = versions.intersect(scope);
    if inside == scope {
        return None;
    }
    Some(match (inside.low > scope.low, inside.high < scope.high) {
        _ if inside.is_empty() => "false".to_owned(),
        (true, true) if inside.low == inside.high => format!("v == {}", inside.low),
        (true, true) => format!("({}..={}).contains(&v)", inside.low, inside.high),
        (true, false) => format!("v >= {}", inside.low),
        _ => format!("v <= {}", inside.high),
    })
}

fn nullable(field: &Field, scope: Versions) -> String {
    let here = field.versions.intersect(scope);
    condition(field.nullable.intersect(here), here).unwrap_or_else(|| "true".to_owned())
}

fn context(field: &Field) -> &'static str {
    if field.never_flexible {
        "cx.plain()"
    } else {
        "cx"
    }
}

fn getter(field: &Field, scope: Versions) -> String {
    match field.optional() {
        true => format!(
            "d.nullable({}, {})?",
            context(field),
            nullable(field, scope)
        ),
        false => format!("d.get({})?", context(field)),
    }
}

/// A nullable structure says so differently in a tagged field.
fn tag_getter(field: &Field, scope: Versions) -> String {
    match (field.optional(), &field.kind) {
        (true, Type::Struct(_)) => "d.tagged_struct(cx)?".to_owned(),
        _ => getter(field, scope),
    }
}

fn tag_putter(field: &Field, scope: Versions) -> String {
    match (field.optional(), &field.kind) {
        (true, Type::Struct(_)) => format!("e.tagged_struct(&self.{}, cx)?", snake(&field.name)),
        _ => putter(field, scope),
    }
}

fn putter(field: &Field, scope: Versions) -> String {
    let (name, cx) = (snake(&field.name), context(field));
    match field.optional() {
        true => format!(
            "e.nullable(&self.{name}, {cx}, {}, \"{}\")?",
            nullable(field, scope),
            field.name
        ),
        false => format!("self.{name}.write(e, {cx})?"),
    }
}

fn rust_type(field: &Field) -> String {
    let inner = field.kind.rust();
    if field.optional() {
        format!("Option<{inner}>")
    } else {
        inner
    }
}

fn is_zero_default(field: &Field) -> bool {
    match (&field.default, field.optional()) {
        _ if field.default_null() => true,
        (_, true) => false,
        (None, false) => true,
        (Some(text), false) => ["0", "false", "\"\""].contains(&text.as_str()),
    }
}

fn default_value(field: &Field) -> String {
    if field.default_null() {
        return "None".to_owned();
    }
    let value = match (&field.kind, field.default.as_deref()) {
        (Type::Plain("bool" | "Uuid"), None) | (Type::Struct(_), _) => {
            "Default::default()".to_owned()
        }
        (Type::Plain("f64"), None) => "0.0".to_owned(),
        (Type::Plain(_), None) => "0".to_owned(),
        (Type::Plain(_), Some(literal)) => literal.to_owned(),
        (Type::String, Some(literal)) if literal != "\"\"" => format!("{literal}.to_owned()"),
        _ => "Default::default()".to_owned(),
    };
    if field.optional() {
        format!("Some({value})")
    } else {
        value
    }
}

/// The expression that tells whether the field differs from its default.
fn differs(field: &Field) -> String {
    let name = format!("self.{}", snake(&field.name));
    if field.default_null() {
        return format!("{name}.is_some()");
    }
    let sequence = matches!(
        field.kind,
        Type::String | Type::Bytes | Type::Records | Type::Array(_)
    );
    match (field.optional(), sequence) {
        (true, true) => format!("{name}.as_ref().is_none_or(|x| !x.is_empty())"),
        (true, false) => format!("{name} != Some(Default::default())"),
        (false, true) => format!("!{name}.is_empty()"),
        (false, false) => match (&field.kind, field.default.as_deref()) {
            (Type::Plain("bool"), None | Some("false")) => name,
            (Type::Plain("bool"), Some(_)) => format!("!{name}"),
            (Type::Plain("f64"), None) => format!("{name} != 0.0"),
            (Type::Plain("Uuid") | Type::Struct(_), _) => format!("{name} != Default::default()"),
            (_, Some(literal)) => format!("{name} != {literal}"),
            (_, None) => format!("{name} != 0"),
        },
    }
}
