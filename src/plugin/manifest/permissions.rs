//! What a manifest asks for, as sentences an administrator can judge, and what changes between two versions. Pure; grants nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{EventKind, Field, Manifest, Right};

/// How much harm a permission can do. In the order in which permissions are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Danger {
    /// Data may leave, or be lost.
    High,
    /// Data may be seen or changed, within bounds.
    Medium,
    /// Its own affairs.
    Low,
    /// Something new for people to use; gives the plugin no right, so an upgrade need not wait for it.
    Adds,
}

/// One thing a plugin may do. Equal keys mean the same; `items` are what it covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Permission {
    /// For programs and translations: a word, perhaps with an argument after the first colon: `http:https://api.example.com`.
    pub key: String,
    /// What the permission covers, such as fields; empty where the key says it all.
    pub items: Vec<String>,
    pub danger: Danger,
    /// In plain English.
    pub text: String,
}

impl Permission {
    /// The part of the key after the colon.
    fn argument(&self) -> &str {
        self.key.split_once(':').map_or("", |(_, argument)| argument)
    }
}

/// What changes with another version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub added: Vec<Permission>,
    pub removed: Vec<Permission>,
}

impl Difference {
    /// Whether an administrator has to agree: something was added that gives a right.
    pub fn asks_for_more(&self) -> bool {
        self.added.iter().any(|permission| permission.danger != Danger::Adds)
    }
}

/// Everything a manifest asks for and adds, the most dangerous first.
pub fn permissions(manifest: &Manifest) -> Vec<Permission> {
    let mut list = List(Vec::new());
    network(manifest, &mut list);
    records(manifest, &mut list);
    hearing(manifest, &mut list);
    outside(manifest, &mut list);
    added(manifest, &mut list);
    list.0.sort_by(|a, b| a.danger.cmp(&b.danger).then_with(|| rank(&a.key).cmp(&rank(&b.key))));
    list.0
}

/// What `new` asks for beyond `old`, and what it no longer asks for.
pub fn difference(old: &Manifest, new: &Manifest) -> Difference {
    let (old, new) = (permissions(old), permissions(new));
    Difference { added: beyond(&new, &old), removed: beyond(&old, &new) }
}

/// Permissions of `of`, narrowed to what `known` does not have.
fn beyond(of: &[Permission], known: &[Permission]) -> Vec<Permission> {
    let known: BTreeMap<&str, &Permission> = known.iter().map(|p| (p.key.as_str(), p)).collect();
    let narrowed = |permission: &Permission| match known.get(permission.key.as_str()) {
        None => Some(permission.clone()),
        Some(same) if same.items.iter().any(|item| item == "*") => None,
        Some(same) => {
            let items: Vec<String> = permission.items.iter().filter(|i| !same.items.contains(i)).cloned().collect();
            (!items.is_empty()).then(|| {
                let narrowed = Permission { items, ..permission.clone() };
                Permission { text: sentence(&narrowed), ..narrowed }
            })
        }
    };
    of.iter().filter_map(narrowed).collect()
}

struct List(Vec<Permission>);

impl List {
    fn add(&mut self, danger: Danger, key: impl Into<String>) {
        self.with(danger, key, Vec::new());
    }

    fn with(&mut self, danger: Danger, key: impl Into<String>, mut items: Vec<String>) {
        items.sort();
        items.dedup();
        let plain = Permission { key: key.into(), items, danger, text: String::new() };
        self.0.push(Permission { text: sentence(&plain), ..plain });
    }
}

fn network(manifest: &Manifest, list: &mut List) {
    if let Some(http) = &manifest.http {
        if http.private {
            list.add(Danger::High, "http.private");
        }
        for origin in &http.allow {
            list.add(Danger::High, format!("http:{origin}"));
        }
    }
    for (name, secret) in &manifest.secrets {
        if secret.reveal {
            list.add(Danger::High, format!("secret.reveal:{name}"));
        }
        if !secret.allow_hosts.is_empty() {
            list.with(Danger::Medium, format!("secret:{name}"), secret.allow_hosts.clone());
        }
    }
}

fn records(manifest: &Manifest, list: &mut List) {
    for (object, rights) in &manifest.records {
        // A plugin's own objects are its own affair.
        let own = manifest.objects.contains_key(object);
        let mut rights = rights.clone();
        rights.sort();
        rights.dedup();
        for right in rights {
            let (word, danger) = match right {
                Right::Read => ("read", Danger::Medium),
                Right::Create => ("create", Danger::Medium),
                Right::Update => ("update", Danger::Medium),
                Right::Delete => ("delete", Danger::High),
            };
            list.add(if own { Danger::Low } else { danger }, format!("records.{word}:{object}"));
        }
    }
}

