//! Makes a vault from backups again, to their end or to any entry before, and proves that it holds. Goes into an empty folder only;
//! what fails on the way leaves that folder as it was.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use kith_base::{RecordId, Secret};
use kith_engine::{Record, read::rfc3339};
use kith_store::{Files, FrameNote, JournalWriter, Lock, OpenOptions, Storage, Store, Vault, is_free, new_identity};
use serde::{Deserialize, Serialize};

use crate::{
    BackupError, Chain, again,
    archive::{self, Incoming, Next},
    chain::open,
    erasures::{self, Named},
    manifest::{KEYS_AFTER, Manifest, hex},
    place::folder_of,
};

/// Bytes of one attachment; what the server takes in, and some.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// How far to restore.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    End,
    /// As this entry left it.
    Seq(u64),
    /// Up to the first entry later than this, in milliseconds since 1970.
    Time(i64),
}

/// How to restore.
pub struct Options<'a> {
    /// Text of a key file with a recovery identity.
    pub identity: &'a Secret<String>,
    pub until: Until,
    /// Lists of erasures besides the one that lies beside the backups.
    pub erasures: &'a [PathBuf],
    /// What the new vault is locked to.
    pub lock: &'a Lock,
    pub now_ms: i64,
}

/// What was restored.
#[derive(Clone, Debug, Serialize)]
pub struct Restored {
    /// The backups it was made from, oldest first.
    pub from: Vec<String>,
    /// The entry whose state it is, and its time.
    pub seq: u64,
    pub at: String,
    pub head_hash: String,
    pub records: u64,
    pub counts: BTreeMap<String, u64>,
    pub files: u64,
    /// Records that were erased later or elsewhere and were taken out again.
    pub erased: u64,
    /// Records whose older versions were erased later or elsewhere, as rules that anonymise do, and that were given the same values again.
    pub replaced: u64,
    /// A list of erasures lay beside the backups or was named.
    pub erasures_known: bool,
    /// Attachments that were damaged when the backup was taken, or later.
    pub damaged_files: Vec<String>,
}

/// What a backup holds, proven by restoring it.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    pub kind: String,
    pub created_at: String,
    pub kith: String,
    pub first_seq: u64,
    pub last_seq: u64,
    /// Records in this file itself: of an increment, those that changed.
    pub lines: u64,
    #[serde(flatten)]
    pub restored: Restored,
}

