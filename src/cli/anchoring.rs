//! Notes the journal's head outside now and then: appended to a file, or printed for whoever collects the log. Sends nothing.

use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use kith_engine::{Actor, Engine};

use super::{CliError, Outcome, open, print};

/// Checks that notes can be taken, before anything is served.
pub fn check(data: &Path, file: &Path) -> Outcome {
    if is_standard_output(file) {
        return Ok(());
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let inside = data.canonicalize().is_ok_and(|data| folder.canonicalize().is_ok_and(|it| it.starts_with(data)));
    if inside {
        let said = "lies in the data folder; whoever rewrites the journal would rewrite the anchors too, so keep them elsewhere";
        return Err(CliError::wrong_use(format!("{} {said}", file.display())));
    }
    let opened = OpenOptions::new().append(true).create(true).open(file);
    opened.map(drop).map_err(|e| CliError::failed("cli.file", format!("{} cannot be written: {e}", file.display())))
}

/// Takes a note at once and then after each `every`, when something was written since.
pub async fn keep(engine: Engine, file: PathBuf, every: Duration) {
    let mut noted = 0;
    loop {
        let (asked, to) = (engine.clone(), file.clone());
        match open::blocking(move || note(&asked, &to, noted)).await {
            Ok(seq) => noted = seq,
            // The next one will say as much, and more.
            Err(error) => tracing::error!(cause = error.message(), "the journal's head could not be noted"),
        }
        tokio::time::sleep(every).await;
    }
}

/// Appends one line and syncs it. Gives the entry noted.
fn note(engine: &Engine, file: &Path, noted: u64) -> Outcome<u64> {
    let head = engine.audit_head(&Actor::system())?;
    if head.seq == noted || head.seq == 0 {
        return Ok(noted);
    }
    let shown = kith_server::api::audit::shown_head(&head);
    let line = format!("{} {}", shown["at"].as_str().unwrap_or_default(), shown["anchor"].as_str().unwrap_or_default());
    if is_standard_output(file) {
        print::line(&format!("anchor {line}"));
        return Ok(head.seq);
    }
    let written = OpenOptions::new().append(true).create(true).open(file).and_then(|mut out| {
        out.write_all(format!("{line}\n").as_bytes())?;
        out.sync_all()
    });
    written.map_err(|e| CliError::failed("cli.file", format!("{} cannot be written: {e}", file.display())))?;
    Ok(head.seq)
}

fn is_standard_output(file: &Path) -> bool {
    file.as_os_str() == "-"
}
