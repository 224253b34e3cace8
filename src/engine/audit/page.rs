//! The audit as one list, newest first: changes, reads, sign-ins and refusals. Reads the journal backwards; for administrators only.

use kith_base::{RecordId, TimestampMs};
use kith_store::{Entry, EntryKind};
use serde::Serialize;

use super::{
    alert,
    item::{self, AuditItem, AuditKind},
};
use crate::{
    Actor, Cause, ChangeKind, Engine, EngineError,
    audit::{Read, Severity},
    meta::Meta,
    pipeline::head::{ActorStamp, Head},
};

/// Entries read at once while going backwards.
const WINDOW: u64 = 128;

/// Entries one call looks at: a rare actor must not make it read years of journal. The answer then has a cursor and fewer lines.
const ENTRIES_MAX: u64 = 20_000;

/// Changes listed of one entry; an import's thousands are counted.
const CHANGES_MAX: usize = 50;

/// Reads are written in batches; one may be in an entry this much later than itself, even when the disk was slow.
const LATE_MS: i64 = 60_000;

/// Characters of a search.
const TEXT_CHARS_MAX: usize = 200;

const LINES_DEFAULT: usize = 50;
const LINES_MAX: usize = 500;

/// Which lines are wanted. Empty: all.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    pub limit: Option<usize>,
    pub cursor: Option<String>,
    /// Id of a user or token.
    pub actor: Option<RecordId>,
    /// Key of an object.
    pub object: Option<String>,
    pub record: Option<RecordId>,
    /// `changed`, `erased` or a name of `AuditKind`.
    pub kind: Option<String>,
    /// Only what happened at or after this time.
    pub since: Option<TimestampMs>,
    /// Only what happened before this time.
    pub until: Option<TimestampMs>,
    /// Address of a sign-in or alert, or the beginning of one.
    pub address: Option<String>,
    /// Words that stand anywhere in a line: names, kinds, objects, fields, causes, details. Case does not matter.
    pub text: Option<String>,
    /// Only alerts of this severity.
    pub severity: Option<Severity>,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct AuditPage {
    pub items: Vec<AuditLine>,
    /// There may be more even when the page is short or empty: a page looks at so many entries and no more.
    pub next_cursor: Option<String>,
    /// Time of the oldest entry looked at; none when nothing was.
    pub searched_to: Option<TimestampMs>,
}

/// One act, ready to be said: who did what with which object, when and why.
#[derive(Clone, Debug, Serialize)]
pub struct AuditLine {
    /// Number of the journal entry.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at: TimestampMs,
    pub kind: String,
    pub actor: ActorStamp,
    /// What set a change off; none for reads and sign-ins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Key of the object, when the line is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Records concerned, as far as they were noted.
    pub ids: Vec<RecordId>,
    /// Records concerned in all.
    pub count: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<AuditChange>,
    /// Equal for equal filters and search words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Of an alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Stable name of an alert, such as `sign_in.new_network`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<String>,
    /// Address of a sign-in, operation of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Hash of the journal entry in the chain, as hex.
    pub hash: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct AuditChange {
    pub object: String,
    pub id: RecordId,
    pub version: u64,
    pub kind: ChangeKind,
    /// Keys of the fields touched; empty: all of them.
    pub fields: Vec<String>,
}

impl Engine {
    /// Notes that an actor read something: done by every read of the engine, and by whoever hands out data it holds itself. Written in
    /// batches; never blocks and never fails. What the system reads for itself is no news.
    pub fn audit_read(&self, actor: &Actor, kind: AuditKind, object: &str, read: Read<'_>) {
        if actor.is_system() {
            return;
        }
        let item = AuditItem::of(actor, self.now_ms(), kind).object(object);
        self.audit(match read {
            Read::Records(ids) => item.records(ids),
            Read::Matching { filter, rows } => item.matching(filter, rows),
        });
    }

