//! Posts to a channel's webhook: won deals as they happen, overdue tasks each working day, and whatever a workflow has to say.

mod template;

use kith_plugin::{
    Action, Error, Event, Job, Outcome, Progress, Record, Result, Violation, call_id, http, json, log, records,
    serde_json::Value as Json, settings,
};
use serde::Deserialize;

kith_plugin::plugin! {
    after_commit: hear,
    actions: { post: post },
    jobs: { overdue: overdue },
}

#[derive(Deserialize)]
struct Settings {
    server: String,
    kind: Kind,
    won: String,
    overdue: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Slack,
    Mattermost,
    Teams,
}

fn hear(event: &Event) -> Result<Outcome> {
    let settings: Settings = settings::get()?;
    let Some(deal) = event.after.as_ref().filter(|_| event.became("status", "won") && !settings.won.is_empty()) else {
        return Ok(Outcome::Done);
    };
    let text = filled(&settings.won, deal)?;
    send(&settings, &text, &event.id)
}

/// One message for each record; at most as many as a call may send.
fn post(action: &Action) -> Result<String> {
    let settings: Settings = settings::get()?;
    let template = action.input["text"].as_str().unwrap_or_default().trim();
    if template.is_empty() {
        return Err(Violation::on("text", "required", "write what is to be posted").into());
    }
    let rows = action.records(&[])?;
    for record in &rows {
        let text = filled(template, record)?;
        match send(&settings, &text, &format!("{}:{}", call_id(), record.id))? {
            Outcome::Retry(_) => return Err(Error::unavailable("the chat asks to wait; try again in a minute")),
            Outcome::Drop(why) => return Err(Error::Other(why)),
            Outcome::Done => {}
        }
    }
    Ok(format!("posted {}", rows.len()))
}

/// All overdue tasks in one message.
fn overdue(_: &Job) -> Result<Progress> {
    let settings: Settings = settings::get()?;
    if settings.overdue.is_empty() {
        return Ok(Progress::done("nothing to say: the line for overdue tasks is empty"));
    }
    let page = records::find("tasks")
        .filter("done != true && due != null && due < today()", [""; 0])
        .order(["due"])
        .limit(50)
        .page()?;
    if page.rows.is_empty() {
        return Ok(Progress::done("no task is overdue"));
    }
    let mut lines = Vec::new();
    for task in &page.rows {
        lines.push(format!("• {}", template::fill(&settings.overdue, task, None)));
    }
    if page.next.is_some() {
        lines.push("…".into());
    }
    match send(&settings, &lines.join("\n"), &call_id())? {
        Outcome::Done => Ok(Progress::done(format!("{} overdue tasks posted", page.rows.len()))),
        Outcome::Retry(_) => Err(Error::unavailable("the chat asks to wait")),
        Outcome::Drop(why) => Err(Error::Other(why)),
    }
}

fn filled(template: &str, record: &Record) -> Result<String> {
    let company = match record.link("company").filter(|_| template.contains("{company_name}")) {
        Some(id) => records::get("companies", id, &["name"]).ok(),
        None => None,
    };
    Ok(template::fill(template, record, company.as_ref().and_then(|company| company.text("name"))))
}

/// Posts once per key. The rest of the address is a secret: whoever knows it can write into the channel.
fn send(settings: &Settings, text: &str, key: &str) -> Result<Outcome> {
    let url = format!("{}/{{{{secret:path}}}}", settings.server.trim_end_matches('/'));
    let answer = http::post(url).json(&message(settings.kind, text)).idempotency_key(key).send()?;
    Ok(match answer.status {
        0..300 => Outcome::Done,
        408 | 425 | 429 | 500.. => {
            log::warn(&format!("the chat answered {}", answer.status));
            Outcome::Retry(answer.retry_after_s().unwrap_or(60).clamp(1, 3_600))
        }
        status => {
            Outcome::Drop(format!("the chat answered {status}: {}; look at the webhook's address", answer.text()))
        }
    })
}

