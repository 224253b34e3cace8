//! The engine: commands and their one pipeline, the image that answers, access, actions, history, events.
//!
//! Every change goes through [`Engine::execute`] in one order: parse, access, hooks, validation, commit to the journal, image,
//! acknowledgement, event. Every answer comes from the image. The engine knows objects and fields, and no HTTP, no files
//! format and no particular object of the domain.

pub mod access;
pub mod actions;
pub mod actor;
pub mod as_it_was;
pub mod audit;
pub mod auth;
pub mod command;
pub mod conditions;
pub mod cursors;
pub mod define;
pub mod engine;
pub mod erase;
pub mod error;
pub mod events;
pub mod happened;
pub mod history;
mod idempotency;
pub mod image;
pub mod keys;
pub mod meta;
mod names;
mod opening;
pub mod pipeline;
pub mod query;
pub mod read;
pub mod record;
pub mod retention;
pub mod search;
pub mod system;
mod upkeep;

pub use access::{FieldAccess, Op};
pub use actions::{Action, ActionContext, ActionResult};
pub use actor::{Actor, ActorKind};
pub use as_it_was::{AsItWas, Moment, Revert};
pub use command::{
    Cause, Command, CommitOptions, EngineMetrics, Fields, Group, GroupQuery, Hit, IdempotencyKey, Page, Query,
    SearchQuery, Seed, Title,
};
pub use conditions::{Condition, ConditionContext, ConditionSource};
pub use engine::{Engine, EngineOptions};
pub use error::EngineError;
pub use events::{ChangeEvent, EventChange};
pub use happened::Happened;
pub use history::{FieldChange, HistoryItem, HistoryPage};
pub use meta::extension::Extension;
pub use meta::view::{ActionView, ConditionView, FieldView, InverseView, ObjectView, Permissions};
pub use pipeline::{
    head::{ActorStamp, ChangeKind},
    here::Here,
    hooks::{DomainHook, Draft, HookContext, RecordReader},
};
pub use record::Record;
