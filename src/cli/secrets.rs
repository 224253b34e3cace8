//! Where keys and passwords come from: a file, the service manager, or a person at a terminal. Never an argument, never the data
//! folder.

use std::{
    fs,
    io::IsTerminal,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use kith_base::Secret;
use kith_store::{Lock, Unlock, VaultKind, vault_kind};

use super::{CliError, Common, Outcome};

/// A key file is a few lines; more is the wrong file.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// What opens the vault in the data folder.
pub fn unlock(common: &Common) -> Outcome<Unlock> {
    match vault_kind(&common.data)? {
        VaultKind::Missing => {
            let said = format!(
                "there is no vault in {}; run 'kith init' first, or name the folder with --data",
                common.data.display()
            );
            Err(CliError::failed("vault.missing", said))
        }
        // A key that was named goes before a passphrase that would be asked for: a vault may open with both.
        VaultKind::Passphrase if common.key_file.is_some() => key_file(common).map(Unlock::Identities),
        VaultKind::Passphrase => passphrase(common).map(Unlock::Passphrase),
        VaultKind::Recipients => key_file(common).map(Unlock::Identities),
    }
}

fn passphrase(common: &Common) -> Outcome<Secret<String>> {
    if let Some(path) = common.passphrase_file.clone().or_else(|| credential("kith-passphrase")) {
        return first_line(&path, common);
    }
    prompt("Passphrase: ", "name a file that holds the passphrase with --passphrase-file")
}

fn key_file(common: &Common) -> Outcome<Secret<String>> {
    let Some(path) = common.key_file.clone().or_else(|| credential("kith-key")) else {
        return Err(CliError::wrong_use("this vault opens with a key file; name it with --key-file or KITH_KEY_FILE"));
    };
    read(&path, common)
}

/// The text of a file with a recovery identity.
pub fn identity(path: &Path, common: &Common) -> Outcome<Secret<String>> {
    read(path, common)
}

/// What the service manager hands over (systemd's LoadCredential).
fn credential(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join(name);
    path.exists().then_some(path)
}

/// What a new vault is locked to: a key file, made when missing, or a passphrase typed twice.
pub fn new_lock(common: &Common) -> Outcome<Lock> {
    if let Some(path) = common.key_file.clone() {
        if !path.exists() {
            make_key_file(&path, common)?;
        }
        let text = read(&path, common)?;
        return recipients(text.expose()).map(Lock::Recipients);
    }
    if let Some(path) = common.passphrase_file.clone() {
        return first_line(&path, common).map(Lock::Passphrase);
    }
    let hint = "choose how the vault is locked: --key-file FILE (made when missing) or --passphrase-file FILE";
    typed_twice(hint).map(Lock::Passphrase)
}

/// A new passphrase from a file, or typed twice.
pub fn new_passphrase(file: Option<&PathBuf>, common: &Common) -> Outcome<Secret<String>> {
    match file {
        Some(path) => first_line(path, common),
        None => typed_twice("name a file that holds the new passphrase with --new-passphrase-file"),
    }
}

fn typed_twice(otherwise: &str) -> Outcome<Secret<String>> {
    let first = prompt("Choose a passphrase for the vault: ", otherwise)?;
    let second = prompt("Type it again: ", otherwise)?;
    if first.expose() != second.expose() {
        return Err(CliError::failed("cli.passphrases_differ", "the two passphrases differ; try again"));
    }
    Ok(first)
}

fn make_key_file(path: &Path, common: &Common) -> Outcome {
    let (text, _) = kith_store::new_identity();
    write_new(path, &text, common)
}

/// Writes a secret into a file that did not exist, for this user only, and never into the data folder.
pub fn write_new(path: &Path, text: &Secret<String>, common: &Common) -> Outcome {
    refuse_inside(path, &common.data)?;
    let failed =
        |e: std::io::Error| CliError::failed("cli.key_file", format!("{} cannot be written: {e}", path.display()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    std::io::Write::write_all(&mut file, text.expose().as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}

/// The public halves noted in a key file, as `# public key: age1…`.
fn recipients(key_file: &str) -> Outcome<Vec<String>> {
    let found: Vec<String> = key_file
        .lines()
        .filter_map(|line| {
            line.strip_prefix('#')?.split_whitespace().find(|word| word.starts_with("age1")).map(str::to_string)
        })
        .collect();
    if found.is_empty() {
        let said = "the key file names no public key; it needs the line '# public key: age1…' that age-keygen writes";
        return Err(CliError::failed("vault.bad_key_file", said));
    }
    Ok(found)
}

/// A password from a file, or typed.
pub fn password(file: Option<&PathBuf>, common: &Common, question: &str, flag: &str) -> Outcome<Secret<String>> {
    match file {
        Some(path) => first_line(path, common),
        None => prompt(question, &format!("name a file that holds the password with {flag}")),
    }
}

fn prompt(question: &str, otherwise: &str) -> Outcome<Secret<String>> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::wrong_use(format!("there is no terminal to ask on; {otherwise}")));
    }
    let typed = rpassword::prompt_password(question);
    typed
        .map(Secret::new)
        .map_err(|e| CliError::failed("cli.prompt", format!("nothing could be read from the terminal: {e}")))
}

fn first_line(path: &Path, common: &Common) -> Outcome<Secret<String>> {
    let text = read(path, common)?;
    let line = text.expose().lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(CliError::failed(
            "cli.empty_secret",
            format!("{} is empty; write the secret into its first line", path.display()),
        ));
    }
    Ok(Secret::new(line.to_string()))
}

fn read(path: &Path, common: &Common) -> Outcome<Secret<String>> {
    refuse_inside(path, &common.data)?;
    let failed =
        |e: std::io::Error| CliError::failed("cli.secret_file", format!("{} cannot be read: {e}", path.display()));
    let about = fs::metadata(path).map_err(failed)?;
    if about.len() > SECRET_BYTES_MAX {
        return Err(CliError::failed(
            "cli.secret_file",
            format!("{} is too large to be a key or a password", path.display()),
        ));
    }
    if about.is_file() && about.permissions().mode() & 0o077 != 0 {
        eprintln!("kith: {} can be read by others; make it yours alone with chmod 600", path.display());
    }
    fs::read_to_string(path).map(Secret::new).map_err(failed)
}

/// A key beside what it locks would go with a stolen disk.
fn refuse_inside(path: &Path, data: &Path) -> Outcome {
    let whole = |p: &Path| {
        let parent = p.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        p.canonicalize().or_else(|_| parent.canonicalize().map(|parent| parent.join(p.file_name().unwrap_or_default())))
    };
    if let (Ok(file), Ok(folder)) = (whole(path), whole(data))
        && file.starts_with(&folder)
    {
        let said = format!(
            "{} lies in the data folder; keep keys and passwords elsewhere, or a stolen disk holds both",
            path.display()
        );
        return Err(CliError::wrong_use(said));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_inside_the_data_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("deep");
        fs::create_dir(&inside).unwrap();
        assert!(refuse_inside(&inside.join("key.txt"), folder.path()).is_err());
        assert!(refuse_inside(&folder.path().join("../key.txt"), &inside).is_ok());
    }

    #[test]
    fn recipients_come_from_the_comment_of_a_key_file() {
        let text = "# created: today\n# public key: age1abc\nAGE-SECRET-KEY-1XYZ\n";
        assert_eq!(recipients(text).unwrap(), ["age1abc"]);
        assert!(recipients("AGE-SECRET-KEY-1XYZ").is_err());
    }
}
