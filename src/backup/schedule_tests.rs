//! What is due, in every zone and after every failure.

use kith_base::RecordId;

use super::*;

const HOUR: i64 = HOUR_MS;

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_millisecond()
}

fn schedule() -> Schedule {
    Schedule {
        enabled: true,
        folder: Some("/b".into()),
        recipients: vec!["age1x".into()],
        daily_at: Some("02:30".into()),
        every_hours: 4,
        ..Schedule::default()
    }
}

fn entry(kind: Kind, state: State, created_at: i64) -> Entry {
    Entry {
        id: RecordId::new(created_at as u64, [3; 10]),
        seq: 9,
        created_at,
        finished_at: created_at,
        name: "x".into(),
        folder: "/b".into(),
        kind,
        state,
        size_bytes: 1,
        first_seq: 1,
        last_seq: 2,
        last_hash: String::new(),
        builds_on: None,
        records: 0,
        files: 0,
        counts: serde_json::Value::Null,
        scheduled: true,
        message: String::new(),
    }
}

fn due(entries: &[Entry], now: &str) -> Option<Kind> {
    schedule().due(entries, at(now), &TimeZone::get("Europe/Rome").unwrap()).unwrap()
}

#[test]
fn the_first_is_full_and_due_at_once() {
    assert_eq!(due(&[], "2026-03-01T12:00:00Z"), Some(Kind::Full));
    let off = Schedule { enabled: false, ..schedule() };
    assert_eq!(off.due(&[], 0, &TimeZone::UTC).unwrap(), None);
}

#[test]
fn a_full_one_each_day_at_its_hour_and_increments_between() {
    // 02:30 in Rome is 01:30 in winter.
    let full = entry(Kind::Full, State::Done, at("2026-03-01T01:30:05Z"));
    let entries = vec![full.clone()];
    assert_eq!(due(&entries, "2026-03-01T05:30:00Z"), None);
    assert_eq!(due(&entries, "2026-03-01T05:30:06Z"), Some(Kind::Incremental));
    assert_eq!(due(&entries, "2026-03-02T01:29:59Z"), Some(Kind::Incremental));
    assert_eq!(due(&entries, "2026-03-02T01:30:00Z"), Some(Kind::Full));
    assert_eq!(due(&entries, "2026-03-09T12:00:00Z"), Some(Kind::Full), "after days of being off");
    let mut later = entries.clone();
    later.push(entry(Kind::Incremental, State::Done, at("2026-03-01T05:30:06Z")));
    assert_eq!(due(&later, "2026-03-01T09:30:05Z"), None);
    assert_eq!(due(&later, "2026-03-01T09:30:06Z"), Some(Kind::Incremental));
    let elsewhere = Entry { folder: "/other".into(), ..full };
    assert_eq!(due(&[elsewhere], "2026-03-01T05:00:00Z"), Some(Kind::Full));
}

#[test]
fn a_failure_is_tried_again_after_a_while_and_not_at_once() {
    let full = entry(Kind::Full, State::Done, at("2026-03-01T01:30:05Z"));
    let failed = entry(Kind::Full, State::Failed, at("2026-03-02T01:30:00Z"));
    let entries = vec![full, failed];
    assert_eq!(due(&entries, "2026-03-02T01:44:59Z"), None);
    assert_eq!(due(&entries, "2026-03-02T01:45:00Z"), Some(Kind::Full));
}

#[test]
fn hours_that_the_clock_skips_or_repeats_lead_to_one_backup_a_day() {
    let zone = TimeZone::get("Europe/Rome").unwrap();
    // 02:30 does not exist on 29 March 2026 and comes twice on 25 October.
    for day in ["2026-03-28T00:00:00Z", "2026-10-24T00:00:00Z"] {
        let mut entries = vec![entry(Kind::Full, State::Done, at(day) - 20 * HOUR)];
        let mut fulls = 0;
        for minute in 0..3 * 24 * 60 {
            let now = at(day) + minute * 60_000;
            if (Schedule { every_hours: 0, ..schedule() }).due(&entries, now, &zone).unwrap() == Some(Kind::Full) {
                entries.push(entry(Kind::Full, State::Done, now));
                fulls += 1;
            }
        }
        assert_eq!(fulls, 3, "{day}");
    }
}

#[test]
fn times_of_day_are_read_strictly() {
    let read = |text: &str| Schedule { daily_at: Some(text.into()), ..Schedule::default() }.time();
    assert!(read("02:30").is_ok() && read("2:05").is_ok());
    for wrong in ["", "25:00", "02:60", "noon", "02:30:00", "-1:00", "002:30"] {
        assert_eq!(read(wrong).unwrap_err().code(), "backup.schedule", "{wrong}");
    }
}
