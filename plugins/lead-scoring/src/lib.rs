//! Points for people by the rules in the settings: a computed field, a condition for workflows, and a panel that says why.

mod rules;
mod words;

use kith_plugin::{Panel, Record, Result, View, json, panel, settings};

use rules::Settings;

kith_plugin::plugin! {
    computed: { score: score },
    conditions: { "is-hot": is_hot },
    panels: { score: explain },
}

fn score(person: &Record) -> Result<i64> {
    Ok(settings::get::<Settings>()?.score(person))
}

fn is_hot(person: &Record, _params: &kith_plugin::serde_json::Value) -> Result<bool> {
    let settings: Settings = settings::get()?;
    Ok(settings.score(person) >= settings.hot)
}

/// The score, how far it is from hot, and the rules that gave it.
fn explain(asked: &Panel) -> Result<View> {
    let settings: Settings = settings::get()?;
    let words = words::of(&kith_plugin::locale());
    let person = asked.record("people", &[])?;
    let fitting: Vec<_> = settings.rules.iter().filter(|rule| rule.fits(&person)).collect();
    let score = settings.score(&person);
    let (mood, color) = if score >= settings.hot { (words.hot, "red") } else { (words.cold, "blue") };
    let rows = fitting.iter().map(|rule| json!({ "rule": words.rule(rule), "points": rule.points })).collect();
    let view = View::new(words.score)
        .add(panel::row([panel::heading(score.to_string()), panel::badge(mood).color(color)]))
        .add(panel::progress(score.clamp(0, settings.hot) as f64, settings.hot as f64));
    Ok(match fitting.is_empty() {
        true => view.add(panel::text(words.none).tone("muted")),
        false => view.add(panel::table(&[("rule", words.because), ("points", words.points)], rows)),
    })
}

#[cfg(test)]
mod tests {
    use kith_plugin::{Value, fields, testing::Kith};

    use super::*;

    fn rules(kith: &Kith) {
        kith.settings(json!({ "hot": 30, "rules": [
            { "field": "emails", "test": "filled", "points": 10 },
            { "field": "job_title", "test": "contains", "value": "HEAD", "points": 20 },
            { "field": "tags", "test": "is", "value": "vip", "points": 5 },
            { "field": "employees", "test": "at-least", "value": "100", "points": 7 },
            { "field": "lifecycle", "test": "is", "value": "customer", "points": -50 },
        ] }));
    }

    fn emails() -> Value {
        Value::Json(r#"[{"value":"zoe@example.com","label":"work"}]"#.into())
    }

    #[test]
    fn points_add_up_and_follow_each_change() {
        let kith = Kith::new(plugin());
        rules(&kith);
        let zoe = kith.create("people", fields! { "first_name" => "Zoë", "emails" => emails() }).unwrap();
        assert_eq!(zoe.integer("score"), Some(10));
        let zoe = kith.update("people", &zoe.id, fields! { "job_title" => "Head of design" }).unwrap();
        assert_eq!(zoe.integer("score"), Some(30));
        let zoe =
            kith.update("people", &zoe.id, fields! { "lifecycle" => "customer", "emails" => Value::Null }).unwrap();
        assert_eq!(zoe.integer("score"), Some(-30));
    }

    #[test]
    fn rules_read_lists_and_numbers() {
        let kith = Kith::new(plugin());
        rules(&kith);
        let person = fields! { "tags" => Value::Json(r#"["new","vip"]"#.into()), "employees" => 100 };
        assert_eq!(kith.create("people", person).unwrap().integer("score"), Some(12));
        let person = fields! { "tags" => Value::Json(r#"["vipers"]"#.into()), "employees" => Value::decimal("99.9") };
        assert_eq!(kith.create("people", person).unwrap().integer("score"), Some(0));
    }

    #[test]
    fn the_condition_asks_for_the_points_of_the_settings() {
        let kith = Kith::new(plugin());
        rules(&kith);
        let hot = kith.add("people", fields! { "emails" => emails(), "job_title" => "Head" });
        let cold = kith.add("people", fields! { "emails" => emails() });
        assert_eq!(kith.condition("is-hot", "people", &[hot, cold], json!({})).unwrap(), [true, false]);
    }

    #[test]
    fn the_panel_names_the_rules_that_gave_points_in_the_language_of_the_reader() {
        let kith = Kith::new(plugin());
        rules(&kith);
        kith.set_locale("it-IT");
        let hot = kith.add("people", fields! { "emails" => emails(), "job_title" => "Head" });
        let view = kith.panel("score", Some(&hot)).unwrap();
        let table = view.nodes.iter().find(|node| node.kind == "table").unwrap();
        assert!(
            table.props.contains("job_title contiene HEAD") && table.props.contains("\"points\":20"),
            "{}",
            table.props
        );
        assert_eq!(view.title, "Punteggio");
        let nobody = kith.add("people", fields! { "first_name" => "No" });
        assert!(kith.panel("score", Some(&nobody)).unwrap().nodes.iter().all(|node| node.kind != "table"));
    }

    #[test]
    fn the_default_rules_are_read_and_give_points() {
        let kith = Kith::new(plugin());
        let chief = fields! { "emails" => emails(), "job_title" => "Chief of staff", "marketing_consent" => true };
        assert_eq!(kith.create("people", chief).unwrap().integer("score"), Some(50));
    }
}
