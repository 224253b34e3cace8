//! Whatever ends the server, what it acknowledged is there afterwards.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::harness::{Server, Vault};

/// Concurrent writers; each notes the ids it was given an answer for, until the server is gone.
fn write_until_gone(server: &Server, writers: usize) -> Vec<thread::JoinHandle<Vec<String>>> {
    let admin = server.admin();
    let write = |number: usize| {
        let admin = admin.clone();
        thread::spawn(move || {
            let mut kept = Vec::new();
            for turn in 0.. {
                let body = json!({"values": {"last_name": format!("Writer {number} turn {turn}")}});
                // The connection breaks when the server goes; what was not answered does not count.
                let Some(reply) = admin.try_post("/records/people", &body) else { return kept };
                if reply.status != 201 {
                    return kept;
                }
                kept.push(reply.json()["id"].as_str().unwrap_or_default().to_string());
            }
            kept
        })
    };
    (0..writers).map(write).collect()
}

fn all_there(vault: Vault, acknowledged: &[String]) -> Vault {
    let server = Server::on(vault);
    let admin = server.admin();
    for id in acknowledged {
        admin.get(&format!("/records/people/{id}")).expect(200);
    }
    drop(admin);
    let vault = server.stop();
    assert!(vault.run(&["verify"]).status.success(), "something does not verify");
    vault
}

#[test]
fn kills_at_random_moments_lose_no_acknowledged_write() {
    let rounds = if std::env::var_os("KITH_TEST_FULL").is_some() { 100 } else { 3 };
    let seed = std::env::var("KITH_TEST_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed}");
    let mut chance = seed;
    let mut vault = Vault::new();
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..rounds {
        let server = Server::on(vault);
        let writers = write_until_gone(&server, 8);
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        thread::sleep(Duration::from_millis(50 + (chance >> 33) % 450));
        vault = server.kill();
        for writer in writers {
            acknowledged.lock().unwrap().extend(writer.join().unwrap());
        }
        vault = all_there(vault, &acknowledged.lock().unwrap());
    }
    assert!(!acknowledged.lock().unwrap().is_empty(), "nothing was written: the test proved nothing");
}

#[test]
fn a_stop_during_writes_loses_nothing_and_ends_well() {
    let server = Server::start();
    let writers = write_until_gone(&server, 8);
    thread::sleep(Duration::from_millis(400));
    let vault = server.stop();
    let acknowledged: Vec<String> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    assert!(!acknowledged.is_empty());
    all_there(vault, &acknowledged);
}
