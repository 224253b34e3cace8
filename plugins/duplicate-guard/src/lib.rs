//! Looks for the same person before one is saved, and refuses or flags as the settings say.

use kith_plugin::{Change, Record, Result, Value, Verdict, Violation, locale, records, settings};
use serde::Deserialize;

kith_plugin::plugin! { before_save: check }

#[derive(Deserialize)]
struct Settings {
    same_email: Measure,
    similar_name: Measure,
    similarity: f64,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Measure {
    Refuse,
    Flag,
    Ignore,
}

const FIELDS: [&str; 3] = ["first_name", "last_name", "emails"];

fn check(change: &Change) -> Result<Verdict> {
    let Some(person) = &change.after else { return Ok(Verdict::Accept) };
    let settings: Settings = settings::get()?;
    // What is not touched is not held against whoever changes something else.
    let new_email = change.changed("emails");
    let new_name = ["first_name", "last_name", "company"].iter().any(|field| change.changed(field));
    if !new_email && !new_name {
        return Ok(Verdict::Accept);
    }
    let found = [
        (settings.same_email, if new_email { same_email(person)? } else { None }, "emails"),
        (settings.similar_name, if new_name { similar_name(person, settings.similarity)? } else { None }, "last_name"),
    ];
    for (measure, other, field) in &found {
        if let (Measure::Refuse, Some(other)) = (measure, other) {
            return Err(Violation::on(*field, "duplicate", message(other)).into());
        }
    }
    let flagged = found.iter().find_map(|(measure, other, _)| other.as_ref().filter(|_| *measure == Measure::Flag));
    let mark = flagged.map_or(Value::Null, |other| Value::link(&other.id));
    Ok(if *person.get("duplicate_of") == mark { Verdict::Accept } else { Verdict::set("duplicate_of", mark) })
}

fn same_email(person: &Record) -> Result<Option<Record>> {
    for email in person.texts("emails") {
        let email = email.trim().to_lowercase();
        let found =
            records::find("people").select(FIELDS).filter("emails.exists(e, e == $1)", [email]).limit(2).page()?;
        if let Some(other) = found.rows.into_iter().find(|other| other.id != person.id) {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

/// Among the people of the same company. Looks at 500 of them: a save may take 50 ms.
fn similar_name(person: &Record, percent: f64) -> Result<Option<Record>> {
    let (Some(company), name) = (person.link("company"), name_of(person)) else { return Ok(None) };
    if name.is_empty() {
        return Ok(None);
    }
    let colleagues = records::find("people").select(FIELDS).filter("company == $1", [Value::link(company)]).page()?;
    let alike = |other: &Record| strsim::jaro_winkler(&name, &name_of(other)) * 100.0 >= percent;
    Ok(colleagues.rows.into_iter().find(|other| other.id != person.id && alike(other)))
}

/// `zoe muller` for `Zoë  Müller`: accents, case and spaces are what people write differently.
fn name_of(person: &Record) -> String {
    let full = ["first_name", "last_name"].map(|field| person.text(field).unwrap_or_default()).join(" ");
    let plain: String = full.to_lowercase().chars().map(plain).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn plain(letter: char) -> char {
    match letter {
        'à' | 'á' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ò' | 'ó' | 'ô' | 'ö' | 'õ' | 'ø' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        '-' | '.' | '\'' | '’' => ' ',
        other => other,
    }
}

fn message(other: &Record) -> String {
    let name = ["first_name", "last_name"].map(|field| other.text(field).unwrap_or_default()).join(" ");
    let email = other.first_text("emails").unwrap_or_default();
    let who = if name.trim().is_empty() { email } else { name.trim().to_string() };
    match locale().get(..2) {
        Some("it") => format!("questa persona sembra esserci già: {who}; apri quella o cambia qui"),
        Some("da") => format!("personen ser ud til at findes allerede: {who}; åbn den, eller ret her"),
        _ => format!("this person seems to be there already: {who}; open that one, or change this one"),
    }
}

#[cfg(test)]
mod tests {
    use kith_plugin::{Error, fields, json, testing::Kith};

    use super::*;

    fn emails(address: &str) -> Value {
        Value::Json(json!([{ "value": address, "label": "" }]).to_string())
    }

    fn refused(answer: Result<Record>) -> Violation {
        match answer {
            Err(Error::Invalid(violations)) => violations[0].clone(),
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn the_same_email_is_refused_with_the_name_of_who_has_it() {
        let kith = Kith::new(plugin());
        kith.add(
            "people",
            fields! { "first_name" => "Zoë", "last_name" => "Ray", "emails" => emails("zoe@example.com") },
        );
        let violation = refused(kith.create("people", fields! { "emails" => emails("Zoe@Example.com") }));
        assert_eq!(violation.field.as_deref(), Some("emails"));
        assert!(violation.message.contains("Zoë Ray"), "{}", violation.message);
        assert_eq!(kith.records("people").len(), 1);
        kith.set_locale("da");
        assert!(
            refused(kith.create("people", fields! { "emails" => emails("zoe@example.com") }))
                .message
                .starts_with("personen")
        );
    }

    #[test]
    fn a_person_is_no_duplicate_of_itself() {
        let kith = Kith::new(plugin());
        let zoe = kith.create("people", fields! { "first_name" => "Zoë", "emails" => emails("z@x.org") }).unwrap();
        let list = json!([{ "value": "z@x.org" }, { "value": "other@x.org" }]).to_string();
        kith.update("people", &zoe.id, fields! { "emails" => Value::Json(list) }).unwrap();
    }

    #[test]
    fn nearly_the_same_name_is_flagged_at_the_same_company_alone() {
        let kith = Kith::new(plugin());
        let person = |name: &str, company: &str| fields! { "first_name" => "Anna", "last_name" => name, "company" => Value::link(company) };
        let first = kith.create("people", person("Müller", "c1")).unwrap();
        let same = kith.create("people", person("Muller", "c1")).unwrap();
        assert_eq!(same.link("duplicate_of"), Some(first.id.as_str()));
        assert_eq!(kith.create("people", person("Muller", "c2")).unwrap().link("duplicate_of"), None);
        assert_eq!(kith.create("people", person("Zanetti", "c1")).unwrap().link("duplicate_of"), None);
        let cleared = kith.update("people", &same.id, fields! { "last_name" => "Bianchi" }).unwrap();
        assert_eq!(cleared.link("duplicate_of"), None, "a flag goes with its reason");
    }

    #[test]
    fn the_settings_decide_between_refusing_flagging_and_nothing() {
        let kith = Kith::new(plugin());
        kith.settings(json!({ "same_email": "flag", "similar_name": "refuse" }));
        let first = kith
            .create(
                "people",
                fields! { "last_name" => "Ray", "company" => Value::link("c"), "emails" => emails("a@x.org") },
            )
            .unwrap();
        let flagged = kith.create("people", fields! { "emails" => emails("a@x.org") }).unwrap();
        assert_eq!(flagged.link("duplicate_of"), Some(first.id.as_str()));
        let again = kith.create("people", fields! { "last_name" => "Ray", "company" => Value::link("c") });
        assert_eq!(refused(again).code, "duplicate");
        kith.settings(json!({ "same_email": "ignore", "similar_name": "ignore" }));
        let free = kith
            .create(
                "people",
                fields! { "last_name" => "Ray", "company" => Value::link("c"), "emails" => emails("a@x.org") },
            )
            .unwrap();
        assert_eq!(free.link("duplicate_of"), None);
    }

    #[test]
    fn who_changes_something_else_is_not_held_up() {
        let kith = Kith::new(plugin());
        kith.add("people", fields! { "emails" => emails("a@x.org") });
        let other = kith.add("people", fields! { "emails" => emails("a@x.org") });
        kith.update("people", &other, fields! { "job_title" => "Head" }).unwrap();
    }
}
