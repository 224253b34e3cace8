//! Seals values and hashes what was sealed. Knows keys, not files and not records' meaning.
//!
//! Sealed bytes: `format 1 or 2 | key id u16 | nonce 24 | ciphertext | tag 16`, little-endian. The associated data binds the place
//! (`c` change, `h` head, `k` cursors), so a sealed value moved to another record, version or entry does not open.
//!
//! Format 1 is how a value is sealed when it is written; its hash goes into the chain for good. Format 2 is the same value sealed
//! again after the data key changed: same length, and the associated data also holds the hash of the first sealing. So the chain
//! stays as it was, and nobody without a data key can put other bytes behind an old hash.

use std::sync::Arc;

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{AeadInOut, KeyInit},
};
use kith_base::{RecordId, Secret};
use parking_lot::{Mutex, RwLock};

use crate::StoreError;

/// Format of bytes sealed for the first time.
pub(crate) const SEALED_FORMAT: u8 = 1;
/// Format of bytes that were sealed again with a later key.
pub(crate) const RESEALED_FORMAT: u8 = 2;
/// What sealing adds to a value.
pub(crate) const SEAL_OVERHEAD: usize = 1 + 2 + 24 + 16;
const HEADER: usize = 1 + 2 + 24;
/// For what no chain speaks of: it is written anew rather than sealed again.
pub(crate) const NO_HASH: [u8; 32] = [0; 32];

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
    /// The associated data; `hash` is that of the first sealing.
    fn associated(self, format: u8, hash: &[u8; 32]) -> ([u8; 65], usize) {
        let mut data = [0u8; 65];
        let length = match self {
            Place::Change { id, version, seq } => {
                data[0] = b'c';
                data[1..17].copy_from_slice(id.as_bytes());
                data[17..25].copy_from_slice(&version.to_le_bytes());
                data[25..33].copy_from_slice(&seq.to_le_bytes());
                33
            }
            Place::Head { seq } => {
                data[0] = b'h';
                data[1..9].copy_from_slice(&seq.to_le_bytes());
                9
            }
            Place::Cursors => {
                data[0] = b'k';
                1
            }
        };
        if format == SEALED_FORMAT {
            return (data, length);
        }
        data[length..length + 32].copy_from_slice(hash);
        (data, length + 32)
    }
}

/// Why sealed bytes do not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unopened {
    Newer(u8),
    UnknownKey(u16),
    Damaged,
}

/// The id of the key that bytes are sealed with; `None` when they are too short to say.
pub(crate) fn key_id(sealed: &[u8]) -> Option<u16> {
    Some(u16::from_le_bytes([*sealed.get(1)?, *sealed.get(2)?]))
}

/// The keys that come and go. One value of it never changes: a rotation puts another in its place.
pub(crate) struct Ring {
    /// Newest last; new values are sealed with the newest.
    pub data: Vec<(u16, Secret<[u8; 32]>)>,
    /// What files are encrypted to; newest last.
    pub files: Vec<age::x25519::Identity>,
}

/// The keys of a vault, in memory.
pub(crate) struct Keys {
    pub vault_id: [u8; 16],
    pub chain: Secret<[u8; 32]>,
    pub digest: Secret<[u8; 32]>,
    ring: RwLock<Arc<Ring>>,
    /// Hash of the vault's files as they were read or written last, so that verification sees when they have changed since.
    pub vault_file: Mutex<[u8; 32]>,
    /// Held while a stored file gets its name, loses it or is encrypted anew, and while an old key goes.
    pub files_changing: Mutex<()>,
}

/// Random nonces for a group of seals, asked from the system in one go.
pub(crate) struct Nonces {
    random: Vec<u8>,
    used: usize,
}

impl Nonces {
    /// The same ones every time, for a fuzzer's fixed input. Never for anything real.
    #[cfg(fuzzing)]
    pub fn fixed(count: usize) -> Nonces {
        Nonces { random: (0..count * 24).map(|at| (at / 24) as u8).collect(), used: 0 }
    }

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

impl Ring {
    /// The id of the key that new values are sealed with.
    pub fn newest(&self) -> u16 {
        self.data.last().map_or(0, |(id, _)| *id)
    }

    pub fn seal(&self, plain: &[u8], place: Place, nonces: &mut Nonces) -> Result<Sealed, StoreError> {
        self.seal_as(SEALED_FORMAT, plain, place, &NO_HASH, nonces)
    }

