//! Actions, endpoints, jobs and the importer.

use kith_plugin::{
    Action, Chunk, Error, Job, Progress, Request, Response, Result, Row, Source, Step, Value, actor, blobs, call_id,
    fields, http, json, outbox, records, settings,
};

use crate::Settings;

/// Writes the greeting into the people's nicknames.
pub fn greet(action: &Action) -> Result<Step> {
    let greeting = action.input["greeting"].as_str().unwrap_or("Hello").to_string();
    let people = action.records(&["first_name"])?;
    for person in &people {
        let nickname = format!("{greeting}, {}", person.text("first_name").unwrap_or("you"));
        records::update("people", &person.id, fields! { "nickname" => nickname })?;
    }
    Ok(Step::Done(json!({ "message": format!("{greeting} to {}", people.len()), "greeted": people.len() }).to_string()))
}

/// Asks to be called again once.
pub fn wait(action: &Action) -> Result<Step> {
    Ok(match action.resume {
        None => Step::Wait(1),
        Some(_) => Step::Done(json!({ "message": "waited" }).to_string()),
    })
}

/// `GET <base_url>/hello` with the secret.
pub fn fetch(_: &Action) -> Result<kith_plugin::serde_json::Value> {
    let settings: Settings = settings::get()?;
    let answer = http::get(format!("{}/hello", settings.base_url))
        .secret_header("Authorization", "Bearer {{secret:token}}")
        .idempotency_key(call_id())
        .send()?;
    Ok(json!({ "message": format!("answered {}", answer.status), "status": answer.status, "body": answer.text() }))
}

/// A mail, a notice for whoever asked, and a job in a second.
pub fn remind(action: &Action) -> Result<String> {
    let about = action.ids.first().ok_or(Error::NotFound)?;
    let mail = outbox::Mail::new("someone@example.com", "Reminder", "As you asked.").about(about);
    outbox::send_mail(&mail, &format!("mail:{}", call_id()))?;
    if let Some(user) = actor() {
        outbox::notify(&outbox::Notice::new(user, "Reminder", "It is on its way.").link(about))?;
    }
    let job = outbox::run_later("later", &json!({ "person": about }), 1, &format!("job:{}", call_id()))?;
    Ok(format!("job {job}"))
}

/// Keeps a file, and reads it back.
pub fn attach(action: &Action) -> Result<String> {
    let person = action.ids.first().ok_or(Error::NotFound)?;
    let kept = blobs::put("good.txt", "text/plain", b"well behaved", Some(person))?;
    let read = blobs::read_all(&kept.id)?;
    Ok(format!("{} bytes of {}", read.len(), blobs::stat(&kept.id)?.name))
}

pub fn reveal(_: &Action) -> Result<String> {
    Ok(format!("{} characters", settings::secret("open").map_or(0, |secret| secret.chars().count())))
}

/// `/echo` says what came in; `/public/<word>` says the word.
pub fn serve(request: &Request) -> Result<Response> {
    match request.path() {
        "/echo" => Response::of_json(
            200,
            &json!({ "method": request.method, "url": request.url, "bytes": request.body.len(), "actor": actor() }),
        ),
        path => match path.strip_prefix("/public/") {
            Some(word) if !word.is_empty() => Ok(Response::plain(200, word).with_header("X-Fixture", "good")),
            _ => Err(Error::NotFound),
        },
    }
}

/// Counts people, a page of two per slice.
pub fn count(job: &Job) -> Result<Progress> {
    let (before, cursor) = match job.cursor.as_deref().and_then(|cursor| cursor.split_once(' ')) {
        Some((count, cursor)) => {
            (count.parse().map_err(|_| Error::other("a cursor of another version"))?, Some(cursor))
        }
        None => (0_usize, None),
    };
    let page = records::find("people").select(["first_name"]).limit(2).after(cursor).page()?;
    let count = before + page.rows.len();
    Ok(match page.next {
        Some(next) => Progress::more(format!("{count} {next}"), format!("{count} so far")),
        None => Progress::done(format!("{count} people")),
    })
}

/// Marks the person of its input.
pub fn later(job: &Job) -> Result<Progress> {
    let input: kith_plugin::serde_json::Value = job.input()?;
    let person = input["person"].as_str().ok_or_else(|| Error::other("input.person is missing"))?;
    records::update("people", person, fields! { "nickname" => "Reminded" })?;
    Ok(Progress::done("reminded"))
}

/// A name a line: `First Last`.
pub fn pull(source: &Source) -> Result<Chunk> {
    let content = String::from_utf8_lossy(&source.content()?).into_owned();
    let rows = content.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
        let (first, last) = line.split_once(' ').unwrap_or((line, ""));
        let last = if last.is_empty() { Value::Null } else { last.into() };
        Row::new(line, "people", fields! { "first_name" => first, "last_name" => last })
    });
    source.chunk(rows.collect())
}
