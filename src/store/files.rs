//! `files/`: attachments and exports as age files, encrypted to an identity that only the vault holds. Streams in both
//! directions; knows nothing of who owns a file.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use age::x25519::Identity;
use sha2::{Digest, Sha256};

use crate::{
    Finding, StoreError, Vault,
    error::{at, from_io},
    folder::{Folder, create_file, disk_bytes, make_folder, remove_file, rename},
};

const INCOMING: &str = ".incoming";
/// What an error calls the source of a file that is being stored.
const INCOMING_SHOWN: &str = "incoming file";
const NAME_CHARS: usize = 32;

/// A file that is safely stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredFile {
    /// The name to open it by: 32 hexadecimal digits.
    pub name: String,
    pub size_bytes: u64,
    pub sha256: [u8; 32],
}

/// The files of a data folder.
#[derive(Clone, Debug)]
pub struct Files {
    path: PathBuf,
    vault: Vault,
}

/// Reads a stored file; seeks within its plain content.
pub struct FileReader(age::stream::StreamReader<BufReader<File>>);

impl Files {
    /// Opens `files/` and removes what an interrupted `put` left there. The caller holds the folder's lock.
    pub fn open(folder: &Path, vault: &Vault) -> Result<Files, StoreError> {
        let path = Folder(folder.to_path_buf()).files();
        make_folder(&path)?;
        for item in fs::read_dir(&path).map_err(at(&path))?.flatten() {
            if item.file_name().to_string_lossy().ends_with(INCOMING) {
                remove_file(&item.path())?;
            }
        }
        Ok(Files { path, vault: vault.clone() })
    }

    /// The files of a folder whose `files/` was opened before.
    pub(crate) fn of(folder: &Folder, vault: &Vault) -> Files {
        Files { path: folder.files(), vault: vault.clone() }
    }

    /// Stores all that `content` gives, up to `limit_bytes`. Durable on return.
    ///
    /// # Errors
    /// `store.too_large` beyond the limit, `store.disk_full`, or the reader's own error as `store.io`; nothing is kept then.
    pub fn put(&self, content: &mut dyn Read, limit_bytes: u64) -> Result<StoredFile, StoreError> {
        self.put_as(&random_name()?, content, limit_bytes)
    }

    /// As `put`, under a name that a store gave out before: for a file that comes back from a backup.
    ///
    /// # Errors
    /// As `put`; `store.no_such_file` for anything but a store's own name.
    pub fn put_as(&self, name: &str, content: &mut dyn Read, limit_bytes: u64) -> Result<StoredFile, StoreError> {
        let place = self.place(name)?;
        let name = name.to_string();
        let aside = self.path.join(format!("{name}{INCOMING}"));
        let key = self.newest()?;
        let written = self.write(&aside, &key, content, limit_bytes).and_then(|stored| {
            let _changing = self.vault.0.files_changing.lock();
            // A long upload may end after the key it began with has been replaced, and that key may go at any moment.
            if key.to_public().to_string() != self.newest()?.to_public().to_string() {
                let anew = self.path.join(format!("{name}.anew{INCOMING}"));
                self.encrypt_anew(&aside, &anew, std::slice::from_ref(&key), &name)?;
                rename(&anew, &aside)?;
            }
            rename(&aside, &place)?;
            Ok(stored)
        });
        match written {
            Ok((size_bytes, sha256)) => Ok(StoredFile { name, size_bytes, sha256 }),
            Err(error) => {
                // The first error is the one to tell; what stays behind is removed at the next start.
                let _ = fs::remove_file(&aside);
                Err(error)
            }
        }
    }

    /// The key that new files are encrypted to.
    fn newest(&self) -> Result<Identity, StoreError> {
        let newest = self.vault.0.ring().files.last().cloned();
        newest.ok_or(StoreError::Io { path: "vault".into(), cause: "no key for files".into() })
    }

