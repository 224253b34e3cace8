//! Plugins' say in a save: `before-save` in order of priority, then the fields they work out. One hook of the engine for all plugins, which looks at
//! what is loaded at that moment.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kith_base::RecordId;
use kith_engine::{DomainHook, Draft, HookContext, Record};
use kith_model::{ObjectDef, Values, Violation};

use crate::{
    backfill,
    contract::{
        Call, Entity, Field,
        before_save::exports::kith::plugin::before_save::{Change, Kind, Verdict},
    },
    manifest::{BeforeSave, OnFailure},
    plugin::Plugin,
    runtime::{CallError, CallInfo, Capability, Phase},
    services::Services,
    set::Loaded,
    values::{entity, fields, from_guest, from_violations, long_key},
};

/// All plugins together, per record.
const SAVE_BUDGET: Duration = Duration::from_millis(250);

/// Working out fields of one record.
const COMPUTE_BUDGET: Duration = Duration::from_millis(50);

/// See the module.
pub struct Saving {
    services: Arc<Services>,
    loaded: Arc<Loaded>,
}

/// One save as plugins see it.
struct Save<'a> {
    context: &'a HookContext<'a>,
    object: &'a ObjectDef,
    id: RecordId,
    before: Option<&'a Record>,
    began: Instant,
}

impl Saving {
    pub fn new(services: Arc<Services>, loaded: Arc<Loaded>) -> Saving {
        Saving { services, loaded }
    }

    fn info(&self, save: &Save<'_>, capability: Capability, name: &str, budget: Duration) -> CallInfo {
        let left = SAVE_BUDGET.saturating_sub(save.began.elapsed());
        CallInfo {
            actor: save.context.actor.user,
            cause: save.context.cause.kind.clone(),
            depth: save.context.cause.depth,
            time_zone: save.context.read_context.time_zone.clone(),
            now_ms: save.context.now_ms,
            ..CallInfo::new(&self.services, capability, name, Phase::Saving, budget.min(left))
        }
    }

    fn check(
        &self,
        plugin: &Arc<Plugin>,
        hook: &BeforeSave,
        save: &Save<'_>,
        kind: Kind,
        values: Option<&Values>,
    ) -> Result<Verdict, CallError> {
        let wanted = readable(plugin, hook, save.object);
        let select = (!hook.fields_read.iter().any(|key| key == "*")).then_some(&wanted[..]);
        let shown = |record: &Record| entity(&plugin.manifest, save.object, record, select);
        let before = save.before.map(shown);
        let after = values.map(|values| shown(&save.draft(values)));
        let budget = Duration::from_millis(u64::from(hook.budget_ms));
        let info = self.info(save, Capability::BeforeSave, "", budget);
        let call = Call { id: info.id.clone(), attempt: 1, dry_run: info.dry_run };
        let changes = [Change { kind, before, after }];
        let verdicts = plugin.call(&self.services, info, "before-save.check", &(&call, &changes), |store| {
            let guest = plugin.code.before_save(store)?;
            guest.kith_plugin_before_save().call_check(store, &call, &changes)
        })?;
        match <[Verdict; 1]>::try_from(verdicts) {
            Ok([verdict]) => Ok(verdict),
            Err(other) => Err(CallError::Answer(format!("{} verdicts for one change", other.len()))),
        }
    }

    /// One plugin's verdict on a draft.
    fn judge(
        &self,
        plugin: &Arc<Plugin>,
        hook: &BeforeSave,
        save: &Save<'_>,
        values: &mut Values,
    ) -> Result<(), Vec<Violation>> {
        let kind = if save.before.is_some() { Kind::Update } else { Kind::Create };
        let verdict = match self.check(plugin, hook, save, kind, Some(values)) {
            Ok(verdict) => verdict,
            Err(error) => return failed(plugin, hook, &error),
        };
        match verdict {
            Verdict::Accept => Ok(()),
            Verdict::Reject(list) => Err(from_violations(&plugin.manifest, save.object, list)),
            Verdict::Amend(list) => {
                let outcome = amend(plugin, hook, save, values, &list);
                outcome.or_else(|said| failed(plugin, hook, &CallError::Answer(said)))
            }
        }
    }

    /// Works out a plugin's fields where what they read has changed.
    fn compute(&self, plugin: &Arc<Plugin>, save: &Save<'_>, values: &mut Values) {
        for (object, key, field) in plugin.manifest.computed() {
            if object != save.object.key {
                continue;
            }
            let Some(def) = save.object.field(&plugin.manifest.own_field_key(&object, key)) else { continue };
            let reads = field.computed.as_deref().unwrap_or_default();
            if !self.stale(plugin, save, values, reads) {
                continue;
            }
            let row = entity(&plugin.manifest, save.object, &save.draft(values), None);
            match self.worked_out(plugin, save, key, row) {
                Ok(json) => match def.kind().read(def, save.context.read_context, &json) {
                    Ok(value) => values.set(def.id, value),
                    Err(violation) => {
                        plugin.watch.note(&format!("computed '{key}' gave no {}: {}", def.kind, violation.message))
                    }
                },
                // The value stays as it was; the failure is in the plugin's log.
                Err(said) => plugin.watch.note(&format!("computed '{key}': {said}")),
            }
        }
    }

    fn stale(&self, plugin: &Plugin, save: &Save<'_>, values: &Values, reads: &[String]) -> bool {
        let Some(before) = save.before else { return true };
        let differs = |id: u32| before.values.get(id) != values.get(id);
        if reads.iter().any(|key| key == "*") {
            return save.object.fields.iter().any(|field| differs(field.id));
        }
        let keys = reads.iter().map(|key| long_key(&plugin.manifest, save.object, key));
        keys.filter_map(|key| save.object.field(&key)).any(|field| differs(field.id))
    }

