//! `log`: lines for the administrator. They stay in memory: a plugin may write what nobody wants on disk.

use crate::{
    contract::log::{Host, Level as Told},
    runtime::{call::CallState, limits::LOG_LINE_BYTES},
    watch::{Level, Line},
};

const ATTRIBUTES_MAX: usize = 20;

impl Host for CallState {
    fn write(&mut self, level: Told, message: String, attrs: Vec<(String, String)>) -> wasmtime::Result<()> {
        // Neither counted nor part of a trace: a plugin that logs much loses lines and goes on, and an author who looks for a fault may add some.
        if !self.limits.log_line() {
            self.plugin.watch.left_out();
            return Ok(());
        }
        let level = match level {
            Told::Trace => Level::Trace,
            Told::Debug => Level::Debug,
            Told::Info => Level::Info,
            Told::Warn => Level::Warn,
            Told::Error => Level::Error,
        };
        let attributes =
            attrs.into_iter().take(ATTRIBUTES_MAX).map(|(key, value)| (short(key), short(value))).collect();
        let line =
            Line { at: self.info.now_ms, level, message: short(message), attributes, call: self.info.id.clone() };
        self.plugin.watch.log(line);
        Ok(())
    }
}

fn short(mut text: String) -> String {
    if text.len() > LOG_LINE_BYTES {
        let end = (0..=LOG_LINE_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}