    fn write(
        &self,
        path: &Path,
        key: &Identity,
        content: &mut dyn Read,
        limit: u64,
    ) -> Result<(u64, [u8; 32]), StoreError> {
        let shown = path.display().to_string();
        let wrong = |error: io::Error| from_io(&shown, &error);
        let recipient = key.to_public();
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
            .map_err(|error| StoreError::Io { path: shown.clone(), cause: error.to_string() })?;
        let mut stream = encryptor.wrap_output(BufWriter::new(create_file(path)?)).map_err(wrong)?;
        let (mut size, mut sha256) = (0u64, Sha256::new());
        let mut piece = vec![0; 64 * 1024];
        loop {
            let got = match content.read(&mut piece) {
                Ok(0) => break,
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(StoreError::Io { path: INCOMING_SHOWN.into(), cause: error.to_string() }),
            };
            size += got as u64;
            if size > limit {
                let (bytes, limit) = (size as usize, limit as usize);
                return Err(StoreError::TooLarge { what: "a file", bytes, limit });
            }
            sha256.update(&piece[..got]);
            stream.write_all(&piece[..got]).map_err(wrong)?;
        }
        let file = stream.finish().and_then(|buffer| buffer.into_inner().map_err(|e| e.into_error())).map_err(wrong)?;
        file.sync_all().map_err(wrong)?;
        Ok((size, sha256.finalize().into()))
    }

    /// Keeps a small content of Kith's own under a label, in place of what was there. Durable on return.
    pub fn keep(&self, label: &str, content: &[u8]) -> Result<(), StoreError> {
        self.put_as(&self.name_of(label), &mut &content[..], content.len() as u64).map(drop)
    }

    /// What was last kept under the label.
    ///
    /// # Errors
    /// `store.damaged` when it does not open to its end.
    pub fn kept(&self, label: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = self.name_of(label);
        let mut content = Vec::new();
        match self.read(&name) {
            Err(StoreError::NoSuchFile(_)) => Ok(None),
            Err(error) => Err(error),
            Ok(mut file) => match file.read_to_end(&mut content) {
                Ok(_) => Ok(Some(content)),
                Err(error) => {
                    Err(StoreError::Damaged { place: format!("files/{name}"), seq: 0, what: error.to_string() })
                }
            },
        }
    }

    /// Removes what was kept under the label; nothing kept is no error.
    pub fn forget(&self, label: &str) -> Result<(), StoreError> {
        self.remove(&self.name_of(label))
    }

    /// Labels stay out of the folder: the name is a hash that differs from vault to vault.
    fn name_of(&self, label: &str) -> String {
        let hash = blake3::Hasher::new().update(&self.vault.0.vault_id).update(label.as_bytes()).finalize();
        hash.to_hex()[..NAME_CHARS].to_string()
    }

    /// Opens a stored file for reading. Damage shows while reading, as an error.
    ///
    /// # Errors
    /// `store.no_such_file`; `store.damaged` when its beginning does not open.
    pub fn read(&self, name: &str) -> Result<FileReader, StoreError> {
        let file = open_file(&self.place(name)?, name)?;
        // The keys after the file: whichever it is encrypted to is among them.
        let ring = self.vault.0.ring();
        decrypt(file, &ring.files, name)
    }

