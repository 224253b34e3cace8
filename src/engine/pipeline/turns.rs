//! Whose turn it is to write. Who comes while nobody writes does it on its own thread, which saves a lone writer two wake-ups; who comes
//! while a group is being synced waits in a queue, and a thread writes all that waits as the next group.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use kith_base::TimestampMs;
use kith_store::EntryDraft;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{
    erasing::{Erased, Erasure},
    head::Head,
    writer::{Job, Outcome, Transaction, Writer},
};
use crate::{EngineError, engine::Core};

/// Transactions that may wait. Callers beyond it block until there is room, which is the back-pressure.
const QUEUE: usize = 4_096;

/// The way to the writer.
pub(crate) struct WriterHandle {
    jobs: Sender<Job>,
    shared: Arc<Shared>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

struct Shared {
    writer: Mutex<Writer>,
    /// Jobs sent that nobody has begun: they go first.
    waiting: AtomicUsize,
}

/// What became of a transaction that was handed over without waiting.
pub(crate) enum Handed {
    Done(Outcome),
    Waits(oneshot::Receiver<Outcome>),
    /// Too many wait already.
    Full,
}

impl WriterHandle {
    pub fn start(core: Arc<Core>) -> Result<WriterHandle, EngineError> {
        let (jobs, waiting) = bounded(QUEUE);
        let shared = Arc::new(Shared { writer: Mutex::new(Writer::new(core)), waiting: AtomicUsize::new(0) });
        let writing = shared.clone();
        let thread = thread::Builder::new()
            .name("kith-writer".into())
            .spawn(move || writing.run(&waiting))
            .map_err(|e| EngineError::Internal(format!("the writer thread cannot start: {e}")))?;
        Ok(WriterHandle { jobs, shared, thread: Mutex::new(Some(thread)) })
    }

    /// Commits a transaction and returns its outcome.
    pub fn commit(&self, transaction: Box<Transaction>) -> Outcome {
        let (job, outcome) = commit_job(transaction);
        if let Some(job) = self.write_alone(job, |write| write())
            && !self.queue(job)
        {
            return Outcome::Refused(EngineError::Closing);
        }
        wait(outcome).unwrap_or(Outcome::Refused(EngineError::Closing))
    }

    /// Commits a transaction where nobody else is writing, and queues it otherwise. Waits for nothing but the disk, and for that
    /// inside of `aside`.
    pub fn hand_over(&self, transaction: Box<Transaction>, aside: impl FnOnce(&mut dyn FnMut())) -> Handed {
        let (job, mut outcome) = commit_job(transaction);
        let Some(job) = self.write_alone(job, aside) else {
            return Handed::Done(outcome.try_recv().unwrap_or(Outcome::Refused(EngineError::Closing)));
        };
        self.shared.waiting.fetch_add(1, Ordering::SeqCst);
        match self.jobs.try_send(job) {
            Ok(()) => Handed::Waits(outcome),
            Err(error) => {
                self.shared.waiting.fetch_sub(1, Ordering::SeqCst);
                match error {
                    TrySendError::Full(_) => Handed::Full,
                    TrySendError::Disconnected(_) => Handed::Done(Outcome::Refused(EngineError::Closing)),
                }
            }
        }
    }

    /// Appends an entry that changes no record and returns its number once it is durable.
    pub fn note(&self, time_ms: TimestampMs, head: &Head) -> Result<u64, EngineError> {
        let draft = EntryDraft { time_ms, head: head.encode()?, changes: Vec::new() };
        let (reply, outcome) = oneshot::channel();
        if !self.queue(Job::Note(draft, reply)) {
            return Err(EngineError::Closing);
        }
        wait(outcome).unwrap_or(Err(EngineError::Closing))
    }

    /// Erases for good; what is queued before it is written first.
    pub fn erase(&self, erasure: Erasure) -> Result<Erased, EngineError> {
        let (reply, outcome) = oneshot::channel();
        if !self.queue(Job::Erase((Box::new(erasure), reply))) {
            return Err(EngineError::Closing);
        }
        wait(outcome).unwrap_or(Err(EngineError::Closing))
    }

    pub fn queued(&self) -> usize {
        self.jobs.len()
    }

    /// Lets what is queued finish, then ends the thread. Calls that come later are refused.
    pub fn stop(&self) {
        let Some(thread) = self.thread.lock().take() else { return };
        if self.queue(Job::Stop) && thread.join().is_err() {
            tracing::error!("the writer thread ended in a panic; what it acknowledged is safe in the journal");
        }
    }

    /// False: nothing is taken any more.
    fn queue(&self, job: Job) -> bool {
        self.shared.waiting.fetch_add(1, Ordering::SeqCst);
        let sent = self.jobs.send(job).is_ok();
        if !sent {
            self.shared.waiting.fetch_sub(1, Ordering::SeqCst);
        }
        sent
    }

    /// Writes the job on this thread, unless others are writing or wait to: then it is given back.
    fn write_alone(&self, job: Job, aside: impl FnOnce(&mut dyn FnMut())) -> Option<Job> {
        if self.shared.waiting.load(Ordering::SeqCst) > 0 {
            return Some(job);
        }
        let Some(mut writer) = self.shared.writer.try_lock().filter(|writer| writer.is_free()) else {
            return Some(job);
        };
        let mut job = Some(job);
        aside(&mut || {
            if let Some(job) = job.take() {
                writer.work(job, &mut || None);
            }
        });
        job
    }
}

impl Drop for WriterHandle {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn run(&self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut writer = self.writer.lock();
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            let mut next = || {
                let job = jobs.try_recv().ok()?;
                self.waiting.fetch_sub(1, Ordering::SeqCst);
                Some(job)
            };
            if !writer.work(first, &mut next) {
                break;
            }
        }
        while let Ok(job) = jobs.try_recv() {
            job.refuse();
        }
    }
}

fn commit_job(transaction: Box<Transaction>) -> (Job, oneshot::Receiver<Outcome>) {
    let (reply, outcome) = oneshot::channel();
    (Job::Commit(transaction, reply), outcome)
}

/// Waits on this thread, whatever it is; the runtime's own way refuses some.
fn wait<T>(answer: oneshot::Receiver<T>) -> Option<T> {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let (mut context, mut answer) = (Context::from_waker(&waker), pin!(answer));
    loop {
        match answer.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return answer.ok(),
            Poll::Pending => thread::park(),
        }
    }
}
