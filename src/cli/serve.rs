//! `kith serve`: the server, until it is told to stop.

use std::{io, path::PathBuf, time::Duration};

use kith_engine::Engine;
use kith_server::{
    Rate,
    app::AppOptions,
    serve::{ServeOptions, bind},
    tls::{AcmeOptions, DIRECTORY, TlsOptions},
};
use kith_store::Vault;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{CliError, Common, Outcome, anchoring, logging, open, print, secrets};

/// Run the server until SIGTERM or SIGINT
#[derive(clap::Args)]
pub struct Args {
    /// Address and port to listen on
    #[arg(long, env = "KITH_LISTEN", default_value = "127.0.0.1:5484", value_name = "ADDRESS")]
    listen: String,
    /// Requests a second that one user, token or address may make over time; 0 for any number
    #[arg(long, env = "KITH_RATE", default_value_t = 200, value_name = "N")]
    rate: u32,
    /// A proxy in front sets X-Forwarded-For; believe it
    #[arg(long)]
    behind_proxy: bool,
    /// Note the journal's head in this file now and then ('-': standard output), so that nobody can rewrite the past unnoticed
    #[arg(long, env = "KITH_ANCHOR_FILE", value_name = "FILE")]
    anchor_file: Option<PathBuf>,
    /// Minutes between two such notes
    #[arg(long, env = "KITH_ANCHOR_EVERY", default_value_t = 60, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..=10_080))]
    anchor_every: u64,
    /// Speak plain HTTP on an address that others can reach, because a proxy in front ends TLS
    #[arg(long, conflicts_with_all = ["tls_cert", "acme_host"])]
    plain_http: bool,
    #[command(flatten)]
    tls: Tls,
}

/// Where the certificate comes from.
#[derive(clap::Args)]
struct Tls {
    /// Speak HTTPS with this certificate and its chain (PEM); read again when it changes
    #[arg(long, env = "KITH_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, env = "KITH_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Speak HTTPS with a certificate for this host, ordered and renewed by ACME; say it once per name. Needs port 443
    #[arg(long, env = "KITH_ACME_HOST", value_name = "HOST", value_delimiter = ',', conflicts_with = "tls_cert")]
    acme_host: Vec<String>,
    /// Where the certificate authority may write to
    #[arg(long, value_name = "E-MAIL", requires = "acme_host")]
    acme_contact: Option<String>,
    /// The ACME directory to order from
    #[arg(long, value_name = "URL", requires = "acme_host", default_value = DIRECTORY)]
    acme_directory: String,
    /// Trust this authority for the directory's own certificate
    #[arg(long, value_name = "FILE", requires = "acme_host")]
    acme_root: Option<PathBuf>,
    /// Also listen here for plain HTTP and send it on to HTTPS, such as 0.0.0.0:80
    #[arg(long, value_name = "ADDRESS")]
    redirect_http: Option<String>,
}

impl Tls {
    fn options(self) -> Option<TlsOptions> {
        if let (Some(certificate), Some(key)) = (self.tls_cert, self.tls_key) {
            return Some(TlsOptions::Files { certificate, key });
        }
        (!self.acme_host.is_empty()).then_some(TlsOptions::Acme(AcmeOptions {
            hosts: self.acme_host,
            contact: self.acme_contact,
            directory: self.acme_directory,
            root: self.acme_root,
        }))
    }
}

