//! The file layer of these tests. Takes the place of the C library's write, sync and naming functions in this binary,
//! forwards each to the kernel, and keeps a record of those below one folder; it can also make the n-th write or sync fail.
//! Judges nothing: [`crate::image`] makes disks of the record.

// Takes the place of C functions by name and calls the kernel; there is no safe way to do either.
#![allow(unsafe_code)]
// Each test target uses its own part of it.
#![allow(dead_code)]

use std::{
    collections::HashMap,
    ffi::{CStr, c_char, c_int, c_long, c_void},
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard},
};

/// One thing that happened below the watched folder. Paths are relative to it.
#[derive(Clone, Debug)]
pub enum Op {
    Write {
        file: usize,
        offset: u64,
        data: Vec<u8>,
    },
    Truncate {
        file: usize,
        len: u64,
    },
    /// Covers the operations before `covers`, the place in the record where the call began.
    SyncFile {
        file: usize,
        covers: usize,
    },
    SyncFolder {
        path: PathBuf,
        covers: usize,
    },
    Create {
        path: PathBuf,
        file: usize,
    },
    MakeFolder {
        path: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove {
        path: PathBuf,
    },
    /// Told by the test: everything up to this number was acknowledged.
    Acknowledged(u64),
}

#[derive(Default)]
struct Recorder {
    root: PathBuf,
    ops: Vec<Op>,
    by_inode: HashMap<u64, usize>,
    files: usize,
    /// Fails the write or sync after this many, with this error.
    fail: Option<(usize, c_int)>,
}

static RECORDER: Mutex<Option<Recorder>> = Mutex::new(None);

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
    fn __errno_location() -> *mut c_int;
}

const SYS_WRITE: c_long = 1;
const SYS_FSYNC: c_long = 74;
const SYS_FDATASYNC: c_long = 75;
const SYS_FTRUNCATE: c_long = 77;
const SYS_RENAME: c_long = 82;
const SYS_MKDIR: c_long = 83;
const SYS_RMDIR: c_long = 84;
const SYS_UNLINK: c_long = 87;
const SYS_PWRITE: c_long = 18;
const SYS_OPENAT: c_long = 257;
const SYS_LINKAT: c_long = 265;
const ENOSYS: c_int = 38;
const SYS_UNLINKAT: c_long = 263;
const AT_FDCWD: c_int = -100;
const O_CREAT: c_int = 0o100;
const O_TRUNC: c_int = 0o1000;
const O_APPEND: c_int = 0o2000;

fn lock() -> MutexGuard<'static, Option<Recorder>> {
    RECORDER.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Whoever uses this layer holds the guard: there is one per process, and tests may run side by side.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    // A test that failed may have left its record running.
    finish();
    guard
}

/// Starts recording what happens below `root`. `known` are the files that are there already, by their numbers.
pub fn start(root: &Path, known: &[(PathBuf, usize)]) {
    let by_inode =
        known.iter().map(|(path, file)| (std::fs::metadata(root.join(path)).unwrap().ino(), *file)).collect();
    let files = known.iter().map(|(_, file)| file + 1).max().unwrap_or(0);
    *lock() = Some(Recorder { root: root.to_path_buf(), by_inode, files, ..Recorder::default() });
}

/// Ends recording and gives the record.
pub fn finish() -> Vec<Op> {
    lock().take().map_or(Vec::new(), |recorder| recorder.ops)
}

pub fn acknowledge(number: u64) {
    if let Some(recorder) = &mut *lock() {
        recorder.ops.push(Op::Acknowledged(number));
    }
}

/// How many things are on record so far.
pub fn moment() -> usize {
    lock().as_ref().map_or(0, |recorder| recorder.ops.len())
}

/// From now on, the write or sync after `count` others below `root` fails with `errno`, as do all after it.
pub fn fail_after(root: &Path, count: usize, errno: c_int) {
    *lock() = Some(Recorder { root: root.to_path_buf(), fail: Some((count, errno)), ..Recorder::default() });
}

/// As `fail_after`, for the record that is running.
pub fn fail_after_more(count: usize, errno: c_int) {
    if let Some(recorder) = &mut *lock() {
        recorder.fail = Some((count, errno));
    }
}

/// Where `fd` leads, and the inode of a file. A folder has none here: its inode may be that of a file which is gone.
fn of_fd(fd: c_int) -> Option<(PathBuf, Option<u64>)> {
    let link = format!("/proc/self/fd/{fd}");
    let about = std::fs::metadata(&link).ok()?;
    Some((std::fs::read_link(link).ok()?, about.is_file().then(|| about.ino())))
}