/// Restores the backup in `path`, with all it builds on, into the empty folder `data`. `progress` gets (done, all) in bytes.
///
/// # Errors
/// `backup.not_empty` and whatever is wrong with the backups, before or after something was written; then the folder is emptied again.
pub fn restore(
    path: &Path,
    data: &Path,
    options: &Options<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Restored, BackupError> {
    if !is_free(data)? {
        return Err(BackupError::NotEmpty(data.display().to_string()));
    }
    let chain = Chain::find(path, options.identity)?;
    let existed = data.exists();
    let done = Rebuild::new(&chain, data, options, false).and_then(|rebuild| rebuild.run(progress));
    if done.is_err() {
        empty(data, existed);
    }
    Ok(done?.0)
}

/// Restores the backup in `path` into a folder that goes away again, and holds every line in it against what came out.
///
/// # Errors
/// Whatever is wrong with it.
pub fn verify(
    path: &Path,
    scratch: &Path,
    identity: &Secret<String>,
    now_ms: i64,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Checked, BackupError> {
    let chain = Chain::find(path, identity)?;
    let folder = tempfile::Builder::new().prefix("kith-verify-").tempdir_in(scratch);
    let folder = folder.map_err(BackupError::target(&scratch.display().to_string()))?;
    let lock = Lock::Recipients(vec![new_identity().1]);
    // As it was taken: later erasures would make it differ from its own lines.
    let options = Options { identity, until: Until::End, erasures: &[], lock: &lock, now_ms };
    let data = folder.path().join("data");
    let (restored, lines) = Rebuild::new(&chain, &data, &options, true)?.run(progress)?;
    let head = chain.last().map(|link| link.head.clone()).ok_or(BackupError::NotFound)?;
    Ok(Checked {
        kind: head.kind.name().into(),
        created_at: head.created_at,
        kith: head.kith,
        first_seq: head.first_seq,
        last_seq: head.last_seq,
        lines,
        restored,
    })
}

/// Takes back what a restore wrote. Only ever called for a folder that was empty or missing before.
fn empty(data: &Path, existed: bool) {
    if !existed {
        let _ = fs::remove_dir_all(data);
        return;
    }
    for item in fs::read_dir(data).into_iter().flatten().flatten() {
        let path = item.path();
        let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
    }
}

/// A line of JSON Lines, as far as a restore looks at it.
#[derive(Deserialize)]
struct Line {
    id: RecordId,
    version: u64,
    #[serde(default)]
    trashed: bool,
    #[serde(default)]
    values: LineValues,
}

#[derive(Default, Deserialize)]
struct LineValues {
    content: Option<serde_json::Value>,
}

struct Rebuild<'a> {
    chain: &'a Chain,
    data: &'a Path,
    options: &'a Options<'a>,
    /// Hold every line of the last backup against the records, and keep no attachment.
    checking: bool,
    vault: Vault,
    keys: Vec<Secret<Vec<u8>>>,
    /// None once it is finished.
    journal: Option<JournalWriter>,
    /// Newest entry that is kept, and its time.
    kept: (u64, i64),
    past_end: bool,
    erasures: Vec<Named>,
    /// Which record an attachment belongs to, by the content's name.
    owners: HashMap<String, RecordId>,
    stored: BTreeSet<String>,
    damaged: BTreeSet<String>,
    /// Version and trash of each record by the last backup's lines.
    lines: HashMap<RecordId, (u64, bool)>,
    /// Keys of objects by number, from every backup of the chain: an increment only names what changed.
    names: HashMap<u32, String>,
    manifest: Option<Manifest>,
}

impl<'a> Rebuild<'a> {
    fn new(
        chain: &'a Chain,
        data: &'a Path,
        options: &'a Options<'a>,
        checking: bool,
    ) -> Result<Rebuild<'a>, BackupError> {
        let keys: Vec<_> = chain.0.iter().map(|link| link.keys.clone()).collect();
        let vault = Vault::import(&keys)?;
        check_until(chain, options.until)?;
        let journal = JournalWriter::create(data, &vault, OpenOptions::default().segment_bytes)?;
        Ok(Rebuild {
            chain,
            data,
            options,
            checking,
            vault,
            keys,
            journal: Some(journal),
            kept: (0, 0),
            past_end: false,
            erasures: Vec::new(),
            owners: HashMap::new(),
            stored: BTreeSet::new(),
            damaged: BTreeSet::new(),
            lines: HashMap::new(),
            names: HashMap::new(),
            manifest: None,
        })
    }

    fn run(mut self, progress: &mut dyn FnMut(u64, u64)) -> Result<(Restored, u64), BackupError> {
        let all = self.chain.bytes();
        let mut done = 0;
        let chain = self.chain;
        let files = Files::open(self.data, &self.vault)?;
        for (at, link) in chain.0.iter().enumerate() {
            let place = link.path.display().to_string();
            let last = at + 1 == chain.0.len();
            let mut seen = 0;
            let manifest = archive::read(&place, open(&link.path, self.options.identity)?, &mut |member| {
                seen += member.bytes;
                progress((done + seen).min(all), all);
                self.member(&place, member, &files, last)?;
                Ok(Next::Go)
            })?;
            let manifest = manifest.ok_or_else(|| BackupError::damaged(&place, "it has no manifest"))?;
            if manifest.head != link.head || self.given_hash() != manifest.last_hash {
                return Err(BackupError::damaged(&place, "its journal does not end where its manifest says"));
            }
            let broken = manifest.members.iter().filter(|member| member.damaged);
            self.damaged.extend(broken.filter_map(|member| content_name(&member.path)).map(str::to_string));
            self.names.extend(manifest.counts.iter().map(|count| (count.number, count.object.clone())));
            self.manifest = Some(manifest);
            done += link.path.metadata().map_or(0, |about| about.len());
        }
        self.vault = Vault::import(&self.keys)?;
        self.settle(&files)
    }

    fn given_hash(&self) -> String {
        self.journal.as_ref().map_or_else(String::new, |journal| hex(&journal.given().1))
    }

    fn member(&mut self, place: &str, member: &mut Incoming<'_>, files: &Files, last: bool) -> Result<(), BackupError> {
        let broken = |error: io::Error| BackupError::damaged(place, error.to_string());
        let path = member.path.clone();
        if path.starts_with("journal/") {
            let frames = member.whole().map_err(broken)?;
            return self.frames(&frames);
        }
        if path == KEYS_AFTER {
            self.keys.push(Secret::new(member.whole().map_err(broken)?));
            return Ok(());
        }
        if path.starts_with("objects/") && ((last && self.checking) || path.starts_with("objects/files.")) {
            let text = member.whole().map_err(broken)?;
            return self.lines(place, &text, last);
        }
        if let Some(name) = content_name(&path).filter(|_| !self.checking) {
            // Not its own name: then it is nothing that a vault of ours would look for.
            if self.stored.contains(name) {
                return Ok(());
            }
            files.put_as(name, &mut Broken { from: member, place }, FILE_BYTES_MAX)?;
            self.stored.insert(name.to_string());
        }
        Ok(())
    }

    fn frames(&mut self, frames: &[u8]) -> Result<(), BackupError> {
        let (until, kept, past_end) = (self.options.until, &mut self.kept, &mut self.past_end);
        let erasures = &mut self.erasures;
        let Some(journal) = &mut self.journal else { return Err(BackupError::NoSource) };
        journal.push(frames, &mut |frame: &FrameNote| {
            if frame.is_erasure {
                erasures.push(Named { seq: frame.seq, ids: frame.ids.clone(), given: None });
            }
            let within = match until {
                _ if !frame.is_entry => true,
                Until::End => true,
                Until::Seq(seq) => frame.seq <= seq,
                Until::Time(at) => frame.time_ms <= at,
            };
            *past_end = *past_end || !within;
            if !*past_end && frame.is_entry {
                *kept = (frame.seq, frame.time_ms);
            }
            !*past_end
        })?;
        Ok(())
    }

    fn lines(&mut self, place: &str, text: &[u8], last: bool) -> Result<(), BackupError> {
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let read: Line = serde_json::from_slice(line)
                .map_err(|error| BackupError::damaged(place, format!("a line is no record ({error})")))?;
            if let Some(serde_json::Value::String(content)) = read.values.content {
                self.owners.insert(content, read.id);
            }
            if last && self.checking {
                self.lines.insert(read.id, (read.version, read.trashed));
            }
        }
        Ok(())
    }

    /// Everything is in the folder: open it, take out what was erased, write the lock, and prove it.
    fn settle(mut self, files: &Files) -> Result<(Restored, u64), BackupError> {
        if self.kept.0 == 0 {
            return Err(BackupError::Moment("nothing existed at that moment; choose a later one".into()));
        }
        let known = self.known_erasures()?;
        let journal = self.journal.take().ok_or(BackupError::NoSource)?;
        let (seq, hash) = journal.finish()?;
        let store = Store::open(self.data, &self.vault, OpenOptions::default())?.0;
        let cause = self.chain.last().map_or("", |link| link.head.id.as_str());
        let erased = again::erase(&store, &self.erasures, cause, self.options.now_ms)?;
        for (name, position) in self.manifest.iter().flat_map(|manifest| &manifest.cursors) {
            store.set_cursor(name, (*position).min(store.head()))?;
        }
        store.close()?;
        drop(store);
        let vault = self.vault.write(self.data, self.options.lock)?;
        let store = Arc::new(Store::open(self.data, &vault, OpenOptions::default())?.0);
        let report = store.verify(&mut |_, _| {})?;
        if let Some(finding) = report.findings.first() {
            return Err(BackupError::NotVerified(format!("{}: {}", finding.place, finding.what)));
        }
        let there = self.look(&store)?;
        store.close()?;
        if !self.checking {
            self.tidy(files, &there)?;
        }
        let restored = Restored {
            from: self.chain.0.iter().map(|link| link.path.display().to_string()).collect(),
            seq,
            at: rfc3339(self.kept.1),
            head_hash: hex(&hash),
            records: there.records.len() as u64,
            counts: self.counts(&there)?,
            files: if self.checking { self.manifest.as_ref().map_or(0, |m| m.files) } else { self.stored.len() as u64 },
            erased: erased.gone,
            replaced: erased.replaced,
            erasures_known: known,
            damaged_files: self.damaged.iter().cloned().collect(),
        };
        Ok((restored, self.lines.len() as u64))
    }

    /// Reads the lists of erasures; whether there was one.
    fn known_erasures(&mut self) -> Result<bool, BackupError> {
        if self.checking {
            return Ok(false);
        }
        let vault = hex(&self.vault.id());
        let beside = self.chain.last().and_then(|link| erasures::find(&folder_of(&link.path), &vault));
        let mut known = false;
        for path in beside.iter().chain(self.options.erasures) {
            if let Some(notes) = erasures::read(path, self.options.identity, &vault)? {
                known = true;
                self.erasures.extend(notes);
            }
        }
        Ok(known)
    }

    /// Every record that came out, and holds the last backup's lines against them.
    fn look(&self, store: &Store) -> Result<There, BackupError> {
        let mut there = There::default();
        let mut broken = None;
        store.scan(&mut |id, version, seq, value| match Record::decode(id, version, seq, value) {
            Ok(record) => {
                there.records.insert(id, (record.object, version, record.trashed));
            }
            Err(error) => broken = Some(error.to_string()),
        })?;
        if let Some(what) = broken {
            return Err(BackupError::NotVerified(what));
        }
        for (id, (version, trashed)) in &self.lines {
            let found = there.records.get(id).map(|(_, version, trashed)| (*version, *trashed));
            if found != Some((*version, *trashed)) {
                let said = format!("record {id} is at version {version} in its lines and not in its journal");
                return Err(BackupError::NotVerified(said));
            }
        }
        Ok(there)
    }

    /// Records per object; of a full backup they must be as many as its lines.
    fn counts(&self, there: &There) -> Result<BTreeMap<String, u64>, BackupError> {
        let mut by_number: HashMap<u32, u64> = HashMap::new();
        there.records.values().for_each(|(object, ..)| *by_number.entry(*object).or_default() += 1);
        let mut counts = BTreeMap::new();
        for count in self.manifest.iter().flat_map(|manifest| &manifest.counts) {
            let full = self.chain.0.len() == 1;
            let found = by_number.get(&count.number).copied().unwrap_or(0);
            if self.checking && full && found != count.records {
                let said = format!("{} of {} where its manifest has {}", found, count.object, count.records);
                return Err(BackupError::NotVerified(said));
            }
        }
        for (number, records) in by_number {
            let name = self.names.get(&number).cloned().unwrap_or_else(|| format!("object {number}"));
            counts.insert(name, records);
        }
        Ok(counts)
    }

    /// Removes attachments that belong to nothing any more: erased, made later than the moment, or damaged.
    fn tidy(&mut self, files: &Files, there: &There) -> Result<(), BackupError> {
        let gone = |name: &String| {
            let owner = self.owners.get(name);
            self.damaged.contains(name) || owner.is_some_and(|id| !there.records.contains_key(id))
        };
        let names: Vec<String> = self.stored.iter().filter(|name| gone(name)).cloned().collect();
        for name in names {
            files.remove(&name)?;
            self.stored.remove(&name);
        }
        Ok(())
    }
}

