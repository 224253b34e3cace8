//! What the engine writes at the head of a journal entry: who, why, and a note per change, so that events and audit never
//! have to open the records themselves. Sealed by the store.

use std::sync::Arc;

use kith_base::RecordId;
use serde::{Deserialize, Serialize, Serializer};

use crate::{Actor, Cause, EngineError, actor::ActorKind};

/// Format of a head: this byte, then postcard.
const FORMAT: u8 = 1;

/// Characters of a name: a head has little room, and one that outgrows it would be refused with its whole group.
const NAME_CHARS_MAX: usize = 200;

/// Fields in the notes' lists in one head. Above it they are left out, and readers take every field as touched.
const FIELD_NOTES_MAX: usize = 4_000;

/// Who did it. The journal keeps no name, since a head cannot be taken out of the chain: names are looked up when they are shown, so
/// that an erased person has none anywhere. Entries of older builds may still hold one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorStamp {
    pub kind: ActorKind,
    pub id: RecordId,
    #[serde(serialize_with = "in_answers_only")]
    pub name: String,
}

/// Names are for people; what is stored is not what they read.
fn in_answers_only<S: Serializer>(name: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let told = serializer.is_human_readable();
    serializer.serialize_str(if told { name } else { "" })
}

impl ActorStamp {
    pub fn of(actor: &Actor) -> ActorStamp {
        ActorStamp { kind: actor.kind, id: actor.id, name: actor.name.chars().take(NAME_CHARS_MAX).collect() }
    }
}

/// What happened to one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Created,
    Updated,
    Deleted,
    Restored,
    /// For good.
    Erased,
}

impl ChangeKind {
    /// As it is called in events and lists.
    pub fn name(self) -> &'static str {
        match self {
            ChangeKind::Created => "created",
            ChangeKind::Updated => "updated",
            ChangeKind::Deleted => "deleted",
            ChangeKind::Restored => "restored",
            ChangeKind::Erased => "erased",
        }
    }
}

/// One change in brief, in the order of the entry's changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeNote {
    /// Numeric id of the object.
    pub object: u32,
    pub kind: ChangeKind,
    /// Numeric ids of the fields touched; empty: all of them.
    pub fields: Vec<u32>,
}

/// A client's key as the journal remembers it: hashes, so that a key's text is nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyStamp {
    /// Of actor and key.
    pub key: [u8; 16],
    pub request: [u8; 16],
    /// The record that each command of the request led to.
    pub results: Vec<RecordId>,
}

/// The head of one entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub actor: Arc<ActorStamp>,
    pub cause: Cause,
    pub idempotency: Option<IdempotencyStamp>,
    pub notes: Vec<ChangeNote>,
    /// Audit items in the audit module's own form; empty for entries that are changes.
    pub audit: Vec<u8>,
}

impl Head {
    /// The bytes for the store.
    ///
    /// # Errors
    /// Only if a part cannot be written as postcard, which plain structs always can.
    pub fn encode(&self) -> Result<Vec<u8>, EngineError> {
        let size: usize = self.notes.iter().map(|note| note.fields.len()).sum();
        let written = if size > FIELD_NOTES_MAX {
            let mut short = self.clone();
            short.notes.iter_mut().for_each(|note| note.fields.clear());
            postcard::to_extend(&short, vec![FORMAT])
        } else {
            postcard::to_extend(self, vec![FORMAT])
        };
        written.map_err(|e| EngineError::Internal(format!("an entry's head cannot be written: {e}")))
    }

    /// Reads what `encode` wrote.
    ///
    /// # Errors
    /// A format from the future, or bytes that are no head.
    pub fn decode(bytes: &[u8]) -> Result<Head, EngineError> {
        match bytes.split_first() {
            Some((&FORMAT, rest)) => postcard::from_bytes(rest)
                .map_err(|e| EngineError::Internal(format!("the head of a journal entry cannot be read: {e}"))),
            Some((format, _)) => Err(EngineError::Internal(format!(
                "a journal entry has head format {format}, which this version of Kith does not know; run a newer one"
            ))),
            None => Err(EngineError::Internal("the head of a journal entry is empty".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(fields: usize) -> Head {
        Head {
            actor: Arc::new(ActorStamp { kind: ActorKind::User, id: RecordId([7; 16]), name: String::new() }),
            cause: Cause::of("import", "x"),
            idempotency: Some(IdempotencyStamp { key: [1; 16], request: [2; 16], results: vec![RecordId([3; 16])] }),
            notes: vec![ChangeNote { object: 1, kind: ChangeKind::Updated, fields: vec![3; fields] }],
            audit: Vec::new(),
        }
    }

    #[test]
    fn a_head_survives_its_stored_form_and_never_outgrows_its_room() {
        assert_eq!(Head::decode(&head(3).encode().unwrap()).unwrap(), head(3));
        let large = Head::decode(&head(60_000).encode().unwrap()).unwrap();
        assert!(large.notes[0].fields.is_empty() && large.notes[0].kind == ChangeKind::Updated);
    }

    #[test]
    fn no_name_is_stored_and_every_name_is_told() {
        let mut named = head(1);
        named.actor = Arc::new(ActorStamp { name: "Zoë".into(), ..ActorStamp::clone(&named.actor) });
        let bytes = named.encode().unwrap();
        assert!(!bytes.windows(4).any(|window| window == "Zoë".as_bytes()));
        assert_eq!(Head::decode(&bytes).unwrap(), head(1));
        assert_eq!(serde_json::json!(&*named.actor)["name"], "Zoë");
    }

    #[test]
    fn a_name_that_an_older_build_stored_is_still_read() {
        let mut bytes = head(0).encode().unwrap();
        // Format, kind, length and bytes of the id, then the length of the name.
        let at = bytes.iter().skip(3).position(|byte| *byte == 0).unwrap() + 3;
        bytes.splice(at..=at, [4].into_iter().chain("Zoë".bytes()));
        assert_eq!(Head::decode(&bytes).unwrap().actor.name, "Zoë");
    }

    #[test]
    fn an_endless_name_is_cut() {
        let actor = Actor { name: "Zoë".repeat(10_000), ..Actor::system() };
        assert_eq!(ActorStamp::of(&actor).name.chars().count(), NAME_CHARS_MAX);
    }

    #[test]
    fn foreign_bytes_are_no_head() {
        assert!(Head::decode(&[]).is_err());
        assert!(Head::decode(&[9, 1, 2]).is_err());
        assert!(Head::decode(&[1, 255, 255, 255]).is_err());
    }
}
