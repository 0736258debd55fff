//! The accessibility tree, which version 1 nests, and its elements. What version 1's elements have no key for stands in
//! their metadata.

use super::Params;
use super::form::{Form, Read};
use super::value::{Fault, Fields, Value};
use crate::api::tree::MAX_NODES;
use crate::api::{ElementTarget, Modifier, Rect, Result, UiActionParams, UiNode, UiTree};
use crate::desktop::Key;

/// How far below the root an element may be: no peer may nest deeper than a stack is.
pub(super) const MAX_DEPTH: u32 = 64;

/// An element as it is read.
struct Element<'a> {
    role: String,
    name: String,
    value: Option<String>,
    bounds: Option<Rect>,
    focused: bool,
    enabled: bool,
    states: Vec<String>,
    actions: Vec<String>,
    children: Vec<Value<'a>>,
    reference: Option<String>,
    metadata: Fields<'a>,
}

impl<'a> Element<'a> {
    fn read(value: Value<'a>) -> Read<Self> {
        let mut fields = Fields::of(value)?;
        let metadata = match fields.take("metadata") {
            None | Some(Value::Nil) => Value::map([]),
            Some(metadata) => metadata,
        };
        let mut metadata = Fields::of(metadata).map_err(|fault| fault.within("metadata"))?;
        let reference = fields.or::<Option<String>>("ref", None)?.or_else(|| text(&mut metadata, "ref"));
        let children = match fields.take("children") {
            Some(Value::List(children)) => children,
            None | Some(Value::Nil) => Vec::new(),
            Some(_) => return Err(Fault::new("must be a list").within("children")),
        };
        let element = Self {
            role: fields.need("role")?,
            name: fields.or("name", String::new())?,
            value: fields.or("value", None)?,
            bounds: fields.or("bounds", None)?,
            focused: fields.or("focused", false)?,
            enabled: fields.or("enabled", true)?,
            states: metadata.or("states", Vec::new()).map_err(|fault| fault.within("metadata"))?,
            actions: fields.or("actions", Vec::new())?,
            children,
            reference,
            metadata,
        };
        fields.end()?;
        Ok(element)
    }
}

/// A text of the metadata; anything else under its name is somebody else's.
fn text(metadata: &mut Fields<'_>, key: &str) -> Option<String> {
    metadata.take(key).and_then(|value| String::from_value(value).ok())
}

impl Form for UiTree {
    fn from_value(value: Value<'_>) -> Read<Self> {
        let mut tree = Self::default();
        let mut ahead = vec![(0, value)];
        while let Some((depth, value)) = ahead.pop() {
            if tree.nodes.len() == MAX_NODES {
                tree.truncated = true;
                break;
            }
            let Element {
                role,
                name,
                value,
                bounds,
                focused,
                enabled,
                states,
                actions,
                children,
                reference,
                mut metadata,
            } = Element::read(value)?;
            if depth == 0 {
                tree.truncated = metadata.take("truncated") == Some(Value::Bool(true));
            }
            tree.nodes.push(UiNode { depth, role, name, value, bounds, focused, enabled, states, actions, reference });
            ahead.extend(children.into_iter().rev().map(|child| (depth.saturating_add(1), child)));
        }
        Ok(tree)
    }

    fn to_value(&self) -> Value<'_> {
        let truncated = self.truncated || self.nodes.iter().any(|node| u32::from(node.depth) > MAX_DEPTH);
        // From the last to the first, so that what lies below an element is there before it.
        let mut below: Vec<(u16, Value<'_>)> = Vec::new();
        for (index, node) in self.nodes.iter().enumerate().rev() {
            if u32::from(node.depth) > MAX_DEPTH {
                continue;
            }
            let mut children = Vec::new();
            while let Some((_, child)) = below.pop_if(|(depth, _)| *depth > node.depth) {
                children.push(child);
            }
            below.push((node.depth, element(node, children, truncated && index == 0)));
        }
        below.pop().map_or_else(|| Value::map([("role", Value::Str(""))]), |(_, root)| root)
    }
}

