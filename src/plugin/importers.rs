//! Importers: a plugin reads a file that Kith cannot, and its rows go the way of every import: as JSON Lines into the import of their object, so
//! that links, duplicates, refused rows and undo are as for any file. Blocks: for blocking threads only.

use std::{sync::Arc, time::Duration};

use kith_base::RecordId;
use kith_engine::{Actor, Engine, EngineError};
use kith_model::{ObjectDef, Value};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::{
    asking::{AskError, Asker, clip, said},
    contract::{Call, importer::exports::kith::plugin::importer::Row},
    hosted::Hosted,
    manifest::Importer,
    plugin::Plugin,
    runtime::{CallError, CallInfo, Capability, Phase},
    values::fields,
};

/// For one chunk.
const BUDGET: Duration = Duration::from_secs(30);

const CHUNK_ROWS_MAX: usize = 500;

/// Rows of one file, and bytes of them all: what an import takes.
const ROWS_MAX: usize = 300_000;
const BYTES_MAX: usize = 64 << 20;

const KEY_CHARS_MAX: usize = 200;

/// Where the row's key is kept, in objects that have the field.
const EXTERNAL_ID: &str = "external_id";

/// A file that one call may read, whatever else is granted.
#[derive(Clone, Debug)]
pub struct Source {
    pub id: RecordId,
    pub name: String,
    pub media_type: String,
    pub size_bytes: u64,
    pub sha256: String,
    /// Its name in the vault's files.
    pub stored: String,
}

/// An importer that somebody may use.
#[derive(Clone, Debug, Serialize)]
pub struct ImporterView {
    /// `<plugin>/<name>`, as an import names it.
    pub importer: String,
    pub label: String,
    pub plugin_name: String,
    pub object: String,
    pub file_types: Vec<String>,
}

/// The importers into objects that the asker may make records of.
pub fn list(hosted: &Hosted, asker: &Asker) -> Vec<ImporterView> {
    let mut found = Vec::new();
    let languages = asker.languages(&hosted.services);
    for plugin in hosted.loaded.all().iter() {
        for (name, importer) in &plugin.manifest.importers {
            let object = plugin.manifest.object_key(&importer.object);
            if hosted.services.engine.can(&asker.actor, &object, kith_engine::Op::Create) {
                found.push(ImporterView {
                    importer: format!("{}/{name}", plugin.id),
                    label: plugin.said(&languages, &format!("importers.{name}.label"), &importer.label),
                    plugin_name: plugin.said(&languages, "plugin.name", &plugin.manifest.plugin.name),
                    object,
                    file_types: importer.file_types.clone(),
                });
            }
        }
    }
    found.sort_by(|a, b| a.importer.cmp(&b.importer));
    found
}

/// What a plugin read.
pub struct Pulled {
    /// Key of the object that the rows are of.
    pub object: String,
    /// JSON Lines.
    pub lines: Vec<u8>,
}

/// Has a plugin read a file. `importer`: `<plugin>/<name>`.
///
/// # Errors
/// `NoPlugin`, `NoPart`, `Refused` in the plugin's words, `Failed`.
pub fn pull(hosted: &Hosted, asker: &Asker, importer: &str, source: Source) -> Result<Pulled, AskError> {
    let (id, name) = importer.split_once('/').unwrap_or((importer, ""));
    let plugin = hosted.plugin(id)?;
    let none = || AskError::NoPart { plugin: plugin.id.clone(), what: format!("importer '{}'", clip(name, 60)) };
    let asked = plugin.manifest.importers.get(name).ok_or_else(none)?;
    let key = plugin.manifest.object_key(&asked.object);
    let engine = &hosted.services.engine;
    let schema = engine.schema();
    let object = schema.object(&key).ok_or_else(|| EngineError::ObjectNotFound(key.clone()))?;
    let mut pulling = Pulling {
        hosted,
        asker,
        plugin: &plugin,
        name,
        asked,
        object,
        source: Arc::new(source),
        lines: Vec::new(),
        rows: 0,
    };
    let mut cursor = None;
    loop {
        let before = cursor.clone();
        cursor = pulling.chunk(cursor.as_deref())?;
        match &cursor {
            None => break,
            // The same place again would go on for ever.
            Some(_) if cursor == before => return Err(pulling.wrong("its cursor stands still")),
            Some(_) => {}
        }
    }
    Ok(Pulled { object: key, lines: pulling.lines })
}

