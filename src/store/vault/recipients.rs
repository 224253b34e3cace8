//! Who can open the vault: list, add, remove, and the passphrase. Every change replaces `vault.age` whole; the others' public keys
//! are inside it, so nobody else's key is needed for that.

use kith_base::Secret;

use super::{Vault, VaultFile, content, content::PASSPHRASE_LABEL, content::Recipient, lock};
use crate::{
    VaultError,
    folder::{remove_file, replace_file},
};

impl Vault {
    /// Everybody who can open the vault, in the order they were added.
    pub fn recipients(&self) -> Vec<Recipient> {
        self.1.lock().content.recipients.clone()
    }

    /// Whether the vault was opened with this recipient's key.
    pub fn is_in_use(&self, recipient: &str) -> bool {
        self.1.lock().used.iter().any(|used| used == recipient)
    }

    /// Lets one more key open the vault.
    ///
    /// # Errors
    /// `vault.bad_recipient`, `vault.bad_label`, `vault.recipient_exists`, or why the file cannot be written.
    pub(crate) fn add_recipient(&self, new: Recipient) -> Result<(), VaultError> {
        let recipient = lock::recipient(&new.recipient)?.to_string();
        let label = new.label.trim().to_string();
        let printable = !label.is_empty() && !label.chars().any(char::is_control);
        if !printable || label.chars().count() > content::LABEL_CHARS_MAX || label == PASSPHRASE_LABEL {
            return Err(VaultError::BadLabel);
        }
        let file = &mut *self.1.lock();
        let mut content = file.content.clone();
        if let Some(known) = content.recipients.iter().find(|r| r.label == label || r.recipient == recipient) {
            return Err(VaultError::RecipientExists(known.label.clone()));
        }
        content.recipients.push(Recipient { label, recipient, passphrase: false, ..new });
        self.rewrite(file, content)
    }

    /// Takes the vault away from one recipient, named by label or public key. Gives its note back.
    ///
    /// # Errors
    /// `vault.no_such_recipient`; `vault.last_recipient`; `vault.recipient_in_use` when the vault was opened with this key and with
    /// none that stays: the next start would fail.
    pub(crate) fn remove_recipient(&self, which: &str) -> Result<Recipient, VaultError> {
        let which = which.trim();
        let file = &mut *self.1.lock();
        let mut content = file.content.clone();
        let place = content.recipients.iter().position(|r| r.label == which || r.recipient == which);
        let place = place.ok_or_else(|| VaultError::NoSuchRecipient(which.chars().take(80).collect()))?;
        let gone = content.recipients.remove(place);
        if gone.passphrase {
            // Whatever earlier passphrases an interrupted change left goes as well.
            content.recipients.retain(|r| !r.passphrase);
        }
        if content.recipients.is_empty() {
            return Err(VaultError::LastRecipient);
        }
        check_stays_open(file, &content.recipients, &gone.label)?;
        if gone.passphrase {
            remove_file(&file.folder()?.passphrase())?;
        }
        self.rewrite(file, content)?;
        Ok(gone)
    }

    /// Lets a passphrase open the vault, in place of the one before if there was one.
    ///
    /// # Errors
    /// `vault.empty_passphrase`, or why the files cannot be written.
    pub(crate) fn set_passphrase(&self, new: &Secret<String>, now_ms: i64) -> Result<(), VaultError> {
        let (wrapped, recipient) = lock::wrapped_identity(new)?;
        let file = &mut *self.1.lock();
        let was_used = file.content.recipients.iter().any(|r| r.passphrase && file.used.contains(&r.recipient));
        // Both are let in until the file with the new one is in place, so that a power cut locks nobody out.
        let mut content = file.content.clone();
        let note = Recipient {
            label: PASSPHRASE_LABEL.into(),
            recipient: recipient.clone(),
            added_ms: now_ms,
            passphrase: true,
            recovery: false,
        };
        content.recipients.push(note);
        self.rewrite(file, content)?;
        replace_file(&file.folder()?.passphrase(), &wrapped)?;
        if was_used {
            file.used.push(recipient.clone());
        }
        let mut content = file.content.clone();
        content.recipients.retain(|r| !r.passphrase || r.recipient == recipient);
        self.rewrite(file, content)
    }
}

fn check_stays_open(file: &VaultFile, left: &[Recipient], label: &str) -> Result<(), VaultError> {
    let opens = left.iter().any(|r| file.used.contains(&r.recipient));
    if opens { Ok(()) } else { Err(VaultError::RecipientInUse(label.to_string())) }
}
