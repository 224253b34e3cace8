//! The digest of the record set: an order-free sum of keyed hashes. Equal sets have equal digests; whoever lacks the key
//! cannot make another set with the same one.

use kith_base::RecordId;

use crate::seal::Keys;

/// A sum modulo 2^64 in four lanes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Digest([u64; 4]);

impl Digest {
    pub fn add(&mut self, keys: &Keys, id: RecordId, version: u64, seq: u64, sealed_hash: &[u8; 32]) {
        let term = term(keys, id, version, seq, sealed_hash);
        self.0.iter_mut().zip(term).for_each(|(lane, term)| *lane = lane.wrapping_add(term));
    }

    pub fn remove(&mut self, keys: &Keys, id: RecordId, version: u64, seq: u64, sealed_hash: &[u8; 32]) {
        let term = term(keys, id, version, seq, sealed_hash);
        self.0.iter_mut().zip(term).for_each(|(lane, term)| *lane = lane.wrapping_sub(term));
    }

    /// Joins the digests of two disjoint sets.
    pub fn join(&mut self, other: Digest) {
        self.0.iter_mut().zip(other.0).for_each(|(lane, term)| *lane = lane.wrapping_add(term));
    }

    pub fn to_bytes(self) -> [u8; 32] {
        std::array::from_fn(|i| self.0[i / 8].to_le_bytes()[i % 8])
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Digest {
        Digest(std::array::from_fn(|lane| u64::from_le_bytes(std::array::from_fn(|i| bytes[lane * 8 + i]))))
    }
}

fn term(keys: &Keys, id: RecordId, version: u64, seq: u64, sealed_hash: &[u8; 32]) -> [u64; 4] {
    let mut place = [0u8; 64];
    place[..16].copy_from_slice(id.as_bytes());
    place[16..24].copy_from_slice(&version.to_le_bytes());
    place[24..32].copy_from_slice(&seq.to_le_bytes());
    place[32..].copy_from_slice(sealed_hash);
    Digest::from_bytes(*blake3::keyed_hash(keys.digest.expose(), &place).as_bytes()).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::tests::keys;

    #[test]
    fn order_does_not_matter_and_removing_undoes_adding() {
        let (keys, a, b) = (keys(), RecordId([1; 16]), RecordId([2; 16]));
        let (mut one, mut two) = (Digest::default(), Digest::default());
        one.add(&keys, a, 1, 1, &[1; 32]);
        let only_a = one;
        one.add(&keys, b, 1, 2, &[2; 32]);
        two.add(&keys, b, 1, 2, &[2; 32]);
        two.add(&keys, a, 1, 1, &[1; 32]);
        assert_eq!(one, two);
        one.remove(&keys, b, 1, 2, &[2; 32]);
        assert_eq!(one, only_a);
        let mut other = Digest::default();
        other.add(&keys, a, 2, 1, &[1; 32]);
        assert_ne!(other, only_a);
        assert_eq!(Digest::from_bytes(one.to_bytes()), one);
    }
}
