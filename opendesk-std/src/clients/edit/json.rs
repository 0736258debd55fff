//! JSON, with and without comments.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstNewlineKind, CstNode, CstObject, CstObjectProp, CstRootNode};
use serde::de::IgnoredAny;

use super::{Entry, Fault, Found};
use crate::clients::client::{Format, Row};

/// What only an entry that is reached over the network has.
const REMOTE: [&str; 5] = ["url", "serverUrl", "httpUrl", "headers", "tcp"];

pub(super) fn find(text: &str, row: &Row, name: &str) -> Result<Option<Found>, Fault> {
    let root = parse(text, row.format)?;
    let Some(servers) = servers(text, &root, row.servers)? else { return Ok(None) };
    let Some(property) = only(text, &servers, name)? else { return Ok(None) };
    Ok(Some(found(&property)))
}

pub(super) fn put(text: &str, row: &Row, name: &str, entry: &Entry) -> Result<String, Fault> {
    let root = parse(text, row.format)?;
    let is_new = root.value().is_none();
    let servers = match servers(text, &root, row.servers)? {
        Some(servers) => servers,
        None => {
            let top = root.object_value_or_create().ok_or_else(|| not_an_object(0))?;
            top.object_value_or_set(row.servers)
        }
    };
    match only(text, &servers, name)? {
        None => drop(servers.append(name, value(entry, row.is_typed))),
        Some(property) => renew(&property, entry, row.is_typed),
    }
    let made = root.to_string();
    // The library begins a text anew without a line end.
    Ok(if is_new && !made.ends_with('\n') { made + newline(&root) } else { made })
}

pub(super) fn take(text: &str, row: &Row, name: &str) -> Result<String, Fault> {
    let root = parse(text, row.format)?;
    if let Some(servers) = servers(text, &root, row.servers)?
        && let Some(property) = only(text, &servers, name)?
    {
        property.remove();
    }
    Ok(root.to_string())
}

fn newline(root: &CstRootNode) -> &'static str {
    match root.newline_kind() {
        CstNewlineKind::LineFeed => "\n",
        CstNewlineKind::CarriageReturn => "\r",
        CstNewlineKind::CarriageReturnLineFeed => "\r\n",
    }
}

fn parse(text: &str, format: Format) -> Result<CstRootNode, Fault> {
    let is_strict = format == Format::Json;
    if is_strict && !text.trim().is_empty() {
        // The client's own parser takes nothing else, comments included: what it cannot read is not to be mended by us.
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| {
            let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
            let said = error.to_string();
            let why = said.rsplit_once(" at line ").map_or(said.as_str(), |(why, _)| why);
            Fault::new(before + error.column().saturating_sub(1), format!("this is not JSON: {why}"))
        })?;
    }
    let options = ParseOptions {
        allow_comments: !is_strict,
        allow_trailing_commas: format == Format::Lenient,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    CstRootNode::parse(text, &options).map_err(|error| Fault::new(error.range().start, error.kind().to_string()))
}

/// The object that lists the servers.
fn servers(text: &str, root: &CstRootNode, key: &str) -> Result<Option<CstObject>, Fault> {
    let top = match root.value() {
        None => return Ok(None),
        Some(value) => value.as_object().ok_or_else(|| not_an_object(0))?,
    };
    let Some(property) = only(text, &top, key)? else { return Ok(None) };
    let at = text.find(&format!("\"{key}\"")).unwrap_or_default();
    property.object_value().map(Some).ok_or_else(|| Fault::new(at, format!("`{key}` is not an object")))
}

fn not_an_object(at: usize) -> Fault {
    Fault::new(at, "the whole is not an object")
}

/// The property of this name. Of two, clients read the last or none: which one was meant is not ours to say.
fn only(text: &str, object: &CstObject, name: &str) -> Result<Option<CstObjectProp>, Fault> {
    let mut same = object.properties().into_iter().filter(|property| property.decoded_name().as_deref() == Some(name));
    let first = same.next();
    if same.next().is_some() {
        let at = text.rfind(&format!("\"{name}\"")).unwrap_or_default();
        return Err(Fault::new(at, format!("`{name}` is there twice")));
    }
    Ok(first)
}

fn value(entry: &Entry, is_typed: bool) -> CstInputValue {
    let kind = is_typed.then(|| ("type".to_owned(), CstInputValue::from("stdio")));
    let command = ("command".to_owned(), CstInputValue::from(entry.command.as_str()));
    let args = ("args".to_owned(), words(&entry.args));
    CstInputValue::Object(kind.into_iter().chain([command, args]).collect())
}

fn words(words: &[String]) -> CstInputValue {
    CstInputValue::Array(words.iter().map(|word| CstInputValue::from(word.as_str())).collect())
}

/// Has an entry start this program. What else its user has set there, such as variables, stays.
fn renew(property: &CstObjectProp, entry: &Entry, is_typed: bool) {
    let object = property.object_value();
    let Some(object) = object.filter(|object| REMOTE.iter().all(|key| object.get(key).is_none())) else {
        property.set_value(value(entry, is_typed));
        return;
    };
    let has = |key: &str, wanted: &CstInputValue| {
        object.get(key).and_then(|it| it.value()).is_some_and(|it| same(&it, wanted))
    };
    let kind = CstInputValue::from("stdio");
    if (is_typed || object.get("type").is_some()) && !has("type", &kind) {
        set(&object, "type", kind);
    }
    let command = CstInputValue::from(entry.command.as_str());
    if !has("command", &command) {
        set(&object, "command", command);
    }
    let args = words(&entry.args);
    if !has("args", &args) {
        set(&object, "args", args);
    }
}

fn set(object: &CstObject, key: &str, value: CstInputValue) {
    match object.get(key) {
        Some(property) => property.set_value(value),
        None => drop(object.append(key, value)),
    }
}

fn same(node: &CstNode, wanted: &CstInputValue) -> bool {
    match wanted {
        CstInputValue::String(wanted) => string(node).as_ref() == Some(wanted),
        CstInputValue::Array(wanted) => node.as_array().is_some_and(|array| {
            let elements = array.elements();
            elements.len() == wanted.len() && elements.iter().zip(wanted).all(|(node, wanted)| same(node, wanted))
        }),
        _ => false,
    }
}

fn string(node: &CstNode) -> Option<String> {
    node.as_string_lit()?.decoded_value().ok()
}

fn found(property: &CstObjectProp) -> Found {
    let Some(object) = property.object_value() else { return Found::Other("something that is no server".to_owned()) };
    let value = |key: &str| object.get(key)?.value();
    let remote = ["url", "serverUrl", "httpUrl"].into_iter().find_map(|key| string(&value(key)?));
    if let Some(address) = remote {
        return Found::Other(address);
    }
    let Some(command) = value("command").and_then(|command| string(&command)) else {
        return Found::Other("a server without a command".to_owned());
    };
    let args = value("args").and_then(|args| args.as_array()).map(|args| args.elements()).unwrap_or_default();
    Found::Command(Entry { command, args: args.iter().filter_map(string).collect() })
}
