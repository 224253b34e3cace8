//! Compiling components. A compiler's time and memory are its input's to choose, so it runs in a child process with limits; what comes out is
//! kept sealed by the vault and loaded from nowhere else.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read, Write},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use kith_store::{Files, StoreError};
use rustix::{
    process::{Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit},
    thread::set_no_new_privs,
};
use wasmtime::component::Component;

use crate::{
    package::WASM_BYTES_MAX,
    runtime::{Runtime, engine::config},
};

/// The hidden command of the binary that compiles: WebAssembly in, machine code out.
pub const COMMAND: &str = "compile-plugin";

/// Compiling Python's runtime, the largest known, takes 20 s; without optimisation the compiler itself is slower.
const SECONDS: u64 = if cfg!(debug_assertions) { 600 } else { 60 };

/// Address space of the compiling process.
const MEMORY_BYTES: u64 = 4 << 30;

/// Machine code of one plugin.
const CODE_BYTES_MAX: u64 = 256 << 20;

/// Of what the compiling process says when it fails.
const SAID_BYTES_MAX: u64 = 2_000;

/// Bytes before the code that say which compiler and settings it came from.
const MARK_BYTES: usize = 8;

/// Why there is no code to run.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("the component cannot be compiled: {0}")]
    Refused(String),
    #[error("compiling it took more than {0}; it is no ordinary plugin")]
    Limit(String),
    #[error("the compiler does not start: {0}")]
    Start(io::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Default for Compiler {
    fn default() -> Compiler {
        Compiler::new()
    }
}

/// Where components become code.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// The binary that has `COMMAND`; none: this process compiles itself, which only tests do.
    program: Option<PathBuf>,
}

impl Compiler {
    /// Compiles with the running binary.
    pub fn new() -> Compiler {
        // The name of a binary that an upgrade replaced leads nowhere; this always leads to the one that runs.
        Compiler { program: Some(PathBuf::from("/proc/self/exe")) }
    }

    /// Compiles with this binary.
    pub fn with(program: PathBuf) -> Compiler {
        Compiler { program: Some(program) }
    }

    #[cfg(test)]
    pub fn in_process() -> Compiler {
        Compiler { program: None }
    }

    /// The component with this hash, from what is kept or compiled now. `wasm` is asked for only when it has to be.
    ///
    /// # Errors
    /// When it does not compile, or needs too much for it.
    pub fn component<E: From<CompileError>>(
        &self,
        runtime: &Runtime,
        files: &Files,
        sha256: &str,
        wasm: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Component, E> {
        let (label, mark) = (label(sha256), mark(runtime));
        if let Some(kept) = files.kept(&label).unwrap_or_default()
            && let Some((before, code)) = kept.split_at_checked(MARK_BYTES)
            && before == mark
            && let Ok(component) = load(runtime, code)
        {
            return Ok(component);
        }
        let code = self.compile(&wasm()?)?;
        files.keep(&label, &[&mark[..], &code].concat()).map_err(CompileError::from)?;
        Ok(load(runtime, &code)?)
    }

    /// Removes what is kept for a component.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn forget(&self, files: &Files, sha256: &str) -> Result<(), StoreError> {
        files.forget(&label(sha256))
    }

    fn compile(&self, wasm: &[u8]) -> Result<Vec<u8>, CompileError> {
        let Some(program) = &self.program else { return compile_here(wasm).map_err(CompileError::Refused) };
        let mut command = Command::new(program);
        command.arg(COMMAND).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        outcome(command.spawn().map_err(CompileError::Start)?, wasm)
    }
}

/// Feeds the child and waits for what it gives, no longer than it may take.
fn outcome(mut child: Child, wasm: &[u8]) -> Result<Vec<u8>, CompileError> {
    let (Some(mut input), Some(output), Some(errors)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(CompileError::Start(io::Error::other("no pipes")));
    };
    let wasm = wasm.to_vec();
    let (done, waits) = mpsc::channel();
    thread::spawn(move || {
        // A child that ends early says why on its own.
        drop(input.write_all(&wasm));
    });
    thread::spawn(move || {
        let (mut code, mut said) = (Vec::new(), Vec::new());
        let read = output.take(CODE_BYTES_MAX + 1).read_to_end(&mut code);
        drop(errors.take(SAID_BYTES_MAX).read_to_end(&mut said));
        drop(done.send(read.map(|_| (code, said))));
    });
    let read = waits.recv_timeout(Duration::from_secs(SECONDS));
    // Whatever came of it, nothing of it goes on.
    let late = read.is_err();
    if late {
        drop(child.kill());
    }
    let (code, said) = match read {
        Ok(read) => read.map_err(CompileError::Start)?,
        Err(_) => (Vec::new(), Vec::new()),
    };
    if code.len() as u64 > CODE_BYTES_MAX {
        drop(child.kill());
        drop(child.wait());
        return Err(CompileError::Limit(format!("{} MB of code", CODE_BYTES_MAX >> 20)));
    }
    let status = child.wait().map_err(CompileError::Start)?;
    if late {
        return Err(CompileError::Limit(format!("{SECONDS} seconds")));
    }
    if status.success() { Ok(code) } else { Err(failed(status, &said)) }
}

