//! iCalendar (RFC 5545), as much as all-day events need. Pure.

/// One day in the calendar.
pub struct Entry {
    pub uid: String,
    /// `2026-03-01`
    pub day: String,
    pub title: String,
    pub note: String,
    pub done: bool,
}

/// The calendar; `stamp` as `2026-03-01T12:00:00Z`.
pub fn calendar(name: &str, stamp: &str, entries: &[Entry]) -> String {
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_string(),
        "VERSION:2.0".into(),
        "PRODID:-//Kith//calendar-feed//EN".into(),
        "CALSCALE:GREGORIAN".into(),
        format!("X-WR-CALNAME:{}", escaped(name)),
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H".into(),
    ];
    for entry in entries {
        let mark = if entry.done { "✓ " } else { "" };
        lines.push("BEGIN:VEVENT".into());
        lines.push(format!("UID:{}@kith", escaped(&entry.uid)));
        lines.push(format!("DTSTAMP:{}", stamp.replace(['-', ':'], "")));
        // Without an end an event of a day lasts that day.
        lines.push(format!("DTSTART;VALUE=DATE:{}", entry.day.replace('-', "")));
        lines.push(format!("SUMMARY:{mark}{}", escaped(&entry.title)));
        if !entry.note.is_empty() {
            lines.push(format!("DESCRIPTION:{}", escaped(&entry.note)));
        }
        lines.push("TRANSP:TRANSPARENT".into());
        lines.push("END:VEVENT".into());
    }
    lines.push("END:VCALENDAR".into());
    lines.iter().map(|line| folded(line)).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | ';' | ',' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            // Any other control sign would end the line or the file.
            other if other.is_control() => {}
            other => out.push(other),
        }
    }
    out
}

/// Lines of at most 75 bytes, continued by a space, never cut inside a letter.
fn folded(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 2);
    let mut bytes = 0;
    for letter in line.chars() {
        if bytes + letter.len_utf8() > 75 {
            out.push_str("\r\n ");
            bytes = 1;
        }
        bytes += letter.len_utf8();
        out.push(letter);
    }
    out + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_cannot_break_out_of_their_line() {
        let entry = |title: &str| Entry {
            uid: "1".into(),
            day: "2026-03-01".into(),
            title: title.into(),
            note: String::new(),
            done: false,
        };
        let text = calendar("x", "2026-03-01T12:00:00Z", &[entry("a;b,c\\d\r\nEND:VCALENDAR\u{7}")]);
        assert!(text.contains("SUMMARY:a\\;b\\,c\\\\d\\nEND:VCALENDAR\r\n"), "{text}");
        assert_eq!(text.matches("\r\nEND:VCALENDAR").count(), 1);
    }

    #[test]
    fn long_lines_are_folded_between_letters() {
        let text = folded(&"é".repeat(200));
        assert!(text.split("\r\n").all(|line| line.len() <= 75));
        assert_eq!(text.replace("\r\n ", "").trim_end(), "é".repeat(200));
    }
}
