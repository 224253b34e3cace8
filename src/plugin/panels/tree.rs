//! A guest's list of nodes as one tree: places in bounds, nothing twice, nothing in a circle, links only where a link may lead. Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::contract::ui::exports::kith::plugin::ui::Node;

const NODES_MAX: usize = 500;
const PROPS_BYTES_MAX: usize = 64 << 10;
const DEPTH_MAX: usize = 32;

/// What the web app draws.
const KINDS: [&str; 13] = [
    "stack", "heading", "text", "badge", "fields", "table", "chart", "progress", "divider", "link", "button", "form",
    "callout",
];

#[derive(Debug)]
pub struct Tree {
    pub root: Json,
    pub handlers: Vec<Handler>,
}

/// What a button or a form that was drawn calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Handler {
    pub name: String,
    /// What may be filled in; nothing for a button.
    pub schema: Option<Json>,
}

/// # Errors
/// What is wrong with the tree, for the plugin's author.
pub fn nested(nodes: &[Node], object_key: impl Fn(&str) -> String) -> Result<Tree, String> {
    if nodes.is_empty() {
        return Err("no nodes; the first one is the root".into());
    }
    if nodes.len() > NODES_MAX {
        return Err(format!("{} nodes; a panel has at most {NODES_MAX}", nodes.len()));
    }
    let bytes: usize = nodes.iter().map(|node| node.props.len()).sum();
    if bytes > PROPS_BYTES_MAX {
        return Err(format!("{bytes} bytes of props; a panel has at most {PROPS_BYTES_MAX}"));
    }
    let mut building =
        Building { nodes, used: vec![false; nodes.len()], handlers: Vec::new(), object_key: &object_key };
    let root = building.node(0, 0)?;
    Ok(Tree { root, handlers: building.handlers })
}

struct Building<'a> {
    nodes: &'a [Node],
    used: Vec<bool>,
    handlers: Vec<Handler>,
    object_key: &'a dyn Fn(&str) -> String,
}

impl Building<'_> {
    fn node(&mut self, place: usize, depth: usize) -> Result<Json, String> {
        if depth > DEPTH_MAX {
            return Err(format!("nodes are nested more than {DEPTH_MAX} deep"));
        }
        let node = self.nodes.get(place).ok_or_else(|| format!("a child at place {place}, where no node is"))?;
        // Twice in one tree, or below itself.
        if std::mem::replace(&mut self.used[place], true) {
            return Err(format!("node {place} is a child more than once"));
        }
        let (kind, props) = self.read(place, node)?;
        let mut children = Vec::with_capacity(node.children.len());
        for child in &node.children {
            children.push(self.node(*child as usize, depth + 1)?);
        }
        Ok(json!({ "kind": kind, "props": props, "children": children }))
    }

    fn read(&mut self, place: usize, node: &Node) -> Result<(&'static str, Map<String, Json>), String> {
        let props = if node.props.trim().is_empty() { "{}" } else { node.props.as_str() };
        let Ok(Json::Object(props)) = serde_json::from_str::<Json>(props) else {
            return Err(format!("the props of node {place} are no JSON object"));
        };
        let text = || only(&props, &["text", "tone"]);
        // Kinds of later versions show their text, or only what is inside.
        let Some(kind) = KINDS.into_iter().find(|kind| *kind == node.kind) else {
            return Ok(if props.get("text").is_some_and(Json::is_string) {
                ("text", text())
            } else {
                ("stack", Map::new())
            });
        };
        match kind {
            "button" | "form" => {
                let handler = props.get("handler").and_then(Json::as_str).filter(|name| !name.is_empty());
                let name = handler.ok_or_else(|| format!("node {place}, a {kind}, has no 'handler'"))?.to_string();
                let schema = props.get("schema").filter(|schema| kind == "form" && schema.is_object()).cloned();
                if kind == "form" && schema.is_none() {
                    return Err(format!("node {place}, a form, has no 'schema'"));
                }
                self.handlers.push(Handler { name, schema });
                Ok((kind, props))
            }
            "link" => Ok(match self.link(&props) {
                Some(link) => (kind, link),
                None => ("text", text()),
            }),
            _ => Ok((kind, props)),
        }
    }

    /// A link that leads to a record, or to another site over https; none: it leads nowhere a link may.
    fn link(&self, props: &Map<String, Json>) -> Option<Map<String, Json>> {
        let mut link = only(props, &["text"]);
        let word = |key: &str| props.get("record")?.get(key)?.as_str();
        if let (Some(object), Some(id)) = (word("object"), word("id")) {
            let id = id.parse::<kith_base::RecordId>().ok()?;
            link.insert("record".into(), json!({ "object": (self.object_key)(object), "id": id }));
            return Some(link);
        }
        let href = url::Url::parse(props.get("href")?.as_str()?).ok()?;
        if href.scheme() != "https" || !href.username().is_empty() || href.password().is_some() {
            return None;
        }
        link.insert("href".into(), json!(href.as_str()));
        Some(link)
    }
}