    /// One page of the audit, newest first.
    ///
    /// # Errors
    /// `access.denied` unless the actor is an administrator, `cursor.invalid`, `request.invalid` for an unknown kind.
    pub fn audit_page(&self, actor: &Actor, query: &AuditQuery) -> Result<AuditPage, EngineError> {
        self.require_auditor(actor)?;
        check_kind(query.kind.as_deref())?;
        let limit = query.limit.unwrap_or(LINES_DEFAULT).clamp(1, LINES_MAX);
        let (mut seq, mut skip) = match &query.cursor {
            Some(cursor) => read_cursor(cursor).ok_or(EngineError::Cursor)?,
            None => (self.newest_before(query.until)?, 0),
        };
        seq = seq.min(self.head());
        let meta = self.core().meta();
        let last = seq.saturating_sub(ENTRIES_MAX);
        let mut page = AuditPage::default();
        let mut names = self.core().names();
        while seq > last {
            let from = seq.saturating_sub(WINDOW - 1).max(last + 1);
            for entry in self.entries(from, seq)?.iter().rev() {
                if query.since.is_some_and(|since| entry.time_ms < since) {
                    return Ok(page);
                }
                page.searched_to = Some(entry.time_ms);
                let lines = names.fill(lines(&meta, entry)?, |line| &mut line.actor);
                for (at, line) in lines.into_iter().enumerate().skip(std::mem::take(&mut skip)) {
                    if !query.wants(&line, entry) {
                        continue;
                    }
                    if page.items.len() == limit {
                        page.next_cursor = Some(format!("{}.{at}", entry.seq));
                        return Ok(page);
                    }
                    page.items.push(line);
                }
            }
            seq = from - 1;
        }
        page.next_cursor = (seq > 0).then(|| format!("{seq}.0"));
        Ok(page)
    }

    /// Checks the whole journal and the records against their chain and digest.
    ///
    /// # Errors
    /// `access.denied` unless the actor is an administrator; `store.*` when the check itself cannot be done.
    pub fn audit_verify(
        &self,
        actor: &Actor,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<kith_store::VerifyReport, EngineError> {
        self.require_auditor(actor)?;
        Ok(self.storage().verify(progress)?)
    }

    /// Hands every line that is wanted to `each`, newest first, however far back: for files. The export itself is noted.
    ///
    /// # Errors
    /// As `audit_page`, and what `each` says.
    pub fn audit_export<E: From<EngineError>>(
        &self,
        actor: &Actor,
        query: &AuditQuery,
        each: &mut dyn FnMut(&AuditLine) -> Result<(), E>,
    ) -> Result<u64, E> {
        self.require_auditor(actor)?;
        let mut query = AuditQuery { limit: Some(LINES_MAX), cursor: None, ..query.clone() };
        let mut count = 0;
        loop {
            let page = self.audit_page(actor, &query)?;
            for line in &page.items {
                each(line)?;
                count += 1;
            }
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                let item = AuditItem::of(actor, self.now_ms(), AuditKind::Exported).object("audit");
                self.audit(item.matching("", count));
                return Ok(count);
            }
        }
    }

    /// The newest entry that may hold what happened before `until`: found by halving, since entries follow each other in time.
    fn newest_before(&self, until: Option<TimestampMs>) -> Result<u64, EngineError> {
        let head = self.head();
        let Some(until) = until else { return Ok(head) };
        let latest = until.saturating_add(LATE_MS);
        let (mut before, mut after) = (0, head + 1);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            match self.storage().read_from(middle, 1)?.first() {
                Some(entry) if entry.time_ms < latest => before = middle,
                _ => after = middle,
            }
        }
        Ok(before)
    }

    /// What the entries `from..=to` say, oldest first.
    pub(super) fn audit_lines(&self, from: u64, to: u64) -> Result<Vec<AuditLine>, EngineError> {
        let meta = self.core().meta();
        let (mut found, mut names) = (Vec::new(), self.core().names());
        for entry in self.entries(from, to)? {
            found.extend(names.fill(lines(&meta, &entry)?, |line| &mut line.actor).into_iter().rev());
        }
        Ok(found)
    }

    /// The entries `from..=to`, in order; the store may hand them out in smaller portions.
    fn entries(&self, from: u64, to: u64) -> Result<Vec<Entry>, EngineError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut next = from;
        while next <= to {
            let wanted = usize::try_from(to - next + 1).unwrap_or(usize::MAX);
            let some = self.storage().read_from(next, wanted)?;
            let Some(newest) = some.last() else { break };
            next = newest.seq + 1;
            entries.extend(some);
        }
        Ok(entries)
    }
}

impl AuditQuery {
    fn wants(&self, line: &AuditLine, entry: &Entry) -> bool {
        // A line lists the first changes of a large entry; all of them count.
        let about = |id: RecordId| {
            line.ids.contains(&id) || (line.cause.is_some() && entry.changes.iter().any(|change| change.id == id))
        };
        let object =
            |key: &str| line.object.as_deref() == Some(key) || line.changes.iter().any(|change| change.object == key);
        self.actor.is_none_or(|id| line.actor.id == id)
            && self.kind.as_deref().is_none_or(|kind| line.kind == kind)
            && self.object.as_deref().is_none_or(object)
            && self.record.is_none_or(about)
            && self.since.is_none_or(|since| line.at >= since)
            && self.until.is_none_or(|until| line.at < until)
            && self.severity.is_none_or(|severity| line.severity == Some(severity))
            && self.address.as_deref().is_none_or(|address| line.is_from(address))
            && self.text.as_deref().is_none_or(|text| line.says(text))
    }
}

