//! The whole route table on one page. A route is its path, its methods, the name of each operation and the handler; nothing
//! else decides what is served.

use poem::{
    Endpoint, EndpointExt, IntoEndpoint, Request, Response, Result, endpoint::BoxEndpoint, error::ResponseError,
    http::Method,
};

use crate::{
    api::{
        actions, as_it_was, audit, backups, batch, conditions, erase, events, exports, files, groups, health, history,
        imports, keys, me, objects, openapi, panels, personal, plugins, records, retention, search, second_factor,
        session, sessions, timeline, tokens, users, watching,
    },
    front::refusal,
    problem::Problem,
};

/// Every path below `/api/v1`, with its operations. `{name}` stands for one piece of the path.
pub fn table() -> Vec<RouteEntry> {
    vec![
        at("/session")
            .post("signIn", session::sign_in)
            .get("getSession", session::show)
            .delete("signOut", session::sign_out),
        at("/session/second-factor").post("answerChallenge", session::second_factor),
        at("/me").get("getMe", me::show).patch("updateMe", me::update),
        at("/me/password").post("changePassword", me::password),
        at("/me/sessions").get("listOwnSessions", sessions::own).delete("endOtherSessions", sessions::end_others),
        at("/me/sessions/{session}").delete("endOwnSession", sessions::end_own),
        at("/me/second-factor")
            .get("getSecondFactor", second_factor::show)
            .post("beginSecondFactor", second_factor::begin)
            .delete("removeSecondFactor", second_factor::remove),
        at("/me/second-factor/confirm").post("confirmSecondFactor", second_factor::confirm),
        at("/me/second-factor/recovery-codes").post("renewRecoveryCodes", second_factor::renew),
        at("/objects").get("listObjects", objects::list).post("createObject", objects::create),
        at("/objects/{object}")
            .get("getObject", objects::show)
            .patch("updateObject", objects::update)
            .delete("deleteObject", objects::remove),
        at("/objects/{object}/fields").post("createField", objects::create_field),
        at("/objects/{object}/fields/order").put("orderFields", objects::order_fields),
        at("/objects/{object}/fields/{field}")
            .patch("updateField", objects::update_field)
            .delete("deleteField", objects::remove_field),
        at("/kinds").get("listKinds", objects::kinds),
        at("/records/{object}").get("listRecords", records::list).post("createRecord", records::create),
        at("/records/{object}/batch").post("batchRecords", batch::run),
        at("/records/{object}/groups").get("groupRecords", groups::list),
        at("/records/{object}/actions/{action}").post("runActionOnMany", actions::run_on_many),
        at("/records/{object}/conditions/{condition}").post("testCondition", conditions::test),
        at("/panels").get("listPanels", panels::list),
        at("/plugins/{plugin}/panels/{panel}/render").post("renderPanel", panels::render),
        at("/plugins/{plugin}/panels/{panel}/act").post("usePanel", panels::act),
        at("/records/{object}/{id}")
            .get("getRecord", records::show)
            .patch("updateRecord", records::update)
            .delete("deleteRecord", records::remove),
        at("/records/{object}/erase").post("eraseRecords", erase::many),
        at("/records/{object}/{id}/erase").post("eraseRecord", erase::one),
        at("/records/{object}/{id}/restore").post("restoreRecord", records::restore),
        at("/records/{object}/{id}/revert").post("revertRecord", as_it_was::revert),
        at("/records/{object}/{id}/history").get("getHistory", history::list),
        at("/records/{object}/{id}/personal-data").get("getPersonalData", personal::stream),
        at("/records/{object}/{id}/timeline").get("getTimeline", timeline::list),
        at("/records/{object}/{id}/actions/{action}").post("runAction", actions::run),
        at("/search").get("search", search::list),
        at("/files").post("uploadFile", files::receive),
        at("/files/{id}/content").get("downloadFile", files::content),
        at("/imports").post("startImport", imports::start),
        at("/importers").get("listImporters", imports::importers),
        at("/imports/{id}").get("getImport", imports::show),
        at("/imports/{id}/refused.csv").get("getRefusedRows", imports::refused),
        at("/imports/{id}/undo").post("undoImport", imports::undo),
        at("/exports/{object}").get("exportRecords", exports::stream),
        at("/events").get("streamEvents", events::stream),
        at("/users").post("createUser", users::create),
        at("/users/{id}/password").post("setPassword", users::set_password),
        at("/users/{id}/second-factor").delete("resetSecondFactor", second_factor::reset),
        at("/users/{id}/sessions")
            .get("listSessions", sessions::of_user)
            .delete("endSessions", sessions::end_all_of_user),
        at("/users/{id}/sessions/{session}").delete("endSession", sessions::end_of_user),
        at("/password-strength").post("checkPassword", users::password_strength),
        at("/tokens").post("createToken", tokens::create),
        at("/retention/preview").post("previewRetention", retention::preview),
        at("/retention/run").post("runRetention", retention::run),
        at("/audit").get("listAudit", audit::list),
        at("/audit/export").get("exportAudit", audit::export),
        at("/audit/head").get("getAuditHead", audit::newest),
        at("/audit/verify").post("verifyJournal", audit::verify).get("getVerifyState", audit::verify_state),
        at("/backups").get("listBackups", backups::list).post("startBackup", backups::start),
        at("/backups/stream").post("streamBackup", backups::stream),
        at("/backups/erasures").get("getErasures", backups::erased),
        at("/backups/schedule")
            .get("getBackupSchedule", backups::schedule)
            .put("setBackupSchedule", backups::set_schedule),
        at("/backups/{id}").get("getBackup", backups::show),
        at("/backups/{id}/content").get("downloadBackup", backups::content),
        at("/keys").get("listKeys", keys::list).post("addKey", keys::add),
        at("/keys/remove").post("removeKey", keys::remove),
        at("/keys/rotate").post("rotateKey", keys::rotate),
        at("/keys/passphrase").post("setVaultPassphrase", keys::passphrase),
        at("/plugins").get("listPlugins", plugins::list).post("installPlugin", plugins::install),
        at("/plugins/inspect").post("inspectPlugin", plugins::inspect),
        at("/plugins/{plugin}").get("getPlugin", plugins::show).delete("removePlugin", plugins::remove),
        at("/plugins/{plugin}/grant").post("grantPlugin", plugins::grant),
        at("/plugins/{plugin}/pending").delete("declinePlugin", plugins::decline),
        at("/plugins/{plugin}/enable").post("enablePlugin", plugins::enable),
        at("/plugins/{plugin}/disable").post("disablePlugin", plugins::disable),
        at("/plugins/{plugin}/rollback").post("rollBackPlugin", plugins::roll_back),
        at("/plugins/{plugin}/settings")
            .get("getPluginSettings", plugins::settings)
            .put("setPluginSettings", plugins::set_settings),
        at("/plugins/{plugin}/secrets/{secret}")
            .put("setPluginSecret", plugins::set_secret)
            .delete("clearPluginSecret", plugins::clear_secret),
        at("/plugins/{plugin}/health").get("getPluginHealth", plugins::health),
        at("/plugins/{plugin}/log").get("getPluginLog", plugins::log),
        at("/plugins/{plugin}/calls").get("listPluginCalls", plugins::calls),
        at("/plugins/{plugin}/stream").get("streamPlugin", watching::stream),
        at("/plugins/{plugin}/traces")
            .get("listPluginTraces", plugins::traces)
            .post("tracePlugin", plugins::trace_next),
        at("/plugins/{plugin}/traces/{trace}").get("getPluginTrace", plugins::trace),
        at("/plugins/{plugin}/failures").get("listPluginFailures", plugins::failures),
        at("/plugins/{plugin}/failures/{failure}").delete("dismissPluginFailure", plugins::dismiss),
        at("/plugins/{plugin}/failures/{failure}/replay").post("replayPluginFailure", plugins::replay),
        at("/openapi.json").get("getOpenApi", openapi::document),
        at("/health").get("getHealth", health::show),
        at("/metrics").get("getMetrics", health::metrics),
    ]
}

