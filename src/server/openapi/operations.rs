//! What the document says of each operation, by the name that the route table gives it. One line an operation; the shapes are in
//! `components.json`.

/// The body that an operation takes.
#[derive(Clone, Copy, PartialEq)]
pub enum Takes {
    Nothing,
    /// Name of a schema.
    Json(&'static str),
    /// Name of the schema of the form.
    Form(&'static str),
}

/// What an operation answers when all is well.
#[derive(Clone, Copy, PartialEq)]
pub enum Gives {
    /// 200 with a schema.
    Json(&'static str),
    /// 200 with a schema and the record's ETag.
    Versioned(&'static str),
    /// 201 with a schema.
    Created(&'static str),
    /// 204.
    Nothing,
    /// 200 with another content type.
    Other(&'static [&'static str]),
    /// 202 with a schema: it goes on in the background.
    Started(&'static str),
    /// 202 for a job that was started, or 200 for its dry run.
    Job,
}

/// One operation.
pub struct Described {
    pub name: &'static str,
    pub tag: &'static str,
    pub summary: &'static str,
    /// Names of parameters besides those of the path.
    pub params: &'static [&'static str],
    pub takes: Takes,
    pub gives: Gives,
    /// Refusals besides those that any operation may answer.
    pub refuses: &'static [u16],
}

const fn op(
    name: &'static str,
    tag: &'static str,
    summary: &'static str,
    params: &'static [&'static str],
    takes: Takes,
    gives: Gives,
    refuses: &'static [u16],
) -> Described {
    Described { name, tag, summary, params, takes, gives, refuses }
}

use Gives::{Created, Job, Other, Versioned};
use Takes::Form;

const NONE: &[&str] = &[];
const LIST: &[&str] = &["filter", "q", "sort", "fields", "limit", "cursor", "expand", "trashed", "total"];
const AUDIT: &[&str] =
    &["limit", "cursor", "actor", "ofObject", "record", "kind", "since", "until", "address", "auditText", "severity"];
const AUDIT_FILE: &[&str] =
    &["auditFormat", "actor", "ofObject", "record", "kind", "since", "until", "address", "auditText", "severity"];
const EXPORT: &[&str] = &["format", "filter", "q", "fields", "sort", "bom"];
const EXPORTED: &[&str] = &["text/csv", "application/jsonl", "text/vcard"];
const WRITE: &[u16] = &[409, 412, 422];

/// Operations that nobody needs to sign in for.
pub const OPEN: [&str; 3] = ["signIn", "answerChallenge", "getHealth"];

/// All operations, in the order of the route table.
#[rustfmt::skip]
pub static ALL: &[Described] = &[
    op("signIn", "Session", "Sign in; the session is a cookie", NONE, Takes::Json("SignInBody"), Gives::Json("Session"), &[]),
    op("getSession", "Session", "Who is signed in", NONE, Takes::Nothing, Gives::Json("Session"), &[]),
    op("signOut", "Session", "Sign out", NONE, Takes::Nothing, Gives::Nothing, &[]),
    op("answerChallenge", "Session", "The second step of a sign-in: a code of the authenticator app, or a recovery code", NONE, Takes::Json("ChallengeBody"), Gives::Json("Session"), &[]),
    op("getMe", "Session", "The caller's own user record", NONE, Takes::Nothing, Versioned("Record"), &[]),
    op("updateMe", "Session", "Change the caller's own profile", NONE, Takes::Json("ValuesBody"), Versioned("Record"), WRITE),
    op("changePassword", "Session", "Change the caller's own password; ends its other sessions", NONE, Takes::Json("ChangePasswordBody"), Gives::Nothing, &[]),
    op("listOwnSessions", "Session", "The caller's open sessions", NONE, Takes::Nothing, Gives::Json("Sessions"), &[]),
    op("endOtherSessions", "Session", "End all of the caller's sessions but this one", NONE, Takes::Nothing, Gives::Json("SessionsEnded"), &[]),
    op("endOwnSession", "Session", "End one of the caller's sessions", NONE, Takes::Nothing, Gives::Nothing, &[]),
    op("getSecondFactor", "Session", "How the caller's second factor stands", NONE, Takes::Nothing, Gives::Json("SecondFactor"), &[]),
    op("beginSecondFactor", "Session", "Begin to enrol an authenticator app", NONE, Takes::Json("BeginSecondFactorBody"), Gives::Json("Enrolment"), &[]),
    op("removeSecondFactor", "Session", "Go back to the password alone", NONE, Takes::Json("CodeBody"), Gives::Nothing, &[]),
    op("confirmSecondFactor", "Session", "Put an enrolment in force with its first code; shows recovery codes once", NONE, Takes::Json("CodeBody"), Gives::Json("RecoveryCodes"), &[]),
    op("renewRecoveryCodes", "Session", "Make new recovery codes; the old ones end", NONE, Takes::Json("CodeBody"), Gives::Json("RecoveryCodes"), &[]),
    op("listObjects", "Schema", "The live schema, as far as the caller may see it", NONE, Takes::Nothing, Gives::Json("Objects"), &[]),
    op("createObject", "Schema", "Make an object", NONE, Takes::Json("ObjectBody"), Created("Object"), &[409]),
    op("getObject", "Schema", "One object with its fields", NONE, Takes::Nothing, Gives::Json("Object"), &[]),
    op("updateObject", "Schema", "Change an object", NONE, Takes::Json("ObjectBody"), Gives::Json("Object"), &[409]),
    op("deleteObject", "Schema", "Remove an object", &["force"], Takes::Nothing, Gives::Nothing, &[409]),
    op("createField", "Schema", "Add a field", NONE, Takes::Json("FieldBody"), Created("Field"), &[409]),
    op("orderFields", "Schema", "Put fields into an order", NONE, Takes::Json("OrderBody"), Gives::Json("Object"), &[409]),
    op("updateField", "Schema", "Change a field", NONE, Takes::Json("FieldBody"), Gives::Json("Field"), &[409]),
    op("deleteField", "Schema", "Remove a field; its values stay in history", NONE, Takes::Nothing, Gives::Nothing, &[409]),
    op("listKinds", "Schema", "Kinds of fields", NONE, Takes::Nothing, Gives::Json("Kinds"), &[]),
    op("listRecords", "Records", "List, filter, sort and search records", LIST, Takes::Nothing, Gives::Json("RecordPage"), &[]),
    op("createRecord", "Records", "Make a record", &["idempotencyKey"], Takes::Json("ValuesBody"), Created("Record"), &[409]),
    op("batchRecords", "Records", "Up to 1,000 operations, all or nothing", &["idempotencyKey"], Takes::Json("BatchBody"), Gives::Json("BatchAnswer"), WRITE),
    op("groupRecords", "Records", "Counts and sums per value of a field", &["by", "filter", "q", "sum"], Takes::Nothing, Gives::Json("Groups"), &[]),
    op("runActionOnMany", "Actions", "Run an action on several records", &["idempotencyKey"], Takes::Json("ActionOnManyBody"), Gives::Json("ActionResult"), WRITE),
    op("testCondition", "Conditions", "Ask a condition about records", NONE, Takes::Json("ConditionBody"), Gives::Json("ConditionAnswer"), &[502]),
    op("listPanels", "Plugins", "Panels of plugins that the caller may see", &["slot", "ofObject"], Takes::Nothing, Gives::Json("Panels"), &[]),
    op("renderPanel", "Plugins", "Draw a panel as a tree of nodes", NONE, Takes::Json("RenderBody"), Gives::Json("PanelView"), &[409, 502]),
    op("usePanel", "Plugins", "Use a button or a form of a panel that was drawn", NONE, Takes::Json("UsePanelBody"), Gives::Json("PanelView"), &[409, 502]),
    op("getRecord", "Records", "One record, as it is or as it was", &["fields", "expand", "at"], Takes::Nothing, Versioned("RecordAnswer"), &[]),
    op("updateRecord", "Records", "Change fields of a record", &["ifMatch"], Takes::Json("ValuesBody"), Versioned("Record"), WRITE),
    op("deleteRecord", "Records", "Put a record into the trash", &["ifMatch"], Takes::Nothing, Gives::Nothing, WRITE),
    op("eraseRecords", "Erasure", "Look at what erasing records for good would do, or do it", NONE, Takes::Json("EraseManyBody"), Gives::Json("EraseAnswer"), &[409]),
    op("eraseRecord", "Erasure", "Look at what erasing a record for good would do, or do it", NONE, Takes::Json("EraseBody"), Gives::Json("EraseAnswer"), &[409]),
    op("restoreRecord", "Records", "Take a record out of the trash", &["idempotencyKey"], Takes::Nothing, Versioned("Record"), WRITE),
    op("revertRecord", "Records", "Bring a record or some of its fields back to how they were", &["ifMatch"], Takes::Json("RevertBody"), Versioned("Record"), WRITE),
    op("getHistory", "Records", "Who changed what, when and why", &["shortLimit", "cursor"], Takes::Nothing, Gives::Json("HistoryPage"), &[]),
    op("getPersonalData", "Erasure", "Everything held on a record as one file: for programs, for people, and the attachments", NONE, Takes::Nothing, Other(&["application/x-tar"]), &[]),
    op("getTimeline", "Records", "Notes, tasks, files and changes, newest first", &["shortLimit", "cursor"], Takes::Nothing, Gives::Json("TimelinePage"), &[]),
    op("runAction", "Actions", "Run an action on a record", &["idempotencyKey"], Takes::Json("ActionInput"), Gives::Json("ActionResult"), WRITE),
    op("search", "Records", "Search as you type, across objects", &["q", "objects", "shortLimit"], Takes::Nothing, Gives::Json("Hits"), &[]),
    op("uploadFile", "Files", "Store a file, attached to a record when one is named", &["attachTo", "attachRecord"], Form("FileForm"), Created("Record"), &[]),
    op("downloadFile", "Files", "A file's content", NONE, Takes::Nothing, Other(&["application/octet-stream"]), &[]),
    op("startImport", "Imports", "Import a file, or look at what importing it would do", NONE, Form("ImportForm"), Job, &[409]),
    op("listImporters", "Imports", "Importers of plugins, for files that Kith cannot read itself", NONE, Takes::Nothing, Gives::Json("Importers"), &[]),
    op("getImport", "Imports", "How an import is doing", NONE, Takes::Nothing, Gives::Json("ImportJob"), &[]),
    op("getRefusedRows", "Imports", "The rows that were not imported, with reasons", NONE, Takes::Nothing, Other(&["text/csv"]), &[]),
    op("undoImport", "Imports", "Undo an import", NONE, Takes::Nothing, Gives::Json("ImportJob"), &[409]),
    op("exportRecords", "Exports", "Carry records out as a file", EXPORT, Takes::Nothing, Other(EXPORTED), &[422]),
    op("streamEvents", "Events", "Live changes as server-sent events", &["lastEventId"], Takes::Nothing, Other(&["text/event-stream"]), &[]),
    op("createUser", "Administration", "Make a user", &["idempotencyKey"], Takes::Json("UserBody"), Created("Record"), &[409]),
    op("setPassword", "Administration", "Set a user's password; ends its sessions", NONE, Takes::Json("SetPasswordBody"), Gives::Nothing, &[]),
    op("resetSecondFactor", "Administration", "Take away a user's second factor; ends its sessions", NONE, Takes::Nothing, Gives::Nothing, &[]),
    op("listSessions", "Administration", "A user's open sessions", NONE, Takes::Nothing, Gives::Json("Sessions"), &[]),
    op("endSessions", "Administration", "End all sessions of a user", NONE, Takes::Nothing, Gives::Json("SessionsEnded"), &[]),
    op("endSession", "Administration", "End one session of a user", NONE, Takes::Nothing, Gives::Nothing, &[]),
    op("checkPassword", "Session", "How a password would fare", NONE, Takes::Json("StrengthBody"), Gives::Json("Strength"), &[]),
    op("createToken", "Administration", "Issue an API token", &["idempotencyKey"], Takes::Json("TokenBody"), Created("TokenAnswer"), &[409]),
    op("previewRetention", "Erasure", "What rules of retention would touch now", NONE, Takes::Json("RetentionPreviewBody"), Gives::Json("RetentionPreviews"), &[]),
    op("runRetention", "Erasure", "Run a rule of retention now", NONE, Takes::Json("RetentionRunBody"), Gives::Json("RetentionRun"), &[409]),
    op("listAudit", "Administration", "Changes, reads, sign-ins and refusals, newest first", AUDIT, Takes::Nothing, Gives::Json("AuditPage"), &[]),
    op("exportAudit", "Administration", "All of the audit that matches, as a file", AUDIT_FILE, Takes::Nothing, Other(&["application/jsonl", "text/csv"]), &[]),
    op("getAuditHead", "Administration", "Number and hash of the journal's newest entry, to be kept elsewhere", NONE, Takes::Nothing, Gives::Json("AuditHead"), &[]),
    op("verifyJournal", "Administration", "Start to check the chain, and that it contains heads kept elsewhere", NONE, Takes::Json("VerifyBody"), Gives::Started("VerifyState"), &[]),
    op("getVerifyState", "Administration", "How far a check of the chain is, and what the last one found", NONE, Takes::Nothing, Gives::Json("VerifyState"), &[]),
    op("listBackups", "Backups", "Backups, newest first, and how they are doing", NONE, Takes::Nothing, Gives::Json("Backups"), &[]),
    op("startBackup", "Backups", "Take a backup now, into the schedule's folder", NONE, Takes::Json("BackupBody"), Gives::Started("BackupStarted"), &[409]),
    op("streamBackup", "Backups", "Take a backup now and give it out", NONE, Takes::Json("BackupBody"), Other(&["application/octet-stream"]), &[409]),
    op("getErasures", "Backups", "The sealed list of erasures, to be kept beside backups", &["recipients"], Takes::Nothing, Other(&["application/octet-stream"]), &[409, 422]),
    op("getBackupSchedule", "Backups", "When backups are taken, where they go and what is kept", NONE, Takes::Nothing, Gives::Json("BackupSchedule"), &[]),
    op("setBackupSchedule", "Backups", "Set the schedule", NONE, Takes::Json("BackupSchedule"), Gives::Json("BackupSchedule"), &[409]),
    op("getBackup", "Backups", "One backup, such as one that was started", NONE, Takes::Nothing, Gives::Json("Backup"), &[]),
    op("downloadBackup", "Backups", "A backup's file", NONE, Takes::Nothing, Other(&["application/octet-stream"]), &[]),
    op("listKeys", "Administration", "Who opens the vault, its data keys, and how far a rotation is", NONE, Takes::Nothing, Gives::Json("Keys"), &[]),
    op("addKey", "Administration", "Let one more key open the vault; from the command line only", NONE, Takes::Json("AddKeyBody"), Gives::Nothing, &[409]),
    op("removeKey", "Administration", "Take the vault away from a key; from the command line only", NONE, Takes::Json("RemoveKeyBody"), Gives::Nothing, &[409]),
    op("rotateKey", "Administration", "Make a new data key; old values are sealed again in the background", NONE, Takes::Nothing, Gives::Json("Keys"), &[409, 422]),
    op("setVaultPassphrase", "Administration", "Set the vault's passphrase; from the command line only", NONE, Takes::Json("PassphraseBody"), Gives::Nothing, &[]),
    op("listPlugins", "Plugins", "Installed plugins with their state, and those that Kith brings along", NONE, Takes::Nothing, Gives::Json("Plugins"), &[]),
    op("installPlugin", "Plugins", "Install a plugin or another version of one; what asks for more than was granted waits", NONE, Form("PluginForm"), Created("Plugin"), &[409]),
    op("inspectPlugin", "Plugins", "What a plugin's file would bring and ask for, without installing it", NONE, Form("PluginForm"), Gives::Json("PluginOffer"), &[]),
    op("getPlugin", "Plugins", "One plugin: permissions, settings, secrets that are set, circuits", NONE, Takes::Nothing, Gives::Json("Plugin"), &[]),
    op("removePlugin", "Plugins", "Take a plugin away, with or without what it holds", &["keep"], Takes::Nothing, Gives::Nothing, &[]),
    op("grantPlugin", "Plugins", "Agree to what a plugin asks for, and run it", NONE, Takes::Nothing, Gives::Json("Plugin"), &[409, 422]),
    op("declinePlugin", "Plugins", "Drop the version that waits for a grant", NONE, Takes::Nothing, Gives::Json("Plugin"), &[409]),
    op("enablePlugin", "Plugins", "Run a plugin", NONE, Takes::Nothing, Gives::Json("Plugin"), &[409, 422]),
    op("disablePlugin", "Plugins", "Stop a plugin; its data stays", NONE, Takes::Nothing, Gives::Json("Plugin"), &[]),
    op("rollBackPlugin", "Plugins", "Go back to the version before", NONE, Takes::Nothing, Gives::Json("Plugin"), &[409, 422]),
    op("getPluginSettings", "Plugins", "A plugin's settings", NONE, Takes::Nothing, Gives::Json("PluginSettings"), &[]),
    op("setPluginSettings", "Plugins", "Set all settings of a plugin", NONE, Takes::Json("PluginSettings"), Gives::Json("PluginSettings"), &[]),
    op("setPluginSecret", "Plugins", "Set a secret of a plugin; it is never shown again", NONE, Takes::Json("PluginSecretBody"), Gives::Nothing, &[]),
    op("clearPluginSecret", "Plugins", "Clear a secret of a plugin", NONE, Takes::Nothing, Gives::Nothing, &[]),
    op("getPluginHealth", "Plugins", "What a plugin says of how it is doing", NONE, Takes::Nothing, Gives::Json("PluginHealth"), &[409]),
    op("getPluginLog", "Plugins", "A plugin's log, newest last", NONE, Takes::Nothing, Gives::Json("PluginLog"), &[]),
    op("listPluginCalls", "Plugins", "A plugin's last calls with their time, and its circuits", NONE, Takes::Nothing, Gives::Json("PluginCalls"), &[]),
    op("streamPlugin", "Plugins", "A plugin's log, its calls and what it asks of the host, live as server-sent events", &["history"], Takes::Nothing, Other(&["text/event-stream"]), &[]),
    op("listPluginTraces", "Plugins", "Calls of a plugin that can be played again, newest first", NONE, Takes::Nothing, Gives::Json("PluginTraces"), &[]),
    op("tracePlugin", "Plugins", "Have a plugin's next calls leave a trace, besides those that fail", NONE, Takes::Json("PluginTracing"), Gives::Json("PluginTracingAnswer"), &[]),
    op("getPluginTrace", "Plugins", "What one call was given, asked of the host and answered, for 'kith plugin replay'", NONE, Takes::Nothing, Gives::Json("PluginTrace"), &[]),
    op("listPluginFailures", "Plugins", "Events that a plugin did not take, newest first", NONE, Takes::Nothing, Gives::Json("PluginFailures"), &[]),
    op("dismissPluginFailure", "Plugins", "Let a failed event rest", NONE, Takes::Nothing, Gives::Nothing, &[]),
    op("replayPluginFailure", "Plugins", "Tell a plugin of a failed event again", NONE, Takes::Nothing, Gives::Nothing, &[]),
    op("getOpenApi", "Server", "This document, of the live schema", NONE, Takes::Nothing, Gives::Json("OpenApi"), &[]),
    op("getHealth", "Server", "Whether the server is well", NONE, Takes::Nothing, Gives::Json("Health"), &[]),
    op("getMetrics", "Server", "Figures for Prometheus", NONE, Takes::Nothing, Other(&["application/openmetrics-text"]), &[]),
];

/// What is said of an operation.
pub fn find(name: &str) -> Option<&'static Described> {
    ALL.iter().find(|described| described.name == name)
}