impl AuditLine {
    /// Whether the line is about somebody at this address, or one that begins like it.
    fn is_from(&self, address: &str) -> bool {
        let from_network = matches!(self.kind.as_str(), "signed_in" | "sign_in_failed" | "alert");
        from_network && self.detail.as_deref().is_some_and(|detail| detail.starts_with(address.trim()))
    }

    /// Whether every word stands somewhere in the line.
    fn says(&self, text: &str) -> bool {
        let text: String = text.chars().take(TEXT_CHARS_MAX).collect::<String>().to_lowercase();
        let optional = [&self.object, &self.detail, &self.alert].into_iter().flatten().cloned();
        let mut said: Vec<String> = optional.chain([self.actor.name.clone(), self.kind.clone()]).collect();
        said.extend(self.cause.iter().map(|cause| format!("{} {}", cause.kind, cause.id)));
        for change in &self.changes {
            said.push(change.object.clone());
            said.extend(change.fields.iter().cloned());
        }
        let said = said.join(" ").to_lowercase();
        text.split_whitespace().all(|word| said.contains(word))
    }
}

fn check_kind(kind: Option<&str>) -> Result<(), EngineError> {
    let known: Vec<&str> = ["changed", "erased"].into_iter().chain(AuditKind::ALL.map(AuditKind::name)).collect();
    match kind {
        Some(kind) if !known.contains(&kind) => {
            let shown: String = kind.chars().take(40).collect();
            Err(EngineError::Request(format!("'{shown}' is no kind of audit line; kinds: {}", known.join(", "))))
        }
        _ => Ok(()),
    }
}

fn read_cursor(text: &str) -> Option<(u64, usize)> {
    let (seq, skip) = text.split_once('.')?;
    Some((seq.parse().ok()?, skip.parse().ok()?))
}

/// What one entry says, newest first.
fn lines(meta: &Meta, entry: &Entry) -> Result<Vec<AuditLine>, EngineError> {
    let hash: String = entry.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let head = Head::decode(&entry.head)?;
    let mut lines: Vec<AuditLine> =
        item::decode(&head.audit)?.into_iter().rev().map(|i| noted(entry, &hash, i)).collect();
    if entry.kind == EntryKind::Erasure || !entry.changes.is_empty() {
        lines.push(changed(meta, entry, hash, head));
    }
    Ok(lines)
}

fn noted(entry: &Entry, hash: &str, item: AuditItem) -> AuditLine {
    let alert = (item.kind == AuditKind::Alert).then(|| alert::read(&item.detail)).flatten();
    let (severity, code) = (alert.map(|(severity, ..)| severity), alert.map(|(_, code, _)| code.to_string()));
    let detail = alert.map_or(item.detail.clone(), |(.., rest)| rest.to_string());
    AuditLine {
        seq: entry.seq,
        at: item.at,
        kind: item.kind.name().to_string(),
        actor: item.actor,
        cause: None,
        object: (!item.object.is_empty()).then_some(item.object),
        ids: item.ids,
        count: item.count,
        changes: Vec::new(),
        filter: item.filter.map(|short| short.iter().map(|byte| format!("{byte:02x}")).collect()),
        severity,
        alert: code,
        detail: (!detail.is_empty()).then_some(detail),
        hash: hash.to_string(),
    }
}

fn changed(meta: &Meta, entry: &Entry, hash: String, head: Head) -> AuditLine {
    let kind = if entry.kind == EntryKind::Erasure { "erased" } else { "changed" };
    let notes = head.notes.iter().zip(&entry.changes);
    let one = notes.clone().next().map(|(note, _)| note.object);
    let same = one.filter(|object| head.notes.iter().all(|note| note.object == *object));
    let changes = notes.take(CHANGES_MAX).map(|(note, change)| {
        let object = meta.object_by_id(note.object);
        let key = |id: &u32| object.and_then(|o| o.field_by_id(*id)).map_or_else(|| id.to_string(), |f| f.key.clone());
        AuditChange {
            object: meta.key_of(note.object).to_string(),
            id: change.id,
            version: change.version,
            kind: note.kind,
            fields: note.fields.iter().map(key).collect(),
        }
    });
    AuditLine {
        seq: entry.seq,
        at: entry.time_ms,
        kind: kind.to_string(),
        actor: ActorStamp::clone(&head.actor),
        object: same.map(|object| meta.key_of(object).to_string()),
        ids: entry.changes.iter().take(CHANGES_MAX).map(|change| change.id).collect(),
        count: entry.changes.len() as u64,
        changes: changes.collect(),
        cause: Some(head.cause),
        filter: None,
        severity: None,
        alert: None,
        detail: None,
        hash,
    }
}
