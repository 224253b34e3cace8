//! `journal/cursors`: how far each reader of the journal has come. Sealed, small, replaced whole; the file before it is kept,
//! since a reader that falls back a little does some work twice, while one that starts over would send every mail again.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use parking_lot::Mutex;

use crate::{
    StoreError,
    api::check_size,
    error::at,
    folder::{Folder, create_file, read_file, sync_parent},
    seal::{Keys, NO_HASH, Nonces, Place, Unopened},
};

/// Version byte of the cursors' content; the seal has its own.
const CURSORS_FORMAT: u8 = 1;
/// Bytes of a cursor's name.
const NAME_BYTES_MAX: usize = 200;

pub(crate) struct Cursors {
    path: PathBuf,
    keys: Arc<Keys>,
    positions: Mutex<BTreeMap<String, u64>>,
}

impl Cursors {
    /// Reads the cursors; the note says so when the file before had to be used.
    pub fn open(
        folder: &Folder,
        keys: &Arc<Keys>,
        may_be_missing: bool,
    ) -> Result<(Cursors, Option<String>), StoreError> {
        let path = folder.cursors();
        let cursors = |positions| Cursors { path: path.clone(), keys: keys.clone(), positions: Mutex::new(positions) };
        if let Some(positions) = read(&path, keys)? {
            return Ok((cursors(positions), None));
        }
        if let Some(positions) = read(&before(&path), keys)? {
            let note = "the cursors of the journal's readers were damaged; the ones before were taken, so some events may be handled twice";
            return Ok((cursors(positions), Some(note.into())));
        }
        if !may_be_missing {
            let what = "the positions of the journal's readers are lost".into();
            return Err(StoreError::Damaged { place: "journal/cursors".into(), seq: 0, what });
        }
        let fresh = cursors(BTreeMap::new());
        fresh.write(&BTreeMap::new())?;
        Ok((fresh, None))
    }

    pub fn get(&self, name: &str) -> u64 {
        self.positions.lock().get(name).copied().unwrap_or(0)
    }

    pub fn all(&self) -> Vec<(String, u64)> {
        self.positions.lock().iter().map(|(name, seq)| (name.clone(), *seq)).collect()
    }

    pub fn set(&self, name: &str, seq: u64) -> Result<(), StoreError> {
        check_size("the name of a cursor", name.len(), NAME_BYTES_MAX)?;
        let mut positions = self.positions.lock();
        let mut changed = positions.clone();
        changed.insert(name.to_string(), seq);
        self.write(&changed)?;
        *positions = changed;
        Ok(())
    }

    /// Writes both files anew, so that neither is sealed with an earlier key.
    pub fn reseal(&self) -> Result<(), StoreError> {
        let positions = self.positions.lock();
        self.write(&positions)?;
        self.write(&positions)
    }

    fn write(&self, positions: &BTreeMap<String, u64>) -> Result<(), StoreError> {
        use std::io::Write;
        let wrong = |cause: String| StoreError::Io { path: self.path.display().to_string(), cause };
        let plain = postcard::to_extend(positions, vec![CURSORS_FORMAT]).map_err(|error| wrong(error.to_string()))?;
        let sealed = self.keys.ring().seal(&plain, Place::Cursors, &mut Nonces::new(1)?)?;
        let aside = self.path.with_extension("tmp");
        create_file(&aside).and_then(|mut f| f.write_all(&sealed.0).and_then(|()| f.sync_all()).map_err(at(&aside)))?;
        if self.path.exists() {
            std::fs::rename(&self.path, before(&self.path)).map_err(at(&self.path))?;
        }
        std::fs::rename(&aside, &self.path).map_err(at(&self.path))?;
        sync_parent(&self.path)
    }
}

fn before(path: &std::path::Path) -> PathBuf {
    path.with_extension("before")
}

/// `None` when missing or damaged.
fn read(path: &std::path::Path, keys: &Keys) -> Result<Option<BTreeMap<String, u64>>, StoreError> {
    let Some(sealed) = read_file(path)? else { return Ok(None) };
    let newer = |found| StoreError::NewerFormat { place: "journal/cursors".into(), found, known: CURSORS_FORMAT };
    match keys.ring().unseal(&sealed, Place::Cursors, &NO_HASH) {
        Ok(plain) => match plain.first() {
            Some(&CURSORS_FORMAT) => Ok(postcard::from_bytes(&plain[1..]).ok()),
            Some(&found) if found > CURSORS_FORMAT => Err(newer(found)),
            _ => Ok(None),
        },
        Err(Unopened::Newer(_) | Unopened::UnknownKey(_) | Unopened::Damaged) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::tests::keys;

    #[test]
    fn a_damaged_file_falls_back_to_the_one_before_and_never_to_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, keys) = (Folder(dir.path().to_path_buf()), Arc::new(keys()));
        std::fs::create_dir(folder.journal()).unwrap();
        let (cursors, note) = Cursors::open(&folder, &keys, true).unwrap();
        assert!(note.is_none() && cursors.get("search") == 0);
        cursors.set("search", 5).unwrap();
        cursors.set("search", 6).unwrap();
        assert_eq!(Cursors::open(&folder, &keys, false).unwrap().0.get("search"), 6);
        std::fs::write(folder.cursors(), b"rubbish").unwrap();
        let (cursors, note) = Cursors::open(&folder, &keys, false).unwrap();
        assert!(note.unwrap().contains("twice"));
        assert_eq!(cursors.get("search"), 5);
        std::fs::remove_file(folder.cursors()).unwrap();
        std::fs::remove_file(before(&folder.cursors())).unwrap();
        assert_eq!(Cursors::open(&folder, &keys, false).err().unwrap().code(), "store.damaged");
    }
}
