//! Byte strings, each kept once, in chunks laid out so that a search for a piece of text runs over contiguous memory.
//! Codes count from 1; 0 stands for null. A code is never given twice: dead entries go when the column is rebuilt.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};
use memchr::memmem::Finder;

use super::bits::Bits;

/// Entries of a chunk. With texts of up to 1 MiB a chunk stays below the 4 GiB that its offsets can address.
const CHUNK_ENTRIES: usize = 2048;

#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    /// Where each entry ends; it starts where the one before ends.
    ends: Vec<u32>,
    ascii: bool,
}

#[derive(Default)]
pub struct Dictionary {
    chunks: Vec<Chunk>,
    /// Codes with the hashes of their entries: a table that grows reads no entry again.
    table: HashTable<(u32, u32)>,
    hasher: DefaultHashBuilder,
    len: u32,
}

impl Dictionary {
    /// Highest code given.
    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes of a code; empty for 0 and for codes never given.
    #[inline]
    pub fn get(&self, code: u32) -> &[u8] {
        let Some(at) = (code as usize).checked_sub(1) else { return &[] };
        entry(&self.chunks, at)
    }

    /// The text of a code whose bytes are known to be text.
    #[inline]
    pub fn text(&self, code: u32) -> &str {
        std::str::from_utf8(self.get(code)).unwrap_or_default()
    }

    pub fn find(&self, bytes: &[u8]) -> Option<u32> {
        let hash = self.hash(bytes);
        let same = |(known, code): &(u32, u32)| *known == hash && entry(&self.chunks, *code as usize - 1) == bytes;
        self.table.find(spread(hash), same).map(|(_, code)| *code)
    }

    /// The code of `bytes`, a new one when they are new.
    pub fn intern(&mut self, bytes: &[u8]) -> u32 {
        let hash = self.hash(bytes);
        let Dictionary { chunks, table, len, .. } = self;
        let same = |(known, code): &(u32, u32)| *known == hash && entry(chunks, *code as usize - 1) == bytes;
        if let Some((_, code)) = table.find(spread(hash), same) {
            return *code;
        }
        if chunks.last().is_none_or(|c| c.ends.len() >= CHUNK_ENTRIES) {
            if let Some(full) = chunks.last_mut() {
                full.bytes.shrink_to_fit();
                full.ends.shrink_to_fit();
            }
            chunks.push(Chunk { ascii: true, ..Chunk::default() });
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.ascii &= bytes.is_ascii();
            chunk.bytes.extend_from_slice(bytes);
            chunk.ends.push(chunk.bytes.len() as u32);
        }
        *len += 1;
        let code = *len;
        table.insert_unique(spread(hash), (hash, code), |(hash, _)| spread(*hash));
        code
    }

    /// Overwrites an entry that no row uses; the same bytes get a new code when they come again.
    pub fn wipe(&mut self, code: u32) {
        let hash = self.hash(self.get(code));
        if let Ok(found) = self.table.find_entry(spread(hash), |(_, known)| *known == code) {
            found.remove();
        }
        if let Some(chunk) = self.chunks.get_mut((code as usize - 1) / CHUNK_ENTRIES) {
            let at = (code as usize - 1) % CHUNK_ENTRIES;
            let start = if at == 0 { 0 } else { chunk.ends[at - 1] as usize };
            let end = chunk.ends[at] as usize;
            chunk.bytes[start..end].fill(0);
        }
    }

    /// Bit `code` is set where the entry contains `needle`; exact case.
    pub fn containing(&self, needle: &[u8]) -> Bits {
        let mut hits = Bits::zeros(self.len as usize + 1);
        let finder = Finder::new(needle);
        for (at, chunk) in self.chunks.iter().enumerate() {
            hits_in(&chunk.bytes, &chunk.ends, &finder, needle.len(), |i| hits.set(at * CHUNK_ENTRIES + i + 1, true));
        }
        hits
    }

    /// As `containing`, over the lower-case form of each entry, as `str::to_lowercase` makes it.
    pub fn containing_lowercase(&self, needle: &str) -> Bits {
        let mut hits = Bits::zeros(self.len as usize + 1);
        let finder = Finder::new(needle.as_bytes());
        let mut lower = Vec::new();
        for (at, chunk) in self.chunks.iter().enumerate() {
            // ASCII letters first, for a whole chunk at once; entries with other letters are lowered one by one below.
            if needle.is_ascii() {
                lower.clear();
                lower.extend_from_slice(&chunk.bytes);
                lower.make_ascii_lowercase();
                hits_in(&lower, &chunk.ends, &finder, needle.len(), |i| hits.set(at * CHUNK_ENTRIES + i + 1, true));
            }
            if chunk.ascii {
                continue;
            }
            for i in 0..chunk.ends.len() {
                let code = at * CHUNK_ENTRIES + i + 1;
                let bytes = chunk.entry(i);
                if !bytes.is_ascii() && !hits.get(code) {
                    let text = std::str::from_utf8(bytes).unwrap_or_default().to_lowercase();
                    hits.set(code, finder.find(text.as_bytes()).is_some());
                }
            }
        }
        hits
    }

