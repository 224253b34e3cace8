//! Disks as a power cut leaves them. Of a record of operations, what a completed sync covered survives; of the rest a random
//! part does: whole writes, torn ones (in pieces of 512 bytes or 4 KiB), none; renames and births a random way along.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::{common::Random, shim::Op};

/// Files and folders, with the content that is safely on the disk.
#[derive(Clone, Default)]
pub struct Disk {
    pub names: BTreeMap<PathBuf, usize>,
    pub folders: BTreeSet<PathBuf>,
    pub files: BTreeMap<usize, Vec<u8>>,
}

impl Disk {
    /// The folder as it is now, all of it safe.
    pub fn read(root: &Path) -> Disk {
        let (mut disk, mut todo) = (Disk::default(), vec![PathBuf::new()]);
        while let Some(at) = todo.pop() {
            for item in fs::read_dir(root.join(&at)).unwrap() {
                let item = item.unwrap();
                let path = at.join(item.file_name());
                if item.file_type().unwrap().is_dir() {
                    disk.folders.insert(path.clone());
                    todo.push(path);
                } else if item.file_type().unwrap().is_file() {
                    let file = disk.files.len();
                    disk.files.insert(file, fs::read(item.path()).unwrap());
                    disk.names.insert(path, file);
                }
            }
        }
        disk
    }

    /// The numbers of the files, for the recorder.
    pub fn known(&self) -> Vec<(PathBuf, usize)> {
        self.names.iter().map(|(path, file)| (path.clone(), *file)).collect()
    }

    pub fn write(&self, root: &Path) {
        fs::create_dir_all(root).unwrap();
        self.folders.iter().for_each(|folder| fs::create_dir_all(root.join(folder)).unwrap());
        for (path, file) in &self.names {
            fs::write(root.join(path), &self.files[file]).unwrap();
        }
    }

    /// This disk after `ops` and the end of the process: the machine went on, so all that was written is there.
    pub fn killed(&self, ops: &[Op]) -> Disk {
        let mut disk = self.clone();
        for op in ops {
            match op {
                Op::Write { file, offset, data } => put(disk.files.entry(*file).or_default(), *offset, data),
                Op::Truncate { file, len } => disk.files.entry(*file).or_default().resize(*len as usize, 0),
                Op::Create { path, file } => {
                    disk.files.entry(*file).or_default();
                    disk.names.insert(path.clone(), *file);
                }
                Op::MakeFolder { path } => drop(disk.folders.insert(path.clone())),
                Op::Rename { from, to } => disk.rename(from, to),
                Op::Remove { path } => disk.remove(path),
                Op::SyncFile { .. } | Op::SyncFolder { .. } | Op::Acknowledged(_) => {}
            }
        }
        disk.forget_nameless();
        disk
    }

    /// This disk after `ops` and a power cut.
    pub fn cut(&self, ops: &[Op], random: &mut Random) -> Disk {
        let mut disk = self.clone();
        let safe_files =
            covered(ops, |op| if let Op::SyncFile { file, covers } = op { Some((*file, *covers)) } else { None });
        let safe_folders = covered(ops, |op| match op {
            Op::SyncFolder { path, covers } => Some((path.clone(), *covers)),
            _ => None,
        });
        // Of the names that no sync covered, those up to a random moment made it.
        let named_until = random.below(ops.len() + 1);
        let mood = random.below(4);
        for (at, op) in ops.iter().enumerate() {
            let file_safe = |file: &usize| safe_files.get(file).is_some_and(|covers| at < *covers);
            let name_safe = |path: &Path| {
                let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
                at < named_until || safe_folders.get(&folder).is_some_and(|covers| at < *covers)
            };
            match op {
                Op::Write { file, offset, data } => {
                    let content = disk.files.entry(*file).or_default();
                    if file_safe(file) {
                        put(content, *offset, data);
                    } else {
                        tear(content, *offset, data, mood, random);
                    }
                }
                Op::Truncate { file, len } if file_safe(file) || random.below(2) == 0 => {
                    disk.files.entry(*file).or_default().resize(*len as usize, 0);
                }
                Op::Create { path, file } => {
                    disk.files.entry(*file).or_default();
                    if name_safe(path) && disk.has_parent(path) {
                        disk.names.insert(path.clone(), *file);
                    }
                }
                Op::MakeFolder { path } if name_safe(path) && disk.has_parent(path) => {
                    disk.folders.insert(path.clone());
                }
                Op::Rename { from, to } if name_safe(to) && disk.has_parent(to) => disk.rename(from, to),
                Op::Remove { path } if name_safe(path) => disk.remove(path),
                _ => {}
            }
        }
        disk.forget_nameless();
        disk
    }

    fn remove(&mut self, path: &Path) {
        self.names.remove(path);
        self.folders.remove(path);
        self.names.retain(|name, _| !name.starts_with(path));
    }

    fn forget_nameless(&mut self) {
        let named: BTreeSet<usize> = self.names.values().copied().collect();
        self.files.retain(|file, _| named.contains(file));
    }

    fn has_parent(&self, path: &Path) -> bool {
        path.parent().is_none_or(|parent| parent.as_os_str().is_empty() || self.folders.contains(parent))
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        if let Some(file) = self.names.remove(from) {
            self.names.insert(to.to_path_buf(), file);
        } else if self.folders.remove(from) {
            self.folders.insert(to.to_path_buf());
            let moved = |path: &PathBuf| path.strip_prefix(from).ok().map(|rest| to.join(rest));
            self.folders = self.folders.iter().map(|path| moved(path).unwrap_or(path.clone())).collect();
            let names = std::mem::take(&mut self.names);
            self.names = names.into_iter().map(|(path, file)| (moved(&path).unwrap_or(path), file)).collect();
        }
    }
}

/// For each file or folder, the place in the record before which everything is safe.
fn covered<K: Ord>(ops: &[Op], sync: impl Fn(&Op) -> Option<(K, usize)>) -> BTreeMap<K, usize> {
    let mut safe = BTreeMap::new();
    for (key, covers) in ops.iter().filter_map(sync) {
        let until = safe.entry(key).or_insert(0);
        *until = covers.max(*until);
    }
    safe
}

fn put(content: &mut Vec<u8>, offset: u64, data: &[u8]) {
    let end = offset as usize + data.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset as usize..end].copy_from_slice(data);
}

/// A write that no sync covered: moods lose nearly all, keep nearly all, or tear in small or large pieces.
fn tear(content: &mut Vec<u8>, offset: u64, data: &[u8], mood: usize, random: &mut Random) {
    let (piece, keep_of_eight) = [(512, 4), (4096, 4), (4096, 1), (512, 7)][mood];
    let mut at = 0;
    while at < data.len() {
        // Pieces end where the disk's sectors do.
        let place = offset as usize + at;
        let length = (piece - place % piece).min(data.len() - at);
        if random.below(8) < keep_of_eight {
            put(content, place as u64, &data[at..at + length]);
        }
        at += length;
    }
}
