//! Dense bitsets over row numbers. Knows nothing of records.

/// One bit per row. Bits beyond `len` are always zero, so that counting needs no mask.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    pub fn zeros(len: usize) -> Bits {
        Bits { words: vec![0; len.div_ceil(64)], len }
    }

    pub fn ones(len: usize) -> Bits {
        let mut bits = Bits { words: vec![u64::MAX; len.div_ceil(64)], len };
        bits.trim();
        bits
    }

    /// Bit `i` is `test(items[i])`. Written word by word so that the compiler can vectorise the comparison.
    pub fn scan<T: Copy>(items: &[T], mut test: impl FnMut(T) -> bool) -> Bits {
        let mut words = Vec::with_capacity(items.len().div_ceil(64));
        let mut chunks = items.chunks_exact(64);
        for chunk in &mut chunks {
            let mut flags = [0u8; 64];
            for (flag, item) in flags.iter_mut().zip(chunk) {
                *flag = u8::from(test(*item));
            }
            words.push(pack(&flags));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut word = 0u64;
            for (at, item) in rest.iter().enumerate() {
                word |= u64::from(test(*item)) << at;
            }
            words.push(word);
        }
        Bits { words, len: items.len() }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// No bit is set.
    pub fn none(&self) -> bool {
        self.words.iter().all(|w| *w == 0)
    }

    pub fn count(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// False beyond the end.
    #[inline]
    pub fn get(&self, at: usize) -> bool {
        self.words.get(at >> 6).is_some_and(|w| w >> (at & 63) & 1 == 1)
    }

    /// Grows with zeros when `at` lies beyond the end.
    #[inline]
    pub fn set(&mut self, at: usize, on: bool) {
        if at >= self.len {
            self.grow(at + 1);
        }
        let bit = 1u64 << (at & 63);
        if on {
            self.words[at >> 6] |= bit;
        } else {
            self.words[at >> 6] &= !bit;
        }
    }

    pub fn grow(&mut self, len: usize) {
        if len > self.len {
            self.len = len;
            self.words.resize(len.div_ceil(64), 0);
        }
    }

    pub fn and(&mut self, other: &Bits) -> &mut Bits {
        let shared = other.words.len().min(self.words.len());
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a &= b;
        }
        self.words[shared..].fill(0);
        self
    }

    pub fn and_not(&mut self, other: &Bits) -> &mut Bits {
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a &= !b;
        }
        self
    }

    pub fn or(&mut self, other: &Bits) -> &mut Bits {
        self.grow(other.len);
        for (a, b) in self.words.iter_mut().zip(&other.words) {
            *a |= b;
        }
        self
    }

    pub fn flip(mut self) -> Bits {
        for word in &mut self.words {
            *word = !*word;
        }
        self.trim();
        self
    }

    /// Set bits, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.iter_from(0)
    }

    /// Set bits from `start` on, ascending.
    pub fn iter_from(&self, start: usize) -> impl Iterator<Item = u32> + '_ {
        let first = start >> 6;
        self.words.iter().enumerate().skip(first).flat_map(move |(at, word)| {
            let mut left = if at == first { *word & (u64::MAX << (start & 63)) } else { *word };
            std::iter::from_fn(move || {
                if left == 0 {
                    return None;
                }
                let bit = left.trailing_zeros();
                left &= left - 1;
                Some((at as u32) << 6 | bit)
            })
        })
    }

    /// Set bits, descending.
    pub fn iter_back(&self) -> impl Iterator<Item = u32> + '_ {
        self.iter_back_before(self.len)
    }

    /// Set bits below `end`, descending.
    pub fn iter_back_before(&self, end: usize) -> impl Iterator<Item = u32> + '_ {
        let end = end.min(self.len);
        let words = end.div_ceil(64);
        self.words[..words].iter().enumerate().rev().flat_map(move |(at, word)| {
            let partial = at + 1 == words && end & 63 != 0;
            let mut left = if partial { *word & ((1 << (end & 63)) - 1) } else { *word };
            std::iter::from_fn(move || {
                if left == 0 {
                    return None;
                }
                let bit = 63 - left.leading_zeros();
                left &= !(1 << bit);
                Some((at as u32) << 6 | bit)
            })
        })
    }

    /// The first bit from `start` on that is not set; bits beyond the end are not.
    pub fn next_clear(&self, start: usize) -> usize {
        let first = start >> 6;
        for (at, word) in self.words.iter().enumerate().skip(first) {
            let clear = if at == first { !word & (u64::MAX << (start & 63)) } else { !word };
            if clear != 0 {
                return at << 6 | clear.trailing_zeros() as usize;
            }
        }
        start.max(self.words.len() << 6)
    }

    pub fn heap_bytes(&self) -> usize {
        self.words.capacity() * 8
    }

    fn trim(&mut self) {
        let used = self.len & 63;
        if used != 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << used) - 1;
        }
    }
}

/// Bit `i` of the word is byte `i`, each 0 or 1.
#[inline]
fn pack(flags: &[u8; 64]) -> u64 {
    let mut word = 0u64;
    for (at, eight) in flags.chunks_exact(8).enumerate() {
        let lanes =
            u64::from_le_bytes([eight[0], eight[1], eight[2], eight[3], eight[4], eight[5], eight[6], eight[7]]);
        // Gathers the lowest bit of each byte into the top byte.
        let byte = lanes.wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word |= byte << (at * 8);
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_says_the_same_as_a_loop() {
        let items: Vec<i64> = (0..1_000).map(|i| (i * 7919) % 100).collect();
        let bits = Bits::scan(&items, |v| v < 30);
        for (at, item) in items.iter().enumerate() {
            assert_eq!(bits.get(at), *item < 30, "{at}");
        }
        assert_eq!(bits.count(), items.iter().filter(|v| **v < 30).count());
        assert_eq!(bits.iter().count(), bits.count());
    }

    #[test]
    fn walks_may_begin_anywhere() {
        let mut bits = Bits::zeros(300);
        (0..300).filter(|at| at % 7 < 2).for_each(|at| bits.set(at, true));
        for at in [0, 1, 6, 7, 63, 64, 65, 127, 128, 255, 299, 300, 301, 1_000] {
            let all: Vec<u32> = bits.iter().collect();
            let from: Vec<u32> = all.iter().copied().filter(|b| *b as usize >= at).collect();
            assert_eq!(bits.iter_from(at).collect::<Vec<_>>(), from, "{at}");
            let before: Vec<u32> = all.iter().rev().copied().filter(|b| (*b as usize) < at).collect();
            assert_eq!(bits.iter_back_before(at).collect::<Vec<_>>(), before, "{at}");
            let clear = (at..).find(|at| !bits.get(*at));
            assert_eq!(Some(bits.next_clear(at)), clear, "{at}");
        }
        assert_eq!(Bits::ones(64).next_clear(3), 64);
    }

    #[test]
    fn bits_beyond_the_end_stay_zero() {
        let bits = Bits::ones(70);
        assert_eq!(bits.count(), 70);
        assert_eq!(bits.clone().flip().count(), 0);
        let mut short = Bits::ones(3);
        short.or(&bits);
        assert_eq!((short.len(), short.count()), (70, 70));
        assert!(!bits.get(1_000_000));
        let mut long = Bits::ones(200);
        long.and(&Bits::ones(10));
        assert_eq!(long.count(), 10);
    }
}
