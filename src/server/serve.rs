//! Listens on a TCP address and on the vault's socket until told to stop, then ends cleanly. Routes nothing itself.

use std::{
    fs, io,
    net::SocketAddr,
    os::{fd::AsRawFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use kith_engine::Engine;
use poem::{
    Addr, Server,
    http::uri::Scheme,
    listener::{Acceptor, AcceptorExt, BoxAcceptor, UnixAcceptor},
    web::{LocalAddr, RemoteAddr},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::AbortHandle,
};

use crate::{
    accepting,
    app::{App, AppOptions},
    front::Front,
    retaining,
    tls::{self, Acme, AcmeOptions, FromFiles, Shake, TlsAcceptor, TlsError, TlsOptions},
};

/// How long requests under way may take after the server was told to stop.
const FINISH_WITHIN: Duration = Duration::from_secs(10);

/// A connection on which nothing moves for this long is closed. Live streams send a word every 15 s.
const IDLE_AFTER: Duration = Duration::from_secs(75);

/// Where to listen.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Host and port; port 0 takes a free one.
    pub listen: String,
    /// The socket through which the command line reaches a running server.
    pub socket: Option<PathBuf>,
    /// None: plain HTTP.
    pub tls: Option<TlsOptions>,
    /// Plain HTTP may leave this machine: a proxy ends TLS, or the network is private.
    pub plain_http: bool,
    /// Also listen here for plain HTTP, and send it on to HTTPS.
    pub redirect: Option<String>,
    pub app: AppOptions,
}

impl ServeOptions {
    pub fn on(listen: impl Into<String>) -> Self {
        ServeOptions {
            listen: listen.into(),
            socket: None,
            tls: None,
            plain_http: false,
            redirect: None,
            app: AppOptions::default(),
        }
    }
}

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("{listen} cannot be listened on ({cause}); choose another address with --listen, or stop what uses it")]
    Listen { listen: String, cause: io::Error },
    #[error("the socket {path} cannot be made ({cause}); check that the data folder is writable")]
    Socket { path: String, cause: io::Error },
    #[error(
        "{0} is open to the network, and plain HTTP would show passwords to it; name a certificate with --tls-cert and --tls-key, \
         or a host name with --acme-host, or say --plain-http when a proxy in front ends TLS"
    )]
    PlainHttp(SocketAddr),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the server stopped: {0}")]
    Run(io::Error),
    #[error(transparent)]
    Engine(#[from] kith_engine::EngineError),
}

impl ServeError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            ServeError::Listen { .. } => "serve.listen",
            ServeError::Socket { .. } => "serve.socket",
            ServeError::PlainHttp(_) => "serve.plain_http",
            ServeError::Tls(_) => "serve.tls",
            ServeError::Run(_) => "serve.stopped",
            ServeError::Engine(error) => error.code(),
        }
    }
}

/// Listening, but not yet answering: a port in use shows before a vault is opened.
pub struct Bound {
    tcp: TcpListener,
    tls: Option<Certificate>,
    redirect: Option<TcpListener>,
    socket: Option<(std::os::unix::net::UnixListener, PathBuf)>,
    address: SocketAddr,
    options: AppOptions,
}

enum Certificate {
    Files(Arc<FromFiles>),
    Acme(AcmeOptions),
}

/// Takes the address, reads the certificate and makes the socket.
///
/// # Errors
/// `serve.listen`, `serve.plain_http`, `serve.tls`, `serve.socket`.
pub async fn bind(options: &ServeOptions) -> Result<Bound, ServeError> {
    let (tcp, address) = listen(&options.listen).await?;
    if options.tls.is_none() && !options.plain_http && !address.ip().to_canonical().is_loopback() {
        return Err(ServeError::PlainHttp(address));
    }
    let tls = match options.tls.clone() {
        None => None,
        Some(TlsOptions::Files { certificate, key }) => {
            Some(Certificate::Files(Arc::new(FromFiles::open(certificate, key)?)))
        }
        Some(TlsOptions::Acme(acme)) => {
            tls::check(&acme)?;
            Some(Certificate::Acme(acme))
        }
    };
    let redirect = match &options.redirect {
        None => None,
        Some(address) => Some(listen(address).await?.0),
    };
    let socket = match &options.socket {
        None => None,
        Some(path) => {
            let made =
                make_socket(path).map_err(|cause| ServeError::Socket { path: path.display().to_string(), cause })?;
            Some((made, path.clone()))
        }
    };
    Ok(Bound { tcp, tls, redirect, socket, address, options: options.app.clone() })
}

