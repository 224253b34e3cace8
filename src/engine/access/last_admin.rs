//! There is always an administrator: the change that would remove, disable or demote the last one is refused.

use std::collections::{HashMap, HashSet};

use kith_base::RecordId;
use kith_model::{Value, Violation};

use crate::{Command, EngineError, Record, engine::Core, pipeline::prepare::Prepared, system::ids};

/// Whether these commands may change who is an administrator, so that they must wait for each other.
pub(crate) fn concerns(commands: &[Command]) -> bool {
    commands.iter().any(|command| {
        let (Command::Create { object, .. }
        | Command::Update { object, .. }
        | Command::Delete { object, .. }
        | Command::Restore { object, .. }) = command;
        object == "users" || object == "roles"
    })
}

/// Refuses a transaction after which nobody could administer the vault, if somebody can before it.
///
/// # Errors
/// `record.invalid`.
pub(crate) fn keep_one(core: &Core, prepared: &Prepared) -> Result<(), EngineError> {
    let changes =
        || prepared.changes.iter().filter(|p| [ids::users::OBJECT, ids::roles::OBJECT].contains(&p.record.object));
    let demotes = changes().any(|planned| {
        planned.before.as_ref().is_some_and(|before| match before.object {
            ids::roles::OBJECT => is_admin_role(before) && !is_admin_role(&planned.record),
            _ => is_usable(before) && (!is_usable(&planned.record) || role(before) != role(&planned.record)),
        })
    });
    if !demotes {
        return Ok(());
    }
    let after: HashMap<RecordId, &Record> = changes().map(|planned| (planned.record.id, &planned.record)).collect();
    if remains(core, &after) || !remains(core, &HashMap::new()) {
        return Ok(());
    }
    Err(last_admin())
}

/// Refuses to erase users and roles when nobody could administer the vault without them.
///
/// # Errors
/// `record.invalid`.
pub(crate) fn keep_one_without(core: &Core, gone: &[RecordId]) -> Result<(), EngineError> {
    let without = |id: &RecordId| core.image.get(*id).map(|record| Record { trashed: true, ..record });
    let gone: Vec<Record> = gone.iter().filter_map(without).collect();
    let concerned = gone.iter().any(|r| [ids::users::OBJECT, ids::roles::OBJECT].contains(&r.object));
    let after = gone.iter().map(|record| (record.id, record)).collect();
    if !concerned || remains(core, &after) || !remains(core, &HashMap::new()) {
        return Ok(());
    }
    Err(last_admin())
}

fn last_admin() -> EngineError {
    let message = "this is the last administrator; make another user an administrator first";
    EngineError::Invalid(vec![Violation { field: None, code: "last_admin".into(), message: message.into() }])
}

/// Whether a usable user has an administrator's role, with `after` instead of the records as they are.
fn remains(core: &Core, after: &HashMap<RecordId, &Record>) -> bool {
    let whole = |object: u32, id: RecordId| match after.get(&id) {
        Some(record) => Some(Record::clone(record)),
        None => core.image.get_of(object, id),
    };
    let made = |object: u32| after.values().filter(move |record| record.object == object).map(|record| record.id);
    let mut roles: HashSet<RecordId> = core.image.living(ids::roles::OBJECT).into_iter().collect();
    roles.extend(made(ids::roles::OBJECT));
    roles.retain(|id| whole(ids::roles::OBJECT, *id).is_some_and(|role| is_admin_role(&role)));
    let mut users: HashSet<RecordId> = core.image.living(ids::users::OBJECT).into_iter().collect();
    users.extend(made(ids::users::OBJECT));
    users
        .into_iter()
        .filter_map(|id| whole(ids::users::OBJECT, id))
        .any(|user| is_usable(&user) && role(&user).is_some_and(|role| roles.contains(&role)))
}

fn is_admin_role(record: &Record) -> bool {
    !record.trashed && record.values.get(ids::roles::ADMIN) == &Value::Bool(true)
}

fn is_usable(user: &Record) -> bool {
    !user.trashed && user.values.get(ids::users::DISABLED) != &Value::Bool(true)
}

fn role(user: &Record) -> Option<RecordId> {
    match user.values.get(ids::users::ROLE) {
        Value::Link(role) => Some(*role),
        _ => None,
    }
}
