//! Tasks and meetings of a user as an iCalendar feed, under an address that nobody guesses.

mod ics;

use kith_plugin::{
    Error, Panel, Record, Request, Response, Result, Value, View, actor, kv, locale, now, now_ms, panel, random,
    records, settings, time,
};
use serde::Deserialize;

kith_plugin::plugin! {
    endpoint: serve,
    panels: { link: link },
}

#[derive(Deserialize)]
struct Settings {
    days_back: u64,
    done: bool,
}

const DAY_MS: u64 = 86_400_000;

/// Bytes of chance in an address: 192 bits.
const TOKEN_BYTES: u32 = 24;

fn serve(request: &Request) -> Result<Response> {
    let token =
        request.path().strip_prefix("/feed/").and_then(|name| name.strip_suffix(".ics")).ok_or(Error::NotFound)?;
    // Keys in kv are made of it.
    if token.len() != TOKEN_BYTES as usize * 2 || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::NotFound);
    }
    let user: String = kv::get(&format!("token:{token}"))?.ok_or(Error::NotFound)?;
    let text = ics::calendar("Kith", &now(), &entries(&user)?);
    Ok(Response::new(200, "text/calendar; charset=utf-8", text).with_header("Cache-Control", "private, max-age=300"))
}

fn entries(user: &str) -> Result<Vec<ics::Entry>> {
    let settings: Settings = settings::get()?;
    let since = time::rfc3339(now_ms().saturating_sub(settings.days_back * DAY_MS));
    let since = since.get(..10).unwrap_or_default().to_string();
    let tasks = records::find("tasks")
        .select(["title", "due", "description", "done"])
        .filter("assignee == $1 && due != null && due >= date($2)", [Value::link(user), since.into()])
        .order(["due"])
        .all()?;
    let shown = tasks.iter().filter(|task| settings.done || task.boolean("done") != Some(true));
    Ok(shown.filter_map(entry).collect())
}

fn entry(task: &Record) -> Option<ics::Entry> {
    Some(ics::Entry {
        uid: task.id.clone(),
        day: task.date("due")?.to_string(),
        title: task.text("title").unwrap_or_default().to_string(),
        note: task.text("description").unwrap_or_default().to_string(),
        done: task.boolean("done") == Some(true),
    })
}

/// The user's address, with buttons to make a new one and to end it.
fn link(asked: &Panel) -> Result<View> {
    let user = actor().ok_or_else(|| Error::Denied("sign in as a user to have a feed".into()))?;
    match asked.handler() {
        Some("new") => {
            end(&user)?;
            let token: String = random(TOKEN_BYTES).iter().map(|byte| format!("{byte:02x}")).collect();
            kv::put(&format!("token:{token}"), &user)?;
            kv::put(&format!("user:{user}"), &token)?;
        }
        Some("end") => end(&user)?,
        _ => {}
    }
    let words = words(&locale());
    let token: Option<String> = kv::get(&format!("user:{user}"))?;
    let view = View::new(words[0]);
    Ok(match token {
        None => view.add(panel::text(words[1])).add(panel::button(words[2], "new").tone("primary")),
        Some(token) => view
            .add(panel::text(words[3]))
            .add(panel::link(format!("{token}.ics"), format!("/plugins/calendar-feed/feed/{token}.ics")))
            .add(panel::row([panel::button(words[4], "new"), panel::button(words[5], "end").tone("danger")])),
    })
}

fn end(user: &str) -> Result<()> {
    if let Some(token) = kv::get::<String>(&format!("user:{user}"))? {
        kv::remove(&format!("token:{token}"))?;
        kv::remove(&format!("user:{user}"))?;
    }
    Ok(())
}

