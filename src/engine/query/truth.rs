//! The outcome of a condition for every row: true, false, or neither (an error, as CEL has it, for example `null < 3`).

use crate::image::Bits;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    pub yes: Bits,
    pub no: Bits,
}

impl Truth {
    /// The same outcome for all rows; none is an error.
    pub fn all(rows: usize, outcome: Option<bool>) -> Truth {
        let fill = |on: bool| if on { Bits::ones(rows) } else { Bits::zeros(rows) };
        Truth { yes: fill(outcome == Some(true)), no: fill(outcome == Some(false)) }
    }

    pub fn not(self) -> Truth {
        Truth { yes: self.no, no: self.yes }
    }

    /// False wins over errors, as in CEL.
    pub fn and(mut self, other: &Truth) -> Truth {
        self.yes.and(&other.yes);
        self.no.or(&other.no);
        self
    }

    /// True wins over errors, as in CEL.
    pub fn or(mut self, other: &Truth) -> Truth {
        self.yes.or(&other.yes);
        self.no.and(&other.no);
        self
    }

    /// From the rows for which a test on a present value held. `absent` is the outcome for rows without a value.
    pub fn of_present(mut yes: Bits, present: &Bits, absent: Option<bool>) -> Truth {
        yes.grow(present.len());
        yes.and(present);
        let mut no = present.clone();
        no.and_not(&yes);
        match absent {
            Some(true) => {
                yes.or(&present.clone().flip());
            }
            Some(false) => {
                no.or(&present.clone().flip());
            }
            None => {}
        }
        Truth { yes, no }
    }
}
