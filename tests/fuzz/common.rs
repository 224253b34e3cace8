//! What several targets need: a folder of the process's own, and an engine in memory with somebody in it.

// Each target uses its own part of it.
#![allow(dead_code)]

use std::{path::PathBuf, sync::Arc};

use kith_base::Secret;
use kith_engine::{Actor, ActorKind, Engine, EngineOptions, auth::{Client, NewToken, NewUser}};
use kith_store::{Files, Lock, MemoryStore, Vault, new_identity};

/// A folder for this process, in memory where the system offers that: disks are not what is tried here.
pub fn folder() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let above = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let folder = above.join(format!("kith-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Text as a header can hold it: what is no visible character ends up as one.
pub fn header(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(byte % 95 + 32)).collect()
}

pub struct Bench {
    pub engine: Engine,
    /// A token and a session that work.
    pub token: String,
    pub session: String,
}

impl Bench {
    pub fn new() -> Bench {
        let folder = folder();
        let vault = Vault::create(&folder, &Lock::Recipients(vec![new_identity().1])).expect("a vault");
        let files = Arc::new(Files::open(&folder, &vault).expect("files"));
        let engine = Engine::open(Arc::new(MemoryStore::new()), files, EngineOptions::default(), &mut |_| {});
        let engine = engine.expect("an engine");
        let password = || Secret::new("correct horse battery".to_string());
        let user = NewUser { email: "a@example.org".into(), role: "admin".into(), password: Some(password()), ..NewUser::default() };
        let user = engine.create_user(&Actor::cli(), user).expect("a user");
        let actor = engine.refresh(&Actor { kind: ActorKind::User, user: Some(user.id), ..Actor::cli() }).expect("an actor");
        let wanted = NewToken { name: "x".into(), scopes: vec!["admin".into()], ..NewToken::default() };
        let (token, _) = engine.create_token(&actor, wanted).expect("a token");
        let client = Client { address: "192.0.2.1", name: "Test" };
        let signed_in = engine.sign_in("a@example.org", &password(), client).expect("a session");
        let session = signed_in.token;
        Bench { token: token.expose().clone(), session: session.expose().clone(), engine }
    }
}
