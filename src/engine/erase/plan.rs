//! What erasing some records would take with it, worked out from the schema: what hangs on them, links to them, files, and what stands in
//! the way. Reads only.

use std::collections::{BTreeMap, HashMap, HashSet};

use kith_base::RecordId;
use kith_model::{FieldDef, Value};
use serde::Serialize;
use serde_json::Value as Json;

use super::{EraseRequest, Mention, RECORDS_MAX, ROOTS_MAX, SAMPLES, Work, check_reason, mentions::Words, titled};
use crate::{
    Actor, Engine, EngineError, Op, Record, Title, access::last_admin, engine::Core, meta::Meta,
    pipeline::plan::pointed, system::ids,
};

/// What would be erased, for a person to look at and confirm.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ErasePlan {
    /// Send it back as `confirm`; it fits this plan only.
    pub token: String,
    pub object: String,
    /// Records asked for.
    pub count: usize,
    pub samples: Vec<Json>,
    /// Records that hang on them and go too.
    pub dependents: Vec<Hanging>,
    /// Links to them in records that stay; they are cleared.
    pub links: Vec<Hanging>,
    /// Records that cannot be without them: the erasure is refused until they are named in `with` or changed.
    pub blocked: Vec<Hanging>,
    /// Attached files whose content goes.
    pub files: usize,
    /// Kept files of imports that name them; they are removed whole.
    pub kept_files: usize,
    /// Texts elsewhere that name them. They are never changed silently.
    pub mentions: Vec<Mention>,
    /// More words than were looked for, or more places than are listed.
    pub mentions_cut: bool,
    #[serde(skip)]
    pub(crate) work: Work,
    #[serde(skip)]
    pub(super) words: Words,
}

/// Records of one object, and for links the field.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Hanging {
    pub object: String,
    pub label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    pub count: usize,
    /// The first of them that the actor may read.
    pub samples: Vec<Json>,
}

pub(super) type Link = (u32, u32, RecordId);

/// The records of a plan while it grows.
pub(super) struct Reach<'a> {
    pub core: &'a Core,
    pub meta: &'a Meta,
    pub keep: Vec<u32>,
    pub with: Vec<u32>,
    /// Everything that goes, by record: its object.
    pub gone: BTreeMap<RecordId, u32>,
    pub links: Vec<Link>,
}

impl Reach<'_> {
    pub fn grow(&mut self, roots: Vec<RecordId>) -> Result<(), EngineError> {
        let mut waiting = roots;
        while let Some(id) = waiting.pop() {
            for (object, field, from) in self.core.image.pointing_at_with_trash(id) {
                let Some(def) = self.meta.object_by_id(object).and_then(|o| o.field_by_id(field)) else { continue };
                let Some(record) = self.core.image.get_of(object, from) else { continue };
                if self.with.contains(&object) || (def.belongs() && !self.keep.contains(&object) && self.alone(&record))
                {
                    self.take(from, object, &mut waiting)?;
                } else {
                    self.links.push((object, field, from));
                }
            }
            for file in self.own_files(id) {
                self.take(file, self.core.image.meta(file).map_or(0, |meta| meta.object), &mut waiting)?;
            }
        }
        self.links.retain(|(_, _, from)| !self.gone.contains_key(from));
        self.links.sort_unstable();
        self.links.dedup();
        Ok(())
    }

    fn take(&mut self, id: RecordId, object: u32, waiting: &mut Vec<RecordId>) -> Result<(), EngineError> {
        if self.gone.insert(id, object).is_none() {
            waiting.push(id);
        }
        if self.gone.len() > RECORDS_MAX {
            let said = format!("more than {RECORDS_MAX} records would be erased at once; name fewer");
            return Err(EngineError::Request(said));
        }
        Ok(())
    }

    /// Whether a record hangs on nothing that stays.
    fn alone(&self, record: &Record) -> bool {
        let Some(object) = self.meta.object_by_id(record.object) else { return false };
        let belongs = object.def.fields.iter().filter(|field| field.belongs());
        let mut to = belongs.flat_map(|field| pointed(record.values.get(field.id)));
        to.all(|id| self.gone.contains_key(id) || self.core.image.meta(*id).is_none())
    }

    /// Files that a record names in a field of its own and nothing else does.
    fn own_files(&self, id: RecordId) -> Vec<RecordId> {
        let Some(record) = self.core.image.get(id) else { return Vec::new() };
        let Some(object) = self.meta.object_by_id(record.object) else { return Vec::new() };
        let fields = object.def.fields.iter().filter(|field| field.kind == "file");
        let files = fields.flat_map(|field| pointed(record.values.get(field.id)).copied());
        let unshared = |file: &RecordId| {
            let others = self.core.image.pointing_at_with_trash(*file);
            others.iter().all(|(_, _, from)| self.gone.contains_key(from))
                && self.core.image.get(*file).is_some_and(|record| self.alone(&record))
        };
        files.filter(unshared).collect()
    }

    /// Whether the record would not be valid with this link cleared.
    fn needs(&self, (object, field, from): &Link) -> bool {
        let def = self.meta.object_by_id(*object).and_then(|o| o.field_by_id(*field));
        let Some(def) = def.filter(|def| def.required) else { return false };
        let Some(record) = self.core.image.get_of(*object, *from).filter(|record| !record.trashed) else {
            return false;
        };
        let mut stays = pointed(record.values.get(def.id)).filter(|id| !self.gone.contains_key(*id));
        stays.next().is_none()
    }
}

