//! `journal/checkpoint`: how far the records are durable, kept outside sled. Replaced whole; a damaged one is not believed.
//!
//! Bytes: `version 1 | seq u64 | chain hash 32 | digest 32 | checksum 16`.

use crate::{
    StoreError,
    folder::{Folder, read_file, replace_file},
    journal::{
        Hash,
        format::{hash_at, u64_at},
    },
    seal::Keys,
};

/// Version byte of the checkpoint file.
const CHECKPOINT_FORMAT: u8 = 1;
const BYTES: usize = 1 + 8 + 32 + 32 + 16;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Checkpoint {
    pub seq: u64,
    pub chain: Hash,
    pub digest: Hash,
}

/// What the file says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Noted {
    Nothing,
    Damaged,
    At(Checkpoint),
}

impl Checkpoint {
    pub fn write(&self, folder: &Folder, keys: &Keys) -> Result<(), StoreError> {
        replace_file(&folder.checkpoint(), &self.encode(keys))
    }

    pub fn read(folder: &Folder, keys: &Keys) -> Result<Noted, StoreError> {
        let Some(bytes) = read_file(&folder.checkpoint())? else { return Ok(Noted::Nothing) };
        Checkpoint::decode(&bytes, keys)
    }

    pub(crate) fn encode(&self, keys: &Keys) -> Vec<u8> {
        let mut out = vec![CHECKPOINT_FORMAT];
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.chain);
        out.extend_from_slice(&self.digest);
        out.extend_from_slice(&keys.checksum(&[&out]));
        out
    }

    pub(crate) fn decode(bytes: &[u8], keys: &Keys) -> Result<Noted, StoreError> {
        if bytes.len() != BYTES || keys.checksum(&[&bytes[..BYTES - 16]]) != bytes[BYTES - 16..] {
            return match bytes.first() {
                // A checksum of a newer format may lie elsewhere, so its version is taken at its word.
                Some(&found) if found == CHECKPOINT_FORMAT + 1 => {
                    Err(StoreError::NewerFormat { place: "journal/checkpoint".into(), found, known: CHECKPOINT_FORMAT })
                }
                _ => Ok(Noted::Damaged),
            };
        }
        Ok(Noted::At(Checkpoint { seq: u64_at(bytes, 1), chain: hash_at(bytes, 9), digest: hash_at(bytes, 41) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::tests::keys;

    #[test]
    fn a_changed_checkpoint_is_not_believed() {
        let keys = keys();
        let checkpoint = Checkpoint { seq: 9, chain: [1; 32], digest: [2; 32] };
        let good = checkpoint.encode(&keys);
        assert_eq!(Checkpoint::decode(&good, &keys).unwrap(), Noted::At(checkpoint));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(Checkpoint::decode(&bad, &keys), Ok(Noted::At(_))), "bit {bit}");
        }
        assert_eq!(Checkpoint::decode(&good[..40], &keys).unwrap(), Noted::Damaged);
    }
}