async fn listen(on: &str) -> Result<(TcpListener, SocketAddr), ServeError> {
    let refused = |cause| ServeError::Listen { listen: on.to_string(), cause };
    let tcp = TcpListener::bind(on).await.map_err(refused)?;
    let address = tcp.local_addr().map_err(refused)?;
    Ok((tcp, address))
}

/// Binds and serves in one call; `ready` learns the address.
///
/// # Errors
/// As `bind` and `Bound::serve`.
pub async fn serve(
    engine: Engine,
    options: ServeOptions,
    ready: impl FnOnce(SocketAddr),
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let bound = bind(&options).await?;
    ready(bound.address());
    bound.serve(engine, shutdown).await
}

impl Bound {
    /// The address taken, with its real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a browser goes; by ACME, to the host that the certificate is for.
    pub fn url(&self) -> String {
        match &self.tls {
            None => format!("http://{}", self.address),
            Some(Certificate::Acme(acme)) if self.address.port() == 443 => {
                format!("https://{}", acme.hosts.first().map_or("", String::as_str))
            }
            Some(_) => format!("https://{}", self.address),
        }
    }

    /// Answers until `shutdown` is ready, lets requests under way finish, ends live streams and closes the engine.
    ///
    /// # Errors
    /// `serve.stopped` when listening fails, or what closing the engine says.
    pub async fn serve(self, engine: Engine, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let app = App::new(engine.clone(), self.options.clone());
        app.settle_imports().await;
        app.backups.start();
        app.plugins.start();
        if let Err(error) = engine.verify_in_background() {
            tracing::error!(code = error.code(), "the journal is not verified in the background");
        }
        let retaining = tokio::spawn(retaining::run(app.clone()));
        let front = Front::new(app.clone());
        let redirecting = self.redirect.map(|listener| send_on(listener, self.tls.as_ref(), self.address.port()));
        let (network, certifying) = network(self.tcp, self.address, self.tls, &engine)?;
        let (acceptor, path) = match self.socket {
            None => (network, None),
            Some((socket, path)) => {
                (network.combine(UnixAcceptor::from_std(socket).map_err(ServeError::Run)?).boxed(), Some(path))
            }
        };
        // They end with this function: nothing of them has to be finished.
        let _aside = [redirecting, certifying].map(|task| task.map(AbortOnDrop));
        let stop = {
            let app = app.clone();
            async move {
                shutdown.await;
                // Live streams would otherwise hold their connections until the time is up.
                app.stopping.send_replace(true);
            }
        };
        let server = Server::new_with_acceptor(acceptor).idle_timeout(IDLE_AFTER);
        let ran = server.run_with_graceful_shutdown(Shared(Arc::new(front)), stop, Some(FINISH_WITHIN)).await;
        if let Some(path) = path {
            // A stale socket is replaced at the next start, so a failure here harms nobody.
            let _ = fs::remove_file(path);
        }
        // A run under way ends with its batch: the engine takes nothing more once it closes.
        retaining.abort();
        app.plugins.stop().await;
        let backups = app.backups.clone();
        let close = move || {
            backups.stop();
            engine.close()
        };
        let closed = tokio::task::spawn_blocking(close).await;
        ran.map_err(ServeError::Run)?;
        closed.map_err(|error| ServeError::Run(io::Error::other(error)))??;
        Ok(())
    }
}

/// What accepts connections from the network, and the task that keeps the certificate fresh.
fn network(
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Certificate>,
    engine: &Engine,
) -> Result<(BoxAcceptor, Option<AbortHandle>), ServeError> {
    let address = LocalAddr(Addr::SocketAddr(address));
    let (shake, task) = match tls {
        None => return Ok((Tcp { address, listener }.boxed(), None)),
        Some(Certificate::Files(files)) => {
            let ordinary = Arc::new(tls::server_config(files.clone())?);
            (Shake { ordinary, challenge: None }, tokio::spawn(files.watch()))
        }
        Some(Certificate::Acme(options)) => {
            let acme = Acme::new(&options, engine.files().clone())?;
            let ordinary = Arc::new(tls::server_config(acme.certificates())?);
            (Shake { ordinary, challenge: Some(acme.challenge()) }, tokio::spawn(acme.run()))
        }
    };
    Ok((TlsAcceptor::start(listener, address, shake).boxed(), Some(task.abort_handle())))
}