impl Engine {
    /// What erasing would do. Changes nothing.
    ///
    /// # Errors
    /// `object.not_found`, `record.not_found`, `access.denied`, `request.invalid`.
    pub fn erase_plan(&self, actor: &Actor, request: &EraseRequest) -> Result<ErasePlan, EngineError> {
        let core = self.core();
        let meta = core.meta();
        let roots = self.roots(actor, &meta, request)?;
        let number = |key: &String| meta.object(key).map(|object| object.def.id);
        let mut reach = Reach {
            core,
            meta: &meta,
            keep: request.keep.iter().map(number).collect::<Result<_, _>>()?,
            with: request.with.iter().map(number).collect::<Result<_, _>>()?,
            gone: roots.iter().map(|record| (record.id, record.object)).collect(),
            links: Vec::new(),
        };
        let asked: Vec<RecordId> = roots.iter().map(|record| record.id).collect();
        reach.grow(asked.clone())?;
        let Reach { gone, links, .. } = &reach;
        let erased: HashSet<RecordId> = gone.keys().copied().collect();
        let words = Words::of(core, &asked);
        if words.are_in(&request.reason) {
            let said = "the reason names what is to be erased, and it stays in the audit; say it without personal data";
            return Err(EngineError::Request(said.into()));
        }
        let mut plan = ErasePlan {
            object: request.object.clone(),
            count: asked.len(),
            samples: self.samples(actor, &asked),
            dependents: self.dependents(actor, &meta, gone, &asked),
            mentions: self.mentions(actor, &words, &erased),
            ..ErasePlan::default()
        };
        plan.mentions_cut = words.cut;
        let (blocked, cleared): (Vec<Link>, Vec<Link>) = links.iter().partition(|link| reach.needs(link));
        (plan.blocked, plan.links) = (self.by_field(actor, &meta, &blocked), self.by_field(actor, &meta, &cleared));
        plan.work = self.work(&meta, gone);
        plan.files = plan.work.files.len();
        let kept = self.kept_files(&words, &erased);
        plan.kept_files = kept.len();
        for (object, field, record, name) in kept {
            plan.work.files.push(name);
            plan.work.clear.push((object, field, record));
        }
        plan.token = token(core, &plan, links);
        plan.words = words;
        Ok(plan)
    }

