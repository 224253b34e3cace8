//! What expressions mean, and that hostile ones are refused.

use std::collections::HashMap;

use cel::Value as Cel;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{FieldDef, ReadContext, Values};

fn deals() -> ObjectDef {
    let field = |id, key: &str, kind: &str| FieldDef {
        id,
        key: key.into(),
        label: key.into(),
        kind: kind.into(),
        ..FieldDef::default()
    };
    ObjectDef {
        key: "deals".into(),
        fields: vec![
            field(1, "name", "text"),
            field(2, "amount", "money"),
            field(3, "close_date", "date"),
            field(4, "tags", "tags"),
            FieldDef { many: true, ..field(5, "emails", "email") },
            field(6, "owner", "user"),
            field(7, "score", "decimal"),
        ],
        ..ObjectDef::default()
    }
}

fn now() -> EvalContext {
    // 2026-03-01 23:30 UTC, already the 2nd of March in Rome.
    EvalContext { now_ms: 1_772_407_800_000, time_zone: "Europe/Rome".into(), me: Some(RecordId([1; 16])) }
}

fn run(filter: &str, values: serde_json::Value) -> Result<Cel, ExprError> {
    let object = deals();
    let read = crate::validate::read_values(&object, &ReadContext::default(), values.as_object().unwrap()).unwrap();
    let values: Values = read.into_iter().collect();
    let row: HashMap<String, Cel> =
        object.fields.iter().map(|f| (f.key.clone(), f.kind().to_cel(f, values.get(f.id)))).collect();
    let expr = Expr::parse(filter)?.resolve(&object)?;
    expr.evaluate(&|name| row.get(name).cloned().unwrap_or(Cel::Null), &now())
}

fn holds(filter: &str, values: serde_json::Value) -> bool {
    run(filter, values) == Ok(Cel::Bool(true))
}

#[test]
fn money_dates_lists_and_null_compare_as_people_expect() {
    let deal = json!({"name": "Roof", "amount": {"amount": "1250.50", "currency": "EUR"}, "close_date": "2026-03-02",
        "tags": ["vip"], "emails": ["ada@example.com"], "owner": RecordId([1; 16]).to_string(), "score": "2.5"});
    for filter in [
        "amount > 1000",
        "amount >= 1250.5 && amount.currency == \"EUR\"",
        "amount != null",
        "close_date == today()",
        "close_date < date(\"2026-03-03\")",
        "now() - duration(\"24h\") < now()",
        "\"vip\" in tags",
        "!(\"x\" in tags)",
        "emails.exists(e, e.contains(\"ada\"))",
        "owner == me",
        "name.startsWith(\"Ro\") && name.lower() == \"roof\"",
        "score > 2 && score < 3.0",
        "name in [\"Roof\", \"Wall\"]",
        "size(tags) == 1",
        "join([name, null, \"x\"], \" \") == \"Roof x\"",
        "coalesce(null, \"\", emails) == \"ada@example.com\"",
        "years_since(date(\"2000-03-03\")) == 25",
    ] {
        assert!(holds(filter, deal.clone()), "{filter}: {:?}", run(filter, deal.clone()));
    }
}

#[test]
fn today_is_the_askers_day_for_dates_and_for_moments() {
    // Midnight of the 2nd of March in Rome is 23:00 UTC of the 1st.
    let at = |filter: &str, created: i64| {
        let expr = Expr::parse(filter).unwrap().resolve(&deals()).unwrap();
        let created = chrono::DateTime::from_timestamp_millis(created).unwrap().fixed_offset();
        expr.evaluate(&|name| if name == "created_at" { Cel::Timestamp(created) } else { Cel::Null }, &now())
    };
    let midnight = 1_772_406_000_000;
    for filter in ["created_at >= today()", "today() <= created_at", "created_at > today() - duration(\"1s\")"] {
        assert_eq!(at(filter, midnight), Ok(Cel::Bool(true)), "{filter}");
        assert_eq!(at(filter, midnight - 1_000), Ok(Cel::Bool(false)), "{filter}");
    }
    assert_eq!(at("created_at < today() + duration(\"24h\")", midnight + 86_400_000), Ok(Cel::Bool(false)));
    assert!(holds("close_date == today()", json!({"close_date": "2026-03-02"})));
    assert!(Expr::parse("created_at >= @today()").is_err());
    for filter in [
        "created_at >= date(\"2026-03-02\")",
        "created_at >= \"2026-03-02\"",
        "created_at > date(\"2026-03-03\") - duration(\"24h1s\")",
        "created_at >= timestamp(\"2026-03-01T23:00:00Z\")",
        "created_at >= date(\"2026-03-01T23:00:00Z\")",
        "created_at >= \"2026-03-02T00:00:00\"",
    ] {
        assert_eq!(at(filter, midnight), Ok(Cel::Bool(true)), "{filter}");
        assert_eq!(at(filter, midnight - 1_000), Ok(Cel::Bool(false)), "{filter}");
    }
    assert!(holds("close_date == date(\"2026-03-02\")", json!({"close_date": "2026-03-02"})), "a date has no place");
    assert!(Expr::parse("created_at >= date(\"soon\")").unwrap().resolve(&deals()).is_err());
}

#[test]
fn ordering_on_null_has_no_value_and_equality_has() {
    for filter in ["amount > 1000", "close_date < today()", "name.contains(\"x\")", "!(amount > 1000)"] {
        assert!(matches!(run(filter, json!({})), Err(ExprError::Evaluation(_))), "{filter}");
    }
    assert!(holds("close_date == null && amount == null && name != \"x\"", json!({})));
    assert!(holds("amount > 1000 || name == null", json!({})));
}

