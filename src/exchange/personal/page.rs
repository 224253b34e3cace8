//! The page for people: plain HTML that needs nothing else, no script and nothing loaded. Everything in it is escaped.

use serde_json::Value as Json;

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;width:100%}\
    td,th{border-bottom:1px solid #ccc;padding:.3rem .5rem;text-align:left;vertical-align:top}th{width:30%}";

/// The page of what `data.json` holds.
pub fn html(data: &Json) -> String {
    let mut page = Page(String::new());
    let title = format!("{}: {}", text(&data["object"]), text(&data["title"]));
    page.raw("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
    page.text(&title);
    page.raw(&format!("</title><style>{STYLE}</style></head><body>"));
    page.element("h1", &title);
    page.element(
        "p",
        &format!("Everything held, as of {}. data.json holds the same for programs.", text(&data["made_at"])),
    );
    page.fields(&data["record"]["fields"]);
    page.section("Consents", &data["consents"], |page, consent| {
        page.element("h3", &format!("{}: {}", text(&consent["label"]), text(&consent["text"])));
        page.rows(&consent["changes"], &["at", "by", "after"]);
    });
    page.section("Belonging to it", &data["dependents"], |page, dependent| {
        page.element("h3", &format!("{}: {}", text(&dependent["label"]), text(&dependent["title"])));
        page.fields(&dependent["fields"]);
        page.changes(&dependent["history"]);
    });
    page.heading("Linked from", &data["links"]);
    page.rows(&data["links"], &["object", "title", "field"]);
    page.heading("History", &data["history"]);
    page.changes(&data["history"]);
    page.heading("Opened and exported by", &data["access"]);
    page.rows(&data["access"], &["at", "kind", "by"]);
    page.heading("Attachments", &data["attachments"]);
    page.rows(&data["attachments"], &["path", "bytes"]);
    if let Some(count) = data["left_out"].as_u64().filter(|count| *count > 0) {
        page.element("p", &format!("{count} more records are held that the maker of this file may not read."));
    }
    page.raw("</body></html>\n");
    page.0
}

struct Page(String);

impl Page {
    fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.raw("&amp;"),
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                '"' => self.raw("&quot;"),
                '\'' => self.raw("&#39;"),
                '\n' => self.raw("<br>"),
                c => self.0.push(c),
            }
        }
    }

    fn element(&mut self, name: &str, content: &str) {
        self.raw(&format!("<{name}>"));
        self.text(content);
        self.raw(&format!("</{name}>"));
    }

    fn heading(&mut self, name: &str, of: &Json) {
        if of.as_array().is_some_and(|list| !list.is_empty()) {
            self.element("h2", name);
        }
    }

    fn section(&mut self, name: &str, list: &Json, each: impl Fn(&mut Page, &Json)) {
        self.heading(name, list);
        list.as_array().into_iter().flatten().for_each(|item| each(self, item));
    }

    fn row(&mut self, cells: &[String]) {
        self.raw("<tr>");
        for (at, cell) in cells.iter().enumerate() {
            self.element(if at == 0 { "th" } else { "td" }, cell);
        }
        self.raw("</tr>");
    }

    fn fields(&mut self, fields: &Json) {
        self.raw("<table>");
        for field in fields.as_array().into_iter().flatten() {
            self.row(&[text(&field["label"]), text(&field["text"])]);
        }
        self.raw("</table>");
    }

    fn rows(&mut self, list: &Json, keys: &[&str]) {
        self.raw("<table>");
        for item in list.as_array().into_iter().flatten() {
            self.row(&keys.iter().map(|key| text(&item[*key])).collect::<Vec<_>>());
        }
        self.raw("</table>");
    }

    fn changes(&mut self, history: &Json) {
        self.raw("<table>");
        for item in history.as_array().into_iter().flatten() {
            let changed = item["changes"].as_array().into_iter().flatten().map(|change| {
                format!("{}: {} → {}", text(&change["field"]), text(&change["before"]), text(&change["after"]))
            });
            let changed: Vec<String> = changed.collect();
            self.row(&[
                text(&item["at"]),
                format!("{} {}", text(&item["by"]), text(&item["kind"])),
                changed.join("\n"),
            ]);
        }
        self.raw("</table>");
    }
}

fn text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_held_becomes_part_of_the_page() {
        let hostile = "<script>alert('x')</script>&\"";
        let page = html(&json!({
            "object": "Person", "title": hostile, "record": { "fields": [{ "label": hostile, "text": hostile }] },
            "history": [{ "at": "now", "by": hostile, "kind": "updated", "changes": [{ "field": "x", "before": null, "after": hostile }] }],
        }));
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
    }
}