pub async fn run(common: &Common, args: Args) -> Outcome {
    logging::start(common.json);
    let unlock = secrets::unlock(common)?;
    let data = common.data.clone();
    let vault = open::blocking(move || Ok(Vault::unlock(&data, &unlock)?)).await?;
    let redirect = args.tls.redirect_http.clone();
    let tls = args.tls.options();
    if redirect.is_some() && tls.is_none() {
        let said = "--redirect-http sends on to HTTPS; name a certificate with --tls-cert and --tls-key, or a host with --acme-host";
        return Err(CliError::wrong_use(said));
    }
    let options = ServeOptions {
        listen: args.listen,
        socket: None,
        tls,
        plain_http: args.plain_http,
        redirect,
        app: AppOptions { behind_proxy: args.behind_proxy, rate: rate(args.rate) },
    };
    if let Some(file) = &args.anchor_file {
        anchoring::check(&common.data, file)?;
    }
    // The engine holds the folder's lock, so it comes before the socket: a second server must not take it away.
    let engine = open_engine(common, &vault).await?;
    let every = Duration::from_secs(args.anchor_every * 60);
    let anchoring = args.anchor_file.map(|file| tokio::spawn(anchoring::keep(engine.clone(), file, every)));
    let served = listen(common, engine, options, |url| format!("Kith is at {url}")).await;
    if let Some(task) = anchoring {
        task.abort();
    }
    served
}

/// Five seconds' worth may come at once after a pause.
fn rate(per_second: u32) -> Option<Rate> {
    (per_second > 0).then(|| Rate { per_second: f64::from(per_second), burst: f64::from(per_second) * 5.0 })
}

async fn open_engine(common: &Common, vault: &Vault) -> Outcome<Engine> {
    let (data, vault) = (common.data.clone(), vault.clone());
    let bar = print::progress("Opening");
    let shown = bar.clone();
    let engine = open::blocking(move || open::engine(&data, &vault, &mut |records| shown.set_position(records))).await;
    bar.finish_and_clear();
    engine
}

/// Binds, tells the address, serves until a signal comes or the store stops.
pub async fn listen(
    common: &Common,
    engine: Engine,
    options: ServeOptions,
    greeting: impl FnOnce(&str) -> String,
) -> Outcome {
    let options = ServeOptions { socket: Some(common.data.join(open::SOCKET)), ..options };
    let bound = match bind(&options).await {
        Ok(bound) => bound,
        Err(error) => {
            open::blocking(move || Ok(engine.close()?)).await?;
            return Err(error.into());
        }
    };
    crate::memory::give_back();
    let url = bound.url();
    // Before anybody learns that the server is there: a signal must not meet the system's default. A hangup asks to read the
    // certificate again, and where there is none it asks for nothing.
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    let _hangup = signal(SignalKind::hangup());
    if common.json {
        print::line(&serde_json::json!({"url": url}).to_string());
    } else {
        print::line(&greeting(&url));
    }
    // Says nothing where no service manager asked.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    let watched = engine.clone();
    let (stopped, broken) = tokio::sync::watch::channel(false);
    let shutdown = async move {
        tokio::select! {
            () = told_to_stop(signals) => {
                tracing::info!("stopping");
                let _ = sd_notify::notify(&[NotifyState::Stopping]);
            }
            () = store_stopped(&watched) => {
                stopped.send_replace(true);
                tracing::error!("the store met a write error and takes nothing more; ending, start again when the disk is well");
            }
        }
    };
    let served = bound.serve(engine, shutdown).await;
    if *broken.borrow() {
        return Err(CliError::failed(
            "store.stopped",
            "the store met a write error; nothing acknowledged is lost, check the disk and start again",
        ));
    }
    Ok(served?)
}

/// The first signal asks for a clean end; a second one ends at once.
async fn told_to_stop((terminate, interrupt): (io::Result<Signal>, io::Result<Signal>)) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (terminate, interrupt) else {
        return std::future::pending().await;
    };
    tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        // The journal is durable at every acknowledgement; the next start replays what the record store lacks.
        std::process::exit(1);
    });
}

async fn store_stopped(engine: &Engine) {
    // Writers learn of it at once by their error; this only ends the process soon after.
    const LOOK_EVERY: Duration = Duration::from_secs(2);
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let asked = engine.clone();
        // A look that fails says nothing about the store; the next one will.
        if open::blocking(move || Ok(asked.storage().stats().stopped)).await.unwrap_or(false) {
            return;
        }
    }
}
