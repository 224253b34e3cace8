//! What happened around a record: notes, tasks, files and changes, newest first. The domain knows what belongs to it.

use kith_crm::timeline::{self, Moment, What};
use kith_engine::{
    Actor, Engine,
    audit::{AuditKind, Read},
};
use poem::{Request, Response, Result, handler, web::Path};
use serde_json::{Value as Json, json};

use super::{
    State, history, ok,
    shape::{self, Shape},
    time,
};
use crate::extract::{Caller, Params, record_id};

const ITEMS_MAX: usize = 200;
const ITEMS_DEFAULT: usize = 50;

#[handler]
pub async fn list(
    app: State<'_>,
    caller: Caller,
    Path((object, id)): Path<(String, String)>,
    request: &Request,
) -> Result<Response> {
    let params = Params::of(request, &["limit", "cursor"])?;
    let limit = params.number("limit", 1..=ITEMS_MAX)?.unwrap_or(ITEMS_DEFAULT);
    let cursor = params.string("cursor");
    let body = app
        .act(caller, move |engine, actor| {
            let id = record_id(&object, &id)?;
            let page = timeline::page(engine, actor, &object, id, cursor.as_deref(), limit)?;
            engine.audit_read(actor, AuditKind::Opened, &object, Read::Records(&[id]));
            let included = named(engine, actor, &page.items);
            let items: Vec<Json> = page.items.iter().map(|moment| item(engine, actor, moment, &included)).collect();
            Ok(json!({ "items": items, "next_cursor": page.next_cursor, "included": included }))
        })
        .await?;
    Ok(ok(&body))
}

fn item(engine: &Engine, actor: &Actor, moment: &Moment, included: &Json) -> Json {
    match &moment.what {
        What::Change(entry) => {
            json!({ "kind": "change", "at": time(moment.at), "actor": &*entry.actor, "entry": history::item(entry) })
        }
        What::Record { kind, record } => {
            let name = &included[record.created_by.to_string()]["title"];
            let by = json!({ "kind": "user", "id": record.created_by, "name": name.as_str().unwrap_or_default() });
            json!({ "kind": kind, "at": time(moment.at), "actor": by, "record": engine.to_json(actor, record) })
        }
    }
}

/// Names of what the moments' records link to, and of those who made them.
fn named(engine: &Engine, actor: &Actor, moments: &[Moment]) -> Json {
    let mut included = json!({});
    let mut merge = |more: Json| {
        if let (Json::Object(all), Json::Object(more)) = (&mut included, more) {
            all.extend(more);
        }
    };
    let schema = engine.schema();
    for moment in moments {
        let What::Record { record, .. } = &moment.what else { continue };
        merge(shape::titles(engine, actor, &[record.created_by], &Default::default()));
        let Some(object) = schema.object_by_id(record.object) else { continue };
        let seen = kith_engine::access::Guard::new(actor).seen(object);
        merge(Shape::default().included(engine, actor, &seen, std::slice::from_ref(record)));
    }
    included
}
