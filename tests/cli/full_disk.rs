//! Disks that are really full, under the real binary: what is refused says why, what is there stays, and space is all it takes to go on.

use std::fs;

use serde_json::json;

use crate::{
    failure,
    harness::{Server, Vault, said, small_disk::SmallDisk},
    json,
};

const MIB: u64 = 1024 * 1024;

#[test]
fn a_backup_onto_a_full_disk_fails_with_its_reason_leaves_nothing_and_succeeds_when_there_is_space() {
    let vault = Vault::new();
    let small = vault.folder().join("small");
    let Some(disk) = SmallDisk::mount(&small, 4 * MIB) else { return };
    let folder = small.join("backups").to_string_lossy().into_owned();
    let (_, recipient) = kith_store::new_identity();
    json(&vault.run(&["backup", "schedule", "--folder", &folder, "--recipient", &recipient, "--json"]));
    let ballast = disk.fill(16 * 1024);
    let list = || fs::read_dir(&folder).map_or(0, |items| items.count());
    let refused = |vault: &Vault| {
        let (code, said) = failure(&vault.run(&["backup", "create"]));
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("No space left") && said.contains(&folder), "{said}");
        assert_eq!(list(), 0, "an unfinished file is left behind");
        let listed = json(&vault.run(&["backup", "list", "--json"]));
        assert_eq!(listed[0]["state"], "failed", "{listed}");
    };
    refused(&vault);
    // The same beside a server, which goes on.
    let server = Server::on(vault);
    refused(&server.vault);
    let admin = server.admin();
    admin.make("people", json!({"last_name": "Still served"}));
    fs::remove_file(ballast).unwrap();
    let made = json(&server.vault.run(&["backup", "create", "--json"]));
    assert_eq!((&made["state"], &made["there"]), (&json!("done"), &json!(true)), "{made}");
    assert!(said(&server.vault.run(&["backup", "list"])).contains("full"));
    let vault = server.stop();
    drop(disk);
    drop(vault);
}

#[test]
fn a_server_on_a_full_disk_refuses_writes_with_the_reason_goes_on_reading_and_writes_again_with_space() {
    let vault = Vault::empty();
    let Some(disk) = SmallDisk::mount(&vault.data(), 160 * MIB) else { return };
    let password = vault.folder().join("password").to_string_lossy().into_owned();
    // Into a mounted, empty folder.
    let made = vault.run(&["init", "--admin-email", crate::harness::ADMIN_EMAIL, "--admin-password-file", &password]);
    assert!(made.status.success(), "{}", said(&made));
    let server = Server::on(vault);
    let admin = server.admin();
    let ballast = disk.fill(40 * MIB);
    let text = "x".repeat(200_000);
    let mut kept = Vec::new();
    let refused = loop {
        assert!(kept.len() < 400, "80 MB went onto a disk with 40 MB left");
        let reply = admin.post("/records/notes", &json!({"values": {"body": text}}));
        if reply.status != 201 {
            break reply;
        }
        kept.push(reply.json()["id"].as_str().unwrap().to_string());
    };
    refused.refused(503, "store.disk_full");
    assert!(!kept.is_empty());
    admin.get(&format!("/records/notes/{}", kept[kept.len() - 1])).expect(200);
    assert_eq!(admin.get("/records/notes?total=true&limit=1").expect(200)["total"], kept.len());
    fs::remove_file(ballast).unwrap();
    kept.push(admin.make("notes", json!({"body": "There is space again"}))["id"].as_str().unwrap().to_string());
    let server = Server::on(server.stop());
    let admin = server.admin();
    for id in &kept {
        admin.get(&format!("/records/notes/{id}")).expect(200);
    }
    let vault = server.stop();
    assert!(vault.run(&["verify"]).status.success());
    drop(disk);
    drop(vault);
}