    /// The records asked for, if the actor may erase each.
    fn roots(&self, actor: &Actor, meta: &Meta, request: &EraseRequest) -> Result<Vec<Record>, EngineError> {
        check_reason(&request.reason)?;
        let object = meta.object(&request.object)?;
        if [ids::objects::OBJECT, ids::fields::OBJECT, ids::settings::OBJECT, ids::erasures::OBJECT]
            .contains(&object.def.id)
        {
            let said = format!("records of '{}' are part of the vault itself and cannot be erased", object.def.key);
            return Err(EngineError::Request(said));
        }
        if request.ids.is_empty() || request.ids.len() > ROOTS_MAX {
            return Err(EngineError::Request(format!("name between 1 and {ROOTS_MAX} records to erase")));
        }
        let sight = self.sight(actor);
        let mut roots: Vec<Record> = Vec::with_capacity(request.ids.len());
        let mut seen = HashSet::new();
        for id in request.ids.iter().filter(|id| seen.insert(**id)) {
            let missing = || EngineError::RecordNotFound { object: object.def.key.clone(), id: *id };
            let record = self.core().image.get_of(object.def.id, *id).ok_or_else(missing)?;
            let checked = sight.check(&object.def, Op::Erase, &record, &[]);
            checked.map_err(|error| self.refuse(actor, &object.def.key, Op::Erase.name(), error))?;
            if actor.user == Some(*id) {
                return Err(EngineError::EraseBlocked("you cannot erase yourself; ask another administrator".into()));
            }
            roots.push(record);
        }
        let asked: Vec<RecordId> = roots.iter().map(|record| record.id).collect();
        last_admin::keep_one_without(self.core(), &asked)?;
        Ok(roots)
    }

    /// The work of erasing these and what hangs on them. Whoever calls decided about them as a whole, so nobody is asked, and nothing is looked for
    /// by words.
    ///
    /// # Errors
    /// `erase.blocked` when records that stay cannot be without them; `request.invalid` when they are too many for one erasure.
    pub(super) fn work_of(&self, ids: &[RecordId]) -> Result<Work, EngineError> {
        let core = self.core();
        let meta = core.meta();
        let gone = ids.iter().filter_map(|id| Some((*id, core.image.meta(*id)?.object))).collect();
        let mut reach = Reach { core, meta: &meta, keep: Vec::new(), with: Vec::new(), gone, links: Vec::new() };
        reach.grow(ids.to_vec())?;
        if let Some((object, field, _)) = reach.links.iter().find(|link| reach.needs(link)) {
            let field = meta.object_by_id(*object).and_then(|o| o.field_by_id(*field)).map_or("", |f| f.key.as_str());
            let said = format!(
                "records of '{}' need what would be erased in '{field}'; change them first",
                meta.key_of(*object)
            );
            return Err(EngineError::EraseBlocked(said));
        }
        Ok(self.work(&meta, &reach.gone))
    }

    fn samples(&self, actor: &Actor, ids: &[RecordId]) -> Vec<Json> {
        let first: Vec<RecordId> = ids.iter().take(SAMPLES).copied().collect();
        self.titles(actor, &first).into_iter().map(titled).collect()
    }

    fn dependents(
        &self,
        actor: &Actor,
        meta: &Meta,
        gone: &BTreeMap<RecordId, u32>,
        roots: &[RecordId],
    ) -> Vec<Hanging> {
        let roots: HashSet<&RecordId> = roots.iter().collect();
        let mut by_object: BTreeMap<u32, Vec<RecordId>> = BTreeMap::new();
        for (id, object) in gone.iter().filter(|(id, _)| !roots.contains(id)) {
            by_object.entry(*object).or_default().push(*id);
        }
        by_object.into_iter().map(|(object, ids)| self.hanging(actor, meta, object, None, &ids)).collect()
    }

    fn by_field(&self, actor: &Actor, meta: &Meta, links: &[Link]) -> Vec<Hanging> {
        let mut groups: BTreeMap<(u32, u32), Vec<RecordId>> = BTreeMap::new();
        for (object, field, from) in links {
            groups.entry((*object, *field)).or_default().push(*from);
        }
        let field = |(object, field): (u32, u32)| meta.object_by_id(object).and_then(|o| o.field_by_id(field));
        groups.into_iter().map(|(key, ids)| self.hanging(actor, meta, key.0, field(key), &ids)).collect()
    }

