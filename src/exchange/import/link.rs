//! Finds the record that a row's text names: by id, external id, e-mail, another field or name, and makes it once where it is missing
//! and may be made. Links to users are found, never made.

use std::collections::{HashMap, HashSet};

use kith_base::RecordId;
use kith_engine::{Command, Fields};
use kith_model::{FieldDef, ObjectDef, Value};

use super::{
    draft::{name_and_email, split_name},
    plan::clip,
    session::Session,
};
use crate::map::{
    target::{link_target, takes_full_name},
    words::fold,
};

/// Commands in one transaction: half of what the engine takes, so that rows and what they link to fit together.
pub const BATCH: usize = 500;

/// Words for a stage in which a deal is over.
const WON: &[&str] = &["won", "vinto", "vinta", "vunden", "vundet", "gewonnen", "gagne", "gagnee", "ganado", "ganada"];
const LOST: &[&str] = &["lost", "perso", "persa", "tabt", "verloren", "perdu", "perdue", "perdido", "perdida"];

/// Why a wish stays unfulfilled.
#[derive(Clone, Debug, PartialEq)]
pub enum Miss {
    /// The same for many rows, such as an owner who is no user here.
    Notice(String),
    /// Particular to the row.
    Problem(String),
}

/// What a row says about one linked record.
#[derive(Debug, Default)]
struct Given {
    id: Option<RecordId>,
    external_id: Option<String>,
    email: Option<String>,
    name: String,
    /// Other fields of the target, by key.
    others: Vec<(String, String)>,
}

#[derive(Default)]
pub struct Linker {
    known: HashMap<String, Result<RecordId, Miss>>,
    /// Records to be made before the rows that link to them.
    pub pending: Vec<Command>,
    pub made: HashSet<RecordId>,
}

impl Linker {
    /// The record that `given` means. `scope`: a link that it must have, such as the pipeline of a stage.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find(
        &mut self,
        session: &Session<'_>,
        field: &FieldDef,
        given: &[(String, String)],
        scope: Option<(&str, RecordId)>,
    ) -> Result<RecordId, Miss> {
        let target = link_target(field).and_then(|key| session.view.schema.object(key)).cloned();
        let Some(target) = target else {
            return Err(Miss::Notice(format!("you may not see what '{}' links to", field.label)));
        };
        let mut key = format!("{}\u{1}{}", target.key, scope.map_or_else(String::new, |(_, id)| id.to_string()));
        for (part, text) in given {
            key.push('\u{1}');
            key.push_str(part);
            key.push('=');
            key.push_str(&text.trim().to_lowercase());
        }
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let given = read(&target, given);
        let found = match lookup(session, &target, &given, scope) {
            Some(found) => found,
            None => match self.pending_match(&target, &given, scope) {
                Some(id) => Ok(id),
                None => self.make(session, &target, &given, scope),
            },
        };
        if let Ok(id) = found {
            self.remember(&target, &given, scope, id);
        }
        self.known.insert(key, found.clone());
        found
    }

    /// A record made earlier in this file that another row names with other columns: by its id only, its e-mail or its name.
    fn pending_match(&self, target: &ObjectDef, given: &Given, scope: Option<(&str, RecordId)>) -> Option<RecordId> {
        let ids = given.external_id.as_ref().and_then(|id| self.known.get(&alias(target, "x", id, scope)));
        let mails = || given.email.as_ref().and_then(|mail| self.known.get(&alias(target, "e", mail, scope)));
        // A name alone is enough only where nothing surer is said.
        let plain = given.external_id.is_none() && given.email.is_none() && !given.name.is_empty();
        let names = || self.known.get(&alias(target, "n", &given.name, scope)).filter(|_| plain);
        ids.or_else(mails).or_else(names).and_then(|known| known.clone().ok())
    }

    fn remember(&mut self, target: &ObjectDef, given: &Given, scope: Option<(&str, RecordId)>, id: RecordId) {
        let texts = [("x", given.external_id.as_ref()), ("e", given.email.as_ref()), ("n", Some(&given.name))];
        for (kind, text) in texts.into_iter().filter_map(|(kind, text)| Some((kind, text.filter(|t| !t.is_empty())?))) {
            self.known.entry(alias(target, kind, text, scope)).or_insert(Ok(id));
        }
    }

    /// Tells the linker of a record that the rows themselves made, so that later rows find it before it is written.
    pub fn learn(&mut self, target: &ObjectDef, name: &str, external_id: &str, id: RecordId) {
        for (kind, text) in [("n", name), ("x", external_id)].into_iter().filter(|(_, text)| !text.is_empty()) {
            self.known.entry(alias(target, kind, text, None)).or_insert(Ok(id));
        }
    }

    fn make(
        &mut self,
        session: &Session<'_>,
        target: &ObjectDef,
        given: &Given,
        scope: Option<(&str, RecordId)>,
    ) -> Result<RecordId, Miss> {
        let shown = [&given.name, given.email.as_deref().unwrap_or(""), given.external_id.as_deref().unwrap_or("")]
            .into_iter()
            .find(|text| !text.is_empty())
            .map(clip)
            .unwrap_or_default();
        let label = target.label.to_lowercase();
        if target.system {
            return Err(Miss::Notice(format!("there is no {label} '{shown}' here; the field was left empty")));
        }
        if given.name.is_empty() && given.email.is_none() {
            return Err(Miss::Problem(format!("there is no {label} with id '{shown}', and no name to make one by")));
        }
        if !session.options.create_links || !session.view.may_create(&target.key) {
            return Err(Miss::Problem(format!("there is no {label} '{shown}', and none was made")));
        }
        let values = values_of(session, target, given, scope);
        if values.is_empty() {
            return Err(Miss::Problem(format!("there is no {label} '{shown}', and it has no field for the name")));
        }
        let id = RecordId::generate(session.engine.now_ms());
        self.pending.push(Command::Create { object: target.key.clone(), id: Some(id), values: Fields::Parsed(values) });
        self.made.insert(id);
        Ok(id)
    }
}

