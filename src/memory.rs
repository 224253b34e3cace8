//! The allocator, and the thread that makes it give back what it keeps. Decides nothing about who holds memory.

use std::time::Duration;

/// Without huge pages (a feature in `Cargo.toml`): one small value kept alive would hold two megabytes, which tripled what an empty
/// server takes, and nothing ran slower without them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often freed memory goes back to the system. The allocator itself only thinks of it while it allocates, so a server at rest would
/// keep what its last import took; giving back at once would cost every request a third of its speed.
const EVERY: Duration = Duration::from_secs(2);

/// Gives freed memory back from now on, for as long as the process lives.
pub fn give_back() {
    let work = || {
        loop {
            std::thread::sleep(EVERY);
            collect();
        }
    };
    if let Err(error) = std::thread::Builder::new().name("kith-memory".into()).spawn(work) {
        tracing::warn!(%error, "no thread to give memory back; the process keeps what it once took");
    }
}

#[allow(unsafe_code)]
fn collect() {
    // SAFETY: may be called at any time and on any thread; it touches nothing but the allocator's own state.
    unsafe { libmimalloc_sys::mi_collect(true) }
}
