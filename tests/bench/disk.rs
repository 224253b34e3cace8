//! What the disk itself takes: the measure that durable writes are compared with.

use std::{
    fs::OpenOptions,
    io::{Seek, SeekFrom, Write},
    path::Path,
    time::{Duration, Instant},
};

/// Times of a 4 KiB write and its `fdatasync` into a file that already has its size, as the journal's segments have.
pub fn sync_times(folder: &Path) -> Vec<Duration> {
    let path = folder.join("sync-probe");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path).expect("a file");
    file.write_all(&vec![0; 4 << 20]).expect("room");
    file.sync_all().expect("a sync");
    let times = (0..400)
        .map(|n| {
            file.seek(SeekFrom::Start(n * 4096)).expect("a place");
            let began = Instant::now();
            file.write_all(&[n as u8; 4096]).expect("room");
            file.sync_data().expect("a sync");
            began.elapsed()
        })
        .collect();
    let _ = std::fs::remove_file(&path);
    times
}
