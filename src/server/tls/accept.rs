//! Accepts connections and shakes hands aside, so that a slow or hostile client holds up nobody.

use std::{io, sync::Arc, time::Duration};

use poem::{
    Addr,
    http::uri::Scheme,
    listener::Acceptor,
    web::{LocalAddr, RemoteAddr},
};
use rustls::{ServerConfig, server::Acceptor as Hello};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::AbortHandle,
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use crate::accepting;

/// A browser is done in a round trip or two; more is a stalled or hostile client.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// Handshakes under way. Each costs a millisecond of a core and some kilobytes; more wait in the system's queue.
const HANDSHAKES_MAX: usize = 512;

type Shaken = (TlsStream<TcpStream>, RemoteAddr);

/// What a handshake is answered with.
#[derive(Clone)]
pub struct Shake {
    pub ordinary: Arc<ServerConfig>,
    /// Answers an ACME authority that asks for proof.
    pub challenge: Option<Arc<ServerConfig>>,
}

/// Connections whose handshake is done.
pub struct TlsAcceptor {
    address: LocalAddr,
    ready: mpsc::Receiver<Shaken>,
    accepting: AbortHandle,
}

impl TlsAcceptor {
    /// Takes over the listener.
    pub fn start(listener: TcpListener, address: LocalAddr, shake: Shake) -> TlsAcceptor {
        let (shaken, ready) = mpsc::channel(64);
        let accepting = tokio::spawn(accept_all(listener, shake, shaken)).abort_handle();
        TlsAcceptor { address, ready, accepting }
    }
}

impl Drop for TlsAcceptor {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Acceptor for TlsAcceptor {
    type Io = TlsStream<TcpStream>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        vec![self.address.clone()]
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
        match self.ready.recv().await {
            Some((stream, peer)) => Ok((stream, self.address.clone(), peer, Scheme::HTTPS)),
            // Only when accepting has ended, which it does not by itself.
            None => std::future::pending().await,
        }
    }
}

async fn accept_all(listener: TcpListener, shake: Shake, shaken: mpsc::Sender<Shaken>) {
    let turns = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    loop {
        let Ok(turn) = turns.clone().acquire_owned().await else { return };
        let Ok((stream, peer)) = accepting::next(&listener).await else { continue };
        let (shake, shaken) = (shake.clone(), shaken.clone());
        tokio::spawn(async move {
            if let Ok(Ok(Some(stream))) = tokio::time::timeout(HANDSHAKE_WITHIN, shake_hands(stream, shake)).await {
                drop(turn);
                // The server ends: the connection goes with it.
                let _ = shaken.send((stream, RemoteAddr(Addr::SocketAddr(peer)))).await;
            }
        });
    }
}

/// `None`: it was an authority's question, which is answered by the handshake alone.
async fn shake_hands(stream: TcpStream, shake: Shake) -> io::Result<Option<TlsStream<TcpStream>>> {
    let start = LazyConfigAcceptor::new(Hello::default(), stream).await?;
    if let Some(challenge) = &shake.challenge
        && rustls_acme::is_tls_alpn_challenge(&start.client_hello())
    {
        let mut proven = start.into_stream(challenge.clone()).await?;
        tokio::io::AsyncWriteExt::shutdown(&mut proven).await?;
        return Ok(None);
    }
    start.into_stream(shake.ordinary).await.map(Some)
}