fn hearing(manifest: &Manifest, list: &mut List) {
    if let Some(hook) = &manifest.hooks.before_save {
        for object in &hook.objects {
            list.add(Danger::Medium, format!("hook:{object}"));
            if !hook.fields_read.is_empty() {
                list.with(Danger::Medium, format!("hook.read:{object}"), hook.fields_read.clone());
            }
            if !hook.fields_write.is_empty() {
                list.with(Danger::High, format!("hook.write:{object}"), hook.fields_write.clone());
            }
        }
    }
    if let Some(events) = &manifest.events {
        let kinds = if events.kinds.is_empty() {
            vec![EventKind::Created, EventKind::Updated, EventKind::Deleted, EventKind::Restored]
        } else {
            events.kinds.clone()
        };
        let kinds: Vec<String> = kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
        for object in &events.objects {
            list.with(Danger::Medium, format!("events:{object}"), kinds.clone());
        }
    }
    let mut reads: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (object, fields) in &manifest.fields {
        let from = fields.values().filter_map(|field| field.computed.as_ref()).flatten();
        reads.entry(object).or_default().extend(from.cloned());
    }
    for (object, fields) in reads.into_iter().filter(|(_, fields)| !fields.is_empty()) {
        list.with(Danger::Medium, format!("computed.read:{object}"), fields);
    }
}

fn outside(manifest: &Manifest, list: &mut List) {
    for endpoint in manifest.endpoints.values() {
        let (word, danger) =
            if endpoint.public { ("endpoint.public", Danger::High) } else { ("endpoint", Danger::Low) };
        list.add(danger, format!("{word}:{}", endpoint.path));
    }
    if let Some(outbox) = &manifest.outbox {
        if outbox.mail {
            list.add(Danger::High, "mail");
        }
        if outbox.notify {
            list.add(Danger::Low, "notify");
        }
    }
    if let Some(blobs) = &manifest.blobs {
        if blobs.read {
            list.add(Danger::Medium, "files.read");
        }
        if blobs.write {
            list.add(Danger::Medium, "files.write");
        }
    }
    for (name, job) in &manifest.jobs {
        if let Some(cron) = &job.cron {
            list.with(Danger::Low, format!("job:{name}"), vec![cron.clone()]);
        }
    }
    if let Some(kv) = &manifest.kv {
        list.with(Danger::Low, "kv", vec![kv.quota_kb.to_string()]);
    }
}

fn added(manifest: &Manifest, list: &mut List) {
    let labels = |fields: &BTreeMap<String, Field>| fields.values().map(|field| field.label.clone()).collect();
    for object in manifest.objects.values() {
        let named = if object.label_plural.is_empty() { &object.label } else { &object.label_plural };
        list.with(Danger::Adds, format!("adds.object:{named}"), labels(&object.fields));
    }
    for (object, fields) in &manifest.fields {
        list.with(Danger::Adds, format!("adds.fields:{object}"), labels(fields));
    }
    for action in manifest.actions.values() {
        list.with(Danger::Adds, format!("adds.action:{}", action.label), action.objects.clone());
    }
    for condition in manifest.conditions.values() {
        list.with(Danger::Adds, format!("adds.condition:{}", condition.label), condition.objects.clone());
    }
    for panel in manifest.panels.values() {
        list.add(Danger::Adds, format!("adds.panel:{}", panel.label));
    }
    for importer in manifest.importers.values() {
        list.with(Danger::Adds, format!("adds.importer:{}", importer.label), importer.file_types.clone());
    }
}

/// Within one degree of danger: what concerns the outside world before what concerns records.
fn rank(key: &str) -> usize {
    const ORDER: [&str; 14] = [
        "http.private",
        "secret.reveal",
        "http",
        "mail",
        "endpoint.public",
        "records.delete",
        "hook.write",
        "records.update",
        "records.create",
        "records.read",
        "hook",
        "hook.read",
        "computed.read",
        "events",
    ];
    let word = key.split(':').next().unwrap_or_default();
    ORDER.iter().position(|known| *known == word).unwrap_or(ORDER.len())
}