/// Runs `record` when `fd` is a file or folder below the root.
fn with_fd(fd: c_int, record: impl FnOnce(&mut Recorder, PathBuf, Option<usize>)) {
    let mut guard = lock();
    let Some(recorder) = &mut *guard else { return };
    let Some((path, inode)) = of_fd(fd) else { return };
    if let Ok(inside) = path.strip_prefix(&recorder.root) {
        let (inside, file) = (inside.to_path_buf(), inode.and_then(|inode| recorder.by_inode.get(&inode).copied()));
        record(recorder, inside, file);
    }
}

fn with_paths(paths: &[*const c_char], record: impl FnOnce(&mut Recorder, Vec<PathBuf>)) {
    let mut guard = lock();
    let Some(recorder) = &mut *guard else { return };
    let inside = paths.iter().map(|path| {
        let path = Path::new(std::ffi::OsStr::from_bytes(unsafe { CStr::from_ptr(*path) }.to_bytes()));
        path.strip_prefix(&recorder.root).ok().map(Path::to_path_buf)
    });
    if let Some(inside) = inside.collect::<Option<Vec<_>>>() {
        record(recorder, inside);
    }
}

/// True when this write or sync is to fail; `errno` is set then.
fn fails(fd: c_int) -> bool {
    let mut failed = false;
    with_fd(fd, |recorder, _, _| {
        if let Some((left, errno)) = &mut recorder.fail {
            failed = *left == 0;
            *left = left.saturating_sub(1);
            if failed {
                unsafe { *__errno_location() = *errno };
            }
        }
    });
    failed
}

fn wrote(fd: c_int, buffer: *const c_void, count: isize, offset: u64) {
    if count > 0 {
        let data = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), count as usize) };
        with_fd(fd, |recorder, _, file| {
            if let Some(file) = file {
                recorder.ops.push(Op::Write { file, offset, data: data.to_vec() });
            }
        });
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn pwrite64(fd: c_int, buffer: *const c_void, count: usize, offset: i64) -> isize {
    if fails(fd) {
        return -1;
    }
    let done = unsafe { syscall(SYS_PWRITE, fd, buffer, count, offset) } as isize;
    wrote(fd, buffer, done, offset as u64);
    done
}

#[unsafe(no_mangle)]
pub extern "C" fn write(fd: c_int, buffer: *const c_void, count: usize) -> isize {
    if fd > 2 && fails(fd) {
        return -1;
    }
    let done = unsafe { syscall(SYS_WRITE, fd, buffer, count) } as isize;
    if fd > 2 && done > 0 && lock().is_some() {
        let position = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
        let position = position.lines().find_map(|line| line.strip_prefix("pos:")?.trim().parse::<u64>().ok());
        wrote(fd, buffer, done, position.unwrap_or(0).saturating_sub(done as u64));
    }
    done
}

fn synced(fd: c_int, number: c_long) -> c_int {
    if fails(fd) {
        return -1;
    }
    let covers = lock().as_ref().map_or(0, |recorder| recorder.ops.len());
    let done = unsafe { syscall(number, fd) } as c_int;
    if done == 0 {
        with_fd(fd, |recorder, path, file| {
            recorder.ops.push(match file {
                Some(file) => Op::SyncFile { file, covers },
                None => Op::SyncFolder { path, covers },
            });
        });
    }
    done
}

#[unsafe(no_mangle)]
pub extern "C" fn fsync(fd: c_int) -> c_int {
    synced(fd, SYS_FSYNC)
}

#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(fd: c_int) -> c_int {
    synced(fd, SYS_FDATASYNC)
}

#[unsafe(no_mangle)]
pub extern "C" fn ftruncate64(fd: c_int, len: i64) -> c_int {
    let done = unsafe { syscall(SYS_FTRUNCATE, fd, len) } as c_int;
    if done == 0 {
        with_fd(fd, |recorder, _, file| {
            if let Some(file) = file {
                recorder.ops.push(Op::Truncate { file, len: len as u64 });
            }
        });
    }
    done
}

