//! The tar inside a backup: members are written with their size known, hashed on the way, and read back in the same order. Names out
//! of an archive are compared and shown, never used as paths.

use std::io::{self, Cursor, Read, Write};

use kith_store::SealedReader;
use sha2::{Digest, Sha256};
use tar::{Archive, Builder, EntryType, Header};

use crate::{
    BackupError,
    manifest::{MANIFEST, Manifest, Member, hex},
};

/// Bytes of a member that is held in memory while it is read, such as a head or a piece of the journal. A journal entry may have
/// 256 MB of values.
const MEMBER_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Members of one backup. A million pieces of 4 MiB are more than anybody keeps.
const MEMBERS_MAX: usize = 4_000_000;

/// Writes members and remembers what the manifest says of them.
pub struct Writer<W: Write> {
    tar: Builder<W>,
    members: Vec<Member>,
    time_s: u64,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W, time_s: u64) -> Self {
        Writer { tar: Builder::new(out), members: Vec::new(), time_s }
    }

    pub fn add(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.stream(path, bytes.len() as u64, &mut Cursor::new(bytes)).map(drop)
    }

    /// Adds a member of exactly `bytes`. What cannot be read is filled with zeros and the member marked: one damaged attachment must
    /// not keep a vault from being backed up. True when all is well.
    pub fn stream(&mut self, path: &str, bytes: u64, from: &mut dyn Read) -> io::Result<bool> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o600);
        header.set_mtime(self.time_s);
        header.set_size(bytes);
        let mut filled = Filled { from, left: bytes, hash: Sha256::new(), broken: false };
        self.tar.append_data(&mut header, path, &mut filled)?;
        let damaged = filled.broken;
        let sha256 = hex(&filled.hash.finalize());
        self.members.push(Member { path: path.to_string(), bytes, sha256, damaged });
        Ok(!damaged)
    }

    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Adds the manifest, which is not in its own list, and ends the archive.
    pub fn finish(mut self, manifest: &Manifest) -> io::Result<W> {
        let json = serde_json::to_vec_pretty(manifest)?;
        self.add(MANIFEST, &json)?;
        self.tar.into_inner()
    }
}

/// Gives exactly as many bytes as were promised.
struct Filled<'a> {
    from: &'a mut dyn Read,
    left: u64,
    hash: Sha256,
    broken: bool,
}

impl Read for Filled<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let wanted = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if wanted == 0 {
            return Ok(0);
        }
        let got = loop {
            match if self.broken { Ok(0) } else { self.from.read(&mut into[..wanted]) } {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => {
                    self.broken = true;
                    into[..wanted].fill(0);
                    break wanted;
                }
                Ok(got) => break got,
            }
        };
        self.hash.update(&into[..got]);
        self.left -= got as u64;
        Ok(got)
    }
}

/// One member on its way in.
pub struct Incoming<'a> {
    pub path: String,
    pub bytes: u64,
    from: &'a mut dyn Read,
}

impl Incoming<'_> {
    /// The whole content, for members that are small by their nature.
    pub fn whole(&mut self) -> io::Result<Vec<u8>> {
        if self.bytes > MEMBER_BYTES_MAX {
            return Err(io::Error::other("a member is too large"));
        }
        // Grows as it is read: a size that is a lie must not make us ask for memory.
        let mut content = Vec::new();
        self.from.read_to_end(&mut content)?;
        Ok(content)
    }
}

impl Read for Incoming<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.from.read(into)
    }
}

struct Hashing<'a> {
    from: &'a mut dyn Read,
    hash: Sha256,
    bytes: u64,
}

impl Read for Hashing<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self.from.read(into)?;
        self.hash.update(&into[..got]);
        self.bytes += got as u64;
        Ok(got)
    }
}

/// What `each` wants after a member.
pub enum Next {
    Go,
    /// Enough; what comes is not looked at.
    Stop,
}

/// Hands every member to `each`, then holds them against the manifest, which it returns; none when `each` stopped.
///
/// # Errors
/// `backup.damaged` with what is wrong; what `each` says.
pub fn read<R: Read>(
    place: &str,
    input: SealedReader<R>,
    each: &mut dyn FnMut(&mut Incoming<'_>) -> Result<Next, BackupError>,
) -> Result<Option<Manifest>, BackupError> {
    let broken = |error: io::Error| BackupError::damaged(place, error.to_string());
    let mut archive = Archive::new(input);
    let mut seen: Vec<Member> = Vec::new();
    let mut manifest = None;
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        if manifest.is_some() || seen.len() >= MEMBERS_MAX {
            return Err(BackupError::damaged(place, "there is something after its manifest"));
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let bytes = entry.size();
        let mut hashing = Hashing { from: &mut entry, hash: Sha256::new(), bytes: 0 };
        let mut incoming = Incoming { path: path.clone(), bytes, from: &mut hashing };
        if path == MANIFEST {
            let json = incoming.whole().map_err(broken)?;
            let read: Manifest = serde_json::from_slice(&json)
                .map_err(|error| BackupError::damaged(place, format!("its manifest cannot be read ({error})")))?;
            manifest = Some(read);
            continue;
        }
        if let Next::Stop = each(&mut incoming)? {
            return Ok(None);
        }
        io::copy(&mut hashing, &mut io::sink()).map_err(broken)?;
        if hashing.bytes != bytes {
            return Err(BackupError::damaged(place, format!("{path} is cut off")));
        }
        let sha256 = hex(&hashing.hash.finalize());
        seen.push(Member { path, bytes, sha256, damaged: false });
    }
    // To the last byte: the seal of the end is what tells a whole file from a cut one.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(broken)?;
    let manifest = manifest.ok_or_else(|| BackupError::damaged(place, "it is cut off before its manifest"))?;
    let same = |(a, b): (&Member, &Member)| (&a.path, a.bytes, &a.sha256) == (&b.path, b.bytes, &b.sha256);
    if manifest.members.len() != seen.len() || !manifest.members.iter().zip(&seen).all(same) {
        return Err(BackupError::damaged(place, "its content is not what its manifest lists"));
    }
    Ok(Some(manifest))
}
