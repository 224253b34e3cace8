//! Field rules for VAT numbers and IBANs, and an action that asks VIES.

mod vat;

use iban::{Iban, IbanLike};
use kith_plugin::{
    Action, Change, Error, Field, Result, Value, Verdict, Violation, fields, http, json, locale, log, now, records,
    serde_json, settings,
};
use serde::Deserialize;
use vat::{Problem, Vat};

kith_plugin::plugin! {
    before_save: check,
    actions: { "look-up": look_up },
}

#[derive(Deserialize)]
struct Settings {
    service_url: String,
    default_country: String,
}

/// Refuses wrong digits, writes right numbers the usual way, and forgets an answer about another number.
fn check(change: &Change) -> Result<Verdict> {
    let settings: Settings = settings::get()?;
    let (mut wrong, mut amended): (Vec<Violation>, Vec<Field>) = (Vec::new(), Vec::new());
    if change.changed("vat_number") && !change.is_delete() {
        let text = change.text("vat_number").unwrap_or_default();
        if let Some(vat) = vat::read(text, &settings.default_country) {
            match vat.check() {
                Err(problem) => wrong.push(Violation::on("vat_number", "wrong_vat_number", refusal(&vat, &problem))),
                Ok(()) if vat.to_string() != text => amended.push(Field::new("vat_number", vat.to_string())),
                Ok(()) => {}
            }
        }
        if !change.get("vat_valid").is_null() {
            amended.extend(
                fields! { "vat_valid" => Value::Null, "vat_checked_at" => Value::Null, "vat_name" => Value::Null },
            );
        }
    }
    if let (true, Some(text)) = (change.changed("iban"), change.text("iban")) {
        match text.parse::<Iban>() {
            Err(_) => wrong.push(Violation::on("iban", "wrong_iban", said(Said::Iban))),
            Ok(iban) if iban.electronic_str() != text => amended.push(Field::new("iban", iban.electronic_str())),
            Ok(_) => {}
        }
    }
    Ok(if !wrong.is_empty() {
        Verdict::Reject(wrong)
    } else if amended.is_empty() {
        Verdict::Accept
    } else {
        Verdict::Amend(amended)
    })
}

#[derive(Deserialize)]
struct Registered {
    valid: bool,
    #[serde(default)]
    name: Option<String>,
}

/// Asks the service about each company, and writes down what it says.
fn look_up(action: &Action) -> Result<serde_json::Value> {
    let settings: Settings = settings::get()?;
    let (mut valid, mut invalid, mut without) = (0, 0, 0);
    for company in action.records(&["vat_number"])? {
        let vat = company.text("vat_number").and_then(|text| vat::read(text, &settings.default_country));
        let Some(vat) = vat.filter(|vat| vat.check().is_ok()) else {
            without += 1;
            continue;
        };
        let registered = ask(&settings, &vat)?;
        if registered.valid {
            valid += 1
        } else {
            invalid += 1
        }
        // VIES writes dashes where a country gives no name.
        let name = registered.name.filter(|name| name.chars().any(char::is_alphanumeric));
        let found = fields! {
            "vat_valid" => registered.valid,
            "vat_checked_at" => Value::timestamp(now()),
            "vat_name" => name,
        };
        records::update("companies", &company.id, found)?;
    }
    let message = match locale().get(..2) {
        Some("it") => format!("{valid} registrate, {invalid} non registrate, {without} senza partita IVA dell'UE"),
        Some("da") => format!("{valid} registreret, {invalid} ikke registreret, {without} uden momsnummer i EU"),
        _ => format!("{valid} registered, {invalid} not registered, {without} without a VAT number of the EU"),
    };
    Ok(json!({ "message": message, "valid": valid, "invalid": invalid, "without": without }))
}

fn ask(settings: &Settings, vat: &Vat) -> Result<Registered> {
    let question = json!({ "countryCode": vat.country, "vatNumber": vat.number });
    let answer = http::post(&settings.service_url).json(&question).timeout_ms(15_000).send()?.ok()?;
    answer.json().map_err(|error| {
        log::error(&error.message());
        Error::unavailable(
            "the VIES service answered in a way that is not understood; look at its address in the settings",
        )
    })
}

fn refusal(vat: &Vat, problem: &Problem) -> String {
    let what = match problem {
        Problem::Format => Said::Format,
        Problem::CheckDigit => Said::CheckDigit,
    };
    said(what).replace("{country}", &vat.country)
}

enum Said {
    Format,
    CheckDigit,
    Iban,
}

fn said(what: Said) -> String {
    let texts = match what {
        Said::Format => [
            "no VAT number of {country} looks like this; check how many digits and letters it has",
            "nessuna partita IVA di {country} è fatta così; controlla quante cifre e lettere ha",
            "intet momsnummer fra {country} ser sådan ud; se efter, hvor mange cifre og bogstaver det har",
        ],
        Said::CheckDigit => [
            "this VAT number has a wrong digit, or two that are swapped; compare it with an invoice",
            "questa partita IVA ha una cifra sbagliata o due scambiate; confrontala con una fattura",
            "momsnummeret har et forkert ciffer eller to, der er byttet om; sammenlign med en faktura",
        ],
        Said::Iban => [
            "this IBAN has a wrong digit or length; compare it with an invoice",
            "questo IBAN ha una cifra o una lunghezza sbagliata; confrontalo con una fattura",
            "dette IBAN har et forkert ciffer eller en forkert længde; sammenlign med en faktura",
        ],
    };
    let place = match locale().get(..2) {
        Some("it") => 1,
        Some("da") => 2,
        _ => 0,
    };
    texts[place].to_string()
}