    fn hanging(&self, actor: &Actor, meta: &Meta, object: u32, field: Option<&FieldDef>, ids: &[RecordId]) -> Hanging {
        let label = meta.object_by_id(object).map_or_else(String::new, |o| o.def.label_plural.clone());
        Hanging {
            object: meta.key_of(object).to_string(),
            label,
            field: field.map(|field| field.key.clone()),
            count: ids.len(),
            samples: self.samples(actor, ids),
        }
    }

    fn work(&self, meta: &Meta, gone: &BTreeMap<RecordId, u32>) -> Work {
        let mut files = Vec::new();
        for (id, object) in gone {
            let Some(object) = meta.object_by_id(*object) else { continue };
            let stored = object.def.fields.iter().filter(|field| field.stored());
            let mut record = None;
            for field in stored {
                let record = record.get_or_insert_with(|| self.core().image.get_of(object.def.id, *id));
                if let Some(Value::Text(name)) = record.as_ref().map(|record| record.values.get(field.id)) {
                    files.push(name.clone());
                }
            }
        }
        Work { ids: gone.keys().copied().collect(), files, ..Work::default() }
    }
}

/// Whether this is the title of the only record asked for.
pub(super) fn is_title(plan: &ErasePlan, titles: &[Title], confirm: &str) -> bool {
    let typed = confirm.trim();
    plan.count == 1 && !typed.is_empty() && titles.first().is_some_and(|title| title.title.trim() == typed)
}

/// Equal for equal plans: what goes, at which versions, what is cleared and which files are removed.
fn token(core: &Core, plan: &ErasePlan, links: &[Link]) -> String {
    let mut hasher = blake3::Hasher::new();
    for id in &plan.work.ids {
        let version = core.image.meta(*id).map_or(0, |meta| meta.version);
        hasher.update(id.as_bytes()).update(&version.to_le_bytes());
    }
    for (object, field, from) in links {
        hasher.update(&object.to_le_bytes()).update(&field.to_le_bytes()).update(from.as_bytes());
    }
    for name in &plan.work.files {
        hasher.update(name.as_bytes());
    }
    hasher.finalize().as_bytes()[..12].iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Core {
    /// All records of an object, the trash included; for small objects.
    pub(crate) fn records_of(&self, object: u32) -> Vec<Record> {
        let all = |trashed| crate::query::ImageQuery { object, trashed, ..Default::default() };
        let context = kith_model::expr::EvalContext { now_ms: 0, time_zone: "UTC".into(), me: None };
        let ids = [false, true]
            .into_iter()
            .flat_map(|trashed| self.image.select(&all(trashed), &context).unwrap_or_default());
        ids.filter_map(|id| self.image.get_of(object, id)).collect()
    }

    /// The living record of `erasures` that took this record out.
    pub(crate) fn erasure_of(&self, id: RecordId) -> Option<(Record, Work)> {
        let noted = self.records_of(ids::erasures::OBJECT).into_iter();
        let mut noted = noted.filter_map(|record| Work::of(&record).map(|work| (record, work)));
        noted.find(|(_, work)| work.put_back.is_none() && work.ids.contains(&id))
    }

    /// Values of records that point at `gone`, as they are without it, by record: object and fields.
    pub(super) fn without(&self, gone: &[RecordId]) -> HashMap<RecordId, (u32, Vec<(u32, Value)>)> {
        let dropped: HashSet<RecordId> = gone.iter().copied().collect();
        let mut changed: HashMap<RecordId, (u32, Vec<(u32, Value)>)> = HashMap::new();
        for id in gone {
            for (object, field, from) in self.image.pointing_at(*id) {
                let Some(record) = self.image.get_of(object, from) else { continue };
                let left = match record.values.get(field) {
                    Value::Links(ids) => {
                        let stay: Vec<RecordId> = ids.iter().filter(|id| !dropped.contains(id)).copied().collect();
                        if stay.is_empty() { Value::Null } else { Value::Links(stay) }
                    }
                    _ => Value::Null,
                };
                let entry = changed.entry(from).or_insert_with(|| (object, Vec::new()));
                if !entry.1.iter().any(|(known, _)| *known == field) {
                    entry.1.push((field, left));
                }
            }
        }
        changed
    }
}