#[test]
fn unknown_names_come_with_a_suggestion() {
    let said = run("amuont > 5", json!({})).unwrap_err().to_string();
    assert!(said.contains("did you mean 'amount'?"), "{said}");
    let said = run("name.startWith(\"x\")", json!({})).unwrap_err().to_string();
    assert!(said.contains("did you mean 'startsWith'?"), "{said}");
    assert!(matches!(run("name ==", json!({})), Err(ExprError::Syntax { .. })));
    assert_eq!(run(" ", json!({})), Err(ExprError::Empty));
}

#[test]
fn hostile_nesting_is_refused_before_it_is_parsed() {
    let deep = |open: &str, close: &str, times: usize| format!("{}1{}", open.repeat(times), close.repeat(times));
    for text in [
        deep("(", ")", 3_000),
        deep("[", "]", 3_000),
        "!".repeat(4_000),
        "-".repeat(4_000) + "1",
        "a?".repeat(2_000),
        "1+".repeat(3_000) + "1",
        "a.".repeat(3_000) + "a",
        "x".repeat(9_000),
    ] {
        assert!(Expr::parse(&text).is_err(), "{}", &text[..20]);
    }
    assert!(matches!(run("[1].exists(a, [1].exists(b, a == b))", json!({})), Err(ExprError::Unusable { .. })));
    assert!(Expr::parse(&("a || ".repeat(1_500) + "a")).is_ok());
    assert!(Expr::parse("a.b.c || !(d && e) ? [1, 2] : {\"k\": -3}[\"k\"]").is_ok());
}

#[test]
fn any_among_is_a_membership_test() {
    let (one, two) = (RecordId([1; 16]), RecordId([2; 16]));
    let expr = Expr::any_among(&["owner", "created_by"], &[one]);
    assert_eq!(expr.references(), ["owner", "created_by"]);
    let test = |owner: RecordId| {
        expr.evaluate(&|name| if name == "owner" { Cel::from(owner.to_string()) } else { Cel::Null }, &now())
    };
    assert_eq!((test(one), test(two)), (Ok(Cel::Bool(true)), Ok(Cel::Bool(false))));
    assert_eq!(Expr::any_among(&[], &[one]).evaluate(&|_| Cel::Null, &now()), Ok(Cel::Bool(false)));
}

#[test]
fn what_reads_like_a_filter_means_what_it_says() {
    let deal = json!({"name": "Roof", "amount": {"amount": "1250.50", "currency": "EUR"}, "close_date": "2026-03-02", "score": "2.5",
        "tags": ["vip"], "emails": ["ada@example.com"]});
    for filter in [
        "amount * 2 == 2501.0",
        "amount * score / 100 > 31",
        "-amount < 0",
        "close_date == \"2026-03-02\"",
        "close_date > \"2026-03-01\"",
        "name.matches(\"^R.+f$\")",
        "has(amount.currency)",
        "upper(name) == \"ROOF\"",
        "coalesce(owner, \"nobody\") == \"nobody\"",
        "tags.all(t, t == \"vip\")",
        "amount == null ? false : amount > 1000",
    ] {
        assert!(holds(filter, deal.clone()), "{filter}: {:?}", run(filter, deal.clone()));
    }
    for filter in [
        "!(\"vip\" in tags)",
        "!emails.exists(e, e.contains(\"ada\"))",
        "size(tags) == 0",
        "size(emails) == 0",
        "!has(amount.currency)",
        "amount.currency != \"EUR\"",
        "emails == null",
        "coalesce(amount, 0) == 0",
    ] {
        assert!(holds(filter, json!({})), "on nothing: {filter}: {:?}", run(filter, json!({})));
    }
}

#[test]
fn what_can_only_fail_is_refused_with_its_place() {
    for filter in [
        "close_date > \"soon\"",
        "date(\"2026-13-01\") == close_date",
        "name.matches(\"(\")",
        "amount.vat > 1",
        "name.first == \"x\"",
        "Deal{name: \"x\"} == null",
        "nope(name)",
    ] {
        let error = run(filter, json!({})).unwrap_err();
        assert!(!matches!(error, ExprError::Evaluation(_)), "{filter}");
        assert!(error.to_string().contains("character"), "{filter}: {error}");
        assert_eq!(error.code(), "filter.invalid");
    }
}

#[test]
fn the_deepest_expression_that_is_let_through_runs_on_a_small_stack() {
    let sums = "1+".repeat(90) + "1 > 0";
    let brackets = format!("{}name == name{}", "(".repeat(30), ")".repeat(30));
    let nots = format!("{}(name == name)", "!".repeat(80));
    let choices = "name == null ? 1 : ".repeat(15) + "2";
    let run_all = move || {
        for filter in [sums, brackets, nots, choices] {
            assert!(run(&filter, json!({"name": "x"})).is_ok(), "{filter}");
        }
    };
    let small = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(run_all).unwrap();
    assert!(small.join().is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn arbitrary_text_never_panics(text in "[a-z0-9 ()\\[\\]{}.,:?!<>=&|+*/%\"'\\\\-]{0,80}") {
        if let Ok(expr) = Expr::parse(&text) {
            let _ = expr.evaluate(&|_| Cel::Int(1), &now());
            let _ = expr.resolve(&deals());
        }
    }

    #[test]
    fn any_unicode_never_panics(text in "\\PC{0,60}") {
        let _ = Expr::parse(&text);
    }
}
