//! Where a backup goes: a file that is written aside under a name nobody takes for a backup, synced and renamed, so that a file with a
//! backup's name is always whole.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use crate::{BackupError, Kind};

/// How the names of backups end.
pub const ENDING: &str = ".tar.age";
const ASIDE: &str = ".incoming";

/// `kith-20260301T120000Z-full-0a1b2c3d.tar.age`: sorts by time, says what it is, and nothing of what is inside.
pub fn name(at_ms: i64, kind: Kind, id: &str) -> String {
    let time = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    let short: String = id.chars().filter(char::is_ascii_hexdigit).rev().take(8).collect();
    format!("kith-{}-{}-{short}{ENDING}", time.strftime("%Y%m%dT%H%M%SZ"), kind.name())
}

/// Whether a file's name is one that `name` makes.
pub fn is_backup_name(name: &str) -> bool {
    name.starts_with("kith-") && name.ends_with(ENDING)
}

/// A file under way.
pub struct Target {
    path: PathBuf,
    aside: PathBuf,
    file: Option<File>,
}

impl Target {
    /// Starts a file in a folder, which is made when missing.
    ///
    /// # Errors
    /// `backup.exists`, `backup.target`.
    pub fn create(path: &Path) -> Result<Target, BackupError> {
        let shown = path.display().to_string();
        let wrong = BackupError::target(&shown);
        if path.exists() {
            return Err(BackupError::Exists { path: shown });
        }
        let folder = folder_of(path);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(&wrong)?;
        clear(&folder);
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(ASIDE);
        let aside = folder.join(name);
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(&aside).map_err(&wrong)?;
        // Tells the next run that somebody is still at it; a kill lets go of it.
        file.try_lock().map_err(|_| BackupError::Busy)?;
        file.set_len(0).map_err(&wrong)?;
        Ok(Target { path: path.to_path_buf(), aside, file: Some(file) })
    }

    /// The file to write to.
    ///
    /// # Errors
    /// `backup.target` when the system gives no second handle.
    pub fn file(&self) -> Result<File, BackupError> {
        let wrong = BackupError::target(&self.path.display().to_string());
        match &self.file {
            Some(file) => file.try_clone().map_err(wrong),
            None => Err(wrong(io::Error::other("closed"))),
        }
    }

    /// Makes it durable and gives it its name. Returns its size.
    ///
    /// # Errors
    /// `backup.target`, `backup.exists`.
    pub fn finish(mut self) -> Result<u64, BackupError> {
        let shown = self.path.display().to_string();
        let wrong = BackupError::target(&shown);
        let file = self.file.take().ok_or_else(|| wrong(io::Error::other("closed")))?;
        file.sync_all().map_err(&wrong)?;
        let bytes = file.metadata().map_err(&wrong)?.len();
        // A hard link never replaces what somebody else put there meanwhile; where links are not to be had, a rename has to do.
        match fs::hard_link(&self.aside, &self.path) {
            Ok(()) => fs::remove_file(&self.aside).map_err(&wrong)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(BackupError::Exists { path: shown });
            }
            Err(_) => fs::rename(&self.aside, &self.path).map_err(&wrong)?,
        }
        File::open(folder_of(&self.path)).and_then(|folder| folder.sync_all()).map_err(&wrong)?;
        Ok(bytes)
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // Unfinished: nothing of it is kept. What cannot be removed now is removed by the next run.
        let _ = fs::remove_file(&self.aside);
    }
}

pub fn folder_of(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Removes what killed runs left in a folder.
fn clear(folder: &Path) {
    let Ok(items) = fs::read_dir(folder) else { return };
    for item in items.flatten() {
        let name = item.file_name().to_string_lossy().into_owned();
        if name.starts_with("kith-")
            && name.ends_with(ASIDE)
            && File::open(item.path()).is_ok_and(|f| f.try_lock().is_ok())
        {
            let _ = fs::remove_file(item.path());
        }
    }
}

/// Replaces a small file whole.
///
/// # Errors
/// `backup.target`.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), BackupError> {
    let wrong = BackupError::target(&path.display().to_string());
    let folder = folder_of(path);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(&wrong)?;
    let mut file = tempfile::Builder::new().prefix("kith-").suffix(ASIDE).tempfile_in(&folder).map_err(&wrong)?;
    io::Write::write_all(&mut file, content).and_then(|()| file.as_file().sync_all()).map_err(&wrong)?;
    file.persist(path).map_err(|error| wrong(error.error))?;
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(&wrong)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn names_sort_by_time_and_are_known_again() {
        let early = name(1_772_366_400_000, Kind::Full, "0199f2c4-5d1e-7a90-8c3b-2f6d4e8a1b07");
        let late = name(1_772_366_401_000, Kind::Incremental, "x");
        assert!(early < late && early.starts_with("kith-20260301T120000Z-full-"), "{early}");
        assert!(is_backup_name(&early) && !is_backup_name("kith-erasures-0a.age") && !is_backup_name("x.tar.age"));
    }

    #[test]
    fn an_unfinished_file_leaves_nothing_and_a_finished_one_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/kith-a.tar.age");
        let target = Target::create(&path).unwrap();
        target.file().unwrap().write_all(b"half").unwrap();
        assert!(matches!(Target::create(&path), Err(BackupError::Busy)));
        drop(target);
        assert_eq!(fs::read_dir(dir.path().join("deep")).unwrap().count(), 0);
        fs::write(dir.path().join("deep/kith-killed.tar.age.incoming"), "half").unwrap();
        let target = Target::create(&path).unwrap();
        target.file().unwrap().write_all(b"whole").unwrap();
        assert_eq!(target.finish().unwrap(), 5);
        assert_eq!(fs::read_dir(dir.path().join("deep")).unwrap().count(), 1);
        assert_eq!(Target::create(&path).err().unwrap().code(), "backup.exists");
    }
}
