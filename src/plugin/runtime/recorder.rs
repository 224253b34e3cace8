//! What a call asked of the host and what it was answered, noted as it goes. Knows nothing of the functions: input and answer are whatever the
//! contract's types write as JSON. Bounded: a call that moves much leaves a trace that ends early, and says so.

use std::io::{self, Write};

use serde::Serialize;

/// All host calls of one call together.
const BYTES_MAX: usize = 512 << 10;

/// See the module.
#[derive(Default)]
pub struct Recorder {
    /// JSON objects, with a comma after each.
    calls: Vec<u8>,
    cut: bool,
}

/// A host call that was asked for and is not answered yet.
pub(crate) struct Asked {
    start: usize,
    input: usize,
}

impl Recorder {
    pub(crate) fn asked(&mut self, name: &str, input: &impl Serialize) -> Option<Asked> {
        if self.cut {
            return None;
        }
        let start = self.calls.len();
        self.calls.extend_from_slice(br#"{"call":""#);
        self.calls.extend_from_slice(name.as_bytes());
        self.calls.extend_from_slice(br#"","input":"#);
        let asked = Asked { start, input: self.calls.len() };
        self.take(&asked, input).then_some(asked)
    }

    /// Notes the answer; input and answer as they were noted.
    pub(crate) fn answered(&mut self, asked: Option<Asked>, answer: &impl Serialize) -> Option<(&str, &str)> {
        let asked = asked?;
        let input = asked.input..self.calls.len();
        self.calls.extend_from_slice(br#","answer":"#);
        let from = self.calls.len();
        if !self.take(&asked, answer) {
            return None;
        }
        let answer = from..self.calls.len();
        self.calls.extend_from_slice(b"},");
        let text = |range: std::ops::Range<usize>| std::str::from_utf8(self.calls.get(range)?).ok();
        Some((text(input)?, text(answer)?))
    }

    /// Writes a value where there is room; else the trace ends before this host call.
    fn take(&mut self, asked: &Asked, value: &impl Serialize) -> bool {
        let written = serde_json::to_writer(Bounded { to: &mut self.calls, max: BYTES_MAX }, value).is_ok();
        if !written {
            self.calls.truncate(asked.start);
            self.cut = true;
        }
        written
    }

    /// All host calls as a JSON array, and whether there were more.
    pub fn into_json(mut self) -> (String, bool) {
        self.calls.pop();
        (format!("[{}]", String::from_utf8_lossy(&self.calls)), self.cut)
    }
}

/// A value as JSON, unless that is longer than a trace may be.
pub(crate) fn bounded(value: &impl Serialize) -> Option<String> {
    let mut text = Vec::new();
    serde_json::to_writer(Bounded { to: &mut text, max: BYTES_MAX }, value).ok()?;
    String::from_utf8(text).ok()
}

struct Bounded<'a> {
    to: &'a mut Vec<u8>,
    max: usize,
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.to.len() + bytes.len() > self.max {
            return Err(io::Error::other("there is no more room"));
        }
        self.to.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    #[test]
    fn what_does_not_fit_ends_the_trace_and_leaves_whole_calls() {
        let mut recorder = Recorder::default();
        let asked = recorder.asked("kv.get", &("a",));
        assert_eq!(recorder.answered(asked, &Some(1)), Some((r#"["a"]"#, "1")));
        let asked = recorder.asked("kv.get", &("b",));
        assert_eq!(recorder.answered(asked, &vec!["x"; BYTES_MAX]), None);
        let asked = recorder.asked("kv.get", &("c",));
        assert!(asked.is_none(), "nothing comes after a gap");
        let (calls, cut) = recorder.into_json();
        let calls: Json = serde_json::from_str(&calls).unwrap();
        assert_eq!((calls, cut), (json!([{"call": "kv.get", "input": ["a"], "answer": 1}]), true));
        assert_eq!(Recorder::default().into_json(), ("[]".into(), false));
    }
}
