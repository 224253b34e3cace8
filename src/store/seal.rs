//! Seals values and hashes what was sealed. Knows keys, not files and not records' meaning.
//!
//! Sealed bytes: `version 1 | key id u16 | nonce 24 | ciphertext | tag 16`, little-endian. The associated data binds the place
//! (`c` change, `h` head, `k` cursors), so a sealed value moved to another record, version or entry does not open.

use std::sync::Arc;

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{AeadInOut, KeyInit},
};
use kith_base::{RecordId, Secret};

use crate::StoreError;

/// Version byte of sealed bytes.
pub(crate) const SEALED_FORMAT: u8 = 1;
/// What sealing adds to a value.
pub(crate) const SEAL_OVERHEAD: usize = 1 + 2 + 24 + 16;
const HEADER: usize = 1 + 2 + 24;

/// Ciphertext of this crate's format. Plain bytes do not compile where sealed ones are due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Sealed(pub Arc<[u8]>);

/// What a sealed value is bound to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Change { id: RecordId, version: u64, seq: u64 },
    Head { seq: u64 },
    Cursors,
}

impl Place {
    fn associated(self) -> ([u8; 33], usize) {
        let mut data = [0u8; 33];
        match self {
            Place::Change { id, version, seq } => {
                data[0] = b'c';
                data[1..17].copy_from_slice(id.as_bytes());
                data[17..25].copy_from_slice(&version.to_le_bytes());
                data[25..33].copy_from_slice(&seq.to_le_bytes());
                (data, 33)
            }
            Place::Head { seq } => {
                data[0] = b'h';
                data[1..9].copy_from_slice(&seq.to_le_bytes());
                (data, 9)
            }
            Place::Cursors => {
                data[0] = b'k';
                (data, 1)
            }
        }
    }
}

/// Why sealed bytes do not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unopened {
    Newer(u8),
    UnknownKey(u16),
    Damaged,
}

/// The keys of a vault, in memory.
pub(crate) struct Keys {
    pub vault_id: [u8; 16],
    /// Newest last; new values are sealed with the newest.
    pub data: Vec<(u16, Secret<[u8; 32]>)>,
    pub chain: Secret<[u8; 32]>,
    pub digest: Secret<[u8; 32]>,
    pub files: age::x25519::Identity,
    /// Hash of `vault.age` as it was opened, so that verification sees when the file has changed since.
    pub vault_file: [u8; 32],
}

/// Random nonces for a group of seals, asked from the system in one go.
pub(crate) struct Nonces {
    random: Vec<u8>,
    used: usize,
}

impl Nonces {
    pub fn new(count: usize) -> Result<Nonces, StoreError> {
        let mut random = vec![0; count * 24];
        getrandom::fill(&mut random)
            .map_err(|error| StoreError::Io { path: "random numbers".into(), cause: error.to_string() })?;
        Ok(Nonces { random, used: 0 })
    }

    fn next(&mut self) -> Result<[u8; 24], StoreError> {
        let (at, end) = (self.used, self.used + 24);
        self.used = end;
        let nonce = self.random.get(at..end).and_then(|bytes| bytes.try_into().ok());
        nonce.ok_or(StoreError::Io { path: "random numbers".into(), cause: "used up".into() })
    }
}

impl Keys {
    pub fn seal(&self, plain: &[u8], place: Place, nonces: &mut Nonces) -> Result<Sealed, StoreError> {
        let broken = || StoreError::Io { path: "vault".into(), cause: "no key to seal with".into() };
        let (key_id, key) = self.data.last().ok_or_else(broken)?;
        let nonce = nonces.next()?;
        let mut out = Vec::with_capacity(plain.len() + SEAL_OVERHEAD);
        out.push(SEALED_FORMAT);
        out.extend_from_slice(&key_id.to_le_bytes());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(plain);
        let (associated, length) = place.associated();
        let cipher = XChaCha20Poly1305::new(key.expose().into());
        let tag = cipher
            .encrypt_inout_detached(&XNonce::from(nonce), &associated[..length], (&mut out[HEADER..]).into())
            .map_err(|_| broken())?;
        out.extend_from_slice(&tag);
        Ok(Sealed(out.into()))
    }

    pub fn unseal(&self, sealed: &[u8], place: Place) -> Result<Vec<u8>, Unopened> {
        let mut plain = Vec::with_capacity(sealed.len().saturating_sub(SEAL_OVERHEAD));
        self.unseal_onto(sealed, place, &mut plain)?;
        Ok(plain)
    }

