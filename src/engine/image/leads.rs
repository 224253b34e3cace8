//! What a column of links knows of the records it leads to. Only holds it; `places` and `titles` look it up.

use super::{column::Column, places::Places, titles::Titles};

/// By dictionary code; gone when codes change.
#[derive(Default)]
pub struct Leads {
    pub places: Places,
    /// Once a list has been sorted by the column.
    pub titles: Option<Titles>,
}

impl Leads {
    pub fn heap_bytes(&self) -> usize {
        self.places.heap_bytes() + self.titles.as_ref().map_or(0, Titles::heap_bytes)
    }
}

impl Column {
    /// Where the links lead, as far as it has been looked up.
    pub fn places(&self) -> Option<&Places> {
        match self {
            Column::Coded { leads, .. } => leads.as_ref().map(|leads| &leads.places),
            _ => None,
        }
    }

    /// The titles that the links sort by, once a list was sorted by them.
    pub fn titles(&self) -> Option<&Titles> {
        match self {
            Column::Coded { leads, .. } => leads.as_ref()?.titles.as_ref(),
            _ => None,
        }
    }

    pub fn titles_mut(&mut self) -> Option<&mut Titles> {
        match self {
            Column::Coded { leads, .. } => leads.as_mut()?.titles.as_mut(),
            _ => None,
        }
    }
}
