//! What a backup says of itself: a head as its first member, a manifest with sizes and hashes as its last. JSON, for people and
//! other programs too. The format's number changes when an older kith could not restore it.

use serde::{Deserialize, Serialize};

/// Number of the format that this version writes, and the newest it reads.
pub const FORMAT: u32 = 1;

/// First member.
pub const HEAD: &str = "kith-backup.json";
/// The keys of the vault, for the holders of a recovery key only.
pub const KEYS: &str = "vault.keys";
/// The keys at the end, where a rotation changed them meanwhile.
pub const KEYS_AFTER: &str = "vault-after.keys";
/// Last member.
pub const MANIFEST: &str = "manifest.json";
/// For whoever opens the archive without kith.
pub const NOTE: &str = "READ-ME.txt";

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Full,
    Incremental,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Full => "full",
            Kind::Incremental => "incremental",
        }
    }
}

/// The backup that an increment continues.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Base {
    pub id: String,
    pub first_seq: u64,
    pub last_seq: u64,
    /// Chain hash of its last entry, in hexadecimal.
    pub last_hash: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Head {
    pub format: u32,
    /// Version of the kith that made it.
    pub kith: String,
    pub id: String,
    /// The vault, in hexadecimal.
    pub vault: String,
    pub created_at: String,
    pub kind: Kind,
    pub builds_on: Option<Base>,
    pub first_seq: u64,
    pub last_seq: u64,
}

/// Records of one object in a backup: all of them in a full one, those that changed in an increment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Count {
    pub object: String,
    pub number: u32,
    pub records: u64,
    pub trashed: u64,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Member {
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
    /// The content could not be read to its end when the backup was taken; zeros stand in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub damaged: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Manifest {
    #[serde(flatten)]
    pub head: Head,
    /// Chain hash of the last entry, in hexadecimal.
    pub last_hash: String,
    pub counts: Vec<Count>,
    pub files: u64,
    /// How far each reader of the journal had come.
    pub cursors: Vec<(String, u64)>,
    pub members: Vec<Member>,
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn note(head: &Head) -> String {
    format!(
        "This is a {} backup of a Kith vault, taken {} by version {}.\n\n\
         objects/*.jsonl   the records as they were at entry {}, one JSON document a line; large objects go on in .2.jsonl, .3.jsonl …\n\
         files/            attachments; the name begins with the 'content' of its record in objects/files.jsonl\n\
         journal/          the whole history, sealed: for 'kith backup restore'\n\
         vault.keys        what it is sealed with. Whoever holds this file can read everything.\n\
         manifest.json     counts, and the SHA-256 of every file here\n",
        head.kind.name(),
        head.created_at,
        head.kith,
        head.last_seq,
    )
}
