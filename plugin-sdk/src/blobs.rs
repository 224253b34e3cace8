//! Files: reads at any time, writes outside of saving.

pub use crate::bindings::host::kith::plugin::blobs::Info;
use crate::{Result, host};

/// Bytes read at once; the host gives no more.
const PIECE_BYTES: u32 = 1 << 20;

pub fn stat(id: &str) -> Result<Info> {
    host::blobs::stat(id)
}

/// A piece of at most 1 MiB; shorter at the end.
pub fn read(id: &str, offset: u64, bytes: u32) -> Result<Vec<u8>> {
    host::blobs::read(id, offset, bytes)
}

/// The whole file. It has to fit into the plugin's memory.
pub fn read_all(id: &str) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let piece = host::blobs::read(id, content.len() as u64, PIECE_BYTES)?;
        content.extend_from_slice(&piece);
        if (piece.len() as u32) < PIECE_BYTES {
            return Ok(content);
        }
    }
}

/// Keeps a file of at most 16 MiB, hung on a record if one is named.
pub fn put(name: &str, mime: &str, content: &[u8], attach_to: Option<&str>) -> Result<Info> {
    host::blobs::put(name, mime, content, attach_to)
}
