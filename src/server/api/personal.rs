//! Everything held on one record, as a file to hand over. What may be carried out is decided below.

use std::io::Write;

use kith_exchange::personal;
use poem::{Response, Result, handler, web::Path};

use super::{State, exports::sent};
use crate::{
    extract::{Caller, record_id},
    problem::Problem,
};

#[handler]
pub async fn stream(app: State<'_>, caller: Caller, Path((object, id)): Path<(String, String)>) -> Result<Response> {
    let id = record_id(&object, &id)?;
    let engine = app.engine.clone();
    let work = move |out: &mut dyn Write| {
        let actor = caller.actor(&engine)?;
        personal::write(&engine, &actor, &object, id, out).map_err(Problem::from)
    };
    sent(personal::CONTENT_TYPE, &format!("personal-data-{id}.tar"), work).await
}
