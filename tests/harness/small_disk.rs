//! A file system of its own that fills up quickly, where this machine allows one to be mounted.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Unmounted when dropped.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where this machine does not allow it; says so.
    pub fn mount(at: &Path, bytes: u64) -> Option<SmallDisk> {
        std::fs::create_dir_all(at).expect("a folder to mount on");
        let options = format!("size={bytes},mode=700");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).status();
        if done.is_ok_and(|status| status.success()) {
            return Some(SmallDisk(at.to_path_buf()));
        }
        println!("skipped: this machine does not allow a small file system");
        None
    }

    /// Fills it until `left` bytes are free, and gives the file that takes the space.
    pub fn fill(&self, left: u64) -> PathBuf {
        let stat = rustix::fs::statvfs(&self.0).expect("the size of the small disk");
        let free = stat.f_bavail * stat.f_frsize;
        let ballast = self.0.join("ballast");
        let file = std::fs::File::create(&ballast).expect("a file");
        let bytes = free.saturating_sub(left);
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes.max(1)).expect("space for it");
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
