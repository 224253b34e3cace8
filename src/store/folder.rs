//! Names and habits of the data folder: where things lie, how a small file is replaced whole, how a folder is synced, who
//! holds the lock. Knows nothing of what is inside the files.
//!
//! All writes and syncs of this crate go through `std::fs`, so that the tests' file layer sees every one of them.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::{StoreError, error::at};

/// Paths inside a data folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder(pub PathBuf);

impl Folder {
    pub fn vault(&self) -> PathBuf {
        self.0.join("vault.age")
    }
    /// The identity that the passphrase stands for, locked with it. Missing when no passphrase opens the vault.
    pub fn passphrase(&self) -> PathBuf {
        self.0.join("passphrase.age")
    }
    pub fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }
    pub fn checkpoint(&self) -> PathBuf {
        self.journal().join("checkpoint")
    }
    pub fn cursors(&self) -> PathBuf {
        self.journal().join("cursors")
    }
    /// Present while an erasure is under way.
    pub fn erasing(&self) -> PathBuf {
        self.journal().join("erasing")
    }
    /// How far old values have been sealed again; present while that is under way.
    pub fn resealing(&self) -> PathBuf {
        self.journal().join("resealing")
    }
    pub fn records(&self) -> PathBuf {
        self.0.join("store")
    }
    /// A record store that is being built; it becomes `store` by a rename.
    pub fn records_new(&self) -> PathBuf {
        self.0.join("store.new")
    }
    /// The last record store that had to be replaced, kept for a look.
    pub fn records_damaged(&self) -> PathBuf {
        self.0.join("store.damaged")
    }
    pub fn files(&self) -> PathBuf {
        self.0.join("files")
    }
    pub fn lock(&self) -> PathBuf {
        self.0.join("kith.lock")
    }
}

/// Creates a folder for this user only, and syncs the folder above so that it survives a power cut.
pub(crate) fn make_folder(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(at(path))?;
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
        sync_folder(above)?;
    }
    Ok(())
}

/// Makes births, renames and deletions in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(at(path))
}

/// Syncs every file and folder below `path`, and `path`.
pub(crate) fn sync_tree(path: &Path) -> Result<(), StoreError> {
    for item in fs::read_dir(path).map_err(at(path))? {
        let item = item.map_err(at(path))?.path();
        if item.is_dir() {
            sync_tree(&item)?;
        } else {
            File::open(&item).and_then(|file| file.sync_all()).map_err(at(&item))?;
        }
    }
    sync_folder(path)
}

/// Creates a file for this user only; an older one is emptied.
pub(crate) fn create_file(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true).mode(0o600).open(path).map_err(at(path))
}

/// Replaces a file whole: after a power cut the old content is there or the new one, never a mixture.
pub(crate) fn replace_file(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let aside = path.with_extension("tmp");
    let mut file = create_file(&aside)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(at(&aside))?;
    fs::rename(&aside, path).map_err(at(path))?;
    sync_parent(path)
}

/// Removes a file, if it is there, for good.
pub(crate) fn remove_file(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Ok(()) => sync_parent(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(at(path)(error)),
    }
}

/// Removes a folder with everything in it, if it is there.
pub(crate) fn remove_folder(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Ok(()) => sync_parent(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(at(path)(error)),
    }
}

/// Renames within one folder and syncs it.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(at(to))?;
    sync_parent(to)
}

pub(crate) fn sync_parent(path: &Path) -> Result<(), StoreError> {
    path.parent().map_or(Ok(()), sync_folder)
}

/// The whole content of a small file; `None` when it is missing.
pub(crate) fn read_file(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path)(error)),
    }
}

/// Bytes that the files below a folder occupy on the disk.
pub(crate) fn disk_bytes(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(list) = fs::read_dir(path) else { return 0 };
    list.flatten()
        .map(|item| match item.metadata() {
            Ok(meta) if meta.is_dir() => disk_bytes(&item.path()),
            Ok(meta) => meta.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

/// Held while the store is open; released by the system when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct FolderLock(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

impl FolderLock {
    pub fn take(folder: &Folder) -> Result<FolderLock, StoreError> {
        let path = folder.lock();
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(at(&path))?;
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                // The number only helps the reader of the message; the lock itself is what counts.
                file.take(20).read_to_string(&mut holder).unwrap_or(0);
                let holder = holder.trim();
                let shown = if holder.is_empty() { String::new() } else { format!(" (number {holder})") };
                return Err(StoreError::Locked(shown));
            }
            Err(error) => return Err(at(&path)(error.into())),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(at(&path))?;
        Ok(FolderLock(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_on_the_folder_is_refused_and_names_the_holder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder(dir.path().to_path_buf());
        let held = FolderLock::take(&folder).unwrap();
        let refused = FolderLock::take(&folder).unwrap_err();
        assert_eq!(refused.code(), "store.locked");
        assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
        drop(held);
        FolderLock::take(&folder).unwrap();
    }

    #[test]
    fn a_file_is_replaced_whole_and_leaves_nothing_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("checkpoint");
        replace_file(&path, b"one").unwrap();
        replace_file(&path, b"two").unwrap();
        assert_eq!(read_file(&path).unwrap().unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
