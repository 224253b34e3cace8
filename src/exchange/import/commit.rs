//! Brings queued rows into the vault in batches: first the records they link to, then the rows. A row that the engine refuses is set
//! aside with its reason, and the others go in without it.

use kith_base::RecordId;
use kith_engine::{Command, EngineError, Fields};
use kith_model::Value;

use super::{
    job::{Job, Waiting},
    link::BATCH,
    report::Problem,
};
use crate::ExchangeError;

/// Stands in a row's place while its command is lent out.
const NOTHING: Command = Command::Restore { object: String::new(), id: RecordId([0; 16]) };

impl Job<'_, '_> {
    /// Commits what waits: first the records that rows link to, then the rows.
    pub(super) fn flush(&mut self) -> Result<(), ExchangeError> {
        self.flush_links()?;
        let mut waiting = std::mem::take(&mut self.waiting);
        while !waiting.is_empty() {
            let Err(error) = self.execute(&mut waiting) else {
                waiting.drain(..).for_each(|w| self.done(w));
                continue;
            };
            let at = self.at_fault(error.index(), &error, waiting.len())?;
            // What stands before the refused row is sound: it goes first, so that many refusals stay cheap.
            let mut rest = waiting.split_off(at);
            let refused = rest.remove(0);
            self.refuse_for(refused, &error);
            match self.execute(&mut waiting) {
                Ok(()) => {
                    waiting.drain(..).for_each(|w| self.done(w));
                    waiting = rest;
                }
                Err(again) => {
                    // Something changed in between: the loop finds the next one at fault.
                    self.at_fault(again.index(), &again, waiting.len())?;
                    waiting.append(&mut rest);
                }
            }
        }
        Ok(())
    }

    /// Runs the commands of rows as one transaction. They are lent to the engine: most rows are taken at the first attempt.
    fn execute(&self, rows: &mut [Waiting]) -> Result<(), EngineError> {
        let lend = |row: &mut Waiting| {
            self.ready(&mut row.command);
            std::mem::replace(&mut row.command, NOTHING)
        };
        let commands: Vec<Command> = rows.iter_mut().map(lend).collect();
        let done = self.session.engine.execute_lent(self.session.actor, &commands, self.session.commit());
        rows.iter_mut().zip(commands).for_each(|(row, command)| row.command = command);
        done.map(drop)
    }

    /// Place of the row that the engine refused.
    ///
    /// # Errors
    /// When the error is not about a row.
    fn at_fault(&self, index: Option<usize>, error: &EngineError, len: usize) -> Result<usize, ExchangeError> {
        let about_a_row =
            error.code().starts_with("record.") || matches!(error.code(), "access.denied" | "field.not_found");
        let index = index.or((len == 1).then_some(0));
        match index.filter(|at| *at < len && about_a_row) {
            Some(at) => Ok(at),
            None => Err(EngineError::Internal(error.to_string()).into()),
        }
    }

    fn flush_links(&mut self) -> Result<(), ExchangeError> {
        let mut pending = std::mem::take(&mut self.linker.pending);
        if self.session.dry {
            return Ok(());
        }
        while !pending.is_empty() {
            let batch = pending.len().min(BATCH);
            match self.session.engine.execute_lent(self.session.actor, &pending[..batch], self.session.commit()) {
                Ok(_) => {
                    pending.drain(..batch);
                }
                Err(error) => {
                    let at = self.at_fault(error.index(), &error, batch)?;
                    if let Command::Create { id: Some(id), object, .. } = pending.remove(at) {
                        self.linker.made.remove(&id);
                        self.broken_link(id, &object, &error);
                    }
                }
            }
        }
        Ok(())
    }

    /// A linked record that could not be made: its rows go in without it.
    fn broken_link(&mut self, id: RecordId, object: &str, error: &EngineError) {
        for waiting in &mut self.waiting {
            let (Command::Create { values: Fields::Parsed(values), .. }
            | Command::Update { values: Fields::Parsed(values), .. }) = &mut waiting.command
            else {
                continue;
            };
            let before = values.len();
            values.retain(|(_, value)| !matches!(value, Value::Link(to) if *to == id));
            let mut lost = values.len() < before;
            for (_, value) in values.iter_mut() {
                if let Value::Links(ids) = value {
                    let links = ids.len();
                    ids.retain(|to| *to != id);
                    lost |= ids.len() < links;
                }
            }
            if lost {
                waiting
                    .draft
                    .problems
                    .push(Problem::new("", format!("the linked record of '{object}' could not be made: {error}")));
            }
        }
    }

    /// Makes a command one that can be run now: a dry run has none of the records it would have made.
    fn ready(&self, command: &mut Command) {
        if !self.session.dry {
            return;
        }
        if let Command::Create { values: Fields::Parsed(values), .. }
        | Command::Update { values: Fields::Parsed(values), .. } = command
        {
            let made = &self.linker.made;
            values.retain(|(_, value)| !matches!(value, Value::Link(id) if made.contains(id)));
            for (_, value) in values.iter_mut() {
                if let Value::Links(ids) = value {
                    ids.retain(|id| !made.contains(id));
                }
            }
        }
    }
}
