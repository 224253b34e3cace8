//! How people and other programs write numbers, amounts, dates, times and countries. Pure readers: none where the text is not one.

pub mod amounts;
pub mod countries;
pub mod dates;
pub mod durations;
pub mod numbers;
pub mod times;