fn send_on(listener: TcpListener, tls: Option<&Certificate>, port: u16) -> AbortHandle {
    let host = match tls {
        Some(Certificate::Acme(acme)) => acme.hosts.first().cloned(),
        _ => None,
    };
    let address = LocalAddr(listener.local_addr().map_or(Addr::Custom("tcp", "".into()), Addr::SocketAddr));
    let server = Server::new_with_acceptor(Tcp { address, listener }).idle_timeout(IDLE_AFTER);
    tokio::spawn(server.run(tls::redirect(host, port))).abort_handle()
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Shared(Arc<Front>);

impl poem::Endpoint for Shared {
    type Output = poem::Response;

    async fn call(&self, request: poem::Request) -> poem::Result<poem::Response> {
        Ok(self.0.answer(request).await)
    }
}

/// Accepts connections without TLS.
struct Tcp {
    address: LocalAddr,
    listener: TcpListener,
}

impl Acceptor for Tcp {
    type Io = TcpStream;

    fn local_addr(&self) -> Vec<LocalAddr> {
        vec![self.address.clone()]
    }

    async fn accept(&mut self) -> io::Result<(TcpStream, LocalAddr, RemoteAddr, Scheme)> {
        let (stream, peer) = accepting::next(&self.listener).await?;
        Ok((stream, self.address.clone(), RemoteAddr(Addr::SocketAddr(peer)), Scheme::HTTP))
    }
}

/// Makes the socket under a name nobody looks for, closes it to others, then gives it its own name: at no moment can
/// somebody else connect.
fn make_socket(path: &Path) -> io::Result<std::os::unix::net::UnixListener> {
    let fresh = path.with_extension("sock.new");
    remove_if_there(&fresh)?;
    let listener = with_short_path(&fresh, |short| std::os::unix::net::UnixListener::bind(short))?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600))?;
    fs::rename(&fresh, path)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Socket addresses hold 107 bytes; a longer path is reached through its open folder.
pub(crate) fn with_short_path<T>(path: &Path, work: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    const ADDRESS_BYTES_MAX: usize = 107;
    if path.as_os_str().len() <= ADDRESS_BYTES_MAX {
        return work(path);
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return work(path) };
    let folder = fs::File::open(folder)?;
    work(&Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_for_its_owner_only_and_replaces_a_stale_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kith.sock");
        fs::write(&path, "stale").unwrap();
        let _listener = make_socket(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::os::unix::net::UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn a_socket_in_a_deep_folder_works() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(100)).join("e".repeat(100));
        fs::create_dir_all(&deep).unwrap();
        let path = deep.join("kith.sock");
        let _listener = make_socket(&path).unwrap();
        with_short_path(&path, |short| std::os::unix::net::UnixStream::connect(short)).unwrap();
    }

    #[tokio::test]
    async fn plain_http_stays_on_this_machine_unless_asked_for() {
        for (listen, plain_http, fits) in [
            ("0.0.0.0:0", false, false),
            ("[::]:0", false, false),
            ("0.0.0.0:0", true, true),
            ("127.0.0.1:0", false, true),
        ] {
            let bound = bind(&ServeOptions { plain_http, ..ServeOptions::on(listen) }).await;
            assert_eq!(bound.is_ok(), fits, "{listen}");
            assert!(bound.err().is_none_or(|error| error.code() == "serve.plain_http"));
        }
    }

    #[tokio::test]
    async fn an_address_in_use_says_so() {
        let first = bind(&ServeOptions::on("127.0.0.1:0")).await.unwrap();
        let error = bind(&ServeOptions::on(first.address().to_string())).await.err().unwrap();
        assert_eq!(error.code(), "serve.listen");
        assert!(error.to_string().contains("--listen"));
    }
}
