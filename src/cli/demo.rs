//! `kith demo`: a throw-away vault with a believable company in it.

use kith_base::{RecordId, Secret};
use kith_crm::demo::{DemoOptions, fill};
use kith_engine::{Actor, Engine, auth::NewUser};
use kith_server::serve::ServeOptions;
use kith_store::{Lock, Vault};

use super::{CliError, Common, Outcome, logging, open, print, serve};

/// Try Kith with sample data
///
/// Makes a throw-away vault in the system's temporary folder, fills it, prints address and sign-in, and removes it when stopped.
#[derive(clap::Args)]
pub struct Args {
    /// Number of people; companies, deals, tasks and notes follow in proportion
    #[arg(long, default_value_t = 2_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=2_000_000))]
    records: u32,
    /// Address and port to listen on
    #[arg(long, default_value = "127.0.0.1:5484", value_name = "ADDRESS")]
    listen: String,
}

const E_MAIL: &str = "ada@demo.example";

/// Colleagues who own records; nobody signs in as them.
const COLLEAGUES: [(&str, &str); 3] = [
    ("Bruno Keller", "bruno@demo.example"),
    ("Chiara Conti", "chiara@demo.example"),
    ("Dagny Holm", "dagny@demo.example"),
];

pub async fn run(common: &Common, args: Args) -> Outcome {
    logging::start(common.json);
    let failed = |e: std::io::Error| {
        CliError::failed("cli.temporary", format!("no temporary folder can be made: {e}; set TMPDIR to a writable one"))
    };
    let folder = tempfile::Builder::new().prefix("kith-demo-").tempdir().map_err(failed)?;
    let common = Common { data: folder.path().to_path_buf(), ..common.clone() };
    // Words nobody could guess, since the page may be reachable by others on this machine.
    let password = format!("demo-{}", &RecordId::generate(0).to_string()[24..]);
    let (data, words) = (common.data.clone(), password.clone());
    let bar = print::progress("Filling");
    let shown = bar.clone();
    let engine = open::blocking(move || {
        let mut progress = |done: usize, all: usize| {
            shown.set_length(all as u64);
            shown.set_position(done as u64);
        };
        make(&data, &words, args.records as usize, &mut progress)
    })
    .await?;
    bar.finish_and_clear();
    let greeting = |url: &str| {
        format!(
            "Kith is at {url}\n  e-mail    {E_MAIL}\n  password  {password}\nEverything here is made up and is removed when you press Ctrl-C."
        )
    };
    serve::listen(&common, engine, ServeOptions::on(args.listen), greeting).await
}

fn make(
    data: &std::path::Path,
    password: &str,
    people: usize,
    progress: &mut dyn FnMut(usize, usize),
) -> Outcome<Engine> {
    // The key exists only in this process: what a crash leaves behind cannot be read.
    let (_, recipient) = kith_store::new_identity();
    let vault = Vault::create(data, &Lock::Recipients(vec![recipient]))?;
    let engine = open::engine(data, &vault, &mut |_| {})?;
    let system = Actor::system();
    let user = |name: &str, email: &str, role: &str, password: Option<&str>| NewUser {
        email: email.into(),
        name: name.into(),
        role: role.into(),
        password: password.map(|text| Secret::new(text.to_string())),
        ..NewUser::default()
    };
    engine.create_user(&system, user("Ada Berg", E_MAIL, "admin", Some(password)))?;
    for (name, email) in COLLEAGUES {
        engine.create_user(&system, user(name, email, "member", None))?;
    }
    let options = DemoOptions { people, now_ms: engine.now_ms(), seed: 7 };
    fill(&engine, &system, &options, progress)?;
    Ok(engine)
}