fn sentence(permission: &Permission) -> String {
    let of = permission.argument();
    let items = permission.items.iter().map(|item| address(item)).collect::<Vec<_>>().join(", ");
    let all = permission.items.iter().any(|item| item == "*");
    match permission.key.split(':').next().unwrap_or_default() {
        "http.private" => "May send requests to addresses of the private network, this machine included".into(),
        "http" => format!("May send requests to {}", address(of.split_once("://").map_or(of, |(_, host)| host))),
        "secret.reveal" => format!("May read the secret '{of}' in the clear"),
        "secret" => format!("May use the secret '{of}' in requests to {items}, without seeing it"),
        "records.read" => format!("May read all {of}"),
        "records.create" => format!("May create {of}"),
        "records.update" => format!("May change {of}"),
        "records.delete" => format!("May delete {of}"),
        "hook" => format!("Has a say in every save of {of}, and may refuse it"),
        "hook.read" if all => format!("Sees all fields of {of} while they are saved"),
        "hook.read" => format!("While {of} are saved, sees: {items}"),
        "hook.write" => format!("While {of} are saved, may change: {items}"),
        "events" => format!("Hears when {of} change, with all their fields: {items}"),
        "computed.read" if all => format!("To work out fields of its own, sees all fields of {of}"),
        "computed.read" => format!("To work out fields of its own, sees of {of}: {items}"),
        "endpoint.public" => format!("Answers anybody on the internet who reaches this server, at {of}"),
        "endpoint" => format!("Answers people who are signed in, at {of}"),
        "mail" => "May send e-mail".into(),
        "notify" => "May notify users".into(),
        "files.read" => "May read files that are attached to records".into(),
        "files.write" => "May store files and attach them to records".into(),
        "job" => format!("Runs '{of}' by itself ({items})"),
        "kv" => format!("Keeps up to {items} KB of its own notes"),
        "adds.object" => format!("Adds the object {of}"),
        "adds.fields" => format!("Adds to {of}: {items}"),
        "adds.action" => format!("Adds the action '{of}' to {items}"),
        "adds.condition" => format!("Adds the condition '{of}' for {items}"),
        "adds.panel" => format!("Adds the panel '{of}'"),
        "adds.importer" => format!("Adds the import '{of}' ({items})"),
        other => other.to_string(),
    }
}

/// A host, or in words the setting that it is taken from.
fn address(host: &str) -> String {
    match host.strip_prefix("settings:") {
        Some(setting) => format!("the address in its setting '{setting}'"),
        None => host.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(rest: &str) -> Manifest {
        let about = "[plugin]\nid = \"vat\"\nversion = \"1.0.0\"\napi = \"0.1\"\nname = \"VAT\"\n";
        Manifest::parse(&format!("{about}{rest}")).unwrap()
    }

    fn keys(list: &[Permission]) -> Vec<&str> {
        list.iter().map(|permission| permission.key.as_str()).collect()
    }

    const ASKS: &str = r#"
[kv]
[records]
people = ["delete", "read"]
[http]
allow = ["https://api.example.com"]
[hooks.before-save]
objects = ["people"]
fields-read = ["email", "phone"]
[actions.look]
label = "Look up"
objects = ["companies"]
"#;

    #[test]
    fn the_most_dangerous_comes_first_and_reads_as_a_sentence() {
        let list = permissions(&manifest(ASKS));
        assert_eq!(
            keys(&list),
            [
                "http:https://api.example.com",
                "records.delete:people",
                "records.read:people",
                "hook:people",
                "hook.read:people",
                "kv",
                "adds.action:Look up"
            ]
        );
        assert_eq!(list[0].text, "May send requests to api.example.com");
        assert_eq!(list[4].text, "While people are saved, sees: email, phone");
    }

    #[test]
    fn a_difference_names_only_what_is_new() {
        let old = manifest(ASKS);
        let new = manifest(&ASKS.replace("\"email\", \"phone\"", "\"email\", \"notes\"").replace("\"delete\", ", ""));
        let both = difference(&old, &new);
        assert_eq!(both.added.len(), 1);
        assert_eq!(both.added[0].text, "While people are saved, sees: notes");
        assert_eq!(keys(&both.removed), ["records.delete:people", "hook.read:people"]);
        assert!(both.asks_for_more());
        assert!(!difference(&new, &new).asks_for_more());
    }

    #[test]
    fn all_fields_cover_each_of_them_and_a_new_button_asks_for_nothing() {
        let all = manifest(&ASKS.replace("\"email\", \"phone\"", "\"*\""));
        assert!(difference(&all, &manifest(ASKS)).added.is_empty());
        assert!(difference(&manifest(ASKS), &all).asks_for_more());
        let button = manifest(&format!("{ASKS}[actions.more]\nlabel = \"More\"\nobjects = [\"people\"]\n"));
        let both = difference(&manifest(ASKS), &button);
        assert_eq!(keys(&both.added), ["adds.action:More"]);
        assert!(!both.asks_for_more());
    }
}
