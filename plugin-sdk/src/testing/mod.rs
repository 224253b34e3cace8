//! A Kith in memory, for the tests of a plugin: no server, a clock that stands, chance that is the same each time, faults on demand.
//!
//! ```ignore
//! let kith = Kith::new(crate::plugin());
//! kith.settings(json!({ "points": 5 }));
//! let person = kith.create("people", fields! { "first_name" => "Zoë" })?;   // before-save and computed fields run
//! assert_eq!(person.integer("score"), Some(5));
//! kith.deliver();                                                           // after-commit hears of it
//! ```
//!
//! It holds to the manifest as a server does: grants, hosts, secrets, what is possible while saving. It checks no field against a schema.

mod filter;
pub(crate) mod imports;
mod manifest;
mod run;
mod tests;
mod world;

use std::{cell::RefCell, rc::Rc};

use serde_json::Value as Json;

pub use crate::bindings::host::kith::plugin::{http::HttpError, log::Level, web};
pub use run::Delivery;
pub use world::{Later, Line, Logged};

use crate::bindings::{
    after_commit::exports::kith::plugin::after_commit::{Event, Outcome},
    before_save::exports::kith::plugin::before_save::{Change, Verdict},
    host::kith::plugin::types::Call,
    importer::exports::kith::plugin::importer::Chunk,
    jobs::exports::kith::plugin::jobs::Progress,
    ui::exports::kith::plugin::ui,
};
use crate::{Field, Record, Result, Step, Value, outbox};
use world::World;

/// The answers of another side, as a test plays it.
pub type Server = Box<dyn FnMut(&web::Request) -> Result<web::Response, HttpError>>;

/// A plugin's exports, as `plugin!` lists them.
#[doc(hidden)]
#[derive(Clone, Default)]
#[expect(clippy::type_complexity, reason = "the functions of the contract, as an author writes them")]
pub struct Plugin {
    pub manifest: &'static str,
    pub before_save: Option<fn(Call, Vec<Change>) -> Vec<Verdict>>,
    pub after_commit: Option<fn(Call, Vec<Event>) -> Vec<Outcome>>,
    pub computed: Option<fn(Call, String, Vec<Record>) -> Result<Vec<Value>, String>>,
    pub actions: Option<fn(Call, String, String, Option<String>) -> Result<Step>>,
    pub conditions: Option<fn(Call, String, String, Vec<Record>) -> Result<Vec<bool>, String>>,
    pub endpoint: Option<fn(Call, web::Request) -> web::Response>,
    pub jobs: Option<fn(Call, String, String, Option<String>) -> Result<Progress>>,
    pub render: Option<fn(Call, String, Option<String>, Option<String>) -> Result<ui::View, String>>,
    pub act: Option<fn(Call, String, String, String, String) -> Result<ui::View, String>>,
    pub importer: Option<fn(Call, String, Option<String>) -> Result<Chunk>>,
    pub installed: Option<fn(Option<String>) -> Result<()>>,
    pub removing: Option<fn() -> Result<()>>,
    pub health: Option<fn() -> Result<String, String>>,
}

impl Plugin {
    pub fn new(manifest: &'static str) -> Plugin {
        Plugin { manifest, ..Plugin::default() }
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<RefCell<World>>>> = const { RefCell::new(None) };
}

/// The Kith of this test. One per thread at a time; functions of the plugin may also be called directly while it lives.
pub struct Kith {
    world: Rc<RefCell<World>>,
    plugin: Plugin,
}

impl Drop for Kith {
    fn drop(&mut self) {
        CURRENT.with_borrow_mut(|current| *current = None);
    }
}

impl Kith {
    /// # Panics
    /// When `plugin.toml` is no manifest, or another Kith lives on this thread.
    pub fn new(plugin: Plugin) -> Kith {
        let manifest = manifest::read(plugin.manifest).unwrap_or_else(|error| panic!("plugin.toml: {error}"));
        let world = Rc::new(RefCell::new(World::new(manifest)));
        CURRENT.with_borrow_mut(|current| {
            assert!(current.is_none(), "another Kith lives on this thread; drop it first");
            *current = Some(world.clone());
        });
        Kith { world, plugin }
    }

