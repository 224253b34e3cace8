//! A change for a caller who must not wait, such as a task of the server: prepared on the spot, since that only takes microseconds of
//! computing, and awaited while the journal is synced. Does nothing that may take long: that is handed back, to be run by `execute`
//! where waiting is fine.

use tokio::runtime::{Handle, RuntimeFlavor};

use super::{commit::Drafted, prepare::Rights, turns::Handed, writer::Outcome};
use crate::{Actor, Command, CommitOptions, Engine, EngineError, Record, access::last_admin};

/// Commands that are prepared on the spot; more take noticeable time.
const COMMANDS_MAX: usize = 8;

/// What became of commands that were not to wait.
pub enum Here {
    /// As `Engine::execute` would have returned it.
    Done(Result<Vec<Record>, EngineError>),
    /// Nothing was done: they may take long. To be run by `Engine::execute`, away from the async runtime.
    Elsewhere(Vec<Command>, CommitOptions),
}

impl Engine {
    /// As `execute`, without blocking the thread it is called on.
    pub async fn execute_here(&self, actor: &Actor, commands: Vec<Command>, options: CommitOptions) -> Here {
        if !self.is_quick(&commands) {
            return Here::Elsewhere(commands, options);
        }
        match self.try_here(actor, &commands, options.clone()).await {
            Some(outcome) => Here::Done(self.ended(actor, Rights::Actor, &commands, outcome)),
            None => Here::Elsewhere(commands, options),
        }
    }

    /// None: it has to be done again, with patience.
    async fn try_here(
        &self,
        actor: &Actor,
        commands: &[Command],
        options: CommitOptions,
    ) -> Option<Result<Vec<Record>, EngineError>> {
        let drafted = self.asked(actor, Rights::Actor, commands, options).and_then(|asked| {
            let fresh = asked.stamp.as_ref().is_none_or(|stamp| self.core().idempotency.is_fresh(stamp));
            if fresh { self.draft(&asked).map(Some) } else { Ok(None) }
        });
        let (transaction, kept) = match drafted {
            Err(error) => return Some(Err(error)),
            Ok(None) => return None,
            Ok(Some(Drafted::Answered(records))) => return Some(Ok(records)),
            Ok(Some(Drafted::Ready(transaction, kept))) => (transaction, kept),
        };
        let outcome = match self.writer().hand_over(transaction, |write| tokio::task::block_in_place(write)) {
            Handed::Done(outcome) => outcome,
            Handed::Waits(answer) => answer.await.unwrap_or(Outcome::Refused(EngineError::Closing)),
            Handed::Full => return None,
        };
        match outcome {
            Outcome::Done(written) => Some(Ok(self.answers(&kept.results, written, kept.unchanged))),
            Outcome::Refused(error) => Some(Err(error)),
            Outcome::Replay | Outcome::Stale => None,
        }
    }

    /// Whether nothing about these commands may take long, as far as one can tell beforehand.
    fn is_quick(&self, commands: &[Command]) -> bool {
        let core = self.core();
        (1..=COMMANDS_MAX).contains(&commands.len())
            && !last_admin::concerns(commands)
            // What comes and goes while running may call anything.
            && core.late_hooks.try_read().is_some_and(|hooks| {
                !hooks.iter().any(|hook| commands.iter().any(|command| hook.concerns(command.object())))
            })
            && core.image.is_calm()
            // Only there a thread may write while another takes over its tasks.
            && Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
    }
}