fn element<'a>(node: &'a UiNode, children: Vec<Value<'a>>, truncated: bool) -> Value<'a> {
    let mut metadata = Vec::new();
    if let Some(reference) = &node.reference {
        metadata.push(("ref", reference.to_value()));
    }
    if !node.states.is_empty() {
        metadata.push(("states", node.states.to_value()));
    }
    if truncated {
        metadata.push(("truncated", Value::Bool(true)));
    }
    Value::map([
        ("role", node.role.to_value()),
        ("name", node.name.to_value()),
        ("value", node.value.to_value()),
        ("bounds", node.bounds.to_value()),
        ("focused", node.focused.to_value()),
        ("enabled", node.enabled.to_value()),
        ("actions", node.actions.to_value()),
        ("children", Value::List(children)),
        ("metadata", Value::Map(metadata)),
    ])
}

impl Params for UiActionParams {
    fn from_fields(fields: &mut Fields<'_>) -> Read<Self> {
        let element = fields.take("element").ok_or_else(|| Fault::new("is missing").within("element"))?;
        let in_element = |fault: Fault| fault.within("element");
        let Element { role, name, value, bounds, reference, mut metadata, .. } =
            Element::read(element).map_err(in_element)?;
        let in_metadata = |fault: Fault| in_element(fault.within("metadata"));
        let target = ElementTarget {
            role,
            name,
            value,
            bounds,
            reference,
            menu_path: metadata.or("menu_path", Vec::new()).map_err(in_metadata)?,
            key: metadata.or("key", None).map_err(in_metadata)?,
            modifiers: modifiers(&mut metadata).map_err(in_metadata)?,
        };
        let app = fields.or::<Option<String>>("app", None)?.or_else(|| text(&mut metadata, "app"));
        Ok(Self { target, action: fields.or("action", "click".to_owned())?, app })
    }

    fn to_fields(&self) -> Result<Value<'_>> {
        let target = &self.target;
        let mut metadata = Vec::new();
        if let Some(reference) = &target.reference {
            metadata.push(("ref", reference.to_value()));
        }
        if !target.menu_path.is_empty() {
            metadata.push(("menu_path", target.menu_path.to_value()));
        }
        if let Some(app) = self.app.as_ref().filter(|_| !target.menu_path.is_empty()) {
            metadata.push(("app", app.to_value()));
        }
        if let Some(key) = &target.key {
            metadata.push(("key", key.to_value()));
            metadata.push(("modifiers", target.modifiers.to_value()));
        }
        let element = Value::map([
            ("role", target.role.to_value()),
            ("name", target.name.to_value()),
            ("value", target.value.to_value()),
            ("bounds", target.bounds.to_value()),
            ("focused", Value::Bool(false)),
            ("enabled", Value::Bool(true)),
            ("actions", Value::List(Vec::new())),
            ("children", Value::List(Vec::new())),
            ("metadata", Value::Map(metadata)),
        ]);
        Ok(Value::map([("element", element), ("action", self.action.to_value()), ("app", self.app.to_value())]))
    }
}

/// The modifiers of an element's metadata: in any common spelling, for they come as whoever asked wrote them.
fn modifiers(metadata: &mut Fields<'_>) -> Read<Vec<Modifier>> {
    let names: Vec<String> = metadata.or("modifiers", Vec::new())?;
    let modifier = |name: &String| match name.parse::<Key>() {
        Ok(Key::Shift) => Ok(Modifier::Shift),
        Ok(Key::Control) => Ok(Modifier::Ctrl),
        Ok(Key::Alt) => Ok(Modifier::Alt),
        Ok(Key::Meta) => Ok(Modifier::Meta),
        Ok(Key::CapsLock) => Ok(Modifier::CapsLock),
        _ if name.eq_ignore_ascii_case("fn") => Ok(Modifier::Fn),
        _ => Err(Fault::new("must be names of modifiers").within("modifiers")),
    };
    names.iter().map(modifier).collect()
}