fn failed(status: ExitStatus, said: &[u8]) -> CompileError {
    use std::os::unix::process::ExitStatusExt;
    if status.signal().is_some() {
        return CompileError::Limit(format!("{SECONDS} seconds or {} GB of memory", MEMORY_BYTES >> 30));
    }
    let said = String::from_utf8_lossy(said);
    CompileError::Refused(said.trim().chars().filter(|c| !c.is_control()).take(500).collect())
}

/// What the child does: takes limits upon itself, reads a component and writes its code. Called by the binary before anything else is started.
///
/// # Errors
/// What keeps it from being compiled.
pub fn child() -> Result<(), String> {
    let bounds = [
        (Resource::As, MEMORY_BYTES),
        (Resource::Cpu, SECONDS),
        // Nothing is opened or written but what is open already.
        (Resource::Nofile, 16),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ];
    for (resource, most) in bounds {
        // Whoever started the server may have set less.
        let most = getrlimit(resource).maximum.map_or(most, |set| set.min(most));
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map_err(|e| format!("no limits can be set: {e}"))?;
    }
    // Nobody waits for what comes out once the server is gone.
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|e| format!("it cannot end with the server: {e}"))?;
    // A compiler that is taken over starts nothing that may do more than itself.
    set_no_new_privs(true).map_err(|e| format!("new privileges cannot be ruled out: {e}"))?;
    let mut wasm = Vec::new();
    let bytes_max = WASM_BYTES_MAX as u64;
    io::stdin().lock().take(bytes_max + 1).read_to_end(&mut wasm).map_err(|e| e.to_string())?;
    if wasm.len() as u64 > bytes_max {
        return Err(format!("it is larger than {bytes_max} bytes"));
    }
    let code = compile_here(&wasm)?;
    io::stdout().lock().write_all(&code).map_err(|e| e.to_string())
}

fn compile_here(wasm: &[u8]) -> Result<Vec<u8>, String> {
    let engine = wasmtime::Engine::new(&config()).map_err(|e| e.to_string())?;
    engine.precompile_component(wasm).map_err(|e| e.root_cause().to_string())
}

fn label(sha256: &str) -> String {
    format!("plugin-code:{sha256}")
}

/// The same for code that this build can load.
fn mark(runtime: &Runtime) -> [u8; MARK_BYTES] {
    let mut hasher = DefaultHasher::new();
    runtime.engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish().to_le_bytes()
}

#[expect(
    unsafe_code,
    reason = "machine code is run as it is; this one was compiled by us and comes authenticated from the vault"
)]
fn load(runtime: &Runtime, code: &[u8]) -> Result<Component, CompileError> {
    // SAFETY: `code` is what `precompile_component` gave, either a moment ago over a pipe from our own child or out of the vault's files,
    // which nobody without the vault's keys can write.
    let loaded = unsafe { Component::deserialize(&runtime.engine, code) };
    loaded.map_err(|e| CompileError::Refused(e.to_string()))
}

#[cfg(test)]
mod tests {
    use kith_store::{Lock, Vault, new_identity};

    use super::*;

    fn files() -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::create(folder.path(), &Lock::Recipients(vec![new_identity().1])).unwrap();
        let files = Files::open(folder.path(), &vault).unwrap();
        (folder, files)
    }

    fn wasm() -> Vec<u8> {
        wat::parse_str("(component (core module $m (func (export \"f\") (result i32) i32.const 7)))").unwrap()
    }

    #[test]
    fn code_is_compiled_once_and_then_comes_sealed_from_the_vault() {
        let (folder, files) = files();
        let runtime = Runtime::start().unwrap();
        let compiler = Compiler::in_process();
        compiler.component::<CompileError>(&runtime, &files, "ab", || Ok(wasm())).unwrap();
        compiler.component::<CompileError>(&runtime, &files, "ab", || panic!("it is kept")).unwrap();
        for item in std::fs::read_dir(folder.path().join("files")).unwrap().flatten() {
            assert!(!std::fs::read(item.path()).unwrap().windows(4).any(|bytes| bytes == b"\x7fELF"));
        }
        compiler.forget(&files, "ab").unwrap();
        assert!(files.names().unwrap().is_empty());
        let refused =
            compiler.component::<CompileError>(&runtime, &files, "ab", || Ok(b"\0asm\x0d\0\x01\0\x05".into()));
        assert!(matches!(refused, Err(CompileError::Refused(_))));
    }

    #[test]
    fn kept_code_of_another_build_is_compiled_anew() {
        let (_folder, files) = files();
        let runtime = Runtime::start().unwrap();
        files.keep(&label("ab"), b"otherwise").unwrap();
        Compiler::in_process().component::<CompileError>(&runtime, &files, "ab", || Ok(wasm())).unwrap();
        assert!(files.kept(&label("ab")).unwrap().unwrap().starts_with(&mark(&runtime)));
    }

    #[test]
    fn a_compiler_that_fails_or_floods_is_an_error_in_words() {
        let shell = |script: &str| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            outcome(command.spawn().unwrap(), &wasm())
        };
        assert_eq!(shell("cat >/dev/null; echo code").unwrap(), b"code\n");
        let refused = shell("echo 'unexpected end' >&2; exit 1").unwrap_err().to_string();
        assert_eq!(refused, "the component cannot be compiled: unexpected end");
        assert!(matches!(shell("kill -9 $$"), Err(CompileError::Limit(_))));
    }
}
