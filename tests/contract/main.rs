//! The OpenAPI document held against the running binary by schemathesis, which `cargo xtask test` installs and names in
//! `KITH_SCHEMATHESIS`.

// A test that cannot go on says so by panicking.
#![allow(clippy::unwrap_used)]

#[path = "../harness/mod.rs"]
mod harness;

use std::process::Command;

use harness::Server;
use serde_json::json;

/// Examples per operation: enough to reach each kind of mistake, few enough for a minute or two.
const EXAMPLES: &str = "8";

#[test]
#[ignore = "needs schemathesis; cargo xtask test installs it and runs this"]
fn the_api_keeps_what_its_openapi_document_promises() {
    let schemathesis = std::env::var_os("KITH_SCHEMATHESIS").expect("KITH_SCHEMATHESIS names the program");
    let server = Server::start();
    let admin = server.admin();
    let token =
        admin.post("/tokens", &json!({"name": "contract", "scopes": ["admin"], "expires_at": null})).expect(201);
    let header = format!("Authorization: Bearer {}", token["token"].as_str().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(schemathesis)
        .current_dir(folder.path())
        .args(["run", &format!("http://{}/api/v1/openapi.json", server.address), "--header", &header])
        // A stream has no end to wait for; the caller's own session and password must outlive the run.
        .args(["--exclude-operation-id", "streamEvents", "--exclude-operation-id", "signOut"])
        .args(["--exclude-operation-id", "changePassword", "--exclude-operation-id", "verifyJournal"])
        .args(["--max-examples", EXAMPLES, "--phases", "examples,coverage,fuzzing", "--seed", "7", "--workers", "2"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ])
        .args(["--suppress-health-check", "all", "--request-timeout", "30"])
        .output()
        .expect("schemathesis runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
