//! Actions on one record and on many.

use serde_json::json;

use crate::{harness::Server, id, user};

#[test]
fn converting_a_lead_makes_person_company_and_deal_once() {
    let server = Server::start();
    let admin = server.admin();
    let values =
        json!({ "first_name": "Zoë", "last_name": "O'Hara", "company_name": "Acme", "email": "zoe@acme.example" });
    let lead = admin.make("leads", values);
    let path = format!("/records/leads/{}", id(&lead));
    let object = admin.get("/objects/leads").expect(200);
    let convert =
        object["actions"].as_array().expect("actions").iter().find(|a| a["name"] == "convert").expect("convert");
    assert_eq!(convert["input"]["type"], "object");
    admin.post(&format!("{path}/actions/convert"), &json!({ "nonsense": 1 })).refused(422, "record.invalid");
    admin.post(&format!("{path}/actions/nothing"), &json!({})).refused(404, "action.not_found");
    let reader = user(&server, &admin, "reader", "read-only");
    reader.post(&format!("{path}/actions/convert"), &json!({})).refused(403, "access.denied");
    assert_eq!(admin.get("/records/people").expect(200)["total"], 0);

    let done = admin.post(&format!("{path}/actions/convert"), &json!({})).expect(200);
    assert!(done["record"]["id"].is_string(), "{done}");
    for object in ["people", "companies"] {
        assert_eq!(admin.get(&format!("/records/{object}")).expect(200)["total"], 1, "{object}");
    }
    let again = admin.post(&format!("{path}/actions/convert"), &json!({}));
    assert!(again.status >= 400, "converting twice is refused: {}", again.text());
    assert_eq!(admin.get("/records/people").expect(200)["total"], 1);
}

#[test]
fn an_action_runs_on_several_records_or_on_none() {
    let server = Server::start();
    let admin = server.admin();
    let ids: Vec<String> =
        (0..3).map(|at| id(&admin.make("tasks", json!({ "title": format!("task {at}") }))).to_string()).collect();
    let mut with_unknown = ids.clone();
    with_unknown.push("0199f2c4-5d1e-7a90-8c3b-2f6d4e8a1b07".into());
    let refused = admin.post("/records/tasks/actions/complete", &json!({ "ids": with_unknown }));
    refused.refused(404, "record.not_found");
    let open = |total: u64| {
        let page = admin.get("/records/tasks?filter=done%20%3D%3D%20false").expect(200);
        assert_eq!(page["total"], total);
    };
    open(3);
    admin.post("/records/tasks/actions/complete", &json!({ "ids": ids })).expect(200);
    open(0);
}
