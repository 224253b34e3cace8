//! The harm itself, one line per behaviour.

use std::hint::black_box;

use kith_plugin::{Error, Result, call_id, fields, http, kv, log, now_ms, outbox, random, records, serde_json};

use crate::Settings;

pub fn run(settings: &Settings) -> Result<String> {
    let base = &settings.base_url;
    match settings.behaviour.as_str() {
        "endless-loop" => endless_loop(),
        "endless-host-calls" => loop {
            black_box(now_ms());
        },
        "memory-bomb" => memory_bomb(),
        "stack-overflow" => Ok(stack_overflow(1).to_string()),
        "trap" => panic!("a trap on purpose"),
        "abort" => std::process::abort(),
        "log-flood" => log_flood(),
        "huge-log-line" => {
            log::info(&"long ".repeat(200_000));
            Ok("logged".into())
        }
        "huge-output" => Ok("x".repeat(24 << 20)),
        "host-call-flood" => {
            let mut sum = 0_u64;
            for _ in 0..100_000 {
                sum ^= now_ms();
            }
            Ok(format!("called {sum}"))
        }
        "kv-flood" => kv_flood(),
        "mail-flood" => mail_flood(),
        "random-flood" => Ok(random(1 << 20).len().to_string()),
        "records-flood" => records_flood(),
        // The test's server decides whether it is slow, hangs, redirects or sends without end.
        "http" => told(http::get(format!("{base}/")).send()),
        "http-long" => told(http::get(format!("{base}/")).timeout_ms(u32::MAX).send()),
        "http-post" => {
            told(http::post(format!("{base}/")).body("text/plain", "sent").idempotency_key(call_id()).send())
        }
        "http-unlisted" => told(http::get("https://unlisted.example/").send()),
        "http-private" => told(http::get("http://169.254.169.254/latest/meta-data/").send()),
        "http-userinfo" => told(http::get(base.replacen("://", "://user@", 1)).send()),
        "http-file" => told(http::get("file:///etc/passwd").send()),
        "http-header-injection" => told(http::get(format!("{base}/")).header("X-A", "b\r\nX-Injected: c").send()),
        "secret" => {
            told(http::get(format!("{base}/")).secret_header("Authorization", "Bearer {{secret:token}}").send())
        }
        "secret-elsewhere" => {
            let other = format!("{}/", settings.other_url);
            told(http::get(other).secret_header("Authorization", "Bearer {{secret:token}}").send())
        }
        "secret-in-url-elsewhere" => told(http::get(format!("{}/?k={{{{secret:token}}}}", settings.other_url)).send()),
        "write" => write(),
        "write-ungranted" => records::create("people", fields! { "first_name" => "Nobody" }, None).map(|row| row.id),
        "read-ungranted" => records::find("users").all().map(|rows| rows.len().to_string()),
        "kv-write" => kv::put("key", &"value").map(|version| version.to_string()),
        "mail" => outbox::send_mail(&outbox::Mail::new("a@example.com", "s", "t"), &call_id()),
        // The note is there, and the host never hears that the call is done.
        "crash-after-write" => {
            write()?;
            panic!("cut off after the write");
        }
        "crash-after-http" => {
            http::post(format!("{base}/")).body("text/plain", "sent").idempotency_key(call_id()).send()?;
            panic!("cut off after the request");
        }
        "error" => Err(Error::other("an error on purpose")),
        "unavailable" => Err(Error::unavailable("not now")),
        "say" => Ok("said".into()),
        _ => Ok(String::new()),
    }
}

fn told(answer: Result<http::Response>) -> Result<String> {
    let answer = answer?;
    Ok(serde_json::json!({ "status": answer.status, "bytes": answer.body.len(), "location": answer.header("Location") }).to_string())
}

fn endless_loop() -> Result<String> {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

fn memory_bomb() -> Result<String> {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    loop {
        blocks.push(vec![1; 1 << 20]);
        black_box(&blocks);
    }
}

#[allow(unconditional_recursion)]
fn stack_overflow(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    black_box(stack_overflow(room[7] + 1)) + room[3]
}

fn log_flood() -> Result<String> {
    for line in 0..50_000 {
        log::info(&format!("line {line}"));
    }
    Ok("logged".into())
}

fn kv_flood() -> Result<String> {
    let value = "v".repeat(60_000);
    for key in 0..900 {
        kv::put(&format!("flood:{key}"), &value)?;
    }
    Ok("kept".into())
}

fn mail_flood() -> Result<String> {
    for number in 0..900 {
        let mail = outbox::Mail::new("a@example.com", "s", "t");
        outbox::send_mail(&mail, &format!("{}:{number}", call_id()))?;
    }
    Ok("sent".into())
}

fn records_flood() -> Result<String> {
    for number in 0..900 {
        let ops: Vec<_> = (0..500)
            .map(|row| records::Op::create("notes", fields! { "body" => format!("flood {number} {row}") }, None))
            .collect();
        records::apply(&ops)?;
    }
    Ok("written".into())
}

/// A note that exists once, however often the call is repeated.
fn write() -> Result<String> {
    let note = fields! { "body" => "written by the fixture" };
    records::create("notes", note, Some(&format!("note:{}", call_id()))).map(|row| row.id)
}
