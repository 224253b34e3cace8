//! Panels: a tree of typed nodes that Kith draws itself, in its own theme.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json, json};

use crate::bindings::ui::exports::kith::plugin::ui as wit;
use crate::{Error, Record, Result, records};

/// A panel that is to be drawn, or in which something was used.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Its name in the manifest.
    pub name: String,
    /// Id of the record it stands beside.
    pub target: Option<String>,
    /// What the view before kept.
    pub state: Option<String>,
    /// The button or form that was used; none when the panel is drawn.
    pub used: Option<Used>,
}

/// A button or a form that was used.
#[derive(Clone, Debug)]
pub struct Used {
    pub handler: String,
    /// What was filled in.
    pub form: Json,
}

impl Panel {
    /// The name of the handler that was used, if any.
    pub fn handler(&self) -> Option<&str> {
        self.used.as_ref().map(|used| used.handler.as_str())
    }

    /// What was filled in, as a type of yours.
    pub fn form<T: DeserializeOwned>(&self) -> Result<T> {
        let form = self.used.as_ref().map_or(Json::Null, |used| used.form.clone());
        serde_json::from_value(form).map_err(|error| Error::Other(format!("the form does not fit: {error}")))
    }

    /// What the view before kept, as a type of yours; none at first.
    pub fn state<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        match self.state.as_deref() {
            None | Some("") => Ok(None),
            Some(state) => Ok(Some(serde_json::from_str(state)?)),
        }
    }

    /// The record it stands beside.
    pub fn record(&self, object: &str, fields: &[&str]) -> Result<Record> {
        records::get(object, self.target.as_deref().ok_or(Error::NotFound)?, fields)
    }
}

/// What is drawn.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub title: String,
    pub nodes: Vec<Node>,
    pub state: String,
}

impl View {
    pub fn new(title: impl Into<String>) -> View {
        View { title: title.into(), ..View::default() }
    }

    /// One more node below the others.
    #[expect(clippy::should_implement_trait, reason = "reads as a list of what is drawn")]
    pub fn add(mut self, node: Node) -> View {
        self.nodes.push(node);
        self
    }

    /// Kept for the next time something in the panel is used; at most 64 KiB.
    pub fn keep(mut self, state: &impl Serialize) -> Result<View> {
        self.state = serde_json::to_string(state)?;
        Ok(self)
    }

    pub(crate) fn into_wit(self, target: Option<String>) -> wit::View {
        let mut nodes = Vec::new();
        flatten(Node::of("stack", json!({})).with_children(self.nodes), &mut nodes);
        wit::View { title: self.title, nodes, state: json!({ "target": target, "kept": self.state }).to_string() }
    }
}

/// What a view carries along: its target, since the contract names it only when a panel is first drawn, and what the author kept.
#[derive(Default, serde::Deserialize)]
pub(crate) struct Carried {
    pub target: Option<String>,
    pub kept: String,
}

impl Carried {
    pub(crate) fn read(state: Option<&str>) -> Carried {
        state.and_then(|state| serde_json::from_str(state).ok()).unwrap_or_default()
    }
}

/// Writes a node and all below it, and says where it stands.
fn flatten(node: Node, into: &mut Vec<wit::Node>) -> u32 {
    let place = into.len();
    into.push(wit::Node { kind: node.kind.into(), props: Json::Object(node.props).to_string(), children: Vec::new() });
    let children: Vec<u32> = node.children.into_iter().map(|child| flatten(child, into)).collect();
    into[place].children = children;
    place as u32
}

/// One node of a view, with what stands inside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub kind: &'static str,
    pub props: Map<String, Json>,
    pub children: Vec<Node>,
}

impl Node {
    fn of(kind: &'static str, props: Json) -> Node {
        let props = match props {
            Json::Object(props) => props,
            _ => Map::new(),
        };
        Node { kind, props, children: Vec::new() }
    }

    fn with_children(mut self, children: Vec<Node>) -> Node {
        self.children = children;
        self
    }

    /// `muted`, `good`, `bad` or `warning` for texts; `primary` or `danger` for buttons.
    pub fn tone(self, tone: &str) -> Node {
        self.prop("tone", tone)
    }

    /// A colour of badges: `gray`, `red`, `orange`, `yellow`, `green`, `teal`, `blue`, `purple`, `pink`.
    pub fn color(self, color: &str) -> Node {
        self.prop("color", color)
    }

    /// Any other property of the kind.
    pub fn prop(mut self, name: &str, value: impl Into<Json>) -> Node {
        self.props.insert(name.into(), value.into());
        self
    }
}

/// Nodes below each other.
pub fn stack(children: impl IntoIterator<Item = Node>) -> Node {
    Node::of("stack", json!({})).with_children(children.into_iter().collect())
}

/// Nodes beside each other.
pub fn row(children: impl IntoIterator<Item = Node>) -> Node {
    stack(children).prop("direction", "row")
}

pub fn heading(text: impl Into<String>) -> Node {
    Node::of("heading", json!({ "text": text.into() }))
}

pub fn text(text: impl Into<String>) -> Node {
    Node::of("text", json!({ "text": text.into() }))
}

pub fn badge(text: impl Into<String>) -> Node {
    Node::of("badge", json!({ "text": text.into() }))
}

pub fn divider() -> Node {
    Node::of("divider", json!({}))
}

/// Pairs of label and value.
pub fn field_list<L: Into<String>, V: Into<String>>(items: impl IntoIterator<Item = (L, V)>) -> Node {
    let items: Vec<Json> =
        items.into_iter().map(|(label, value)| json!({ "label": label.into(), "value": value.into() })).collect();
    Node::of("fields", json!({ "items": items }))
}

/// `columns`: key and label; `rows`: objects by key.
pub fn table(columns: &[(&str, &str)], rows: Vec<Json>) -> Node {
    let columns: Vec<Json> = columns.iter().map(|(key, label)| json!({ "key": key, "label": label })).collect();
    Node::of("table", json!({ "columns": columns, "rows": rows }))
}

/// `kind`: `bar`, `line` or `donut`; a label and a value per point.
pub fn chart<L: Into<String>>(kind: &str, series: impl IntoIterator<Item = (L, f64)>) -> Node {
    let series: Vec<Json> =
        series.into_iter().map(|(label, value)| json!({ "label": label.into(), "value": value })).collect();
    Node::of("chart", json!({ "type": kind, "series": series }))
}

pub fn progress(value: f64, max: f64) -> Node {
    Node::of("progress", json!({ "value": value, "max": max }))
}

/// To an address of the web.
pub fn link(text: impl Into<String>, href: impl Into<String>) -> Node {
    Node::of("link", json!({ "text": text.into(), "href": href.into() }))
}

/// To a record.
pub fn record_link(text: impl Into<String>, object: &str, id: &str) -> Node {
    Node::of("link", json!({ "text": text.into(), "record": { "object": object, "id": id } }))
}

/// Calls the panel again with this handler.
pub fn button(label: impl Into<String>, handler: &str) -> Node {
    Node::of("button", json!({ "label": label.into(), "handler": handler }))
}

/// Asks for what the JSON Schema says, and calls the panel again with this handler.
pub fn form(handler: &str, submit: impl Into<String>, schema: Json) -> Node {
    Node::of("form", json!({ "handler": handler, "submit": submit.into(), "schema": schema }))
}

/// `tone`: `muted`, `good`, `bad` or `warning`.
pub fn callout(tone: &str, title: impl Into<String>, text: impl Into<String>) -> Node {
    Node::of("callout", json!({ "tone": tone, "title": title.into(), "text": text.into() }))
}
