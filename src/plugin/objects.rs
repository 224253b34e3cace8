//! What the host keeps, as records: plugins, their secrets, values, jobs and failures. All of it is written by code; nobody changes it by
//! hand, and no secret comes out again.

use kith_base::RecordId;
use kith_engine::define::{field, object as start};
use kith_model::ObjectDef;

/// Numbers of the fields, for code that reads the records. Never renumbered.
pub mod ids {
    pub mod plugins {
        pub const OBJECT: u32 = 22;
        /// The plugin's id, such as `lead-scoring`.
        pub const KEY: u32 = 1;
        pub const NAME: u32 = 2;
        pub const VERSION: u32 = 3;
        pub const STATE: u32 = 4;
        pub const MESSAGE: u32 = 5;
        pub const MANIFEST: u32 = 6;
        /// The manifest an administrator agreed to; null: none yet.
        pub const GRANTED: u32 = 7;
        pub const SETTINGS: u32 = 8;
        pub const WASM: u32 = 9;
        pub const SHA256: u32 = 10;
        pub const AUTHOR: u32 = 11;
        pub const PREVIOUS: u32 = 12;
        pub const PREVIOUS_WASM: u32 = 13;
        pub const PENDING: u32 = 14;
        pub const PENDING_WASM: u32 = 15;
        pub const SIZE_BYTES: u32 = 16;
        /// The version that was last told that it is installed.
        pub const TOLD: u32 = 17;
        /// In other languages.
        pub const TEXTS: u32 = 18;
    }
    pub mod secrets {
        pub const OBJECT: u32 = 23;
        pub const PLUGIN: u32 = 1;
        pub const NAME: u32 = 2;
        pub const VALUE: u32 = 3;
    }
    pub mod values {
        pub const OBJECT: u32 = 24;
        pub const PLUGIN: u32 = 1;
        pub const KEY: u32 = 2;
        /// Base64; at most 64 KiB before that.
        pub const VALUE: u32 = 3;
        /// The version that the plugin sees; starts again at 1 when a value was removed and comes back.
        pub const REVISION: u32 = 4;
        pub const EXPIRES_AT: u32 = 5;
        /// Of key and value, before Base64.
        pub const SIZE_BYTES: u32 = 6;
    }
    pub mod jobs {
        pub const OBJECT: u32 = 25;
        pub const PLUGIN: u32 = 1;
        pub const KIND: u32 = 2;
        /// Name of the job or action in the manifest.
        pub const NAME: u32 = 3;
        pub const INPUT: u32 = 4;
        pub const CURSOR: u32 = 5;
        pub const DUE_AT: u32 = 6;
        pub const KEY: u32 = 7;
        pub const ATTEMPT: u32 = 8;
        pub const STATE: u32 = 9;
        pub const MESSAGE: u32 = 10;
        pub const FINISHED_AT: u32 = 11;
        /// The user who set it off, where there is one.
        pub const ACTOR: u32 = 12;
        pub const DEPTH: u32 = 13;
    }
    pub mod failures {
        pub const OBJECT: u32 = 26;
        pub const PLUGIN: u32 = 1;
        pub const CAPABILITY: u32 = 2;
        /// The event's id, the same over attempts.
        pub const EVENT: u32 = 3;
        /// The journal entry it came from.
        pub const SEQ: u32 = 4;
        pub const REASON: u32 = 6;
        pub const ATTEMPTS: u32 = 7;
        pub const AT: u32 = 8;
        pub const STATE: u32 = 9;
        /// Next attempt, while it is retried.
        pub const DUE_AT: u32 = 10;
        /// Id of the record that changed.
        pub const ABOUT: u32 = 11;
        /// Key of its object.
        pub const ABOUT_OBJECT: u32 = 12;
        /// What happened to it: `created`, `updated`, `deleted`, `restored`.
        pub const CHANGE: u32 = 13;
    }
    pub mod traces {
        pub const OBJECT: u32 = 27;
        pub const PLUGIN: u32 = 1;
        /// The trace's id; its record is used again for a later one.
        pub const KEY: u32 = 2;
        pub const CAPABILITY: u32 = 3;
        pub const NAME: u32 = 4;
        /// The call, the same over attempts.
        pub const CALL: u32 = 5;
        pub const ATTEMPT: u32 = 6;
        pub const AT: u32 = 7;
        pub const VERSION: u32 = 8;
        pub const MICROS: u32 = 9;
        pub const ERROR: u32 = 10;
        pub const CONTENT: u32 = 11;
        pub const SIZE_BYTES: u32 = 12;
    }
}

/// The host's objects, for the engine's options.
pub fn objects() -> Vec<ObjectDef> {
    vec![plugins(), secrets(), values(), jobs(), failures(), traces()]
}