    fn worked_out(
        &self,
        plugin: &Arc<Plugin>,
        save: &Save<'_>,
        name: &str,
        row: Entity,
    ) -> Result<serde_json::Value, String> {
        let info = self.info(save, Capability::Computed, name, COMPUTE_BUDGET);
        compute_rows(&self.services, plugin, info, name, &[row])?.pop().ok_or_else(|| "no value".into())
    }
}

/// Values of a computed field for these rows, as the API would take them.
pub(crate) fn compute_rows(
    services: &Arc<Services>,
    plugin: &Arc<Plugin>,
    info: CallInfo,
    name: &str,
    rows: &[Entity],
) -> Result<Vec<serde_json::Value>, String> {
    let call = Call { id: info.id.clone(), attempt: info.attempt, dry_run: info.dry_run };
    let answer = plugin.call(services, info, "computed.compute", &(&call, name, rows), |store| {
        let guest = plugin.code.computed(store)?;
        guest.kith_plugin_computed().call_compute(store, &call, name, rows)
    });
    let values = answer.map_err(|e| e.to_string())??;
    if values.len() != rows.len() {
        return Err(format!("{} values for {} rows", values.len(), rows.len()));
    }
    values.iter().map(from_guest).collect()
}

impl Save<'_> {
    /// What is about to be saved, as a record.
    fn draft(&self, values: &Values) -> Record {
        Record {
            id: self.id,
            object: self.object.id,
            version: self.before.map_or(0, |record| record.version),
            seq: 0,
            created_at: self.before.map_or(self.context.now_ms, |record| record.created_at),
            updated_at: self.context.now_ms,
            created_by: self.before.map_or(self.context.actor.author(), |record| record.created_by),
            updated_by: self.context.actor.author(),
            trashed: false,
            values: values.clone(),
        }
    }
}

fn readable(plugin: &Plugin, hook: &BeforeSave, object: &ObjectDef) -> Vec<String> {
    hook.fields_read.iter().map(|key| long_key(&plugin.manifest, object, key)).collect()
}

fn amend(
    plugin: &Plugin,
    hook: &BeforeSave,
    save: &Save<'_>,
    values: &mut Values,
    list: &[Field],
) -> Result<(), String> {
    let writable: Vec<String> =
        hook.fields_write.iter().map(|key| long_key(&plugin.manifest, save.object, key)).collect();
    let given = fields(&plugin.manifest, save.object, list)
        .map_err(|wrong| wrong.into_iter().map(|v| v.message).collect::<Vec<_>>().join("; "))?;
    for (key, json) in given {
        if !writable.contains(&key) {
            return Err(format!("it amended '{key}', which is not in fields-write"));
        }
        let field = save.object.field(&key).ok_or_else(|| format!("'{}' has no field '{key}'", save.object.key))?;
        let value = field.kind().read(field, save.context.read_context, &json);
        values.set(field.id, value.map_err(|violation| violation.message)?);
    }
    Ok(())
}

/// What becomes of a save whose plugin failed.
fn failed(plugin: &Plugin, hook: &BeforeSave, error: &CallError) -> Result<(), Vec<Violation>> {
    match hook.on_failure {
        OnFailure::Skip => {
            plugin.watch.note(&format!("before-save was skipped: it {error}"));
            Ok(())
        }
        OnFailure::Reject => {
            let said = format!(
                "the plugin '{}' {error}; nothing was saved. Try again, or ask an administrator to look at the plugin",
                plugin.manifest.plugin.name
            );
            Err(vec![Violation { field: None, code: "plugin_failed".into(), message: said }])
        }
    }
}

fn hooked<'a>(plugin: &'a Plugin, object: &str) -> Option<&'a BeforeSave> {
    let hook = plugin.manifest.hooks.before_save.as_ref()?;
    hook.objects.iter().any(|key| plugin.manifest.object_key(key) == object).then_some(hook)
}

impl DomainHook for Saving {
    fn object(&self) -> &str {
        "*"
    }

    fn concerns(&self, object: &str) -> bool {
        self.loaded.is_loading()
            || self.loaded.all().iter().any(|plugin| {
                hooked(plugin, object).is_some() || plugin.manifest.computed().any(|(of, _, _)| of == object)
            })
    }

    fn before_save(&self, context: &HookContext<'_>, draft: &mut Draft<'_>) -> Result<(), Vec<Violation>> {
        if draft.object.system || context.cause.kind == backfill::CAUSE {
            return Ok(());
        }
        self.loaded.wait();
        let plugins = self.loaded.all();
        let save = Save { context, object: draft.object, id: draft.id, before: draft.before, began: Instant::now() };
        // Already in order of priority and id.
        for plugin in plugins.iter() {
            if let Some(hook) = hooked(plugin, &save.object.key) {
                self.judge(plugin, hook, &save, &mut draft.values)?;
            }
        }
        for plugin in plugins.iter() {
            self.compute(plugin, &save, &mut draft.values);
        }
        Ok(())
    }

    fn before_delete(
        &self,
        context: &HookContext<'_>,
        object: &ObjectDef,
        record: &Record,
    ) -> Result<(), Vec<Violation>> {
        if object.system {
            return Ok(());
        }
        self.loaded.wait();
        let save = Save { context, object, id: record.id, before: Some(record), began: Instant::now() };
        for plugin in self.loaded.all().iter() {
            let Some(hook) = hooked(plugin, &object.key) else { continue };
            match self.check(plugin, hook, &save, Kind::Delete, None) {
                Ok(Verdict::Reject(list)) => return Err(from_violations(&plugin.manifest, object, list)),
                Ok(_) => {}
                Err(error) => failed(plugin, hook, &error)?,
            }
        }
        Ok(())
    }
}
