//! The OpenAPI document follows the live schema.

use serde_json::json;

use crate::harness::Server;

#[test]
fn a_custom_field_is_in_the_document_at_once() {
    let server = Server::start();
    let admin = server.admin();
    server.guest().get("/openapi.json").refused(401, "auth.required");
    let document = admin.get("/openapi.json").expect(200);
    assert_eq!(document["openapi"], "3.1.0");
    let values =
        |document: &serde_json::Value| document["components"]["schemas"]["people.Values"]["properties"].clone();
    assert!(values(&document).get("shoe_size").is_none());
    admin
        .post("/objects/people/fields", &json!({ "key": "shoe_size", "label": "Shoe size", "kind": "integer" }))
        .expect(201);
    let document = admin.get("/openapi.json").expect(200);
    assert!(values(&document).get("shoe_size").is_some());
    let new = &document["components"]["schemas"]["people.New"]["properties"]["values"]["properties"];
    assert!(new.get("shoe_size").is_some() && new.get("name").is_none(), "computed fields are not written: {new}");
    for path in
        ["/session", "/records/people", "/records/people/{id}", "/records/{object}/batch", "/events", "/imports"]
    {
        assert!(document["paths"].get(path).is_some(), "{path} is missing");
    }
    let refused = &document["paths"]["/records/people"]["post"]["responses"];
    for status in ["201", "400", "401", "403", "404", "409", "413", "415", "422", "429", "500", "503"] {
        assert!(refused.get(status).is_some(), "status {status} is not declared");
    }
}