fn alias(target: &ObjectDef, kind: &str, text: &str, scope: Option<(&str, RecordId)>) -> String {
    let scope = scope.map_or_else(String::new, |(_, id)| id.to_string());
    format!("\u{2}{}\u{1}{scope}\u{1}{kind}\u{1}{}", target.key, text.trim().to_lowercase())
}

fn read(target: &ObjectDef, given: &[(String, String)]) -> Given {
    let mut read = Given::default();
    for (key, text) in given {
        let text = text.trim();
        match key.as_str() {
            "id" => read.id = text.parse().ok(),
            "external_id" => read.external_id = Some(text.to_string()),
            key if key.is_empty() || key == target.title => {
                if let Ok(id) = text.parse() {
                    read.id = Some(id);
                    continue;
                }
                let (name, email) = name_and_email(text);
                read.name = name;
                read.email = read.email.or(email);
            }
            key if target.field(key).is_some_and(|f| f.kind == "email") => read.email = Some(text.to_lowercase()),
            key => read.others.push((key.to_string(), text.to_string())),
        }
    }
    read
}

/// Looks in the vault. None: nothing fits.
fn lookup(
    session: &Session<'_>,
    target: &ObjectDef,
    given: &Given,
    scope: Option<(&str, RecordId)>,
) -> Option<Result<RecordId, Miss>> {
    let within = |id: &RecordId| match scope {
        Some((key, wanted)) => linked(session, target, *id, key) == Some(wanted),
        None => true,
    };
    if let Some(id) = given.id {
        let there =
            session.engine.titles(session.actor, &[id]).first().is_some_and(|t| t.object == target.key && !t.trashed);
        if there {
            return Some(Ok(id));
        }
        // An id of another vault: a name beside it may still find the record, or make it.
        if given.name.is_empty() {
            return Some(Err(Miss::Problem(format!("there is no {} with id {id}", target.label.to_lowercase()))));
        }
    }
    let by_name = || -> Vec<RecordId> {
        if given.name.is_empty() {
            return Vec::new();
        }
        session.find(target, &target.title, &given.name).into_iter().filter(|id| within(id)).collect()
    };
    if let Some(external) = &given.external_id {
        let candidates = session.find(target, "external_id", external);
        // Ids of two programs may be the same number: the names decide.
        let fits = |id: &&RecordId| given.name.is_empty() || alike(&title(session, **id), &given.name);
        if let Some(id) = candidates.iter().find(fits) {
            return Some(Ok(*id));
        }
        // A company that was made by name before it had an id, not one with another id.
        let free = by_name().into_iter().find(|id| text(session, target, *id, "external_id").is_none());
        return free.map(Ok);
    }
    if let Some(email) = &given.email {
        let fields = target.fields.iter().filter(|f| f.kind == "email");
        if let Some(id) = fields.flat_map(|f| session.find(target, &f.key, email)).next() {
            return Some(Ok(id));
        }
        // A person of the same name with another address is somebody else.
        if takes_full_name(target) {
            return None;
        }
    }
    for (key, text) in &given.others {
        let found = session.find(target, key, text);
        if let [only] = found.as_slice() {
            return Some(Ok(*only));
        }
    }
    match by_name().as_slice() {
        [] => None,
        [only] => Some(Ok(*only)),
        [first, ..] if !takes_full_name(target) => Some(Ok(*first)),
        several => {
            let said = format!(
                "{} {} are called '{}'; link by e-mail or id",
                several.len(),
                target.label_plural.to_lowercase(),
                clip(&given.name)
            );
            Some(Err(Miss::Problem(said)))
        }
    }
}

