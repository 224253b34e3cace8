//! What one call may use up: memory and tables of all its instances together, and calls of the host. A limit that was met is remembered, so that
//! the message to the administrator names it and not the trap that followed.

use wasmtime::ResourceLimiter;

/// Memory of one call, unless the plugin's administrator allows more.
pub const MEMORY_BYTES: usize = 64 << 20;

pub const HOST_CALLS: u32 = 1_000;
pub const LOG_LINES: u32 = 200;
pub const LOG_LINE_BYTES: usize = 4 << 10;
pub const HTTP_CALLS: u32 = 50;
pub const ROWS_WRITTEN: u32 = 5_000;
/// What a guest may hand over at once: the arguments of one call of the host, or its own answer. The largest that is of use is a file of 16 MiB.
pub const HANDED_BYTES: usize = 17 << 20;

const INSTANCES: usize = 32;
const TABLE_ELEMENTS: usize = 100_000;

/// Adds up what the instances of one call hold.
pub struct Limits {
    memory_left: usize,
    memory_bytes: usize,
    tables_left: usize,
    host_calls: u32,
    log_lines: u32,
    http_calls: u32,
    rows: u32,
    /// The first limit that was met, in words.
    pub met: Option<String>,
}

impl Limits {
    pub fn new(memory_bytes: usize) -> Limits {
        Limits {
            memory_left: memory_bytes,
            memory_bytes,
            tables_left: TABLE_ELEMENTS,
            host_calls: HOST_CALLS,
            log_lines: LOG_LINES,
            http_calls: HTTP_CALLS,
            rows: ROWS_WRITTEN,
            met: None,
        }
    }

    fn meet(&mut self, what: String) {
        self.met.get_or_insert(what);
    }

    /// One more call of the host. Above the limit the guest is stopped, since a guest that floods does not read answers.
    pub fn host_call(&mut self) -> Result<(), wasmtime::Error> {
        match self.host_calls.checked_sub(1) {
            Some(left) => {
                self.host_calls = left;
                Ok(())
            }
            None => {
                let said = format!("it called the host more than {HOST_CALLS} times");
                self.meet(said.clone());
                Err(wasmtime::Error::msg(said))
            }
        }
    }

    /// One more line of log; false: leave it out.
    pub fn log_line(&mut self) -> bool {
        let left = self.log_lines;
        self.log_lines = left.saturating_sub(1);
        left > 0
    }

    pub fn http_call(&mut self) -> Result<(), String> {
        self.http_calls =
            self.http_calls.checked_sub(1).ok_or(format!("more than {HTTP_CALLS} requests in one call"))?;
        Ok(())
    }

    pub fn write_rows(&mut self, rows: usize) -> Result<(), String> {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        self.rows =
            self.rows.checked_sub(rows).ok_or(format!("more than {ROWS_WRITTEN} records written in one call"))?;
        Ok(())
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        if more > self.memory_left {
            self.meet(format!("it asked for more than {} MB of memory", self.memory_bytes >> 20));
            return Ok(false);
        }
        self.memory_left -= more;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        if more > self.tables_left {
            self.meet(format!("it asked for tables of more than {TABLE_ELEMENTS} entries"));
            return Ok(false);
        }
        self.tables_left -= more;
        Ok(true)
    }

    fn instances(&self) -> usize {
        INSTANCES
    }

    fn tables(&self) -> usize {
        INSTANCES
    }

    fn memories(&self) -> usize {
        INSTANCES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_call_may_do_is_counted_and_then_refused_in_words() {
        let mut limits = Limits::new(MEMORY_BYTES);
        assert!(limits.write_rows(ROWS_WRITTEN as usize).is_ok());
        assert_eq!(limits.write_rows(1), Err("more than 5000 records written in one call".into()));
        assert!((0..HTTP_CALLS).all(|_| limits.http_call().is_ok()) && limits.http_call().is_err());
        assert!((0..LOG_LINES).all(|_| limits.log_line()) && !limits.log_line());
        assert!((0..HOST_CALLS).all(|_| limits.host_call().is_ok()) && limits.met.is_none());
        assert!(limits.host_call().is_err());
        assert_eq!(limits.met.as_deref(), Some("it called the host more than 1000 times"));
    }

    #[test]
    fn all_memories_and_tables_of_a_call_count_together() {
        let mut limits = Limits::new(2 << 20);
        assert!(limits.memory_growing(0, 1 << 20, None).unwrap() && limits.memory_growing(0, 1 << 20, None).unwrap());
        assert!(!limits.memory_growing(1 << 20, 2 << 20, None).unwrap());
        assert_eq!(limits.met.take().as_deref(), Some("it asked for more than 2 MB of memory"));
        assert!(limits.table_growing(0, TABLE_ELEMENTS, None).unwrap());
        assert!(!limits.table_growing(0, 1, None).unwrap() && limits.met.is_some());
    }
}