    /// Bit `code` is set where `test` says so.
    pub fn matching(&self, mut test: impl FnMut(&[u8]) -> bool) -> Bits {
        let mut hits = Bits::zeros(self.len as usize + 1);
        for (at, chunk) in self.chunks.iter().enumerate() {
            for i in 0..chunk.ends.len() {
                if test(chunk.entry(i)) {
                    hits.set(at * CHUNK_ENTRIES + i + 1, true);
                }
            }
        }
        hits
    }

    pub fn heap_bytes(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(|c| c.bytes.capacity() + c.ends.capacity() * 4 + 56).sum();
        chunks + self.table.allocation_size()
    }

    /// Half a hash: for the millions of entries that a column may have it is enough.
    fn hash(&self, bytes: &[u8]) -> u32 {
        let mut state = self.hasher.build_hasher();
        state.write(bytes);
        (state.finish() >> 32) as u32
    }
}

impl Chunk {
    #[inline]
    fn entry(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.ends.get(at - 1).copied().unwrap_or(0) };
        let end = self.ends.get(at).copied().unwrap_or(start);
        &self.bytes[start as usize..end as usize]
    }
}

#[inline]
fn entry(chunks: &[Chunk], at: usize) -> &[u8] {
    chunks.get(at / CHUNK_ENTRIES).map_or(&[], |chunk| chunk.entry(at % CHUNK_ENTRIES))
}

/// A hash over all bits that the table looks at.
#[inline]
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Calls `hit` once for every entry that holds the needle. An occurrence across two entries is none.
fn hits_in(bytes: &[u8], ends: &[u32], finder: &Finder<'_>, needle: usize, mut hit: impl FnMut(usize)) {
    let (mut from, mut entry) = (0usize, 0usize);
    if needle == 0 {
        (0..ends.len()).for_each(hit);
        return;
    }
    while let Some(found) = bytes.get(from..).and_then(|rest| finder.find(rest)) {
        let start = from + found;
        // Hits ascend, so the entry is looked for from where the last one was, in growing steps.
        entry += ends[entry..].partition_point(|end| (*end as usize) <= start);
        let Some(end) = ends.get(entry) else { return };
        if start + needle <= *end as usize {
            hit(entry);
            from = *end as usize;
        } else {
            from = start + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_share_a_code_and_null_has_none() {
        let mut words = Dictionary::default();
        let a = words.intern(b"anna");
        assert_eq!((a, words.intern(b"bo"), words.intern(b"anna")), (1, 2, 1));
        assert_eq!(words.find(b"bo"), Some(2));
        assert_eq!(words.find(b"eve"), None);
        assert_eq!((words.get(0), words.get(99)), (&b""[..], &b""[..]));
        assert_eq!(words.intern(b""), 3);
    }

    #[test]
    fn a_needle_is_found_within_entries_and_never_across_them() {
        let mut words = Dictionary::default();
        let texts: Vec<String> = (0..10_000).map(|i| format!("x{}ab{}", i % 977, i)).collect();
        for text in &texts {
            words.intern(text.as_bytes());
        }
        for needle in ["ab7", "9x", "bx", "x5", "", "zz", "ab9999"] {
            let hits = words.containing(needle.as_bytes());
            for (at, text) in texts.iter().enumerate() {
                assert_eq!(hits.get(at + 1), text.contains(needle), "{needle} in {text}");
            }
        }
    }

    #[test]
    fn lower_case_search_agrees_with_the_standard_library() {
        let mut words = Dictionary::default();
        let texts = ["Zoë O'HARA", "ROSSI", "rossi", "Kelvin \u{212A}", "ÅSE", "STRASSE", "İstanbul", "ΣΑΣ"];
        for text in texts {
            words.intern(text.as_bytes());
        }
        for needle in ["zoë", "o'hara", "ross", "k", "å", "s", "i", "σας", "ß", "i\u{307}"] {
            let hits = words.containing_lowercase(needle);
            for (at, text) in texts.iter().enumerate() {
                assert_eq!(hits.get(at + 1), text.to_lowercase().contains(needle), "{needle} in {text}");
            }
        }
    }
}
