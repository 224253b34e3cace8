//! Whatever ends the server, what it acknowledged is there afterwards.

use std::{thread, time::Duration};

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

/// Starts on what is left, looks for every one of them, and lets the chain be checked.
fn all_there(vault: Vault, acknowledged: &[String]) -> Vault {
    let vault = find(serve(vault), acknowledged).stop();
    assert!(vault.run(&["verify"]).status.success(), "something does not verify");
    vault
}

/// Serves without a limit of requests: here one client asks for all there is.
pub fn serve(vault: Vault) -> Server {
    Server::with(vault, &["--rate", "0"])
}

fn find(server: Server, acknowledged: &[String]) -> Server {
    let admin = server.admin();
    for id in acknowledged {
        admin.get(&format!("/records/people/{id}")).expect(200);
    }
    server
}

/// How many rounds: `KITH_KILL_ROUNDS`, or a hundred in the full run.
pub fn rounds() -> usize {
    let full = std::env::var_os("KITH_TEST_FULL").is_some();
    let named = std::env::var("KITH_KILL_ROUNDS").ok().and_then(|text| text.parse().ok());
    named.unwrap_or(if full { 100 } else { 3 })
}

/// Numbers below a bound, the same for the same seed, which is said.
pub fn chance() -> impl FnMut(u64) -> u64 {
    let seed = std::env::var("KITH_TEST_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed}");
    let mut state = seed;
    move |bound| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    }
}

#[test]
fn kills_at_random_moments_lose_no_acknowledged_write() {
    let mut below = chance();
    let mut vault = Vault::new();
    let mut acknowledged: Vec<String> = Vec::new();
    let mut died_early = 0;
    for round in 0..rounds() {
        let server = serve(vault);
        let before = acknowledged.len();
        let writers = write_until_gone(&server, 1 + below(8) as usize);
        thread::sleep(Duration::from_millis(50 + below(450)));
        vault = server.kill();
        for writer in writers {
            acknowledged.extend(writer.join().unwrap());
        }
        // Sometimes it dies again while it recovers.
        for _ in 0..below(3) {
            let mut child = vault.kith(&["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
            thread::sleep(Duration::from_millis(below(250)));
            child.kill().unwrap();
            child.wait().unwrap();
            died_early += 1;
        }
        let server = find(serve(vault), &acknowledged[before..]);
        // Every second time the next writers meet a store that was never closed in order.
        vault = if below(2) == 0 { server.kill() } else { server.stop() };
        if round % 10 == 9 {
            assert!(vault.run(&["verify"]).status.success(), "something does not verify in round {round}");
        }
    }
    println!("{} rounds, {died_early} deaths while recovering, {} writes", rounds(), acknowledged.len());
    assert!(!acknowledged.is_empty(), "nothing was written: the test proved nothing");
    all_there(vault, &acknowledged);
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