    /// Seals an opened value again with the newest key. `hash` is that of its first sealing.
    pub fn reseal(
        &self,
        plain: &[u8],
        place: Place,
        hash: &[u8; 32],
        nonces: &mut Nonces,
    ) -> Result<Sealed, StoreError> {
        self.seal_as(RESEALED_FORMAT, plain, place, hash, nonces)
    }

    fn seal_as(
        &self,
        format: u8,
        plain: &[u8],
        place: Place,
        hash: &[u8; 32],
        nonces: &mut Nonces,
    ) -> Result<Sealed, StoreError> {
        let broken = || StoreError::Io { path: "vault".into(), cause: "no key to seal with".into() };
        let (key_id, key) = self.data.last().ok_or_else(broken)?;
        let nonce = nonces.next()?;
        let mut out = Vec::with_capacity(plain.len() + SEAL_OVERHEAD);
        out.push(format);
        out.extend_from_slice(&key_id.to_le_bytes());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(plain);
        let (associated, length) = place.associated(format, hash);
        let cipher = XChaCha20Poly1305::new(key.expose().into());
        let tag = cipher
            .encrypt_inout_detached(&XNonce::from(nonce), &associated[..length], (&mut out[HEADER..]).into())
            .map_err(|_| broken())?;
        out.extend_from_slice(&tag);
        Ok(Sealed(out.into()))
    }

    pub fn unseal(&self, sealed: &[u8], place: Place, hash: &[u8; 32]) -> Result<Vec<u8>, Unopened> {
        let mut plain = Vec::with_capacity(sealed.len().saturating_sub(SEAL_OVERHEAD));
        self.unseal_onto(sealed, place, hash, &mut plain)?;
        Ok(plain)
    }

    /// Appends the plain bytes to `out`; leaves it as it was when they do not open. `hash` is the one the chain knows.
    pub fn unseal_onto(&self, sealed: &[u8], place: Place, hash: &[u8; 32], out: &mut Vec<u8>) -> Result<(), Unopened> {
        let format = *sealed.first().ok_or(Unopened::Damaged)?;
        if format > RESEALED_FORMAT {
            return Err(Unopened::Newer(format));
        }
        if format < SEALED_FORMAT || sealed.len() < SEAL_OVERHEAD {
            return Err(Unopened::Damaged);
        }
        let key_id = u16::from_le_bytes([sealed[1], sealed[2]]);
        let (_, key) = self.data.iter().rev().find(|(id, _)| *id == key_id).ok_or(Unopened::UnknownKey(key_id))?;
        let nonce: [u8; 24] = sealed[3..HEADER].try_into().map_err(|_| Unopened::Damaged)?;
        let (body, tag) = sealed[HEADER..].split_at(sealed.len() - SEAL_OVERHEAD);
        let tag: [u8; 16] = tag.try_into().map_err(|_| Unopened::Damaged)?;
        let start = out.len();
        out.extend_from_slice(body);
        let (associated, length) = place.associated(format, hash);
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
}

impl Keys {
    pub fn new(vault_id: [u8; 16], chain: [u8; 32], digest: [u8; 32], ring: Ring) -> Keys {
        Keys {
            vault_id,
            chain: Secret::new(chain),
            digest: Secret::new(digest),
            ring: RwLock::new(Arc::new(ring)),
            vault_file: Mutex::new([0; 32]),
            files_changing: Mutex::new(()),
        }
    }

    /// The keys as they are now. Take it once per group of values, and after the bytes to open were read: a key that sealed them
    /// is in it then.
    pub fn ring(&self) -> Arc<Ring> {
        self.ring.read().clone()
    }

    pub fn set_ring(&self, ring: Ring) {
        *self.ring.write() = Arc::new(ring);
    }

