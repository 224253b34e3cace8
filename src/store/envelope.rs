//! An age file around a stream, to be opened with the ordinary `age` program: sealed to X25519 recipients, opened with one of their
//! identities. Knows nothing of what is inside.

use std::io::{self, Read, Write};

use kith_base::Secret;

use crate::{
    VaultError,
    vault::lock::{not_opened, parse_identities, recipient},
};

/// Seals what is written to it. Ends with `finish`; without it the file is visibly cut off.
pub struct SealedWriter<W: Write>(age::stream::StreamWriter<W>);

/// Opens what is read from it. A cut or changed file is an error while reading.
pub struct SealedReader<R: Read>(age::stream::StreamReader<R>);

/// Checks that a text is an X25519 recipient (`age1…`).
///
/// # Errors
/// `vault.bad_recipient`.
pub fn check_recipient(text: &str) -> Result<(), VaultError> {
    recipient(text).map(drop)
}

impl<W: Write> SealedWriter<W> {
    /// # Errors
    /// `vault.bad_recipient` when one is none, or none is named; `store.*` when the beginning cannot be written.
    pub fn new(recipients: &[String], out: W) -> Result<Self, VaultError> {
        let list = recipients.iter().map(|text| recipient(text)).collect::<Result<Vec<_>, _>>()?;
        let encryptor = age::Encryptor::with_recipients(list.iter().map(|recipient| recipient as &dyn age::Recipient))
            .map_err(|_| VaultError::BadRecipient(String::new()))?;
        let stream = encryptor.wrap_output(out).map_err(|error| crate::error::from_io("the backup", &error))?;
        Ok(SealedWriter(stream))
    }

    /// Writes the end and gives the writer below back.
    ///
    /// # Errors
    /// What the writer below says.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

impl<W: Write> Write for SealedWriter<W> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.0.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<R: Read> SealedReader<R> {
    /// Opens an age file with the text of a key file (`AGE-SECRET-KEY-1…`, comments allowed).
    ///
    /// # Errors
    /// `vault.bad_key_file`, `vault.wrong_key`, `vault.damaged` when it is no age file.
    pub fn new(key_file: &Secret<String>, input: R) -> Result<Self, VaultError> {
        let list = parse_identities(key_file)?;
        let opened = age::Decryptor::new(input)
            .and_then(|decryptor| decryptor.decrypt(list.iter().map(|identity| identity as &dyn age::Identity)));
        opened.map(SealedReader).map_err(|error| not_opened("key file", error))
    }
}

impl<R: Read> Read for SealedReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}
