//! Says how complete a person's record is, and can refuse people without a name.

use kith_plugin::{Change, Record, Result, Violation, settings};
use serde::Deserialize;

kith_plugin::plugin! {
    before_save: check,
    computed: { completeness: completeness },
}

#[derive(Deserialize)]
struct Settings {
    need_name: bool,
}

/// The share of these fields that is filled in, in percent.
fn completeness(person: &Record) -> Result<i64> {
    const FIELDS: [&str; 6] = ["first_name", "last_name", "emails", "phones", "company", "job_title"];
    let filled = FIELDS.iter().filter(|field| !person.get(field).is_null()).count();
    Ok((filled * 100 / FIELDS.len()) as i64)
}

fn check(change: &Change) -> Result<()> {
    let settings: Settings = settings::get()?;
    let named = ["first_name", "last_name"].iter().any(|field| change.text(field).is_some());
    if settings.need_name && !named && !change.is_delete() {
        return Err(Violation::on("last_name", "name_missing", "write a first or a last name").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kith_plugin::{fields, json, testing::Kith};

    use super::*;

    #[test]
    fn each_field_counts() {
        let kith = Kith::new(plugin());
        let person = kith.create("people", fields! { "first_name" => "Zoë", "last_name" => "Ray" }).unwrap();
        assert_eq!(person.integer("completeness"), Some(33));
        let person = kith.update("people", &person.id, fields! { "job_title" => "Head of design" }).unwrap();
        assert_eq!(person.integer("completeness"), Some(50));
    }

    #[test]
    fn people_without_a_name_are_refused_when_the_settings_say_so() {
        let kith = Kith::new(plugin());
        kith.create("people", fields! { "job_title" => "Head" }).unwrap();
        kith.settings(json!({ "need_name": true }));
        let refused = kith.create("people", fields! { "job_title" => "Head" }).unwrap_err();
        assert_eq!(refused.message(), "write a first or a last name");
    }
}
