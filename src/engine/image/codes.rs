//! A vector of dictionary codes in the narrowest width that holds them.

use super::bits::Bits;

pub enum Codes {
    Narrow(Vec<u8>),
    Middle(Vec<u16>),
    Wide(Vec<u32>),
}

impl Default for Codes {
    fn default() -> Self {
        Codes::Narrow(Vec::new())
    }
}

impl Codes {
    pub fn len(&self) -> usize {
        match self {
            Codes::Narrow(v) => v.len(),
            Codes::Middle(v) => v.len(),
            Codes::Wide(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// 0 beyond the end.
    #[inline]
    pub fn get(&self, row: usize) -> u32 {
        match self {
            Codes::Narrow(v) => v.get(row).map_or(0, |c| u32::from(*c)),
            Codes::Middle(v) => v.get(row).map_or(0, |c| u32::from(*c)),
            Codes::Wide(v) => v.get(row).copied().unwrap_or(0),
        }
    }

    /// Grows with zeros and widens as needed.
    pub fn set(&mut self, row: usize, code: u32) {
        self.widen_for(code);
        if row >= self.len() {
            self.grow(row + 1);
        }
        match self {
            Codes::Narrow(v) => v[row] = code as u8,
            Codes::Middle(v) => v[row] = code as u16,
            Codes::Wide(v) => v[row] = code,
        }
    }

    pub fn grow(&mut self, len: usize) {
        match self {
            Codes::Narrow(v) => v.resize(len.max(v.len()), 0),
            Codes::Middle(v) => v.resize(len.max(v.len()), 0),
            Codes::Wide(v) => v.resize(len.max(v.len()), 0),
        }
    }

    /// Rows whose code is `code`.
    pub fn equal(&self, code: u32) -> Bits {
        match self {
            Codes::Narrow(v) => match u8::try_from(code) {
                Ok(code) => Bits::scan(v, |c| c == code),
                Err(_) => Bits::zeros(v.len()),
            },
            Codes::Middle(v) => match u16::try_from(code) {
                Ok(code) => Bits::scan(v, |c| c == code),
                Err(_) => Bits::zeros(v.len()),
            },
            Codes::Wide(v) => Bits::scan(v, |c| c == code),
        }
    }

    /// Rows whose code is set in `hits` (a bit per code).
    pub fn within(&self, hits: &Bits) -> Bits {
        match self {
            Codes::Narrow(v) => {
                let mut flags = [false; 256];
                for (code, flag) in flags.iter_mut().enumerate() {
                    *flag = hits.get(code);
                }
                Bits::scan(v, |c| flags[c as usize])
            }
            Codes::Middle(v) => Bits::scan(v, |c| hits.get(c as usize)),
            Codes::Wide(v) => Bits::scan(v, |c| hits.get(c as usize)),
        }
    }

    /// Every code replaced by `to[code]`.
    pub fn remap(&mut self, to: &[u32]) {
        let mut next = Codes::default();
        next.grow(self.len());
        next.widen_for(to.iter().copied().max().unwrap_or(0));
        for row in 0..self.len() {
            next.set(row, to.get(self.get(row) as usize).copied().unwrap_or(0));
        }
        *self = next;
    }

    pub fn heap_bytes(&self) -> usize {
        match self {
            Codes::Narrow(v) => v.capacity(),
            Codes::Middle(v) => v.capacity() * 2,
            Codes::Wide(v) => v.capacity() * 4,
        }
    }

    pub fn shrink(&mut self) {
        match self {
            Codes::Narrow(v) => v.shrink_to_fit(),
            Codes::Middle(v) => v.shrink_to_fit(),
            Codes::Wide(v) => v.shrink_to_fit(),
        }
    }

    fn widen_for(&mut self, code: u32) {
        if let Codes::Narrow(v) = self
            && code > u32::from(u8::MAX)
        {
            *self = Codes::Middle(v.iter().map(|c| u16::from(*c)).collect());
        }
        if let Codes::Middle(v) = self
            && code > u32::from(u16::MAX)
        {
            *self = Codes::Wide(v.iter().map(|c| u32::from(*c)).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_widen_without_changing() {
        let mut codes = Codes::default();
        let values: Vec<u32> = (0..70_000).chain([5, 255, 256, 65_535, 65_536]).collect();
        for (row, value) in values.iter().enumerate() {
            codes.set(row, *value);
        }
        assert!(values.iter().enumerate().all(|(row, value)| codes.get(row) == *value));
        assert_eq!(codes.equal(255).count(), 2);
        let mut hits = Bits::zeros(10);
        hits.set(5, true);
        assert_eq!(codes.within(&hits).count(), 2);
    }
}
