//! Nothing a person typed is readable in the data folder, while the server runs and after it stopped.

use std::{fs, path::Path};

use serde_json::json;

use crate::harness::{ADMIN_EMAIL, ADMIN_PASSWORD, PASSPHRASE, Server};

const WORDS: &[&str] = &[
    "Lovelace-Ørsted",
    "lovelace@fixture.example",
    "Analytical Engine",
    "confidential remark",
    "gearwheel.txt",
    "brass and steel",
];

/// Every file below `folder` that holds one of the words, in UTF-8 or UTF-16.
fn readable(folder: &Path, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(readable(&path, words));
            continue;
        }
        let Ok(bytes) = fs::read(&path) else { continue };
        for word in words {
            let wide: Vec<u8> = word.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
            if holds(word.as_bytes()) || holds(&wide) {
                found.push(format!("'{word}' in {}", path.display()));
            }
        }
    }
    found
}

#[test]
fn no_word_of_a_record_a_file_or_a_secret_is_readable_on_disk() {
    let server = Server::start();
    let admin = server.admin();
    let person = admin.make(
        "people",
        json!({"last_name": WORDS[0], "emails": [WORDS[1]], "description": "x".repeat(9_000) + WORDS[3]}),
    );
    admin.make("companies", json!({"name": WORDS[2]}));
    let id = person["id"].as_str().unwrap();
    admin.upload(&format!("/files?object=people&record={id}"), &[], WORDS[4], WORDS[5].as_bytes()).expect(201);
    let csv = format!("Last name,E-mail\n{},other@fixture.example\n", WORDS[0]);
    admin.upload("/imports", &[("options", "{\"object\":\"people\"}")], "people.csv", csv.as_bytes());
    admin.get("/search?q=lovelace").expect(200);
    let token = admin.post("/tokens", &json!({"name": "t", "scopes": ["*:read"], "expires_at": null})).expect(201);
    let token = token["token"].as_str().unwrap().to_string();

    let words: Vec<&str> =
        WORDS.iter().copied().chain([ADMIN_EMAIL, ADMIN_PASSWORD, PASSPHRASE, token.as_str()]).collect();
    let data = server.vault.data();
    assert_eq!(readable(&data, &words), Vec::<String>::new(), "while running");
    assert_eq!(readable(server.vault.folder(), &[PASSPHRASE]).len(), 1, "the search itself finds what is readable");
    let vault = server.stop();
    assert_eq!(readable(&vault.data(), &words), Vec::<String>::new(), "after stopping");
}
