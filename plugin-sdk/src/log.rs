//! Lines for the plugin's log. At most 200 a call and 4 KiB each; never write a secret or more about a person than is needed.

use crate::bindings::host::kith::plugin::log::Level;
use crate::host;

pub fn trace(message: &str) {
    write(Level::Trace, message, &[]);
}

pub fn debug(message: &str) {
    write(Level::Debug, message, &[]);
}

pub fn info(message: &str) {
    write(Level::Info, message, &[]);
}

pub fn warn(message: &str) {
    write(Level::Warn, message, &[]);
}

pub fn error(message: &str) {
    write(Level::Error, message, &[]);
}

/// With named facts beside the sentence.
pub fn info_with(message: &str, facts: &[(&str, &str)]) {
    write(Level::Info, message, facts);
}

fn write(level: Level, message: &str, facts: &[(&str, &str)]) {
    let facts: Vec<_> = facts.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    host::log::write(level, message, &facts);
}
