//! Takes the next connection from a listener. Waits a moment after a failure, so that no loop above it spins.

use std::{io, net::SocketAddr, time::Duration};

use tokio::net::{TcpListener, TcpStream};

/// Out of file handles, most likely: others give theirs back meanwhile.
const REST: Duration = Duration::from_millis(100);

/// The next connection, set to send small answers at once: otherwise the tail of one may wait 40 ms for an acknowledgement.
///
/// # Errors
/// Why there is none; ask again.
pub async fn next(listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    match listener.accept().await {
        Ok((stream, peer)) => {
            let _ = stream.set_nodelay(true);
            Ok((stream, peer))
        }
        Err(error) => {
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(REST).await;
            Err(error)
        }
    }
}
