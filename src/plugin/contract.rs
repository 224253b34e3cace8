//! The contract as Rust: one module for what plugins import, one for each capability they may export. Nothing is written by hand here.

/// What a plugin may import.
pub mod host {
    wasmtime::component::bindgen!({
        path: "../../plugin-sdk/wit",
        world: "host",
        // A flood of calls stops the guest.
        imports: { default: trappable },
        additional_derives: [Clone, serde::Serialize],
    });
}

pub use host::kith::plugin::{
    blobs, env, http, invocation, kv, log, outbox, records, secrets, settings,
    types::{Call, Entity, Error, Field, Value, Violation},
    web::{Request, Response},
};

macro_rules! capabilities {
    ($($module:ident: $world:literal, with $($shared:literal: $at:ty),*;)*) => { $(
        pub mod $module {
            wasmtime::component::bindgen!({
                path: "../../plugin-sdk/wit",
                world: $world,
                additional_derives: [Clone, serde::Serialize],
                with: { $($shared: $at),* },
            });
        }
    )* };
}

capabilities! {
    lifecycle: "p-lifecycle", with "kith:plugin/types": super::host::kith::plugin::types;
    before_save: "p-before-save", with "kith:plugin/types": super::host::kith::plugin::types;
    after_commit: "p-after-commit", with "kith:plugin/types": super::host::kith::plugin::types;
    computed: "p-computed", with "kith:plugin/types": super::host::kith::plugin::types;
    actions: "p-actions", with "kith:plugin/types": super::host::kith::plugin::types;
    conditions: "p-conditions", with "kith:plugin/types": super::host::kith::plugin::types;
    endpoint: "p-endpoint", with "kith:plugin/types": super::host::kith::plugin::types, "kith:plugin/web": super::host::kith::plugin::web;
    jobs: "p-jobs", with "kith:plugin/types": super::host::kith::plugin::types;
    ui: "p-ui", with "kith:plugin/types": super::host::kith::plugin::types;
    importer: "p-importer", with "kith:plugin/types": super::host::kith::plugin::types;
}