/// The record of a plugin's secret or value: found by its id, without a search.
pub fn record_of(object: u32, plugin: &str, key: &str) -> RecordId {
    let mut hasher = blake3::Hasher::new();
    for part in [object.to_string().as_str(), plugin, key] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    let mut random = [0; 10];
    random.copy_from_slice(&hasher.finalize().as_bytes()[..10]);
    // Not time zero: that is for definitions, which opening meets first.
    RecordId::new(1, random)
}

fn plugins() -> ObjectDef {
    use ids::plugins as n;
    start(n::OBJECT, "plugins", "Plugin", "Plugins")
        .icon("plug")
        .subtitle("key")
        .system()
        .field(n::KEY, field::text("key", "Id").required().unique().read_only().in_list())
        .field(n::NAME, field::text("name", "Name").required().read_only().in_list())
        .field(n::VERSION, field::text("plugin_version", "Version").required().read_only().in_list())
        .field(
            n::STATE,
            field::select("state", "State").required().read_only().in_list().options([
                ("enabled", "Enabled", "green"),
                ("disabled", "Disabled", "gray"),
                ("failed", "Failed", "red"),
            ]),
        )
        .field(n::MESSAGE, field::long_text("message", "Message").read_only().in_list())
        .field(n::MANIFEST, field::json("manifest", "Manifest").read_only().hidden())
        .field(n::GRANTED, field::json("granted", "Granted").read_only().hidden())
        .field(n::SETTINGS, field::json("settings", "Settings").read_only().hidden())
        .field(n::WASM, field::text("wasm", "Content").stored().program().read_only().hidden())
        .field(n::SHA256, field::text("sha256", "SHA-256").read_only())
        .field(n::AUTHOR, field::text("author", "Author's key").read_only())
        .field(n::PREVIOUS, field::json("previous", "Version before").read_only().hidden())
        .field(
            n::PREVIOUS_WASM,
            field::text("previous_wasm", "Content of the version before").stored().program().read_only().hidden(),
        )
        .field(n::PENDING, field::json("pending", "Version that waits for a grant").read_only().hidden())
        .field(
            n::PENDING_WASM,
            field::text("pending_wasm", "Content of the version that waits").stored().program().read_only().hidden(),
        )
        .field(n::SIZE_BYTES, field::integer("size_bytes", "Size").read_only())
        .field(n::TOLD, field::text("told", "Version that set itself up").read_only().hidden())
        .field(n::TEXTS, field::json("texts", "Texts").read_only().hidden())
        .build()
}

fn secrets() -> ObjectDef {
    use ids::secrets as n;
    start(n::OBJECT, "plugin_secrets", "Plugin secret", "Plugin secrets")
        .icon("key")
        .subtitle("plugin")
        .system()
        .field(n::PLUGIN, field::text("plugin", "Plugin").required().read_only().in_list())
        .field(n::NAME, field::text("name", "Name").required().read_only().in_list())
        .field(n::VALUE, field::secret("value", "Value").read_only())
        .build()
}

fn values() -> ObjectDef {
    use ids::values as n;
    start(n::OBJECT, "plugin_values", "Plugin value", "Plugin values")
        .icon("database")
        .title("key")
        .subtitle("plugin")
        .system()
        .field(n::PLUGIN, field::text("plugin", "Plugin").required().read_only().in_list())
        .field(n::KEY, field::text("key", "Key").required().read_only().in_list())
        .field(n::VALUE, field::long_text("value", "Value").read_only().hidden())
        .field(n::REVISION, field::integer("revision", "Revision").read_only().in_list())
        .field(n::EXPIRES_AT, field::datetime("expires_at", "Expires").read_only().in_list())
        .field(n::SIZE_BYTES, field::integer("size_bytes", "Size").read_only())
        .build()
}