    /// Encrypts a stored file to the newest key, unless it is already; gives its bytes when there was something to do.
    pub(crate) fn reseal(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let path = self.place(name)?;
        let file = match open_file(&path, name) {
            Ok(file) => file,
            Err(StoreError::NoSuchFile(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let bytes = file.metadata().map_err(at(&path))?.len();
        if is_for(file, &self.newest()?, name)? {
            return Ok(None);
        }
        let aside = self.path.join(format!("{name}{INCOMING}"));
        let anew = self.encrypt_anew(&path, &aside, &self.vault.0.ring().files, name).and_then(|()| {
            let _changing = self.vault.0.files_changing.lock();
            // Removed meanwhile: it must not come back.
            if path.exists() { rename(&aside, &path) } else { fs::remove_file(&aside).map_err(at(&aside)) }
        });
        if anew.is_err() {
            // The first error is the one to tell; what stays behind is removed at the next start.
            let _ = fs::remove_file(&aside);
        }
        anew.map(|()| Some(bytes))
    }

    /// Writes what `from` holds, encrypted to one of `keys`, to the file `to`, encrypted to the newest key.
    fn encrypt_anew(&self, from: &Path, to: &Path, keys: &[Identity], name: &str) -> Result<(), StoreError> {
        let mut plain = decrypt(open_file(from, name)?, keys, name)?;
        let written = self.write(to, &self.newest()?, &mut plain, u64::MAX);
        written.map(drop).map_err(|error| match error {
            StoreError::Io { path, cause } if path == INCOMING_SHOWN => {
                StoreError::Damaged { place: format!("files/{name}"), seq: 0, what: cause }
            }
            error => error,
        })
    }

    /// Removes a stored file for good; one that is not there is no error.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let _changing = self.vault.0.files_changing.lock();
        remove_file(&self.place(name)?)
    }

    /// The names of all stored files, in no order.
    pub fn names(&self) -> Result<Vec<String>, StoreError> {
        let list = match fs::read_dir(&self.path) {
            Ok(list) => list,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(at(&self.path)(error)),
        };
        let names = list.flatten().map(|item| item.file_name().to_string_lossy().into_owned());
        Ok(names.filter(|name| is_name(name)).collect())
    }

    /// Reads every file to its end and says which do not hold. `progress` gets (done, all) in files.
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<Finding>, StoreError> {
        let names = self.names()?;
        let (all, mut findings) = (names.len() as u64, Vec::new());
        for (name, done) in names.iter().zip(1..) {
            let read = self.read(name).map_err(|error| error.to_string());
            let read = read.and_then(|mut file| io::copy(&mut file, &mut io::sink()).map_err(|e| e.to_string()));
            if let Err(cause) = read {
                let what = format!("it does not open to its end ({cause}); put this file back from a backup");
                findings.push(Finding { place: format!("files/{name}"), seq: None, ids: Vec::new(), what });
            }
            progress(done, all);
        }
        Ok(findings)
    }

    /// Bytes on the disk.
    pub fn disk_bytes(&self) -> u64 {
        disk_bytes(&self.path)
    }

    fn place(&self, name: &str) -> Result<PathBuf, StoreError> {
        // Names come back through the API: nothing but our own form may become a path.
        if is_name(name) {
            Ok(self.path.join(name))
        } else {
            Err(StoreError::NoSuchFile(name.chars().take(60).collect()))
        }
    }
}

impl Read for FileReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl Seek for FileReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

fn open_file(path: &Path, name: &str) -> Result<File, StoreError> {
    File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => StoreError::NoSuchFile(name.to_string()),
        _ => at(path)(error),
    })
}

fn damaged(name: &str, error: &age::DecryptError) -> StoreError {
    StoreError::Damaged { place: format!("files/{name}"), seq: 0, what: error.to_string() }
}

fn decrypt(file: File, keys: &[Identity], name: &str) -> Result<FileReader, StoreError> {
    let opened = age::Decryptor::new_buffered(BufReader::new(file))
        .and_then(|decryptor| decryptor.decrypt(keys.iter().rev().map(|key| key as &dyn age::Identity)));
    opened.map(FileReader).map_err(|error| damaged(name, &error))
}

/// Whether a file is encrypted to this key.
fn is_for(file: File, key: &Identity, name: &str) -> Result<bool, StoreError> {
    let opened = age::Decryptor::new_buffered(BufReader::new(file))
        .and_then(|decryptor| decryptor.decrypt(std::iter::once(key as &dyn age::Identity)).map(drop));
    match opened {
        Ok(()) => Ok(true),
        Err(age::DecryptError::NoMatchingKeys) => Ok(false),
        Err(error) => Err(damaged(name, &error)),
    }
}