fn message(kind: Kind, text: &str) -> Json {
    match kind {
        // Slack reads three signs as markup, and asks for exactly these replacements.
        Kind::Slack => json!({ "text": text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;") }),
        Kind::Mattermost => json!({ "text": text }),
        Kind::Teams => {
            let block = json!({ "type": "TextBlock", "text": text, "wrap": true });
            let card = json!({ "type": "AdaptiveCard", "version": "1.4", "body": [block] });
            let attachment = json!({ "contentType": "application/vnd.microsoft.card.adaptive", "content": card });
            json!({ "type": "message", "attachments": [attachment] })
        }
    }
}

#[cfg(test)]
mod tests {
    use kith_plugin::{
        Money, Response, Value, fields, serde_json,
        testing::{HttpError, Kith},
    };

    use super::*;

    fn kith() -> Kith {
        let kith = Kith::new(plugin());
        kith.secret("path", "services/T0/B0/xyz");
        kith.serve(|_| Ok(Response::plain(200, "ok")));
        kith
    }

    fn texts(kith: &Kith) -> Vec<String> {
        let body = |request: &kith_plugin::Request| serde_json::from_slice::<Json>(&request.body).unwrap();
        kith.requests().iter().map(|request| body(request)["text"].as_str().unwrap().to_string()).collect()
    }

    fn win(kith: &Kith) {
        let company = kith.add("companies", fields! { "name" => "Bär & Co" });
        let deal = fields! { "name" => "Roof", "status" => "open", "amount" => Money::new("900.00", "EUR"), "company" => Value::link(company) };
        let deal = kith.create("deals", deal).unwrap();
        kith.update("deals", &deal.id, fields! { "status" => "won" }).unwrap();
    }

    #[test]
    fn a_won_deal_is_posted_once_to_the_secret_address() {
        let kith = kith();
        win(&kith);
        kith.deliver_twice();
        assert_eq!(texts(&kith), ["Won: Roof, 900.00 EUR (Bär &amp; Co)"]);
        assert_eq!(kith.requests()[0].url, "https://hooks.slack.com/services/T0/B0/xyz");
        let deal = kith.records("deals").remove(0);
        kith.update("deals", &deal.id, fields! { "name" => "Roof 2" }).unwrap();
        kith.deliver();
        assert_eq!(kith.requests().len(), 1, "it was won already");
    }

    #[test]
    fn the_chat_says_how_long_to_wait() {
        let kith = kith();
        win(&kith);
        kith.next_answer(Ok(Response::empty(429).with_header("Retry-After", "7")));
        assert_eq!(kith.deliver(), [Outcome::Done, Outcome::Retry(7)]);
        kith.advance_s(7);
        kith.next_answer(Err(HttpError::Timeout));
        assert!(matches!(kith.deliver()[..], [Outcome::Retry(_)]));
        kith.advance_s(3_600);
        assert_eq!(kith.deliver(), [Outcome::Done]);
        kith.advance_s(3_600);
        assert!(kith.deliver().is_empty());
    }

    #[test]
    fn a_wrong_address_ends_in_the_list_of_failures() {
        let kith = kith();
        win(&kith);
        kith.next_answer(Ok(Response::plain(404, "no_service")));
        kith.deliver();
        assert!(kith.dropped()[0].contains("404: no_service; look at the webhook's address"), "{:?}", kith.dropped());
    }

    #[test]
    fn overdue_tasks_come_in_one_message_oldest_first() {
        let kith = kith();
        for (title, due, done) in [
            ("Late", "2026-02-28", false),
            ("Older", "2026-01-02", false),
            ("Done", "2026-01-01", true),
            ("Today", "2026-03-01", false),
        ] {
            kith.add("tasks", fields! { "title" => title, "due" => Value::date(due), "done" => done });
        }
        kith.add("tasks", fields! { "title" => "Some day", "done" => false });
        kith.job("overdue", Json::Null).unwrap();
        assert_eq!(texts(&kith), ["• Older, due 2026-01-02\n• Late, due 2026-02-28"]);
    }

    #[test]
    fn nothing_overdue_posts_nothing() {
        let kith = kith();
        assert_eq!(kith.job("overdue", Json::Null).unwrap().note, "no task is overdue");
        assert!(kith.requests().is_empty());
    }

    #[test]
    fn the_action_fills_in_each_record() {
        let kith = kith();
        kith.settings(json!({ "kind": "teams", "server": "https://example.webhook.office.com/" }));
        let ids = [kith.add("deals", fields! { "name" => "A<b>" }), kith.add("deals", fields! { "name" => "B" })];
        kith.action("post", "deals", &ids, json!({ "text": "Look at {name}" })).unwrap();
        let bodies: Vec<String> =
            kith.requests().iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect();
        assert_eq!(bodies.len(), 2);
        assert!(bodies[0].contains("AdaptiveCard") && bodies[0].contains("Look at A<b>"), "{}", bodies[0]);
        assert!(matches!(kith.action("post", "deals", &ids, json!({ "text": " " })), Err(Error::Invalid(_))));
    }

    #[test]
    fn without_the_secret_nothing_goes_out() {
        let kith = Kith::new(plugin());
        win(&kith);
        kith.deliver();
        assert!(kith.requests().is_empty());
        assert!(kith.dropped()[0].contains("secret 'path' is not set"), "{:?}", kith.dropped());
    }
}
