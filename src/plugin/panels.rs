//! Panels: what there is for whom, drawing one and using it. A person must be able to read the record a panel stands beside, and can only use what
//! was drawn for them: the plugin's state travels through the browser sealed. Blocks: for blocking threads only.

mod seal;
mod tree;

use std::{sync::Arc, time::Duration};

use kith_base::RecordId;
use kith_engine::{EngineError, Op, actions::check_input};
use serde::Serialize;
use serde_json::{Value as Json, json};

pub(crate) use seal::Seal;
use tree::Handler;

use crate::{
    asking::{AskError, Asker, clip},
    contract::{Call, ui::exports::kith::plugin::ui::View},
    hosted::Hosted,
    manifest::{Panel, Slot},
    plugin::Plugin,
    runtime::{CallError, CallInfo, Capability, Phase},
};

/// A page waits for it.
const RENDER_BUDGET: Duration = Duration::from_secs(2);

/// A person pressed something, and may wait a little.
const ACT_BUDGET: Duration = Duration::from_secs(10);

const STATE_BYTES_MAX: usize = 64 << 10;
const FORM_BYTES_MAX: usize = 64 << 10;
const TITLE_CHARS_MAX: usize = 120;

/// A panel that somebody may see.
#[derive(Clone, Debug, Serialize)]
pub struct PanelView {
    pub plugin: String,
    pub plugin_name: String,
    pub panel: String,
    pub label: String,
    pub icon: String,
    pub slot: Slot,
    pub objects: Vec<String>,
}

/// Which panel, and beside which record.
#[derive(Clone, Debug)]
pub struct At<'a> {
    pub plugin: &'a str,
    pub panel: &'a str,
    pub target: Option<RecordId>,
}

/// The panels of a slot that the asker may see; of the slot `record`, those beside records of `object`.
pub fn list(hosted: &Hosted, asker: &Asker, slot: Slot, object: Option<&str>) -> Vec<PanelView> {
    let mut found = Vec::new();
    let languages = asker.languages(&hosted.services);
    for plugin in hosted.loaded.all().iter() {
        for (name, panel) in plugin.manifest.panels.iter().filter(|(_, panel)| panel.slot == slot) {
            let objects = objects(plugin, panel);
            let here = object.is_none_or(|object| slot != Slot::Record || objects.iter().any(|own| own == object));
            if here && visible(hosted, asker, panel, &objects) {
                found.push(PanelView {
                    plugin: plugin.id.clone(),
                    plugin_name: plugin.said(&languages, "plugin.name", &plugin.manifest.plugin.name),
                    panel: name.clone(),
                    label: plugin.said(&languages, &format!("panels.{name}.label"), &panel.label),
                    icon: plugin.manifest.plugin.icon.clone(),
                    slot,
                    objects,
                });
            }
        }
    }
    found.sort_by(|a, b| (&a.plugin, &a.panel).cmp(&(&b.plugin, &b.panel)));
    found
}

fn objects(plugin: &Plugin, panel: &Panel) -> Vec<String> {
    panel.objects.iter().map(|object| plugin.manifest.object_key(object)).collect()
}

fn visible(hosted: &Hosted, asker: &Asker, panel: &Panel, objects: &[String]) -> bool {
    match panel.slot {
        Slot::Home => true,
        Slot::Settings => asker.actor.is_admin(),
        Slot::Record => objects.iter().any(|object| hosted.services.engine.can(&asker.actor, object, Op::Read)),
    }
}

/// Draws a panel. `state`: as the last drawing gave it, to draw the same again.
///
/// # Errors
/// `NoPlugin`, `NoPart`, `record.not_found`, `Refused`, `Failed`, `Stale`.
pub fn render(hosted: &Hosted, asker: &Asker, at: &At<'_>, state: Option<&str>) -> Result<Json, AskError> {
    let plugin = admitted(hosted, asker, at)?;
    let state = state.map(|sealed| hosted.seal.open(asker, at, sealed)).transpose()?.map(|shown| shown.state);
    let info = CallInfo::new(&hosted.services, Capability::Panels, at.panel, Phase::Asking, RENDER_BUDGET);
    let info = asker.sign(&hosted.services, info);
    let call = Call { id: info.id.clone(), attempt: 1, dry_run: false };
    let target = at.target.map(|id| id.to_string());
    let input = (&call, at.panel, &target, &state);
    let answer = plugin.call(&hosted.services, info, "ui.render", &input, |store| {
        let guest = plugin.code.ui(store)?;
        guest.kith_plugin_ui().call_render(store, &call, at.panel, target.as_deref(), state.as_deref())
    });
    drawn(hosted, asker, at, &plugin, answer)
}

