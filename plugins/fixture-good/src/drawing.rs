//! Panels: one of each node, and a counter.

use kith_plugin::{Panel, Result, View, json, panel};

/// What is known of a person, with every kind of node.
pub fn about(asked: &Panel) -> Result<View> {
    let person = asked.record("people", &["first_name", "nickname"])?;
    let name = person.text("first_name").unwrap_or("?").to_string();
    let schema = json!({ "type": "object", "properties": { "nickname": { "type": "string", "title": "Nickname" } } });
    let mut view = View::new("About")
        .add(panel::heading(format!("About {name}")))
        .add(panel::row([panel::badge("good").color("green"), panel::text("behaves").tone("good")]))
        .add(panel::field_list([("Nickname", person.text("nickname").unwrap_or("none"))]))
        .add(panel::table(&[("what", "What"), ("points", "Points")], vec![json!({ "what": "E-mail", "points": 10 })]))
        .add(panel::chart("bar", [("Mon", 1.0), ("Tue", 2.5)]))
        .add(panel::progress(3.0, 10.0))
        .add(panel::divider())
        .add(panel::link("Kith", "https://example.com"))
        .add(panel::record_link(name, "people", &person.id))
        .add(panel::form("rename", "Save", schema));
    if asked.handler() == Some("rename") {
        let nickname = asked.used.as_ref().and_then(|used| used.form["nickname"].as_str()).unwrap_or_default();
        view = view.add(panel::callout("good", "Heard", format!("nickname: {nickname}")));
    }
    Ok(view)
}

/// Counts how often its button was used.
pub fn home(asked: &Panel) -> Result<View> {
    let before: u32 = asked.state()?.unwrap_or_default();
    let count = before + u32::from(asked.handler() == Some("more"));
    View::new("Counter")
        .add(panel::text(format!("{count}")))
        .add(panel::button("More", "more").tone("primary"))
        .keep(&count)
}
