//! Writes one backup as a stream: the state at one journal entry, while writers go on. Memory holds the ids of the records, one piece
//! of output and nothing else.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io::{self, Seek, SeekFrom, Write},
};

use kith_base::RecordId;
use kith_engine::{Actor, Engine, Record, read::rfc3339};
use kith_model::{ObjectDef, Value};
use kith_store::{BackupSource, SealedWriter, StoreError, VaultError};

use crate::{
    BackupError,
    archive::Writer,
    manifest::{self, Base, Count, FORMAT, Head, Kind, Manifest, hex},
};

/// Bytes of one piece of JSON Lines or journal: a member's size comes before its content, so each is made in memory first.
const PIECE_BYTES: usize = 4 * 1024 * 1024;

/// Records between two looks at whether to stop.
const LOOK_EVERY: usize = 1_000;

/// Characters kept of a file's name. With the content's name before it stays within what any tar holds.
const NAME_CHARS_MAX: usize = 50;

/// What to write.
#[derive(Clone, Debug)]
pub struct Plan {
    pub id: String,
    pub created_at: i64,
    /// X25519 recipients (`age1…`) whose identities open it.
    pub recipients: Vec<String>,
    /// The entry whose state it holds; the image has come at least this far.
    pub until: u64,
    /// An increment on this one; none: a full backup.
    pub base: Option<Base>,
}

/// What was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Made {
    pub manifest: Manifest,
    /// Attachments that could not be read to their end; the backup holds zeros for them.
    pub damaged: Vec<String>,
}

/// Writes a backup to `out` and gives it back. `stop` is asked now and then.
///
/// # Errors
/// `backup.no_recipient`, `backup.no_base` when the history has changed under the base, `backup.erased_meanwhile`,
/// `backup.stopping`, `backup.target`, and what the store says.
pub fn write<W: Write>(
    engine: &Engine,
    plan: &Plan,
    out: W,
    stop: &dyn Fn() -> bool,
) -> Result<(Made, W), BackupError> {
    let source = engine.storage().backup_source().ok_or(BackupError::NoSource)?;
    if plan.recipients.is_empty() {
        return Err(BackupError::NoRecipient);
    }
    let after = plan.base.as_ref().map_or(0, |base| base.last_seq);
    let head = Head {
        format: FORMAT,
        kith: env!("CARGO_PKG_VERSION").into(),
        id: plan.id.clone(),
        vault: hex(&source.vault().id()),
        created_at: rfc3339(plan.created_at),
        kind: if plan.base.is_some() { Kind::Incremental } else { Kind::Full },
        builds_on: plan.base.clone(),
        first_seq: after + 1,
        last_seq: plan.until,
    };
    let changed = changed_since(source, plan)?;
    let sealed = SealedWriter::new(&plan.recipients, out).map_err(|error| match error {
        VaultError::Store(error) => target(io::Error::other(error.to_string())),
        error => error.into(),
    })?;
    let mut work = Work {
        engine,
        source,
        plan,
        stop,
        erased: erased(source)?,
        writer: Writer::new(sealed, u64::try_from(plan.created_at / 1000).unwrap_or(0)),
        attachments: Attachments::new(engine)?,
    };
    let keys = source.vault().export()?;
    work.add(manifest::HEAD, &serde_json::to_vec_pretty(&head).map_err(|e| target(e.into()))?)?;
    work.add(manifest::NOTE, manifest::note(&head).as_bytes())?;
    work.add(manifest::KEYS, keys.expose())?;
    let counts = work.objects(changed.as_ref())?;
    let (files, damaged) = work.files(changed.is_none())?;
    let last_hash = work.journal(after)?;
    let keys_after = source.vault().export()?;
    if keys_after.expose() != keys.expose() {
        work.add(manifest::KEYS_AFTER, keys_after.expose())?;
    }
    // What was erased meanwhile may lie in what is written already.
    if !source.erasures(plan.until)?.is_empty() {
        return Err(BackupError::Erased);
    }
    let members = work.writer.members().to_vec();
    let manifest = Manifest { head, last_hash, counts, files, cursors: source.cursors(), members };
    let out = work.writer.finish(&manifest).and_then(SealedWriter::finish).map_err(target)?;
    Ok((Made { manifest, damaged }, out))
}