struct Pulling<'a> {
    hosted: &'a Hosted,
    asker: &'a Asker,
    plugin: &'a Arc<Plugin>,
    name: &'a str,
    asked: &'a Importer,
    object: &'a ObjectDef,
    source: Arc<Source>,
    lines: Vec<u8>,
    rows: usize,
}

impl Pulling<'_> {
    fn wrong(&self, what: &str) -> AskError {
        self.plugin.watch.note(&format!("importer '{}' was stopped: {what}", self.name));
        AskError::Failed { plugin: self.plugin.id.clone(), error: CallError::Answer(what.into()) }
    }

    /// The next rows; the cursor of those after them.
    fn chunk(&mut self, cursor: Option<&str>) -> Result<Option<String>, AskError> {
        let info = CallInfo::new(&self.hosted.services, Capability::Importers, self.name, Phase::Doing, BUDGET);
        let info = self.asker.sign(&self.hosted.services, info);
        let info = CallInfo { cause: "import".into(), source: Some(self.source.clone()), ..info };
        let call = Call { id: info.id.clone(), attempt: 1, dry_run: false };
        let source = self.source.id.to_string();
        let input = (&call, &source, cursor);
        let answer = self.plugin.call(&self.hosted.services, info, "importer.pull", &input, |store| {
            let guest = self.plugin.code.importer(store)?;
            guest.kith_plugin_importer().call_pull(store, &call, &source, cursor)
        });
        let failed = |error| AskError::Failed { plugin: self.plugin.id.clone(), error };
        let name = &self.plugin.manifest.plugin.name;
        let chunk = answer.map_err(failed)?.map_err(|error| AskError::refused(name, &said(&error)))?;
        if chunk.rows.len() > CHUNK_ROWS_MAX {
            return Err(self.wrong(&format!("{} rows in a chunk; at most {CHUNK_ROWS_MAX}", chunk.rows.len())));
        }
        self.rows += chunk.rows.len();
        if self.rows > ROWS_MAX {
            return Err(self.wrong(&format!("more than {ROWS_MAX} rows in one file")));
        }
        for row in &chunk.rows {
            let line = self.line(row)?;
            self.lines.extend_from_slice(line.to_string().as_bytes());
            self.lines.push(b'\n');
        }
        if self.lines.len() > BYTES_MAX {
            return Err(self.wrong(&format!("more than {BYTES_MAX} bytes of rows")));
        }
        Ok(chunk.next)
    }

    fn line(&self, row: &Row) -> Result<Json, AskError> {
        let manifest = &self.plugin.manifest;
        if row.object != self.asked.object && manifest.object_key(&row.object) != self.object.key {
            let said = format!("a row of '{}'; this importer makes '{}'", clip(&row.object, 60), self.asked.object);
            return Err(self.wrong(&said));
        }
        let read = fields(manifest, self.object, &row.fields);
        let values = read.map_err(|list| {
            let said: Vec<String> = list.into_iter().map(|violation| violation.message).collect();
            self.wrong(&format!("row '{}': {}", clip(&row.key, 60), said.join("; ")))
        })?;
        Ok(Json::Object(keyed(
            &self.hosted.services.engine,
            &self.asker.actor,
            self.object,
            &self.plugin.id,
            &row.key,
            values,
        )))
    }
}

/// The values with the row's key in `external_id`, and with the id of the record that has it already.
fn keyed(
    engine: &Engine,
    actor: &Actor,
    object: &ObjectDef,
    plugin: &str,
    key: &str,
    values: Map<String, Json>,
) -> Map<String, Json> {
    let key = clip(key, KEY_CHARS_MAX);
    if key.is_empty() || object.field(EXTERNAL_ID).is_none() || values.contains_key(EXTERNAL_ID) {
        return values;
    }
    let external = format!("{plugin}:{key}");
    let mut line = Map::new();
    let indexed = object.field(EXTERNAL_ID).map(|f| f.kind().unique_keys(f, &Value::Text(external.clone())));
    let find = |index: &String| engine.find_by(actor, &object.key, EXTERNAL_ID, index).ok()?.first().copied();
    // One that the person may not see is not named to them: the import decides about duplicates as for any file.
    if let Some(id) = indexed.iter().flatten().find_map(find) {
        line.insert("id".into(), Json::String(id.to_string()));
    }
    line.insert(EXTERNAL_ID.into(), Json::String(external));
    line.extend(values);
    line
}
