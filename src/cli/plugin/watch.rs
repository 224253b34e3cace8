//! `kith plugin logs`, `calls`, `health` and `failures`: how a plugin is doing.

use std::time::Duration;

use kith_server::client::{Ask, LocalClient};
use serde_json::{Value as Json, json};

use super::{
    super::{CliError, Common, Outcome, open, print},
    path, text,
};

const LOOK_EVERY: Duration = Duration::from_millis(500);

pub async fn logs(common: &Common, id: &str, follow: bool) -> Outcome {
    open::with(common, async |client| {
        let mut last = Vec::new();
        loop {
            let lines = lines(client, id).await?;
            for line in new(&last, &lines) {
                print_line(common, line);
            }
            if !follow {
                return Ok(());
            }
            last = lines;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
    .await
}

async fn lines(client: &LocalClient, id: &str) -> Outcome<Vec<Json>> {
    let mut answer = client.call(Ask::get(path(id, "/log"))).await?;
    Ok(match answer["items"].take() {
        Json::Array(lines) => lines,
        _ => Vec::new(),
    })
}

/// What came after the last look: the log drops its oldest lines, so the place where both agree is looked for.
fn new<'a>(last: &[Json], lines: &'a [Json]) -> &'a [Json] {
    let agree = |drop: &usize| {
        let kept = &last[*drop..];
        kept.len() <= lines.len() && *kept == lines[..kept.len()]
    };
    match (0..last.len()).find(agree) {
        Some(dropped) => &lines[last.len() - dropped..],
        None => lines,
    }
}

fn print_line(common: &Common, line: &Json) {
    if common.json {
        return print::line(&line.to_string());
    }
    let mut shown = format!("{} {:5} {}", text(line, "at"), text(line, "level"), text(line, "message"));
    for pair in line["attributes"].as_array().into_iter().flatten() {
        let part = |at: usize| pair[at].as_str().map(print::printable).unwrap_or_default();
        shown.push_str(&format!(" {}={}", part(0), part(1)));
    }
    print::line(&shown);
}

pub async fn calls(common: &Common, id: &str) -> Outcome {
    let answer = open::with(common, async |client| Ok(client.call(Ask::get(path(id, "/calls"))).await?)).await?;
    if common.json {
        print::json(&answer);
        return Ok(());
    }
    let row = |call: &Json| {
        let time = format!("{:.1} ms", call["micros"].as_f64().unwrap_or_default() / 1_000.0);
        vec![text(call, "at"), text(call, "capability"), text(call, "name"), time, text(call, "error")]
    };
    let rows: Vec<Vec<String>> = answer["items"].as_array().into_iter().flatten().map(row).collect();
    print::table(&["at", "capability", "name", "time", "error"], &rows);
    Ok(())
}

pub async fn health(common: &Common, id: &str) -> Outcome {
    let answer = open::with(common, async |client| Ok(client.call(Ask::get(path(id, "/health"))).await?)).await?;
    if common.json {
        print::json(&answer);
    } else if answer["ok"] == json!(true) {
        let said = text(&answer, "message");
        print::line(if said.is_empty() { "The plugin is well." } else { &said });
    }
    if answer["ok"] == json!(true) { Ok(()) } else { Err(CliError::failed("plugin.unwell", text(&answer, "message"))) }
}

pub async fn failures(common: &Common, id: &str) -> Outcome {
    let failures =
        open::with(common, async |client| Ok(client.call(Ask::get(path(id, "/failures"))).await?["items"].take()))
            .await?;
    if common.json {
        print::json(&failures);
        return Ok(());
    }
    let row = |failure: &Json| {
        let state = match text(failure, "due_at").as_str() {
            "" => text(failure, "state"),
            due => format!("{} at {due}", text(failure, "state")),
        };
        vec![text(failure, "id"), text(failure, "at"), failure["attempts"].to_string(), state, text(failure, "reason")]
    };
    let rows: Vec<Vec<String>> = failures.as_array().into_iter().flatten().map(row).collect();
    print::table(&["id", "at", "attempts", "state", "reason"], &rows);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_lines_are_shown_even_when_old_ones_were_dropped() {
        let lines = |texts: &[&str]| texts.iter().map(|text| json!(text)).collect::<Vec<_>>();
        assert_eq!(new(&lines(&["a", "b"]), &lines(&["a", "b", "c"])), lines(&["c"]));
        assert_eq!(new(&lines(&["a", "b"]), &lines(&["b", "c"])), lines(&["c"]));
        assert_eq!(new(&lines(&["a", "b"]), &lines(&["a", "b"])), lines(&[]));
        assert_eq!(new(&[], &lines(&["a"])), lines(&["a"]));
        assert_eq!(new(&lines(&["a"]), &lines(&["x", "y"])), lines(&["x", "y"]));
    }
}
