//! Multipart uploads: text parts with a limit, and a file that is read as it arrives. Nothing of it touches the disk here.

use std::io::{self, Read};

use hyper::body::Bytes;
use poem::web::{Field, Multipart};
use tokio::{io::AsyncReadExt, sync::mpsc};

use crate::problem::Problem;

/// Bytes read at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// Bytes of a text part, such as the options of an import.
const TEXT_BYTES_MAX: usize = 256 * 1024;

/// The next part of a form; none at its end.
pub async fn next(form: &mut Multipart) -> Result<Option<Field>, Problem> {
    form.next_field().await.map_err(|error| Problem::request(format!("the upload cannot be read: {error}")))
}

/// A part's content as text.
pub async fn text(part: Field) -> Result<String, Problem> {
    let bytes = bytes(part, TEXT_BYTES_MAX, "request.too_large").await?;
    String::from_utf8(bytes).map_err(|_| Problem::request("a text part of the form is not UTF-8"))
}

/// A part's whole content, refused with `code` beyond `limit` bytes.
pub async fn bytes(part: Field, limit: usize, code: &'static str) -> Result<Vec<u8>, Problem> {
    let mut reader = Box::pin(part.into_async_read());
    let (mut content, mut piece) = (Vec::new(), vec![0; PIECE_BYTES]);
    loop {
        let got = reader.read(&mut piece).await.map_err(|_| broken_off())?;
        if got == 0 {
            return Ok(content);
        }
        if content.len() + got > limit {
            return Err(Problem::new(code, format!("more than {limit} bytes; split the file into smaller ones")));
        }
        content.extend_from_slice(&piece[..got]);
    }
}

/// Hands a part's content piece by piece to a blocking reader. Ends early when the reader is gone.
pub async fn pour(part: Field, into: mpsc::Sender<io::Result<Bytes>>) -> Result<(), Problem> {
    let mut reader = Box::pin(part.into_async_read());
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match reader.read(&mut piece).await {
            Ok(0) => return Ok(()),
            Ok(got) => {
                if into.send(Ok(Bytes::copy_from_slice(&piece[..got]))).await.is_err() {
                    return Ok(());
                }
            }
            Err(error) => {
                // The reader must not take a broken upload for a complete one.
                let _ = into.send(Err(error)).await;
                return Err(broken_off());
            }
        }
    }
}

fn broken_off() -> Problem {
    Problem::request("the upload broke off; send it again")
}

/// A blocking reader over pieces that arrive on the async side.
pub struct PieceReader {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl PieceReader {
    pub fn new(pieces: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        PieceReader { pieces, current: Bytes::new() }
    }
}

impl Read for PieceReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                None => return Ok(0),
                Some(piece) => self.current = piece?,
            }
        }
        let got = into.len().min(self.current.len());
        into[..got].copy_from_slice(&self.current.split_to(got));
        Ok(got)
    }
}

/// A blocking writer whose pieces go out on the async side: the body of an answer that is made while it is sent.
pub struct PieceWriter {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl PieceWriter {
    pub fn new(pieces: mpsc::Sender<io::Result<Bytes>>) -> Self {
        PieceWriter { pieces, buffer: Vec::with_capacity(PIECE_BYTES) }
    }

    /// Breaks the answer off, so that its receiver does not take it for complete.
    pub fn fail(self, why: &str) {
        // A receiver that is gone needs no word.
        let _ = self.pieces.blocking_send(Err(io::Error::other(why.to_string())));
    }

    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE_BYTES));
        self.pieces.blocking_send(Ok(piece.into())).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

impl io::Write for PieceWriter {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(from);
        if self.buffer.len() >= PIECE_BYTES {
            self.send()?;
        }
        Ok(from.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

/// `attachment` with the file's name, in the form that keeps every character.
pub fn attachment(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn hostile_names_cannot_leave_the_header() {
        assert_eq!(attachment("Zoë\r\nX: y\".pdf"), "attachment; filename*=UTF-8''Zo%C3%AB%0D%0AX%3A%20y%22.pdf");
    }

    #[test]
    fn pieces_come_through_in_order_and_a_break_is_an_error() {
        let (sender, receiver) = mpsc::channel(4);
        let mut writer = PieceWriter::new(sender);
        let mut reader = PieceReader::new(receiver);
        writer.write_all(b"hello ").unwrap();
        writer.write_all(b"world").unwrap();
        writer.flush().unwrap();
        let mut piece = [0; 5];
        reader.read_exact(&mut piece).unwrap();
        assert_eq!(&piece, b"hello");
        writer.fail("store is gone");
        let mut rest = String::new();
        assert!(reader.read_to_string(&mut rest).is_err());
        assert_eq!(rest, " world");
    }
}