fn target(error: io::Error) -> BackupError {
    BackupError::target("the backup")(error)
}

/// Ids of the records that changed behind the base; none for a full backup.
fn changed_since(source: &dyn BackupSource, plan: &Plan) -> Result<Option<HashSet<RecordId>>, BackupError> {
    let Some(base) = &plan.base else { return Ok(None) };
    let mut changed = HashSet::new();
    let (hash, _) = source.copy_journal(base.last_seq, plan.until, &mut |frame, _| {
        changed.extend(frame.ids.iter().copied());
        Ok(())
    })?;
    if hex(&hash) != base.last_hash {
        return Err(BackupError::NoBase("this place (the history has changed under the last one)".into()));
    }
    Ok(Some(changed))
}

/// The newest erasure that names each record.
fn erased(source: &dyn BackupSource) -> Result<HashMap<RecordId, u64>, BackupError> {
    let notes = source.erasures(0)?;
    Ok(notes.iter().flat_map(|note| note.ids.iter().map(|id| (*id, note.seq))).collect())
}

/// Which stored files exist, which the records written so far name, and what people call them.
struct Attachments {
    all: BTreeSet<String>,
    named: HashMap<String, String>,
    /// Of records that were made after the entry.
    late: HashSet<String>,
}

impl Attachments {
    fn new(engine: &Engine) -> Result<Attachments, BackupError> {
        let all = engine.files().names()?.into_iter().collect();
        Ok(Attachments { all, named: HashMap::new(), late: HashSet::new() })
    }

    fn names_in<'r>(&'r self, record: &'r Record) -> impl Iterator<Item = &'r String> {
        record.values.iter().filter_map(|(_, value)| match value {
            Value::Text(text) => self.all.get(text),
            _ => None,
        })
    }

    fn note(&mut self, object: &ObjectDef, record: &Record) {
        let found: Vec<String> = self.names_in(record).cloned().collect();
        let title = object.field(&object.title).map(|field| record.values.get(field.id));
        for content in found {
            let shown = match title {
                Some(Value::Text(title)) => safe(title),
                _ => "file".into(),
            };
            self.named.insert(content, shown);
        }
    }

    fn note_late(&mut self, record: &Record) {
        let found: Vec<String> = self.names_in(record).cloned().collect();
        self.late.extend(found);
    }
}

/// A name that is harmless anywhere.
fn safe(name: &str) -> String {
    let kept: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' }).collect();
    // The end tells the kind of file, so the beginning is what gives way.
    let skip = kept.len().saturating_sub(NAME_CHARS_MAX);
    kept[skip..].trim_start_matches(['.', '-']).to_string()
}

struct Work<'a, W: Write> {
    engine: &'a Engine,
    source: &'a dyn BackupSource,
    plan: &'a Plan,
    stop: &'a dyn Fn() -> bool,
    erased: HashMap<RecordId, u64>,
    writer: Writer<SealedWriter<W>>,
    attachments: Attachments,
}

