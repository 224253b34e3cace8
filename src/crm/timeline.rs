//! What happened around a record of any object: the notes, tasks and files that are about it, and its own history, merged newest first.
//! Shows nothing that the actor may not read.

use kith_base::{RecordId, TimestampMs};
use kith_engine::{Actor, Engine, EngineError, HistoryItem, Query, Record};

/// Objects whose records can be about another record through their field `about`, with the word the timeline uses.
const ABOUT: [(&str, &str); 3] = [("notes", "note"), ("tasks", "task"), ("files", "file")];

/// Records of one object that may carry the same millisecond and still be told apart by the cursor.
const TIES_MAX: usize = 50;

/// A stretch of a timeline.
#[derive(Debug)]
pub struct TimelinePage {
    pub items: Vec<Moment>,
    pub next_cursor: Option<String>,
}

/// One thing that happened.
#[derive(Debug)]
pub struct Moment {
    pub at: TimestampMs,
    pub what: What,
    /// Orders what has the same time; unique within a timeline.
    key: String,
}

#[derive(Debug)]
pub enum What {
    /// `kind`: `note`, `task` or `file`.
    Record {
        kind: &'static str,
        record: Box<Record>,
    },
    Change(Box<HistoryItem>),
}

/// Where the page before ended.
struct Cursor {
    at: TimestampMs,
    key: String,
    /// History goes on before this number.
    before_seq: Option<u64>,
}

/// One page of the timeline of a record, newest first.
///
/// # Errors
/// `object.not_found`, `record.not_found`, `cursor.invalid`.
pub fn page(
    engine: &Engine,
    actor: &Actor,
    object: &str,
    id: RecordId,
    cursor: Option<&str>,
    limit: usize,
) -> Result<TimelinePage, EngineError> {
    let cursor = cursor.map(|text| read_cursor(text).ok_or(EngineError::Cursor)).transpose()?;
    let before_seq = cursor.as_ref().and_then(|cursor| cursor.before_seq);
    let mut moments = Vec::new();
    // Also decides whether the actor may see the record at all.
    let history = engine.history(actor, object, id, before_seq, limit)?;
    let more_history = history.next_seq.is_some();
    moments.extend(history.items.into_iter().map(|item| Moment {
        at: item.at,
        key: format!("{:020}", item.seq),
        what: What::Change(Box::new(item)),
    }));
    for (about, kind) in ABOUT {
        let found = match records_about(engine, actor, about, id, cursor.as_ref(), limit) {
            // Someone who may not read notes sees a timeline without them.
            Err(EngineError::AccessDenied(_) | EngineError::ObjectNotFound(_)) => continue,
            found => found?,
        };
        moments.extend(found.into_iter().map(|record| Moment {
            at: record.created_at,
            key: record.id.to_string(),
            what: What::Record { kind, record: Box::new(record) },
        }));
    }
    if let Some(cursor) = &cursor {
        moments.retain(|moment| match moment.what {
            What::Change(_) => true,
            What::Record { .. } => (moment.at, moment.key.as_str()) < (cursor.at, cursor.key.as_str()),
        });
    }
    moments.sort_by(|a, b| (b.at, &b.key).cmp(&(a.at, &a.key)));
    let more = moments.len() > limit || more_history;
    moments.truncate(limit);
    let next_cursor = moments.last().filter(|_| more).map(|last| {
        let shown = moments.iter().rev().find_map(|moment| match &moment.what {
            What::Change(item) => Some(item.seq),
            What::Record { .. } => None,
        });
        let seq = shown.or(before_seq);
        format!("{}~{}~{}", last.at, last.key, seq.map_or_else(String::new, |seq| seq.to_string()))
    });
    Ok(TimelinePage { items: moments, next_cursor })
}

fn records_about(
    engine: &Engine,
    actor: &Actor,
    object: &str,
    id: RecordId,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<Record>, EngineError> {
    let mut filter = format!("about == \"{id}\"");
    if let Some(at) = cursor.and_then(|cursor| jiff::Timestamp::from_millisecond(cursor.at).ok()) {
        filter.push_str(&format!(" && created_at <= timestamp(\"{at}\")"));
    }
    let query = Query::of(object).filter(filter).sort_by("created_at", true).limit(limit + TIES_MAX);
    Ok(engine.query(actor, &query)?.records)
}

fn read_cursor(text: &str) -> Option<Cursor> {
    let mut pieces = text.split('~');
    let (at, key, seq) = (pieces.next()?.parse().ok()?, pieces.next()?.to_string(), pieces.next()?);
    let before_seq = if seq.is_empty() { None } else { Some(seq.parse().ok()?) };
    pieces.next().is_none().then_some(Cursor { at, key, before_seq })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_that_is_none_is_refused() {
        assert!(read_cursor("5~abc~7").is_some_and(|c| c.at == 5 && c.before_seq == Some(7)));
        assert!(read_cursor("5~abc~").is_some_and(|c| c.before_seq.is_none()));
        for bad in ["", "x", "5~a", "5~a~b", "5~a~1~2"] {
            assert!(read_cursor(bad).is_none(), "{bad}");
        }
    }
}