/// Where the API lives.
pub const PREFIX: &str = "/api/v1";

/// The path of the route that answered, as the table has it; travels with the answer for the figures.
#[derive(Clone, Copy)]
pub struct RoutePattern(pub &'static str);

/// One path and what it answers.
pub struct RouteEntry {
    pub path: &'static str,
    pub operations: Vec<Operation>,
}

/// One method of a path.
pub struct Operation {
    pub method: Method,
    /// Its name in the OpenAPI document.
    pub name: &'static str,
    handler: BoxEndpoint<'static>,
}

fn at(path: &'static str) -> RouteEntry {
    RouteEntry { path, operations: Vec::new() }
}

macro_rules! methods {
    ($($name:ident $method:ident),*) => {$(
        fn $name<E>(self, name: &'static str, handler: E) -> Self
        where
            E: IntoEndpoint,
            E::Endpoint: 'static,
        {
            self.with(Method::$method, name, handler)
        }
    )*};
}

impl RouteEntry {
    methods!(get GET, post POST, put PUT, patch PATCH, delete DELETE);

    fn with<E>(mut self, method: Method, name: &'static str, handler: E) -> Self
    where
        E: IntoEndpoint,
        E::Endpoint: 'static,
    {
        self.operations.push(Operation { method, name, handler: handler.map_to_response().boxed() });
        self
    }

    /// The path as poem's router writes it.
    pub fn pattern(&self) -> String {
        format!("{PREFIX}{}", self.path.replace('{', ":").replace('}', ""))
    }

    fn find(&self, method: &Method) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.method == *method)
    }

    fn allowed(&self) -> String {
        let mut methods: Vec<&str> = self.operations.iter().map(|operation| operation.method.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.join(", ")
    }

    async fn answer(&self, mut request: Request) -> Response {
        let head_only = request.method() == Method::HEAD;
        if head_only {
            request.set_method(Method::GET);
        }
        let Some(operation) = self.find(request.method()) else {
            let allowed = self.allowed();
            return Problem::new("method.not_allowed", format!("this route offers {allowed}"))
                .allow(allowed)
                .as_response();
        };
        let mut answer = operation.handler.call(request).await.unwrap_or_else(refusal);
        if head_only {
            answer.set_body(());
        }
        answer
    }
}

impl Endpoint for RouteEntry {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let mut answer = self.answer(request).await;
        answer.set_data(RoutePattern(self.path));
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn paths_and_operation_names_are_unique() {
        let (mut paths, mut names) = (HashSet::new(), HashSet::new());
        for entry in table() {
            assert!(paths.insert(entry.path), "{} comes twice", entry.path);
            for operation in &entry.operations {
                assert!(names.insert(operation.name), "{} comes twice", operation.name);
            }
        }
    }

    #[test]
    fn patterns_are_poems() {
        assert_eq!(at("/records/{object}/{id}").pattern(), "/api/v1/records/:object/:id");
    }
}