fn jobs() -> ObjectDef {
    use ids::jobs as n;
    start(n::OBJECT, "plugin_jobs", "Plugin job", "Plugin jobs")
        .icon("clock")
        .subtitle("plugin")
        .system()
        .field(n::PLUGIN, field::text("plugin", "Plugin").required().read_only().in_list())
        .field(
            n::KIND,
            field::select("kind", "Kind")
                .read_only()
                .in_list()
                .options([("job", "Job", "blue"), ("action", "Action", "teal")]),
        )
        .field(n::NAME, field::text("name", "Name").required().read_only().in_list())
        .field(n::INPUT, field::long_text("input", "Input").read_only().hidden())
        .field(n::CURSOR, field::long_text("cursor", "Goes on at").read_only().hidden())
        .field(n::DUE_AT, field::datetime("due_at", "Due").read_only().in_list())
        .field(n::KEY, field::text("key", "Idempotency key").read_only())
        .field(n::ATTEMPT, field::integer("attempt", "Attempt").read_only())
        .field(
            n::STATE,
            field::select("state", "State").read_only().in_list().options([
                ("waiting", "Waiting", "blue"),
                ("running", "Running", "yellow"),
                ("done", "Done", "green"),
                ("failed", "Failed", "red"),
                ("cancelled", "Cancelled", "gray"),
            ]),
        )
        .field(n::MESSAGE, field::long_text("message", "Message").read_only().in_list())
        .field(n::FINISHED_AT, field::datetime("finished_at", "Finished").read_only())
        .field(n::ACTOR, field::text("actor", "Set off by").read_only())
        .field(n::DEPTH, field::integer("depth", "Depth").read_only().hidden())
        .build()
}

fn failures() -> ObjectDef {
    use ids::failures as n;
    start(n::OBJECT, "plugin_failures", "Plugin failure", "Plugin failures")
        .icon("alert")
        .title("event")
        .subtitle("plugin")
        .system()
        .field(n::PLUGIN, field::text("plugin", "Plugin").required().read_only().in_list())
        .field(n::CAPABILITY, field::text("capability", "Capability").read_only().in_list())
        .field(n::EVENT, field::text("event", "Event").read_only().in_list())
        .field(n::SEQ, field::integer("seq", "Journal entry").read_only())
        .field(n::REASON, field::long_text("reason", "Reason").read_only().in_list())
        .field(n::ATTEMPTS, field::integer("attempts", "Attempts").read_only().in_list())
        .field(n::AT, field::datetime("at", "At").read_only().in_list())
        .field(
            n::STATE,
            field::select("state", "State").read_only().in_list().options([
                ("retrying", "Waits for another attempt", "yellow"),
                ("open", "Given up", "red"),
                ("replayed", "Told", "green"),
                ("dismissed", "Dismissed", "gray"),
            ]),
        )
        .field(n::DUE_AT, field::datetime("due_at", "Next attempt").read_only().in_list())
        .field(n::ABOUT, field::text("about", "Record").read_only())
        .field(n::ABOUT_OBJECT, field::text("about_object", "Object").read_only().in_list())
        .field(n::CHANGE, field::text("change", "Change").read_only().in_list())
        .build()
}

fn traces() -> ObjectDef {
    use ids::traces as n;
    start(n::OBJECT, "plugin_traces", "Plugin trace", "Plugin traces")
        .icon("search")
        .title("key")
        .subtitle("plugin")
        .system()
        .field(n::PLUGIN, field::text("plugin", "Plugin").required().read_only().in_list())
        .field(n::KEY, field::text("key", "Trace").required().read_only().in_list())
        .field(n::CAPABILITY, field::text("capability", "Capability").read_only().in_list())
        .field(n::NAME, field::text("name", "Name").read_only().in_list())
        .field(n::CALL, field::text("call", "Call").read_only())
        .field(n::ATTEMPT, field::integer("attempt", "Attempt").read_only())
        .field(n::AT, field::datetime("at", "At").read_only().in_list())
        .field(n::VERSION, field::text("plugin_version", "Version").read_only())
        .field(n::MICROS, field::integer("micros", "Microseconds").read_only())
        .field(n::ERROR, field::long_text("error", "Error").read_only().in_list())
        // Rows of people are in it: an erasure looks into it and takes it whole.
        .field(n::CONTENT, field::text("content", "Content").stored().read_only().hidden())
        .field(n::SIZE_BYTES, field::integer("size_bytes", "Size").read_only())
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_hosts_objects_fit_a_schema_and_are_administration() {
        let all = objects();
        let schema = kith_model::Schema::new(all.clone());
        let numbers: HashSet<u32> = all.iter().map(|object| object.id).collect();
        assert_eq!(numbers.len(), all.len());
        for object in &all {
            assert!(object.system && object.fields.iter().all(|field| field.read_only), "{}", object.key);
            assert_eq!(kith_model::schema::check_object(object, &schema), []);
            assert!(kith_engine::access::administration::is_engine_only(object, kith_engine::Op::Update));
        }
        assert_eq!(ids::traces::OBJECT - ids::plugins::OBJECT, 5);
    }

    #[test]
    fn a_value_is_found_by_its_plugin_and_key() {
        let id = |plugin, key| record_of(ids::values::OBJECT, plugin, key);
        assert_eq!(id("a", "b"), id("a", "b"));
        let all = [id("a", "b"), id("a", "bc"), id("ab", "c"), record_of(ids::secrets::OBJECT, "a", "b")];
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 4);
    }
}
