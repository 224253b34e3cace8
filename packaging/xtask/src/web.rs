//! The web app's packages, build and checks, through npm.

use crate::run::{Outcome, answers, call, program, root};

/// Installs exactly what the lock file names, unless that is what is there already.
pub fn install(folder: &str) -> Outcome {
    if !answers("npm", &["--version"]) {
        return Err("Node.js with npm is needed for the web app; install Node 20 or later and try again".into());
    }
    let lock = root().join(folder).join("package-lock.json");
    let installed = root().join(folder).join("node_modules/.package-lock.json");
    let modified = |path: &std::path::Path| path.metadata().and_then(|m| m.modified()).ok();
    match (modified(&installed), modified(&lock)) {
        (Some(there), Some(wanted)) if there >= wanted => Ok(()),
        _ => call(&mut program("npm", folder, &["ci", "--no-audit", "--no-fund"])),
    }
}

pub fn build() -> Outcome {
    install("web")?;
    call(&mut program("npm", "web", &["run", "build"]))
}

pub fn lint() -> Outcome {
    install("web")?;
    call(&mut program("npm", "web", &["run", "lint"]))?;
    call(&mut program("npm", "web", &["run", "check"]))
}

pub fn test() -> Outcome {
    install("web")?;
    call(&mut program("npm", "web", &["test"]))
}
