//! Asks once in a while whether rules of retention are due. What they do is decided below.

use std::{sync::Arc, time::Duration};

use crate::app::App;

const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Runs until it is aborted.
pub async fn run(app: Arc<App>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let engine = app.engine.clone();
        // A panic there is reported by the runtime; the next look comes.
        let ran = tokio::task::spawn_blocking(move || engine.run_due_retention()).await.unwrap_or_default();
        for run in ran {
            tracing::info!(rule = %run.rule, state = run.state, count = run.count, "a rule of retention ran");
        }
    }
}
