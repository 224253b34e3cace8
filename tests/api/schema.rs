//! The live schema: objects and fields made, changed, ordered and removed while running.

use serde_json::{Value as Json, json};

use crate::harness::Server;

fn keys(object: &Json) -> Vec<&str> {
    object["fields"]
        .as_array()
        .map_or_else(Vec::new, |fields| fields.iter().filter_map(|f| f["key"].as_str()).collect())
}

#[test]
fn the_schema_says_what_a_form_needs() {
    let server = Server::start();
    let admin = server.admin();
    let objects = admin.get("/objects").expect(200);
    let found = |key: &str| objects["items"].as_array().expect("items").iter().find(|o| o["key"] == key).cloned();
    for key in
        ["people", "companies", "leads", "deals", "pipelines", "stages", "tasks", "notes", "files", "users", "roles"]
    {
        assert!(found(key).is_some(), "{key} is missing");
    }
    let people = found("people").expect("people");
    assert_eq!(people["permissions"]["create"], true);
    let name =
        people["fields"].as_array().expect("fields").iter().find(|f| f["key"] == "last_name").expect("last_name");
    assert_eq!((&name["sortable"], &name["access"]), (&json!(true), &json!("write")));
    assert!(name["operators"].as_array().is_some_and(|list| list.contains(&json!("contains"))));
    assert_eq!(admin.get("/objects/people").expect(200)["key"], "people");
    admin.get("/objects/nothing").refused(404, "object.not_found");
    let kinds = admin.get("/kinds").expect(200);
    assert!(kinds["items"].as_array().is_some_and(|kinds| kinds.len() >= 25), "{kinds}");
}

#[test]
fn an_object_and_its_fields_live_and_die() {
    let server = Server::start();
    let admin = server.admin();
    let body = json!({ "key": "cars", "label": "Car", "label_plural": "Cars", "icon": "car" });
    let made = admin.post("/objects", &body).expect(201);
    assert_eq!(made["origin"], "custom");
    admin.post("/objects", &body).refused(409, "schema.conflict");
    admin.post("/objects", &json!({ "key": "Bad Key!", "label": "x" })).refused(422, "schema.invalid");

    let plate = json!({ "key": "plate", "label": "Plate", "kind": "text", "unique": true, "required": true });
    let field = admin.post("/objects/cars/fields", &plate).expect(201);
    assert_eq!((&field["key"], &field["access"]), (&json!("plate"), &json!("write")));
    let colour = json!({ "key": "colour", "label": "Colour", "kind": "select", "options": [{ "key": "red", "label": "Red", "color": "red" }] });
    admin.post("/objects/cars/fields", &colour).expect(201);
    admin
        .post("/objects/cars/fields", &json!({ "key": "x", "label": "X", "kind": "nothing" }))
        .refused(422, "schema.invalid");

    let car = admin.make("cars", json!({ "name": "Panda", "plate": "AB 123", "colour": "red" }));
    let twice = json!({ "values": { "name": "Punto", "plate": "ab 123" } });
    let said = admin.post("/records/cars", &twice).refused(409, "record.not_unique");
    assert_eq!(said["errors"][0]["field"], "plate");
    admin.post("/records/cars", &json!({ "values": { "name": "Tipo" } })).refused(422, "record.invalid");

    let renamed = admin.patch("/objects/cars/fields/colour", &json!({ "label": "Paint" })).expect(200);
    assert_eq!(renamed["label"], "Paint");
    let object = admin.get("/objects/cars").expect(200);
    let mut order = keys(&object);
    order.reverse();
    let ordered = admin.put("/objects/cars/fields/order", &json!({ "keys": order })).expect(200);
    assert_eq!(keys(&ordered), order);

    assert_eq!(admin.delete("/objects/cars/fields/colour").status, 204);
    let shown = admin.get(&format!("/records/cars/{}", crate::id(&car))).expect(200);
    assert!(shown["values"].get("colour").is_none());
    admin.delete("/objects/cars/fields/colour").refused(400, "field.not_found");
    admin.delete("/objects/cars").refused(409, "schema.conflict");
    assert_eq!(admin.delete("/objects/cars?force=true").status, 204);
    admin.get("/records/cars").refused(404, "object.not_found");
    admin.delete("/objects/people").refused(409, "schema.conflict");
}