    /// What the admin set; what is left out has its default.
    pub fn settings(&self, settings: Json) {
        self.world.borrow_mut().change_settings(settings);
    }

    pub fn secret(&self, name: &str, value: &str) {
        self.world.borrow_mut().secrets.insert(name.into(), value.into());
    }

    /// Milliseconds since 1970. At first 2026-03-01T12:00:00Z.
    pub fn set_now_ms(&self, now_ms: u64) {
        self.world.borrow_mut().now_ms = now_ms;
    }

    pub fn advance_s(&self, seconds: u64) {
        self.world.borrow_mut().now_ms += seconds * 1_000;
    }

    /// The user behind the calls from now on.
    pub fn set_actor(&self, user: Option<&str>) {
        self.world.borrow_mut().actor = user.map(Into::into);
    }

    pub fn set_locale(&self, locale: &str) {
        self.world.borrow_mut().locale = locale.into();
    }

    pub fn set_time_zone(&self, zone: &str) {
        self.world.borrow_mut().time_zone = zone.into();
    }

    /// Puts a record there without asking the plugin, and without an event. Its id.
    pub fn add(&self, object: &str, fields: Vec<Field>) -> String {
        self.world.borrow_mut().insert(object, fields).id
    }

    /// A record as it is, by id.
    pub fn record(&self, object: &str, id: &str) -> Option<Record> {
        self.world.borrow().get(object, id)
    }

    /// All records of an object, in the order of their creation.
    pub fn records(&self, object: &str) -> Vec<Record> {
        self.world.borrow().all(object)
    }

    /// Plays the other side of http. Without one, every request answers that no connection could be made.
    pub fn serve(&self, server: impl FnMut(&web::Request) -> Result<web::Response, HttpError> + 'static) {
        self.world.borrow_mut().server = Some(Box::new(server));
    }

    /// The next request is answered with this instead: 429, a time-out, …
    pub fn next_answer(&self, answer: Result<web::Response, HttpError>) {
        self.world.borrow_mut().answers.push_back(answer);
    }

    /// The next change of a record answers `conflict`.
    pub fn next_change_conflicts(&self) {
        self.world.borrow_mut().conflicts += 1;
    }

    /// The next call ends right after its `count`-th host call: what that did is done, and the plugin never hears of it.
    pub fn crash_after(&self, count: u32) {
        self.world.borrow_mut().crash_after = Some(count);
    }

    /// Requests that reached the other side, secrets filled in.
    pub fn requests(&self) -> Vec<web::Request> {
        self.world.borrow().requests.clone()
    }

    pub fn mails(&self) -> Vec<outbox::Mail> {
        self.world.borrow().mails.iter().map(|(_, mail)| mail.clone()).collect()
    }

    pub fn notices(&self) -> Vec<outbox::Notice> {
        self.world.borrow().notices.clone()
    }

    /// Jobs that wait for their time.
    pub fn later(&self) -> Vec<Later> {
        self.world.borrow().later.clone()
    }

    pub fn log(&self) -> Vec<Line> {
        self.world.borrow().log.clone()
    }

    /// A value of the plugin's own, as JSON.
    pub fn kv(&self, key: &str) -> Option<Json> {
        let world = self.world.borrow();
        serde_json::from_slice(&world.kv.get(key)?.value).ok()
    }

    /// Keeps a file. Its id.
    pub fn add_file(&self, name: &str, mime: &str, content: impl Into<Vec<u8>>) -> String {
        self.world.borrow_mut().keep(name, mime, content.into()).id
    }

    /// A file's content.
    pub fn file(&self, id: &str) -> Option<Vec<u8>> {
        self.world.borrow().files.get(id).map(|(_, content)| content.clone())
    }

    /// Reasons for which events were given up.
    pub fn dropped(&self) -> Vec<String> {
        self.world.borrow().dropped.clone()
    }
}

/// The world of this thread, for host functions.
pub(crate) fn with_world<T>(act: impl FnOnce(&mut World) -> T) -> T {
    let world = CURRENT.with_borrow(|current| current.clone());
    match world {
        Some(world) => act(&mut world.borrow_mut()),
        None => {
            panic!("a host function was called outside of a test's Kith; make one with testing::Kith::new(plugin())")
        }
    }
}
