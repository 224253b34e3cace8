//! An uploaded file that a plugin reads: kept sealed, shown to the plugin alone, and turned into the rows of an ordinary import.

use kith_base::RecordId;
use kith_engine::{Actor, Cause, Command, CommitOptions, Engine, EngineError, Fields};
use kith_exchange::import::ImportOptions;
use kith_model::Value;
use kith_plugin_host::{
    AskError, Asker, Hosted,
    importers::{self, Source},
};

use crate::{endpoints::told, problem::Problem};

/// The rows that a plugin finds in a file, as JSON Lines; `options` learn what they are rows of. A file that is imported in earnest is kept as one of the
/// person's files, so that it can be looked at again.
pub fn pull(
    hosted: &Hosted,
    actor: &Actor,
    importer: &str,
    content: &[u8],
    options: &mut ImportOptions,
) -> Result<Vec<u8>, Problem> {
    let engine = &hosted.services.engine;
    let kept = engine.files().put(&mut &content[..], content.len() as u64).map_err(EngineError::Store)?;
    let source = Source {
        id: RecordId::generate(engine.now_ms()),
        name: options.file_name.clone().unwrap_or_else(|| "import".into()),
        media_type: "application/octet-stream".into(),
        size_bytes: kept.size_bytes,
        sha256: kept.sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
        stored: kept.name.clone(),
    };
    let asker = Asker::of(actor.clone());
    let pulled = importers::pull(hosted, &asker, importer.trim(), source.clone()).map_err(|error| match error {
        AskError::Engine(error) => error.into(),
        error => told(&error, engine.now_ms()),
    });
    let noted = match &pulled {
        Ok(_) if !options.dry_run => note(engine, actor, &source),
        _ => Ok(false),
    };
    if !matches!(noted, Ok(true)) {
        // Nothing points at the content.
        let _ = engine.files().remove(&kept.name);
    }
    let pulled = pulled?;
    noted?;
    options.object = Some(pulled.object);
    Ok(pulled.lines)
}

/// Makes the record of the file, in the importing person's name: the right to import is enough.
fn note(engine: &Engine, actor: &Actor, source: &Source) -> Result<bool, Problem> {
    let values = vec![
        ("name".to_string(), Value::Text(source.name.clone())),
        ("media_type".to_string(), Value::Text(source.media_type.clone())),
        ("size_bytes".to_string(), Value::Int(i64::try_from(source.size_bytes).unwrap_or(i64::MAX))),
        ("sha256".to_string(), Value::Text(source.sha256.clone())),
        ("content".to_string(), Value::Text(source.stored.clone())),
    ];
    let command = Command::Create { object: "files".into(), id: Some(source.id), values: Fields::Parsed(values) };
    engine.execute_trusted(actor, vec![command], CommitOptions::caused_by(Cause::new("import")))?;
    Ok(true)
}