impl<W: Write> Work<'_, W> {
    fn add(&mut self, path: &str, bytes: &[u8]) -> Result<(), BackupError> {
        self.look()?;
        self.writer.add(path, bytes).map_err(target)
    }

    fn look(&self) -> Result<(), BackupError> {
        if (self.stop)() { Err(BackupError::Stopping) } else { Ok(()) }
    }

    /// One run of members per object; counts of what is in them.
    fn objects(&mut self, changed: Option<&HashSet<RecordId>>) -> Result<Vec<Count>, BackupError> {
        let mut counts = Vec::new();
        for object in self.engine.schema().objects() {
            let count = self.object(object, changed)?;
            if count.records > 0 || changed.is_none() {
                counts.push(count);
            }
        }
        Ok(counts)
    }

    fn object(&mut self, object: &ObjectDef, changed: Option<&HashSet<RecordId>>) -> Result<Count, BackupError> {
        let mut count = Count { object: object.key.clone(), number: object.id, records: 0, trashed: 0 };
        let (mut piece, mut pieces) = (Vec::new(), 0);
        let system = Actor::system();
        let ids = self.engine.ids_of(object.id);
        let wanted = ids.into_iter().filter(|id| changed.is_none_or(|changed| changed.contains(id)));
        for (at, id) in wanted.enumerate() {
            if at % LOOK_EVERY == 0 {
                self.look()?;
            }
            let Some(record) = self.engine.record_as_of(id, self.plan.until)? else {
                if let Some(later) = self.engine.record_as_of(id, u64::MAX)? {
                    self.attachments.note_late(&later);
                }
                continue;
            };
            if self.erased.get(&id).is_some_and(|erasure| *erasure > record.seq) {
                continue;
            }
            self.attachments.note(object, &record);
            serde_json::to_writer(&mut piece, &self.engine.past_to_json(&system, &record))
                .map_err(|error| target(error.into()))?;
            piece.push(b'\n');
            count.records += 1;
            count.trashed += u64::from(record.trashed);
            if piece.len() >= PIECE_BYTES {
                pieces += 1;
                self.add(&part(&object.key, pieces), &piece)?;
                piece.clear();
            }
        }
        if !piece.is_empty() {
            self.add(&part(&object.key, pieces + 1), &piece)?;
        }
        Ok(count)
    }

    /// Attachments in the clear; a full backup has all there are, an increment those that its records name.
    fn files(&mut self, full: bool) -> Result<(u64, Vec<String>), BackupError> {
        let (mut files, mut damaged) = (0, Vec::new());
        let names: Vec<String> = self.attachments.all.iter().cloned().collect();
        for name in names {
            let shown = self.attachments.named.get(&name);
            if self.attachments.late.contains(&name) || (!full && shown.is_none()) {
                continue;
            }
            self.look()?;
            let path = format!("files/{name}-{}", shown.map_or("file", String::as_str));
            let opened = match self.engine.files().read(&name) {
                Err(StoreError::NoSuchFile(_)) => continue,
                opened => opened,
            };
            let sized = opened.ok().and_then(|mut file| {
                let bytes = file.seek(SeekFrom::End(0)).ok()?;
                file.rewind().ok()?;
                Some((file, bytes))
            });
            let whole = match sized {
                Some((mut file, bytes)) => self.writer.stream(&path, bytes, &mut file).map_err(target)?,
                // Its beginning does not open, so its size is not known either: one byte stands for it.
                None => self.writer.stream(&path, 1, &mut io::empty()).map_err(target)?,
            };
            files += 1;
            if !whole {
                damaged.push(name);
            }
        }
        Ok((files, damaged))
    }

    /// The frames behind `after`; gives the chain hash of the last one.
    fn journal(&mut self, after: u64) -> Result<String, BackupError> {
        let (source, until) = (self.source, self.plan.until);
        let (mut piece, mut pieces, mut failed) = (Vec::new(), 0, None);
        let copied = source.copy_journal(after, until, &mut |_, frame| {
            piece.extend_from_slice(frame);
            if piece.len() < PIECE_BYTES {
                return Ok(());
            }
            pieces += 1;
            let added = self.add(&frames(pieces), &piece);
            piece.clear();
            added.map_err(|error| {
                failed = Some(error);
                StoreError::Closed
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let (_, hash) = copied?;
        if !piece.is_empty() {
            self.add(&frames(pieces + 1), &piece)?;
        }
        Ok(hex(&hash))
    }
}

fn part(object: &str, number: u32) -> String {
    let object = safe(object);
    if number == 1 { format!("objects/{object}.jsonl") } else { format!("objects/{object}.{number}.jsonl") }
}

fn frames(number: u32) -> String {
    format!("journal/{number:06}.frames")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_harmless() {
        assert_eq!(safe("../../etc/passwd"), "_.._etc_passwd".to_string());
        assert_eq!(safe("Zoë\n offer.pdf"), "Zo___offer.pdf");
        assert!(safe(&"x".repeat(500)).len() <= NAME_CHARS_MAX);
    }
}