fn only(props: &Map<String, Json>, keys: &[&str]) -> Map<String, Json> {
    props.iter().filter(|(key, _)| keys.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn node(kind: &str, props: Json, children: &[u32]) -> Node {
        Node { kind: kind.into(), props: props.to_string(), children: children.to_vec() }
    }

    fn of(nodes: &[Node]) -> Result<Tree, String> {
        nested(nodes, |object| format!("own__{object}"))
    }

    #[test]
    fn a_list_becomes_a_tree_with_its_handlers() {
        let nodes = [
            node("stack", json!({"gap": 2}), &[2, 1]),
            node("button", json!({"label": "More", "handler": "more"}), &[]),
            node("text", json!({"text": "hi"}), &[]),
        ];
        let tree = of(&nodes).unwrap();
        assert_eq!(tree.handlers, [Handler { name: "more".into(), schema: None }]);
        assert_eq!(tree.root["children"][0]["props"]["text"], "hi");
        assert_eq!(tree.root["children"][1]["kind"], "button");
    }

    #[test]
    fn circles_doubles_and_places_out_of_bounds_are_refused() {
        let stack = |children: &[u32]| node("stack", json!({}), children);
        assert!(of(&[]).unwrap_err().contains("no nodes"));
        assert!(of(&[stack(&[0])]).unwrap_err().contains("more than once"));
        assert!(of(&[stack(&[1]), stack(&[0])]).unwrap_err().contains("more than once"));
        assert!(of(&[stack(&[1, 1]), stack(&[])]).unwrap_err().contains("more than once"));
        assert!(of(&[stack(&[u32::MAX])]).unwrap_err().contains("where no node is"));
        let chain: Vec<Node> = (1..=100).map(|at| if at < 100 { stack(&[at]) } else { stack(&[]) }).collect();
        assert!(of(&chain).unwrap_err().contains("deep"));
        let many: Vec<Node> = (0..501).map(|_| stack(&[])).collect();
        assert!(of(&many).unwrap_err().contains("at most 500"));
        let big = node("text", json!({"text": "x".repeat(PROPS_BYTES_MAX)}), &[]);
        assert!(of(&[big]).unwrap_err().contains("bytes of props"));
        assert!(of(&[Node { kind: "text".into(), props: "[1]".into(), children: vec![] }]).is_err());
        assert!(of(&[node("button", json!({"label": "x"}), &[])]).unwrap_err().contains("handler"));
    }

    #[test]
    fn links_lead_to_records_or_over_https_and_else_are_text() {
        let kind = |props: Json| of(&[node("link", props, &[])]).unwrap().root;
        let good = kind(json!({"text": "a", "href": "https://example.com/x?y", "onclick": "evil()"}));
        assert_eq!(good["kind"], "link");
        assert_eq!(good["props"], json!({"text": "a", "href": "https://example.com/x?y"}));
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let record = kind(json!({"text": "a", "record": {"object": "things", "id": id}}));
        assert_eq!(record["props"]["record"], json!({"object": "own__things", "id": id}));
        for bad in [
            "javascript:alert(1)",
            "http://example.com",
            "data:text/html,x",
            "//x.com",
            "/settings",
            "https://a:b@x.com",
        ] {
            let shown = kind(json!({"text": "a", "href": bad}));
            assert_eq!((&shown["kind"], &shown["props"]), (&json!("text"), &json!({"text": "a"})), "{bad}");
        }
        assert_eq!(kind(json!({"text": "a", "record": {"object": "people", "id": "../x"}}))["kind"], "text");
    }

    #[test]
    fn unknown_kinds_show_their_text_or_what_is_inside() {
        let shown = of(&[node("map", json!({"src": "x"}), &[1]), node("video", json!({"text": "t", "src": "x"}), &[])]);
        let root = shown.unwrap().root;
        assert_eq!((&root["kind"], &root["props"]), (&json!("stack"), &json!({})));
        assert_eq!(root["children"][0], json!({"kind": "text", "props": {"text": "t"}, "children": []}));
    }

    proptest! {
        #[test]
        fn no_nodes_make_it_panic(nodes in proptest::collection::vec(("[a-z]{0,8}", "\\PC{0,20}", proptest::collection::vec(0u32..12, 0..4)), 0..12)) {
            let nodes: Vec<Node> = nodes.into_iter().map(|(kind, props, children)| Node { kind, props, children }).collect();
            let _ = of(&nodes);
        }
    }
}
