//! Makes sled's syncs real. sled 0.34 calls `sync_file_range`, which leaves data in the disk's own cache and metadata
//! unwritten; this crate's function of the same name takes its place at link time and calls `fdatasync`. It does nothing
//! else, and [`durable_syncs`] lets the store prove at every opening that it is the one in use.

use std::sync::atomic::{AtomicU64, Ordering};

static SYNCS: AtomicU64 = AtomicU64::new(0);

// The C library's function rather than a direct system call, so that the tests' file layer sees it.
#[allow(unsafe_code)]
unsafe extern "C" {
    safe fn fdatasync(fd: i32) -> i32;
}

/// Takes the place of the C library's function. 0, or -1 with `errno` set, like the original.
// Exported by name on purpose: see the top of this file.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn sync_file_range(fd: i32, _offset: i64, _bytes: i64, _flags: u32) -> i32 {
    SYNCS.fetch_add(1, Ordering::Relaxed);
    fdatasync(fd)
}

/// How many syncs came through here so far.
pub(crate) fn durable_syncs() -> u64 {
    SYNCS.load(Ordering::Relaxed)
}