fn opened(folder: c_int, path: *const c_char, flags: c_int, mode: c_int) -> c_int {
    // Held throughout, so that a name's birth cannot be recorded after a write to it.
    let mut guard = lock();
    let shown = Path::new(std::ffi::OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes()));
    let inside = guard.as_ref().and_then(|recorder| shown.strip_prefix(&recorder.root).ok()).map(Path::to_path_buf);
    let born = flags & O_CREAT != 0 && inside.is_some() && !shown.exists();
    let fd = unsafe { syscall(SYS_OPENAT, folder, path, flags, mode) } as c_int;
    if fd >= 0
        && let (Some(recorder), Some(inside)) = (&mut *guard, inside)
        && let Ok(meta) = std::fs::metadata(format!("/proc/self/fd/{fd}"))
        && meta.is_file()
    {
        assert_eq!(flags & O_APPEND, 0, "appending files are not modelled");
        if born {
            let file = recorder.files;
            recorder.files += 1;
            recorder.by_inode.insert(meta.ino(), file);
            recorder.ops.push(Op::Create { path: inside, file });
        } else if flags & O_TRUNC != 0
            && let Some(file) = recorder.by_inode.get(&meta.ino()).copied()
        {
            recorder.ops.push(Op::Truncate { file, len: 0 });
        }
    }
    fd
}

// The mode is a variadic argument in C; on this platform it arrives in the same register either way.
#[unsafe(no_mangle)]
pub extern "C" fn open64(path: *const c_char, flags: c_int, mode: c_int) -> c_int {
    opened(AT_FDCWD, path, flags, mode)
}

#[unsafe(no_mangle)]
pub extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    let done = unsafe { syscall(SYS_RENAME, from, to) } as c_int;
    if done == 0 {
        with_paths(&[from, to], |recorder, mut paths| {
            let (to, from) = (paths.remove(1), paths.remove(0));
            recorder.ops.push(Op::Rename { from, to });
        });
    }
    done
}

/// A second name for a file that has one.
#[unsafe(no_mangle)]
pub extern "C" fn linkat(of: c_int, from: *const c_char, into: c_int, to: *const c_char, flags: c_int) -> c_int {
    let done = unsafe { syscall(SYS_LINKAT, of, from, into, to, flags) } as c_int;
    if done == 0 {
        let name = Path::new(std::ffi::OsStr::from_bytes(unsafe { CStr::from_ptr(to) }.to_bytes()));
        let inode = std::fs::metadata(name).map(|about| about.ino()).unwrap_or(0);
        with_paths(&[to], |recorder, mut paths| {
            if let Some(file) = recorder.by_inode.get(&inode).copied() {
                recorder.ops.push(Op::Create { path: paths.remove(0), file });
            }
        });
    }
    done
}

fn not_here() -> isize {
    unsafe { *__errno_location() = ENOSYS };
    -1
}

/// Copies inside the kernel would bring bytes to the disk past this layer; without them the standard library reads and writes.
#[unsafe(no_mangle)]
pub extern "C" fn copy_file_range(_: c_int, _: *mut i64, _: c_int, _: *mut i64, _: usize, _: u32) -> isize {
    not_here()
}

#[unsafe(no_mangle)]
pub extern "C" fn sendfile64(_: c_int, _: c_int, _: *mut i64, _: usize) -> isize {
    not_here()
}

#[unsafe(no_mangle)]
pub extern "C" fn sendfile(_: c_int, _: c_int, _: *mut i64, _: usize) -> isize {
    not_here()
}

fn removed(done: c_int, path: *const c_char) -> c_int {
    if done == 0 {
        with_paths(&[path], |recorder, mut paths| recorder.ops.push(Op::Remove { path: paths.remove(0) }));
    }
    done
}

#[unsafe(no_mangle)]
pub extern "C" fn unlink(path: *const c_char) -> c_int {
    removed(unsafe { syscall(SYS_UNLINK, path) } as c_int, path)
}

#[unsafe(no_mangle)]
pub extern "C" fn rmdir(path: *const c_char) -> c_int {
    removed(unsafe { syscall(SYS_RMDIR, path) } as c_int, path)
}

#[unsafe(no_mangle)]
pub extern "C" fn mkdir(path: *const c_char, mode: u32) -> c_int {
    let done = unsafe { syscall(SYS_MKDIR, path, mode) } as c_int;
    if done == 0 {
        with_paths(&[path], |recorder, mut paths| recorder.ops.push(Op::MakeFolder { path: paths.remove(0) }));
    }
    done
}

#[unsafe(no_mangle)]
pub extern "C" fn unlinkat(folder: c_int, path: *const c_char, flags: c_int) -> c_int {
    let name = std::ffi::OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes()).to_os_string();
    let done = unsafe { syscall(SYS_UNLINKAT, folder, path, flags) } as c_int;
    if done == 0 && folder != AT_FDCWD {
        with_fd(folder, |recorder, inside, _| recorder.ops.push(Op::Remove { path: inside.join(name) }));
        return done;
    }
    removed(done, path)
}