    /// Appends the plain bytes to `out`; leaves it as it was when they do not open.
    pub fn unseal_onto(&self, sealed: &[u8], place: Place, out: &mut Vec<u8>) -> Result<(), Unopened> {
        let format = *sealed.first().ok_or(Unopened::Damaged)?;
        if format > SEALED_FORMAT {
            return Err(Unopened::Newer(format));
        }
        if format != SEALED_FORMAT || sealed.len() < SEAL_OVERHEAD {
            return Err(Unopened::Damaged);
        }
        let key_id = u16::from_le_bytes([sealed[1], sealed[2]]);
        let (_, key) = self.data.iter().rev().find(|(id, _)| *id == key_id).ok_or(Unopened::UnknownKey(key_id))?;
        let nonce: [u8; 24] = sealed[3..HEADER].try_into().map_err(|_| Unopened::Damaged)?;
        let (body, tag) = sealed[HEADER..].split_at(sealed.len() - SEAL_OVERHEAD);
        let tag: [u8; 16] = tag.try_into().map_err(|_| Unopened::Damaged)?;
        let start = out.len();
        out.extend_from_slice(body);
        let (associated, length) = place.associated();
        let opened = XChaCha20Poly1305::new(key.expose().into()).decrypt_inout_detached(
            &XNonce::from(nonce),
            &associated[..length],
            (&mut out[start..]).into(),
            &tag.into(),
        );
        opened.map_err(|_| {
            out.truncate(start);
            Unopened::Damaged
        })
    }

    /// Hash of sealed bytes; keyed, so that it tells nothing to a reader of the disk and cannot be remade by a writer.
    pub fn sealed_hash(&self, sealed: &[u8]) -> [u8; 32] {
        *blake3::keyed_hash(self.chain.expose(), sealed).as_bytes()
    }

    pub fn chain_hasher(&self) -> blake3::Hasher {
        blake3::Hasher::new_keyed(self.chain.expose())
    }

    /// Short keyed checksum of what is not sealed: frame and segment headers, checkpoints.
    pub fn checksum(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut hasher = self.chain_hasher();
        parts.iter().for_each(|part| {
            hasher.update(part);
        });
        let mut short = [0; 16];
        short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        short
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn keys() -> Keys {
        Keys {
            vault_id: [7; 16],
            data: vec![(1, Secret::new([1; 32])), (2, Secret::new([2; 32]))],
            chain: Secret::new([3; 32]),
            digest: Secret::new([4; 32]),
            files: age::x25519::Identity::generate(),
            vault_file: [0; 32],
        }
    }

    fn place(version: u64) -> Place {
        Place::Change { id: RecordId([9; 16]), version, seq: 12 }
    }

    #[test]
    fn a_value_opens_only_in_its_own_place() {
        let keys = keys();
        let mut nonces = Nonces::new(2).unwrap();
        let sealed = keys.seal("Zoë\nO'Hara".as_bytes(), place(3), &mut nonces).unwrap();
        assert_eq!(keys.unseal(&sealed.0, place(3)).unwrap(), "Zoë\nO'Hara".as_bytes());
        assert_eq!(keys.unseal(&sealed.0, place(4)), Err(Unopened::Damaged));
        assert_eq!(keys.unseal(&sealed.0, Place::Head { seq: 12 }), Err(Unopened::Damaged));
        assert!(!sealed.0.windows(4).any(|window| window == b"Hara"));
    }

    #[test]
    fn every_flipped_bit_of_a_sealed_value_is_noticed() {
        let keys = keys();
        let sealed = keys.seal(b"secret", place(1), &mut Nonces::new(1).unwrap()).unwrap();
        for bit in 0..sealed.0.len() * 8 {
            let mut changed = sealed.0.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(keys.unseal(&changed, place(1)).is_err(), "bit {bit}");
        }
        for length in 0..sealed.0.len() {
            assert!(keys.unseal(&sealed.0[..length], place(1)).is_err());
        }
    }

    #[test]
    fn an_older_key_still_opens_and_a_newer_format_is_named() {
        let mut keys = keys();
        let newest = keys.data.pop().unwrap();
        let sealed = keys.seal(b"old", place(1), &mut Nonces::new(1).unwrap()).unwrap();
        keys.data.push(newest);
        assert_eq!(keys.unseal(&sealed.0, place(1)).unwrap(), b"old");
        let mut newer = sealed.0.to_vec();
        newer[0] = 9;
        assert_eq!(keys.unseal(&newer, place(1)), Err(Unopened::Newer(9)));
        keys.data.remove(0);
        assert_eq!(keys.unseal(&sealed.0, place(1)), Err(Unopened::UnknownKey(1)));
    }
}
