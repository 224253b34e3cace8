//! Attachments up and down.

use crate::harness::Server;
use serde_json::json;

#[test]
fn a_file_comes_back_as_it_went_up_and_is_unreadable_on_disk() {
    let server = Server::start();
    let admin = server.admin();
    let person = admin.make("people", json!({ "last_name": "Rossi" }));
    let content = "the secret of Zoë\n".repeat(20_000);
    let path = format!("/files?object=people&record={}", crate::id(&person));
    let made = admin.upload(&path, &[], "Zoë's plan.txt", content.as_bytes()).expect(201);
    assert_eq!(made["values"]["name"], "Zoë's plan.txt");
    assert_eq!(made["values"]["size_bytes"], content.len());
    assert_eq!(made["values"]["about"], person["id"]);

    let reply = admin.get(&format!("/files/{}/content", crate::id(&made)));
    assert_eq!((reply.status, reply.text() == content), (200, true));
    let disposition = reply.header("content-disposition").unwrap_or_default();
    assert!(disposition.starts_with("attachment") && disposition.contains("Zo%C3%AB"), "{disposition}");
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    let timeline = admin.get(&format!("/records/people/{}/timeline", crate::id(&person))).expect(200);
    assert_eq!(timeline["items"][0]["kind"], "file");

    server.guest().get(&format!("/files/{}/content", crate::id(&made))).refused(401, "auth.required");
    for file in std::fs::read_dir(server.vault.data().join("files")).expect("the folder").flatten() {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        assert!(!bytes.windows(10).any(|window| window == b"the secret"), "readable on disk");
    }
}

#[test]
fn uploads_that_make_no_sense_are_refused() {
    let server = Server::start();
    let admin = server.admin();
    admin.upload("/files?object=people", &[], "a.txt", b"x").refused(400, "request.invalid");
    let nobody = "/files?object=people&record=0199f2c4-5d1e-7a90-8c3b-2f6d4e8a1b07";
    admin.upload(nobody, &[], "a.txt", b"x").refused(404, "record.not_found");
    admin.post("/files", &json!({})).refused(415, "request.media_type");
    let broken = [("content-type", "multipart/form-data; boundary=b")];
    admin
        .raw("POST", "/files", &broken, b"--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhalf")
        .refused(400, "request.invalid");
    admin.raw("POST", "/files", &broken, b"--b--\r\n").refused(400, "request.invalid");
    admin.get("/files/0199f2c4-5d1e-7a90-8c3b-2f6d4e8a1b07/content").refused(404, "record.not_found");
    assert_eq!(admin.get("/records/files").expect(200)["total"], 0);
    assert_eq!(
        std::fs::read_dir(server.vault.data().join("files")).map_or(0, Iterator::count),
        0,
        "a refused upload left a file"
    );
}
