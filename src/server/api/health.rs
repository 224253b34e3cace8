//! Whether the server is well, and its figures.

use std::sync::atomic::Ordering;

use kith_engine::audit::Severity;
use poem::{Request, Response, Result, handler, http::StatusCode};
use serde_json::json;

use super::{State, answer};
use crate::{
    app::{App, blocking},
    extract::{Caller, is_loopback},
    problem::Problem,
};

/// For everybody: says nothing but that the server works, its version and how far its journal is.
#[handler]
pub async fn show(app: State<'_>) -> Result<Response> {
    let engine = app.engine.clone();
    let (head, stopped) = blocking(move || Ok((engine.head(), engine.storage().stats().stopped))).await?;
    let status = if stopped { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let word = if stopped { "stopped" } else { "ok" };
    Ok(answer(status, &json!({ "status": word, "version": env!("CARGO_PKG_VERSION"), "head": head })))
}

/// Prometheus text, for this machine itself or an administrator's token.
#[handler]
pub async fn metrics(app: State<'_>, caller: Caller, request: &Request) -> Result<Response> {
    if !is_loopback(request) {
        app.act(caller, |_, actor| {
            let detail = "figures are for administrators, or for requests from the server's own machine";
            if actor.is_admin() { Ok(()) } else { Err(Problem::new("access.denied", detail)) }
        })
        .await?;
    }
    let app = (*app).clone();
    let text = blocking(move || {
        gather(&app);
        app.metrics.text().map_err(Problem::internal)
    })
    .await?;
    Ok(Response::builder().content_type("application/openmetrics-text; version=1.0.0; charset=utf-8").body(text))
}

fn gather(app: &App) {
    let engine = app.engine.metrics();
    let store = app.engine.storage().stats();
    for (object, count) in &engine.records {
        app.metrics.set_records(object, *count);
    }
    let values: [(&str, u64); 13] = [
        ("journal_head", engine.head),
        ("commits", engine.commits),
        ("commit_groups", engine.groups),
        ("refused_commands", engine.refused),
        ("queued_commands", engine.queue as u64),
        ("image_bytes", engine.image_bytes),
        ("search_ready", u64::from(engine.search_ready)),
        ("journal_bytes", store.journal_bytes),
        ("journal_segments", store.segments),
        ("records_bytes", store.records_bytes),
        ("files_bytes", store.files_bytes),
        ("checkpoint_behind_entries", store.head.saturating_sub(store.checkpoint_seq)),
        ("blob_alarm", store.alarm_blobs),
    ];
    for (name, value) in values {
        app.metrics.set(name, value as f64);
    }
    gather_backups(app);
    for severity in Severity::ALL {
        app.metrics.set(&format!("alerts_{}", severity.name()), app.engine.alert_count(severity) as f64);
    }
    if let Some(last) = app.engine.last_verified() {
        let report = last.outcome.as_ref().ok();
        app.metrics.set("verify_failed", f64::from(u8::from(report.is_none())));
        app.metrics.set("verified_at_seconds", last.finished_at as f64 / 1_000.0);
        app.metrics.set("verify_took_seconds", last.took_ms as f64 / 1_000.0);
        app.metrics.set("verified_entry", report.map_or(0.0, |report| report.head_seq as f64));
        app.metrics.set("verify_findings", report.map_or(0.0, |report| report.findings.len() as f64));
        let lost = report.map_or(0, |report| report.anchors.iter().filter(|(_, holds)| !holds).count());
        app.metrics.set("verify_anchors_lost", lost as f64);
    }
    app.metrics.set("live_streams", app.streams.load(Ordering::Relaxed) as f64);
}

/// A vault that never was backed up has no age of its newest backup.
fn gather_backups(app: &App) {
    let Ok(health) = kith_backup::Health::of(&app.engine) else { return };
    let flag = |on: bool| f64::from(u8::from(on));
    app.metrics.set("backup_enabled", flag(health.enabled));
    app.metrics.set("backup_recipients", health.recipients as f64);
    app.metrics.set("backup_last_failed", flag(health.failed.is_some() || health.problem.is_some()));
    app.metrics.set("backup_failures", app.backups.failures() as f64);
    app.metrics.set("backup_same_disk", flag(health.same_disk));
    if let Some(newest) = health.newest_ms {
        app.metrics.set("backup_newest_age_seconds", (app.engine.now_ms() - newest).max(0) as f64 / 1000.0);
    }
}