#[derive(Default)]
struct There {
    /// Object, version, trash.
    records: HashMap<RecordId, (u32, u64, bool)>,
}

fn check_until(chain: &Chain, until: Until) -> Result<(), BackupError> {
    let Some(last) = chain.last() else { return Err(BackupError::NotFound) };
    let head = &last.head;
    let ends = || format!("this backup ends with entry {} of {}", head.last_seq, head.created_at);
    let taken = head.created_at.parse::<jiff::Timestamp>().map_or(i64::MAX, jiff::Timestamp::as_millisecond);
    match until {
        Until::Seq(seq) if seq > head.last_seq => {
            Err(BackupError::Moment(format!("{}; name a newer backup to reach entry {seq}", ends())))
        }
        Until::Seq(0) => Err(BackupError::Moment("entries are counted from 1".into())),
        Until::Time(at) if at > taken => {
            Err(BackupError::Moment(format!("{}; name a newer backup to reach {}", ends(), rfc3339(at))))
        }
        _ => Ok(()),
    }
}

/// The stored name in `files/<name>-<what people call it>`.
fn content_name(path: &str) -> Option<&str> {
    path.strip_prefix("files/")?.get(..32)
}

/// Says of a broken member which backup it is in.
struct Broken<'a, 'b> {
    from: &'a mut Incoming<'b>,
    place: &'a str,
}

impl Read for Broken<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.from.read(into).map_err(|error| io::Error::other(format!("{}: {error}", self.place)))
    }
}