/// Uses a button or a form of a drawn panel.
///
/// # Errors
/// As `render`; `Stale` for what was not drawn for this person; `record.invalid`, field by field, for a form that is not filled in as it asks.
pub fn act(
    hosted: &Hosted,
    asker: &Asker,
    at: &At<'_>,
    handler: &str,
    form: &Json,
    state: &str,
) -> Result<Json, AskError> {
    let plugin = admitted(hosted, asker, at)?;
    let shown = hosted.seal.open(asker, at, state)?;
    let nothing = json!({});
    let form = if form.is_null() { &nothing } else { form };
    let sent = form.to_string();
    if !form.is_object() || sent.len() > FORM_BYTES_MAX {
        return Err(EngineError::Request("'form' must be a JSON object of at most 64 KiB".into()).into());
    }
    filled_in(&shown.handlers, handler, form)?;
    let info = CallInfo::new(&hosted.services, Capability::Panels, at.panel, Phase::Doing, ACT_BUDGET);
    let info = asker.sign(&hosted.services, info);
    let call = Call { id: info.id.clone(), attempt: 1, dry_run: false };
    let input = (&call, at.panel, handler, &sent, &shown.state);
    let answer = plugin.call(&hosted.services, info, "ui.act", &input, |store| {
        let guest = plugin.code.ui(store)?;
        guest.kith_plugin_ui().call_act(store, &call, at.panel, handler, &sent, &shown.state)
    });
    drawn(hosted, asker, at, &plugin, answer)
}

/// What was filled in is what one of the forms drawn with this handler asks for. A button asks for nothing.
fn filled_in(handlers: &[Handler], name: &str, form: &Json) -> Result<(), AskError> {
    let mut refusal = None;
    for handler in handlers.iter().filter(|handler| handler.name == name) {
        let mut schema = handler.schema.clone().unwrap_or_else(|| json!({}));
        // Without a list of properties there is nothing to fill in, rather than anything.
        if !schema["properties"].is_object() {
            schema["properties"] = json!({});
        }
        match check_input(&schema, form) {
            Ok(()) => return Ok(()),
            Err(error) => _ = refusal.get_or_insert(error),
        }
    }
    Err(refusal.map_or_else(seal::stale, AskError::from))
}

/// The plugin, if this panel of it is there and the asker may see it where they say.
fn admitted(hosted: &Hosted, asker: &Asker, at: &At<'_>) -> Result<Arc<Plugin>, AskError> {
    let plugin = hosted.plugin(at.plugin)?;
    let none = || AskError::NoPart { plugin: plugin.id.clone(), what: format!("panel '{}'", clip(at.panel, 60)) };
    let panel = plugin.manifest.panels.get(at.panel).ok_or_else(none)?;
    let objects = objects(&plugin, panel);
    if !visible(hosted, asker, panel, &objects) {
        return Err(none());
    }
    match (panel.slot, at.target) {
        (Slot::Record, Some(id)) => readable(hosted, asker, &objects, id)?,
        (Slot::Record, None) => {
            let said = "this panel stands beside a record; name its id as 'target'";
            return Err(EngineError::Request(said.into()).into());
        }
        (_, Some(_)) => {
            let said = "this panel stands beside no record; leave 'target' out";
            return Err(EngineError::Request(said.into()).into());
        }
        (_, None) => {}
    }
    Ok(plugin)
}

fn readable(hosted: &Hosted, asker: &Asker, objects: &[String], id: RecordId) -> Result<(), EngineError> {
    let engine = &hosted.services.engine;
    // Which object it is of is looked up first: a look in the wrong place would count as a try.
    let of = objects.iter().find(|object| engine.get_for_change(&kith_engine::Actor::system(), object, id).is_ok());
    let missing = || EngineError::RecordNotFound { object: objects.join("', '"), id };
    engine.get(&asker.actor, of.ok_or_else(missing)?, id).map(drop)
}

fn drawn(
    hosted: &Hosted,
    asker: &Asker,
    at: &At<'_>,
    plugin: &Arc<Plugin>,
    answer: Result<Result<View, String>, CallError>,
) -> Result<Json, AskError> {
    let failed = |error| AskError::Failed { plugin: plugin.id.clone(), error };
    let view = answer.map_err(failed)?.map_err(|said| AskError::refused(&plugin.manifest.plugin.name, &said))?;
    let wrong = |said: String| {
        plugin.watch.note(&format!("panel '{}' was not drawn: {said}", at.panel));
        failed(CallError::Answer(said))
    };
    if view.state.len() > STATE_BYTES_MAX {
        return Err(wrong(format!("a state of {} bytes; at most {STATE_BYTES_MAX}", view.state.len())));
    }
    let tree = tree::nested(&view.nodes, |object| plugin.manifest.object_key(object)).map_err(wrong)?;
    let state = hosted.seal.close(asker, at, &view.state, tree.handlers);
    Ok(json!({ "title": clip(&view.title, TITLE_CHARS_MAX), "root": tree.root, "state": state }))
}
