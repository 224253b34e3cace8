//! Tasks: what somebody has to do, by when, about which record.

use kith_base::RecordId;
use kith_engine::{
    Action, ActionContext, ActionResult, Command, DomainHook, Draft, EngineError, Fields, HookContext, Op,
    define::{field, object as start},
};
use kith_model::{ObjectDef, Schema, Value, Violation};
use serde_json::{Value as Json, json};

pub const KEY: &str = "tasks";

pub fn object() -> ObjectDef {
    start(106, KEY, "Task", "Tasks")
        .icon("check-square")
        .title("title")
        .subtitle("due")
        .field(1, field::text("title", "Title").required().in_list())
        .field(2, field::boolean("done", "Done").default(false).in_list())
        .field(3, field::date("due", "Due").in_list())
        .field(4, field::user("assignee", "Assignee").in_list())
        .field(
            5,
            field::select("priority", "Priority").default("normal").in_list().options([
                ("low", "Low", "gray"),
                ("normal", "Normal", "blue"),
                ("high", "High", "red"),
            ]),
        )
        .field(
            6,
            field::select("type", "Type").default("todo").options([
                ("todo", "To do", "gray"),
                ("call", "Call", "teal"),
                ("email", "E-mail", "yellow"),
                ("meeting", "Meeting", "purple"),
            ]),
        )
        .field(7, field::link("about", "About", "*").belongs().in_list())
        .field(8, field::long_text("description", "Description"))
        .field(9, field::datetime("completed_at", "Completed").read_only())
        .build()
}

/// Notes when a task was done, and gives a new task to whoever makes it unless it names somebody.
pub struct Completion;

impl DomainHook for Completion {
    fn object(&self) -> &str {
        KEY
    }

    fn before_save(&self, context: &HookContext<'_>, draft: &mut Draft<'_>) -> Result<(), Vec<Violation>> {
        let done = draft.get("done") == &Value::Bool(true);
        if !done {
            draft.set("completed_at", Value::Null);
        } else if draft.get("completed_at").is_null() {
            draft.set("completed_at", Value::DateTime(context.now_ms));
        }
        if draft.is_new()
            && draft.get("assignee").is_null()
            && let Some(user) = context.actor.user
        {
            draft.set("assignee", Value::Link(user));
        }
        Ok(())
    }
}

/// Ticks tasks off.
pub struct Complete;

impl Action for Complete {
    fn name(&self) -> &str {
        "complete"
    }

    fn object(&self) -> &str {
        KEY
    }

    fn label(&self) -> &str {
        "Complete"
    }

    fn icon(&self) -> &str {
        "check"
    }

    fn input(&self, _schema: &Schema) -> Json {
        json!({"type": "object", "properties": {}})
    }

    fn permission(&self) -> Op {
        Op::Update
    }

    fn when(&self) -> Option<&str> {
        Some("done != true")
    }

    fn primary(&self) -> bool {
        true
    }

    fn run(&self, context: &ActionContext<'_>, ids: &[RecordId], _input: Json) -> Result<ActionResult, EngineError> {
        let done = |id: &RecordId| Command::Update {
            object: KEY.into(),
            id: *id,
            version: None,
            values: Fields::Parsed(vec![("done".into(), Value::Bool(true))]),
        };
        context.commit(ids.iter().map(done).collect()).map(ActionResult::of)
    }
}