fn words(locale: &str) -> [&'static str; 6] {
    match locale.get(..2) {
        Some("it") => [
            "Calendario",
            "Le tue attività e riunioni nel tuo programma di calendario, sotto un indirizzo segreto.",
            "Crea l'indirizzo",
            "Copia l'indirizzo di questo collegamento nel tuo programma di calendario. Chi lo conosce legge le tue attività.",
            "Nuovo indirizzo",
            "Elimina l'indirizzo",
        ],
        Some("da") => [
            "Kalenderfeed",
            "Dine opgaver og møder i dit kalenderprogram, under en hemmelig adresse.",
            "Lav adressen",
            "Kopiér linkets adresse til dit kalenderprogram. Den, der kender adressen, kan læse dine opgaver.",
            "Ny adresse",
            "Fjern adressen",
        ],
        _ => [
            "Calendar feed",
            "Your tasks and meetings in your calendar program, under a secret address.",
            "Make the address",
            "Copy the address of this link into your calendar program. Whoever knows it can read your tasks.",
            "New address",
            "Remove the address",
        ],
    }
}

#[cfg(test)]
mod tests {
    use kith_plugin::{fields, json, testing::Kith};

    use super::*;

    fn address(kith: &Kith, handler: &str) -> Option<String> {
        let view = kith.panel("link", None).unwrap();
        let view = kith.use_panel("link", &view, handler, json!({})).unwrap();
        let link = view.nodes.iter().find(|node| node.kind == "link")?;
        let props: kith_plugin::serde_json::Value = kith_plugin::serde_json::from_str(&link.props).unwrap();
        Some(props["href"].as_str().unwrap().strip_prefix("/plugins/calendar-feed").unwrap().to_string())
    }

    fn task(kith: &Kith, title: &str, due: &str, user: &str) {
        kith.add("tasks", fields! { "title" => title, "due" => Value::date(due), "assignee" => Value::link(user), "done" => title.starts_with("Done") });
    }

    #[test]
    fn the_feed_holds_the_tasks_of_its_user_alone() {
        let kith = Kith::new(plugin());
        task(&kith, "Call, Zoë", "2026-03-02", "user-1");
        task(&kith, "Done already", "2026-03-02", "user-1");
        task(&kith, "Long ago", "2025-12-01", "user-1");
        task(&kith, "Somebody else's", "2026-03-02", "user-2");
        kith.add("tasks", fields! { "title" => "No day", "assignee" => Value::link("user-1") });
        let feed = kith.get(&address(&kith, "new").unwrap()).unwrap();
        assert_eq!((feed.status, feed.header("content-type")), (200, Some("text/calendar; charset=utf-8")));
        let text = feed.text();
        assert!(text.contains("SUMMARY:Call\\, Zoë\r\n") && text.contains("DTSTART;VALUE=DATE:20260302"), "{text}");
        assert_eq!(text.matches("BEGIN:VEVENT").count(), 1, "{text}");
        kith.settings(json!({ "done": true, "days_back": 200 }));
        let text = kith.get(&address(&kith, "new").unwrap()).unwrap().text();
        assert_eq!(text.matches("BEGIN:VEVENT").count(), 3, "{text}");
        assert!(text.contains("SUMMARY:✓ Done already"));
    }

    #[test]
    fn a_new_address_ends_the_one_before() {
        let kith = Kith::new(plugin());
        let first = address(&kith, "new").unwrap();
        let second = address(&kith, "new").unwrap();
        assert_ne!(first, second);
        assert_eq!(kith.get(&first).unwrap().status, 404);
        assert_eq!(kith.get(&second).unwrap().status, 200);
        assert_eq!(address(&kith, "end"), None);
        assert_eq!(kith.get(&second).unwrap().status, 404);
    }

    #[test]
    fn addresses_are_not_guessed_and_users_do_not_share_them() {
        let kith = Kith::new(plugin());
        let mine = address(&kith, "new").unwrap();
        for wrong in [
            "/feed/",
            "/feed/.ics",
            "/feed/x.ics",
            "/feed/user:user-1.ics",
            "/other",
            &mine.replace(".ics", ""),
            &mine.to_uppercase(),
        ] {
            assert_eq!(kith.get(wrong).unwrap().status, 404, "{wrong}");
        }
        kith.set_actor(Some("user-2"));
        assert!(kith.panel("link", None).unwrap().nodes.iter().all(|node| node.kind != "link"));
        kith.set_actor(None);
        assert!(kith.panel("link", None).is_err());
    }
}