fn title(session: &Session<'_>, id: RecordId) -> String {
    session.engine.titles(session.actor, &[id]).pop().map(|t| t.title).unwrap_or_default()
}

fn value(session: &Session<'_>, target: &ObjectDef, id: RecordId, key: &str) -> Option<Value> {
    let field = target.field(key)?;
    let record = session.engine.get_for_change(session.actor, &target.key, id).ok()?;
    Some(record.values.get(field.id).clone()).filter(|value| !value.is_null())
}

fn text(session: &Session<'_>, target: &ObjectDef, id: RecordId, key: &str) -> Option<String> {
    match value(session, target, id, key)? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn linked(session: &Session<'_>, target: &ObjectDef, id: RecordId, key: &str) -> Option<RecordId> {
    match value(session, target, id, key)? {
        Value::Link(id) => Some(id),
        _ => None,
    }
}

/// Whether two names may mean the same: equal, one within the other, or a long word in common.
pub fn alike(a: &str, b: &str) -> bool {
    const TELLING: usize = 4;
    let (a, b) = (fold(a), fold(b));
    if a.is_empty() || b.is_empty() || a.contains(&b) || b.contains(&a) {
        return true;
    }
    a.split(' ').any(|word| word.chars().count() >= TELLING && b.split(' ').any(|other| other == word))
}

/// Values of a record made from what a row says about it.
fn values_of(
    session: &Session<'_>,
    target: &ObjectDef,
    given: &Given,
    scope: Option<(&str, RecordId)>,
) -> Vec<(String, Value)> {
    let mut values: Vec<(String, Value)> = Vec::new();
    let mut set = |key: &str, text: &str| {
        let Some(field) = target.field(key).filter(|f| !f.read_only && !text.is_empty()) else { return };
        // What does not fit is not worth losing the link for.
        if let Ok(value) = field.kind().read_text(field, &session.plan.context, text) {
            values.push((key.to_string(), value));
        }
    };
    if takes_full_name(target) {
        let (first, last) = split_name(&given.name);
        set("first_name", &first);
        set("last_name", &last);
    } else {
        let name = if given.name.is_empty() { given.email.as_deref().unwrap_or_default() } else { &given.name };
        set(&target.title, name);
    }
    if let Some(email) = &given.email
        && let Some(field) = target.fields.iter().find(|f| f.kind == "email")
    {
        set(&field.key, email);
    }
    set("external_id", given.external_id.as_deref().unwrap_or_default());
    for (key, text) in &given.others {
        set(key, text);
    }
    if let Some((key, id)) = scope {
        values.push((key.to_string(), Value::Link(id)));
    }
    if let Some(outcome) = outcome(target, &given.name) {
        values.push(outcome);
    }
    values
}

/// `Closed Won` ends a deal: where the target knows outcomes, its name says which.
fn outcome(target: &ObjectDef, name: &str) -> Option<(String, Value)> {
    let field =
        target.fields.iter().find(|f| f.kind == "select" && f.option("won").is_some() && f.option("lost").is_some())?;
    let folded = fold(name);
    let says = |words: &[&str]| folded.split(' ').any(|word| words.contains(&word));
    let key = if says(WON) {
        "won"
    } else if says(LOST) {
        "lost"
    } else {
        return None;
    };
    Some((field.key.clone(), Value::Text(key.into())))
}