    /// Whether sealed bytes are those that the chain's `hash` speaks of: the same bytes, or the same value sealed again later.
    pub fn check_sealed(&self, sealed: &[u8], place: Place, hash: &[u8; 32]) -> Result<(), Unopened> {
        let ring = self.ring();
        if sealed.first() != Some(&RESEALED_FORMAT) {
            return match key_id(sealed) {
                Some(id) if self.sealed_hash(sealed) == *hash => {
                    let known = ring.data.iter().any(|(known, _)| *known == id);
                    if known { Ok(()) } else { Err(Unopened::UnknownKey(id)) }
                }
                _ => Err(Unopened::Damaged),
            };
        }
        ring.unseal(sealed, place, hash).map(|plain| drop(zeroize::Zeroizing::new(plain)))
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

    pub(crate) fn ring(ids: &[u8]) -> Ring {
        Ring {
            data: ids.iter().map(|id| (u16::from(*id), Secret::new([*id; 32]))).collect(),
            files: vec![age::x25519::Identity::generate()],
        }
    }

    pub(crate) fn keys() -> Keys {
        Keys::new([7; 16], [3; 32], [4; 32], ring(&[1, 2]))
    }

    fn place(version: u64) -> Place {
        Place::Change { id: RecordId([9; 16]), version, seq: 12 }
    }

    fn nonces() -> Nonces {
        Nonces::new(8).unwrap()
    }

    #[test]
    fn a_value_opens_only_in_its_own_place() {
        let ring = ring(&[1, 2]);
        let sealed = ring.seal("Zoë\nO'Hara".as_bytes(), place(3), &mut nonces()).unwrap();
        assert_eq!(ring.unseal(&sealed.0, place(3), &NO_HASH).unwrap(), "Zoë\nO'Hara".as_bytes());
        assert_eq!(ring.unseal(&sealed.0, place(4), &NO_HASH), Err(Unopened::Damaged));
        assert_eq!(ring.unseal(&sealed.0, Place::Head { seq: 12 }, &NO_HASH), Err(Unopened::Damaged));
        assert!(!sealed.0.windows(4).any(|window| window == b"Hara"));
    }

    #[test]
    fn every_flipped_bit_of_a_sealed_value_is_noticed_when_it_is_new_and_when_it_was_sealed_again() {
        let ring = ring(&[1, 2]);
        let first = ring.seal(b"secret", place(1), &mut nonces()).unwrap();
        let again = ring.reseal(b"secret", place(1), &[5; 32], &mut nonces()).unwrap();
        assert_eq!(first.0.len(), again.0.len(), "places in a segment must stay");
        for sealed in [first, again] {
            for bit in 0..sealed.0.len() * 8 {
                let mut changed = sealed.0.to_vec();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(ring.unseal(&changed, place(1), &[5; 32]).is_err(), "bit {bit}");
            }
            for length in 0..sealed.0.len() {
                assert!(ring.unseal(&sealed.0[..length], place(1), &[5; 32]).is_err());
            }
        }
    }

    #[test]
    fn an_older_key_still_opens_and_a_newer_format_is_named() {
        let sealed = ring(&[1]).seal(b"old", place(1), &mut nonces()).unwrap();
        assert_eq!(ring(&[1, 2]).unseal(&sealed.0, place(1), &NO_HASH).unwrap(), b"old");
        let mut newer = sealed.0.to_vec();
        newer[0] = 9;
        assert_eq!(ring(&[1, 2]).unseal(&newer, place(1), &NO_HASH), Err(Unopened::Newer(9)));
        assert_eq!(ring(&[2]).unseal(&sealed.0, place(1), &NO_HASH), Err(Unopened::UnknownKey(1)));
    }

    #[test]
    fn a_value_sealed_again_stands_for_its_own_first_sealing_and_no_other() {
        let keys = keys();
        let ring = keys.ring();
        let first = ring.seal(b"one", place(1), &mut nonces()).unwrap();
        let hash = keys.sealed_hash(&first.0);
        keys.check_sealed(&first.0, place(1), &hash).unwrap();
        let again = ring.reseal(b"one", place(1), &hash, &mut nonces()).unwrap();
        keys.check_sealed(&again.0, place(1), &hash).unwrap();
        let other = keys.sealed_hash(&ring.seal(b"two", place(1), &mut nonces()).unwrap().0);
        assert!(keys.check_sealed(&again.0, place(1), &other).is_err(), "another value's hash");
        assert!(keys.check_sealed(&again.0, place(2), &hash).is_err(), "another place");
        let direct = ring.seal(b"two", place(1), &mut nonces()).unwrap();
        assert!(keys.check_sealed(&direct.0, place(1), &hash).is_err(), "another value sealed as if it were new");
        keys.set_ring(self::ring(&[3]));
        assert_eq!(keys.check_sealed(&again.0, place(1), &hash), Err(Unopened::UnknownKey(2)));
        assert_eq!(keys.check_sealed(&first.0, place(1), &hash), Err(Unopened::UnknownKey(2)));
    }
}
