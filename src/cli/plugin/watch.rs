//! `kith plugin logs`, `calls`, `health` and `failures`: how a plugin is doing.

use kith_server::client::{Ask, LocalClient};
use serde_json::{Value as Json, json};

use super::{
    super::{CliError, Common, Outcome, open, print},
    path, text,
};

pub async fn logs(common: &Common, id: &str, follow: bool) -> Outcome {
    if follow {
        return watch(common, id, true, |kind, event| {
            if kind == "log" {
                print_line(common, event);
            }
        })
        .await;
    }
    let answer = open::with(common, async |client| Ok(client.call(Ask::get(path(id, "/log"))).await?)).await?;
    for line in answer["items"].as_array().into_iter().flatten() {
        print_line(common, line);
    }
    Ok(())
}

/// Shows everything that a plugin does, until the server ends or the plugin goes.
pub async fn everything(common: &Common, id: &str) -> Outcome {
    watch(common, id, false, |kind, event| match kind {
        "log" => print_line(common, event),
        "host" | "call" if common.json => print::line(&event.to_string()),
        "host" => print::line(&format!(
            "{} {:5} {} {} → {}",
            text(event, "at"),
            "host",
            text(event, "name"),
            text(event, "input"),
            text(event, "answer")
        )),
        "call" => print::line(&format!(
            "{} {:5} {} {} {} {}",
            text(event, "at"),
            "call",
            text(event, "capability"),
            text(event, "name"),
            took(event),
            text(event, "error")
        )),
        _ => {}
    })
    .await
}

/// Listens to a plugin's stream. `history`: from the first line that is kept.
async fn watch(common: &Common, id: &str, history: bool, mut each: impl FnMut(&str, &Json)) -> Outcome {
    let socket = common.data.join(open::SOCKET);
    if !LocalClient::is_served(&socket).await {
        let said = "no server runs on this vault, so nothing happens to look at; start one with 'kith serve'";
        return Err(CliError::failed("client.unreachable", said.to_string()));
    }
    let asked = Ask::get(path(id, &format!("/stream?history={history}")));
    let mut answer = LocalClient::beside(socket).send(asked).await?;
    let mut rest = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        rest.extend_from_slice(&piece);
        while let Some(end) = rest.windows(2).position(|two| two == b"\n\n") {
            let event: Vec<u8> = rest.drain(..end + 2).collect();
            if let Some((kind, event)) = event_of(&String::from_utf8_lossy(&event)) {
                if kind == "missed" {
                    eprintln!("kith: {} lines and calls came too fast to show", event["count"]);
                }
                each(&kind, &event);
            }
        }
    }
    Ok(())
}

/// Kind and content of one server-sent event; none for a heartbeat.
fn event_of(text: &str) -> Option<(String, Json)> {
    let field = |name: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
    };
    Some((field("event"), serde_json::from_str(&field("data")).ok()?))
}

pub fn took(call: &Json) -> String {
    format!("{:.1} ms", call["micros"].as_f64().unwrap_or_default() / 1_000.0)
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
        vec![text(call, "at"), text(call, "capability"), text(call, "name"), took(call), text(call, "error")]
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
        let title = match text(failure, "title") {
            // Erased since.
            title if title.is_empty() => text(failure, "about"),
            title => title,
        };
        vec![
            text(failure, "id"),
            text(failure, "at"),
            format!("{} {title}", text(failure, "object")),
            format!("{} (entry {})", text(failure, "change"), failure["seq"]),
            failure["attempts"].to_string(),
            state,
            text(failure, "reason"),
        ]
    };
    let rows: Vec<Vec<String>> = failures.as_array().into_iter().flatten().map(row).collect();
    print::table(&["id", "at", "record", "change", "attempts", "state", "reason"], &rows);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_from_the_stream_and_heartbeats_are_not() {
        let read = event_of("event: log\ndata: {\"message\":\ndata: \"two\"}\nid: 3\n\n");
        assert_eq!(read, Some(("log".into(), json!({"message": "two"}))));
        assert_eq!(event_of(":\n\n"), None);
    }
}
