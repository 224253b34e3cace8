//! Lists: filters, sorts, pages, totals, chosen fields, expanded links, groups and search.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

use crate::{
    column, escape,
    harness::{Client, Server},
    id,
};

fn filled(server: &Server) -> (Client, Json) {
    let admin = server.admin();
    let company = admin.make("companies", json!({ "name": "Nørd ApS" }));
    let operations: Vec<Json> = (0..60)
        .map(|at| {
            json!({ "op": "create", "values": {
                "first_name": format!("P{at:02}"), "last_name": if at % 3 == 0 { "Åberg" } else { "Rossi" },
                "company": if at % 2 == 0 { company["id"].clone() } else { Json::Null },
            } })
        })
        .collect();
    admin.post("/records/people/batch", &json!({ "operations": operations })).expect(200);
    (admin, company)
}

#[test]
fn filters_sorts_and_totals_answer_what_was_asked() {
    let server = Server::start();
    let (admin, company) = filled(&server);
    let list = |query: &str| admin.get(&format!("/records/people?{query}"));
    let filter = |cel: &str| list(&format!("filter={}", escape(cel))).expect(200)["total"].clone();
    assert_eq!(filter("last_name == \"Åberg\""), 20);
    assert_eq!(filter("last_name.startsWith(\"Ro\") && first_name > \"P50\""), 6);
    assert_eq!(filter(&format!("company == \"{}\"", id(&company))), 30);
    assert_eq!(filter("company == null"), 30);
    let page = list("sort=last_name,-first_name&limit=3").expect(200);
    assert_eq!(column(&page, "first_name"), [json!("P57"), json!("P54"), json!("P51")]);
    assert_eq!(list("total=false").expect(200)["total"], Json::Null);

    list(&format!("filter={}", escape("last_name =="))).refused(400, "filter.invalid");
    let said = list(&format!("filter={}", escape("lastname == \"x\""))).refused(400, "filter.invalid");
    assert!(said["detail"].as_str().is_some_and(|detail| detail.contains("did you mean")), "{said}");
    list("sort=nothing").refused(400, "field.not_found");
    list("fields=nothing").refused(400, "field.not_found");
    list("expand=nothing").refused(400, "field.not_found");
    let said = list("limit=501").refused(400, "request.invalid");
    assert!(said["detail"].as_str().is_some_and(|detail| detail.contains("1 to 500")), "{said}");
    list("limit=0").refused(400, "request.invalid");
    list("trashed=perhaps").refused(400, "request.invalid");
    let said = list("fliter=x").refused(400, "request.invalid");
    assert!(said["detail"].as_str().is_some_and(|detail| detail.contains("filter")), "{said}");
    list("cursor=nonsense").refused(400, "cursor.invalid");
    list(&format!("filter={}", escape(&"(".repeat(5_000)))).refused(400, "filter.invalid");
    list(&format!("filter={}", escape(&"a".repeat(9_000)))).refused(400, "filter.invalid");
}

#[test]
fn walking_by_cursor_shows_each_record_once() {
    let server = Server::start();
    let (admin, _) = filled(&server);
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = admin.get(&format!("/records/people?sort=last_name,first_name&limit=7{cursor}")).expect(200);
        names.extend(column(&page, "first_name"));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", escape(next)),
            None => break,
        }
    }
    assert_eq!(names.len(), 60);
    let mut sorted = names.clone();
    sorted.sort_by_key(Json::to_string);
    sorted.dedup();
    assert_eq!(sorted.len(), 60);
    let page = admin.get("/records/people?sort=last_name&limit=2").expect(200);
    let next = escape(page["next_cursor"].as_str().expect("a cursor"));
    admin.get(&format!("/records/people?sort=first_name&limit=2&cursor={next}")).refused(400, "cursor.invalid");
}

#[test]
fn fields_are_chosen_and_links_are_named_or_opened() {
    let server = Server::start();
    let (admin, company) = filled(&server);
    let page = admin.get("/records/people?fields=last_name,company&limit=1&sort=first_name").expect(200);
    let values = page["items"][0]["values"].as_object().expect("values");
    assert_eq!(values.keys().collect::<Vec<_>>(), ["last_name", "company"]);
    assert_eq!(page["included"][id(&company)]["title"], "Nørd ApS");
    assert_eq!(page["included"][id(&company)]["record"], Json::Null);
    let page = admin.get("/records/people?expand=company&limit=1&sort=first_name").expect(200);
    assert_eq!(page["included"][id(&company)]["record"]["values"]["name"], "Nørd ApS");
    let page = admin.get("/records/people?fields=last_name&limit=1").expect(200);
    assert_eq!(page["included"], json!({}));
}

#[test]
fn groups_count_and_add_up_per_currency() {
    let server = Server::start();
    let admin = server.admin();
    let deal = |name: &str, amount: Json| {
        let made = admin.make("deals", json!({ "name": name, "amount": amount }));
        made["values"]["stage"].clone()
    };
    let stage = deal("a", json!({ "amount": "100.50", "currency": "EUR" }));
    deal("b", json!({ "amount": "200", "currency": "EUR" }));
    deal("c", json!({ "amount": "300", "currency": "DKK" }));
    let groups = admin.get("/records/deals/groups?by=stage&sum=amount").expect(200);
    let first = groups["items"].as_array().expect("items").iter().find(|g| g["value"] == stage).expect("the stage");
    assert_eq!(first["count"], 3);
    let eur = first["sum"].as_array().expect("sums").iter().find(|s| s["currency"] == "EUR").expect("euros");
    assert_eq!(eur["amount"], "300.50");
    admin.get("/records/deals/groups").refused(400, "request.invalid");
    admin.get("/records/deals/groups?by=nothing").refused(400, "field.not_found");
}

#[test]
fn a_write_is_found_by_search_within_a_second() {
    let server = Server::start();
    let admin = server.admin();
    admin.make("people", json!({ "first_name": "Søren", "last_name": "Kierkegaard" }));
    admin.make("companies", json!({ "name": "Kierkegaard & Co" }));
    let written = Instant::now();
    let found =
        |query: &str| admin.get(&format!("/search?{query}")).expect(200)["items"].as_array().map_or(0, Vec::len);
    while found("q=kierk") < 2 {
        assert!(written.elapsed() < Duration::from_secs(5), "not found in time");
        sleep(Duration::from_millis(50));
    }
    assert_eq!(found("q=soren"), 1, "accents are folded");
    assert_eq!(found("q=kierkegard"), 2, "a typo is forgiven");
    assert_eq!(found("q=kierk&objects=companies"), 1);
    assert_eq!(found("q="), 0);
    admin.get("/search?q=x&objects=nothing").refused(404, "object.not_found");
    assert_eq!(admin.get("/records/people?q=kierk").expect(200)["total"], 1);
}