fn is_name(name: &str) -> bool {
    name.len() == NAME_CHARS && name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn random_name() -> Result<String, StoreError> {
    let mut random = [0u8; NAME_CHARS / 2];
    getrandom::fill(&mut random)
        .map_err(|error| StoreError::Io { path: "random numbers".into(), cause: error.to_string() })?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Lock, new_identity};

    fn files() -> (tempfile::TempDir, Files) {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::create(dir.path(), &Lock::Recipients(vec![new_identity().1])).unwrap();
        let files = Files::open(dir.path(), &vault).unwrap();
        (dir, files)
    }

    #[test]
    fn a_file_comes_back_whole_and_is_unreadable_on_the_disk() {
        let (dir, files) = files();
        let content = "Zoë\nO'Hara 🦊 ".repeat(20_000).into_bytes();
        let stored = files.put(&mut &content[..], 1 << 20).unwrap();
        assert_eq!(stored.size_bytes, content.len() as u64);
        assert_eq!(stored.sha256, <[u8; 32]>::from(Sha256::digest(&content)));
        let mut back = Vec::new();
        let mut reader = files.read(&stored.name).unwrap();
        reader.read_to_end(&mut back).unwrap();
        assert_eq!(back, content);
        reader.seek(SeekFrom::Start(100_000)).unwrap();
        let mut piece = [0; 10];
        reader.read_exact(&mut piece).unwrap();
        assert_eq!(piece, content[100_000..100_010]);
        let raw = fs::read(dir.path().join("files").join(&stored.name)).unwrap();
        assert!(!raw.windows(6).any(|window| window == b"O'Hara"));
        assert_eq!(files.names().unwrap(), std::slice::from_ref(&stored.name));
        files.remove(&stored.name).unwrap();
        files.remove(&stored.name).unwrap();
        assert_eq!(files.read(&stored.name).err().unwrap().code(), "store.no_such_file");
        assert_eq!(files.put_as(&stored.name, &mut &content[..], 1 << 20).unwrap(), stored);
        assert_eq!(files.put_as("../x", &mut &content[..], 1 << 20).unwrap_err().code(), "store.no_such_file");
    }

    #[test]
    fn what_is_kept_under_a_label_is_replaced_and_sealed() {
        let (dir, files) = files();
        assert_eq!(files.kept("certificate").unwrap(), None);
        files.keep("certificate", b"first secret").unwrap();
        files.keep("certificate", b"second secret").unwrap();
        files.keep("account", b"other").unwrap();
        assert_eq!(files.kept("certificate").unwrap().unwrap(), b"second secret");
        let folder = dir.path().join("files");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        for item in fs::read_dir(&folder).unwrap().flatten() {
            assert!(!fs::read(item.path()).unwrap().windows(6).any(|window| window == b"secret"));
        }
    }

    #[test]
    fn a_name_never_leaves_the_folder() {
        let (_dir, files) = files();
        for name in ["../vault.age", "", "/etc/passwd", "ABCDEF00ABCDEF00ABCDEF00ABCDEF00", &"a/".repeat(16)] {
            assert_eq!(files.read(name).err().unwrap().code(), "store.no_such_file");
            assert_eq!(files.remove(name).unwrap_err().code(), "store.no_such_file");
        }
    }

    #[test]
    fn a_file_over_the_limit_is_refused_and_leaves_nothing() {
        let (dir, files) = files();
        let refused = files.put(&mut &[0u8; 1001][..], 1000).unwrap_err();
        assert_eq!(refused.code(), "store.too_large");
        files.put(&mut &[0u8; 1000][..], 1000).unwrap();
        assert_eq!(fs::read_dir(dir.path().join("files")).unwrap().count(), 1);
    }

    #[test]
    fn what_an_interrupted_put_left_is_gone_after_opening() {
        let (dir, files) = files();
        fs::write(dir.path().join("files").join(format!("{}{INCOMING}", "a".repeat(32))), b"half").unwrap();
        assert!(files.names().unwrap().is_empty());
        let vault = files.vault.clone();
        Files::open(dir.path(), &vault).unwrap();
        assert_eq!(fs::read_dir(dir.path().join("files")).unwrap().count(), 0);
    }

    #[test]
    fn a_flipped_bit_or_a_cut_is_an_error_while_reading() {
        let (dir, files) = files();
        let stored = files.put(&mut &vec![5u8; 70_000][..], 1 << 20).unwrap();
        let path = dir.path().join("files").join(&stored.name);
        let good = fs::read(&path).unwrap();
        let read = || {
            files.read(&stored.name).map_err(|_| ()).and_then(|mut r| r.read_to_end(&mut Vec::new()).map_err(|_| ()))
        };
        for at in [0, 30, 200, 1_000, 66_000, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 4;
            fs::write(&path, bad).unwrap();
            assert!(read().is_err(), "byte {at}");
        }
        for length in [0, 50, 250, 65_000, good.len() - 1] {
            fs::write(&path, &good[..length]).unwrap();
            assert!(read().is_err(), "length {length}");
        }
        let findings = files.verify(&mut |_, _| {}).unwrap();
        assert_eq!(findings[0].place, format!("files/{}", stored.name));
        fs::write(&path, good).unwrap();
        assert!(files.verify(&mut |_, _| {}).unwrap().is_empty());
    }
}