#[cfg(test)]
mod tests {
    use kith_plugin::{
        Response, Step,
        testing::{HttpError, Kith},
    };

    use super::*;

    fn violations(answer: Result<kith_plugin::Record>) -> Vec<Violation> {
        match answer {
            Err(Error::Invalid(violations)) => violations,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn right_numbers_are_written_the_usual_way() {
        let kith = Kith::new(plugin());
        let written = fields! { "vat_number" => "it 00743 110157", "iban" => "DE44 5001 0517 5407 3249 31" };
        let company = kith.create("companies", written).unwrap();
        assert_eq!(company.text("vat_number"), Some("IT00743110157"));
        assert_eq!(company.text("iban"), Some("DE44500105175407324931"));
        let other = kith.create("companies", fields! { "vat_number" => "CHE-123.456.788", "name" => "Bär" }).unwrap();
        assert_eq!(other.text("vat_number"), Some("CHE-123.456.788"), "numbers of other countries are left alone");
    }

    #[test]
    fn wrong_ones_are_refused_with_the_field_and_a_way_on() {
        let kith = Kith::new(plugin());
        let wrong = violations(
            kith.create("companies", fields! { "vat_number" => "IT00743110158", "iban" => "DE45500105175407324931" }),
        );
        let fields: Vec<_> = wrong.iter().map(|violation| violation.field.as_deref().unwrap()).collect();
        assert_eq!(fields, ["vat_number", "iban"]);
        kith.set_locale("it");
        let wrong = violations(kith.create("companies", fields! { "vat_number" => "FR123" }));
        assert!(wrong[0].message.contains("partita IVA di FR"), "{}", wrong[0].message);
        assert!(kith.records("companies").is_empty());
    }

    #[test]
    fn numbers_without_a_country_take_that_of_the_settings() {
        let kith = Kith::new(plugin());
        kith.create("companies", fields! { "vat_number" => "00743110158" }).unwrap();
        kith.settings(json!({ "default_country": "it" }));
        violations(kith.create("companies", fields! { "vat_number" => "00743110158" }));
        let company = kith.create("companies", fields! { "vat_number" => "00743110157" }).unwrap();
        assert_eq!(company.text("vat_number"), Some("IT00743110157"));
    }

    #[test]
    fn a_look_up_writes_what_the_service_says() {
        let kith = Kith::new(plugin());
        let right = kith.add("companies", fields! { "vat_number" => "IT00743110157" });
        let gone = kith.add("companies", fields! { "vat_number" => "DK13585628" });
        let none = kith.add("companies", fields! { "name" => "No number" });
        kith.serve(|request| {
            let asked: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
            let valid = asked["countryCode"] == "IT" && asked["vatNumber"] == "00743110157";
            Ok(Response::of_json(200, &json!({ "valid": valid, "name": if valid { "ACME SPA" } else { "---" } }))
                .unwrap())
        });
        let step = kith.action("look-up", "companies", &[right.clone(), gone.clone(), none], json!({})).unwrap();
        let Step::Done(said) = step else { panic!("it waits") };
        assert!(said.contains("1 registered, 1 not registered, 1 without"), "{said}");
        let right = kith.record("companies", &right).unwrap();
        assert_eq!((right.boolean("vat_valid"), right.text("vat_name")), (Some(true), Some("ACME SPA")));
        assert_eq!(right.timestamp("vat_checked_at"), Some("2026-03-01T12:00:00Z"));
        let gone = kith.record("companies", &gone).unwrap();
        assert_eq!((gone.boolean("vat_valid"), gone.text("vat_name")), (Some(false), None));
    }

    #[test]
    fn an_answer_is_forgotten_with_its_number() {
        let kith = Kith::new(plugin());
        let id = kith
            .add("companies", fields! { "vat_number" => "IT00743110157", "vat_valid" => true, "vat_name" => "ACME" });
        let company = kith.update("companies", &id, fields! { "vat_number" => "DK13585628" }).unwrap();
        assert_eq!((company.boolean("vat_valid"), company.text("vat_name")), (None, None));
    }

    #[test]
    fn a_service_that_fails_is_a_failure_that_may_pass() {
        let kith = Kith::new(plugin());
        let id = kith.add("companies", fields! { "vat_number" => "IT00743110157" });
        let look_up = || kith.action("look-up", "companies", std::slice::from_ref(&id), json!({}));
        for answer in [
            Ok(Response::empty(503)),
            Ok(Response::empty(429)),
            Err(HttpError::Timeout),
            Ok(Response::plain(200, "<html>")),
        ] {
            kith.next_answer(answer);
            assert!(matches!(look_up(), Err(Error::Unavailable(_))));
        }
        assert!(kith.record("companies", &id).unwrap().get("vat_valid").is_null());
    }
}
