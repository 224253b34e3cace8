//! What the audit notes besides changes, and its stored form. Holds ids and hashes, never names of records or words of a filter:
//! what is erased elsewhere must not live on here.

use kith_base::{RecordId, TimestampMs};
use serde::{Deserialize, Serialize};

use crate::{Actor, EngineError, actor::ActorKind, pipeline::head::ActorStamp, record::SYSTEM_ID};

/// Format of a batch of items: this byte, then postcard.
const FORMAT: u8 = 1;

/// Ids kept of one act. A list or export notes its filter and count instead.
const IDS_MAX: usize = 32;

/// Characters kept of a detail.
const DETAIL_CHARS_MAX: usize = 100;

/// What somebody did. Stored: append new ones at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditKind {
    SignedIn,
    SignInFailed,
    SignedOut,
    /// Tried what the role or scopes do not allow.
    Refused,
    /// Opened single records.
    Opened,
    Listed,
    Searched,
    Exported,
    /// Items that came faster than they could be written; only their number is known.
    Lost,
    /// Something an administrator should look at; see `alert`.
    Alert,
    /// Changed who opens the vault, or its data key.
    Keys,
}

impl AuditKind {
    pub const ALL: [AuditKind; 11] = [
        AuditKind::SignedIn,
        AuditKind::SignInFailed,
        AuditKind::SignedOut,
        AuditKind::Refused,
        AuditKind::Opened,
        AuditKind::Listed,
        AuditKind::Searched,
        AuditKind::Exported,
        AuditKind::Lost,
        AuditKind::Alert,
        AuditKind::Keys,
    ];

    pub fn name(self) -> &'static str {
        match self {
            AuditKind::SignedIn => "signed_in",
            AuditKind::SignInFailed => "sign_in_failed",
            AuditKind::SignedOut => "signed_out",
            AuditKind::Refused => "refused",
            AuditKind::Opened => "opened",
            AuditKind::Listed => "listed",
            AuditKind::Searched => "searched",
            AuditKind::Exported => "exported",
            AuditKind::Lost => "lost",
            AuditKind::Alert => "alert",
            AuditKind::Keys => "keys",
        }
    }
}

/// What was read: records by id, or everything that matches something.
#[derive(Clone, Copy, Debug)]
pub enum Read<'a> {
    Records(&'a [RecordId]),
    /// A filter or search words, empty for all; and how many rows were given out.
    Matching {
        filter: &'a str,
        rows: u64,
    },
}

/// One act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditItem {
    pub at: TimestampMs,
    pub kind: AuditKind,
    pub actor: ActorStamp,
    /// Key of the object; empty where none is meant.
    pub object: String,
    pub ids: Vec<RecordId>,
    /// Records given out, or items lost.
    pub count: u64,
    /// Tells equal filters apart from others without keeping their words.
    pub filter: Option<[u8; 8]>,
    /// Address of a sign-in, operation of a refusal; may be empty.
    pub detail: String,
}

impl AuditItem {
    pub fn of(actor: &Actor, at: TimestampMs, kind: AuditKind) -> AuditItem {
        AuditItem {
            at,
            kind,
            actor: ActorStamp::of(actor),
            object: String::new(),
            ids: Vec::new(),
            count: 0,
            filter: None,
            detail: String::new(),
        }
    }

    /// An act of somebody who is not signed in; `user`: the account it is about, where there is one.
    pub fn of_stranger(at: TimestampMs, kind: AuditKind, user: Option<RecordId>, address: &str) -> AuditItem {
        let nobody = ActorStamp { kind: ActorKind::User, id: SYSTEM_ID, name: String::new() };
        let item = AuditItem { actor: nobody, ..AuditItem::of(&Actor::system(), at, kind) }.detail(address);
        match user {
            Some(user) => item.object("users").records(&[user]),
            None => item,
        }
    }

    pub fn object(mut self, key: &str) -> AuditItem {
        self.object = clip(key);
        self
    }

    pub fn records(mut self, ids: &[RecordId]) -> AuditItem {
        self.ids = ids.iter().take(IDS_MAX).copied().collect();
        self.count = ids.len() as u64;
        self
    }

    pub fn matching(mut self, filter: &str, rows: u64) -> AuditItem {
        let mut short = [0u8; 8];
        short.copy_from_slice(&blake3::hash(filter.as_bytes()).as_bytes()[..8]);
        self.filter = (!filter.is_empty()).then_some(short);
        self.count = rows;
        self
    }

    /// Whether `other` is more of the same reading.
    pub(super) fn is_like(&self, other: &AuditItem) -> bool {
        let reading =
            matches!(self.kind, AuditKind::Opened | AuditKind::Listed | AuditKind::Searched | AuditKind::Exported);
        reading
            && (self.kind, &self.object, self.filter) == (other.kind, &other.object, other.filter)
            && self.ids == other.ids
            && self.actor == other.actor
    }

    pub fn detail(mut self, text: &str) -> AuditItem {
        self.detail = clip(text);
        self
    }
}

fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(DETAIL_CHARS_MAX).collect()
}

/// The stored form of a batch.
///
/// # Errors
/// Only if a part cannot be written as postcard, which plain structs always can.
pub fn encode(items: &[AuditItem]) -> Result<Vec<u8>, EngineError> {
    postcard::to_extend(items, vec![FORMAT])
        .map_err(|e| EngineError::Internal(format!("audit items cannot be written: {e}")))
}

/// Reads what `encode` wrote; no bytes are no items.
///
/// # Errors
/// A format from the future, or bytes that are no items.
pub fn decode(bytes: &[u8]) -> Result<Vec<AuditItem>, EngineError> {
    match bytes.split_first() {
        None => Ok(Vec::new()),
        Some((&FORMAT, rest)) => {
            postcard::from_bytes(rest).map_err(|e| EngineError::Internal(format!("audit items cannot be read: {e}")))
        }
        Some((format, _)) => Err(EngineError::Internal(format!(
            "audit items are in format {format}, which this version of Kith does not know; run a newer one"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_survive_their_stored_form_and_foreign_bytes_are_refused() {
        let items: Vec<AuditItem> = AuditKind::ALL
            .iter()
            .map(|kind| {
                AuditItem::of(&Actor::cli(), 7, *kind).object("people").records(&[RecordId([3; 16])]).matching("x", 2)
            })
            .collect();
        let unnamed = |item: &AuditItem| {
            let mut item = item.clone();
            item.actor.name.clear();
            item
        };
        let stored: Vec<AuditItem> = items.iter().map(unnamed).collect();
        assert_eq!(decode(&encode(&items).unwrap()).unwrap(), stored, "names are looked up, not stored");
        assert_eq!(decode(&[]).unwrap(), []);
        assert!(decode(&[9, 0]).is_err() && decode(&[1, 255, 255]).is_err());
    }

    #[test]
    fn an_item_stays_small_and_keeps_no_words_of_a_filter() {
        let ids = vec![RecordId([1; 16]); 5_000];
        let item = AuditItem::of(&Actor::cli(), 7, AuditKind::Exported)
            .object(&"o".repeat(10_000))
            .records(&ids)
            .matching("last_name == \"O'Hara\"", 5_000)
            .detail(&"é\n".repeat(10_000));
        assert_eq!((item.ids.len(), item.count), (IDS_MAX, 5_000));
        let bytes = encode(std::slice::from_ref(&item)).unwrap();
        assert!(bytes.len() < 1_200, "{}", bytes.len());
        assert!(!String::from_utf8_lossy(&bytes).contains("Hara"));
    }
}
