//! Rows out of LinkedIn's Connections.csv: first the companies that are not there yet, then the people, linked to theirs.

mod connections;

use std::collections::{BTreeMap, BTreeSet};

use connections::Connection;
use kith_plugin::{Chunk, Error, Result, Row, Source, Value, fields, json, records};

kith_plugin::plugin! { importer: pull }

/// People of one chunk, so that looking for their companies stays far below the limit of host calls.
const PEOPLE: usize = 200;

/// The cursor: `c<row>` while companies are due, `p<row>` for people.
fn pull(source: &Source) -> Result<Chunk> {
    let all = connections::read(&source.content()?).map_err(Error::Other)?;
    let cursor = source.cursor.as_deref().unwrap_or("c0");
    let from: usize = cursor.get(1..).and_then(|row| row.parse().ok()).ok_or("a cursor of another version")?;
    let part: Vec<&Connection> = all.iter().skip(from).take(PEOPLE).collect();
    let more = from + PEOPLE < all.len();
    if cursor.starts_with('c') {
        let next = if more { format!("c{}", from + PEOPLE) } else { "p0".to_string() };
        return Ok(Chunk { rows: companies(&part)?, next: Some(next) });
    }
    let known = known(&part)?;
    let rows = part.iter().map(|connection| person(connection, &known)).collect();
    Ok(Chunk { rows, next: more.then(|| format!("p{}", from + PEOPLE)) })
}

fn companies(part: &[&Connection]) -> Result<Vec<Row>> {
    let known = known(part)?;
    let mut seen = BTreeSet::new();
    let new = part.iter().map(|connection| connection.company.trim()).filter(|name| !name.is_empty());
    let new = new.filter(|name| !known.contains_key(&name.to_lowercase()) && seen.insert(name.to_lowercase()));
    Ok(new.map(|name| Row::new(name.to_lowercase(), "companies", fields! { "name" => name })).collect())
}

/// Ids of the companies that are there, by lower-case name. Names are looked for as they are written.
fn known(part: &[&Connection]) -> Result<BTreeMap<String, String>> {
    let names: BTreeSet<&str> = part.iter().map(|connection| connection.company.trim()).collect();
    let mut ids = BTreeMap::new();
    for name in names.into_iter().filter(|name| !name.is_empty()) {
        if let Some(company) = records::find("companies").select(["name"]).filter("name == $1", [name]).first()? {
            ids.insert(name.to_lowercase(), company.id);
        }
    }
    Ok(ids)
}

fn person(connection: &Connection, known: &BTreeMap<String, String>) -> Row {
    let text = |text: &str| Some(text.trim().to_string()).filter(|text| !text.is_empty());
    let mut row = fields! { "source" => "LinkedIn" };
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            row.push(kith_plugin::Field::new(key, value));
        }
    };
    put("first_name", text(&connection.first_name).into());
    put("last_name", text(&connection.last_name).into());
    put("job_title", text(&connection.position).into());
    put("website", text(&connection.url).into());
    let email = text(&connection.email).map(|email| json!([{ "value": email, "label": "" }]));
    put("emails", email.map_or(Value::Null, |list| Value::Json(list.to_string())));
    put("company", known.get(&connection.company.trim().to_lowercase()).map_or(Value::Null, Value::link));
    put("connected_on", connection.day().map_or(Value::Null, Value::date));
    Row::new(connection.key(), "people", row)
}

#[cfg(test)]
mod tests {
    use kith_plugin::{Record, testing::Kith};

    use super::*;

    const FILE: &str = "Notes:\r\n\"When exporting your connection data, you may notice that some of the email addresses are missing.\"\r\n\r\n\
        First Name,Last Name,URL,Email Address,Company,Position,Connected On\r\n\
        Zoë,\"O'Hara, PhD\",https://www.linkedin.com/in/zoe,zoe@example.com,ACME & Søn,\"Head of \"\"Roofs\"\"\",12 Jan 2024\r\n\
        Bo,Li,https://www.linkedin.com/in/bo,,acme & søn,,03 Feb 2025\r\n\
        ,,,,,,01 Mar 2023\r\n\
        Ada,King,https://www.linkedin.com/in/ada,,,Engineer,yesterday\r\n";

    /// The importer as the host runs it: rows of a chunk are saved before the next is asked for.
    fn run(kith: &Kith, file: &str) -> Vec<Row> {
        let id = kith.add_file("Connections.csv", "text/csv", file);
        let (mut rows, mut cursor) = (Vec::new(), None);
        loop {
            let chunk = pull(&Source { id: id.clone(), cursor }).unwrap();
            for row in &chunk.rows {
                kith.add(&row.object, row.fields.clone());
            }
            rows.extend(chunk.rows);
            cursor = chunk.next;
            if cursor.is_none() {
                return rows;
            }
        }
    }

    #[test]
    fn companies_come_first_and_people_are_linked_to_them() {
        let kith = Kith::new(plugin());
        let rows = run(&kith, FILE);
        let objects: Vec<&str> = rows.iter().map(|row| row.object.as_str()).collect();
        assert_eq!(objects, ["companies", "people", "people", "people"]);
        let people: Vec<Record> = kith.records("people");
        let zoe = &people[0];
        assert_eq!(zoe.text("last_name"), Some("O'Hara, PhD"));
        assert_eq!(zoe.text("job_title"), Some("Head of \"Roofs\""));
        assert_eq!(zoe.texts("emails"), ["zoe@example.com"]);
        assert_eq!(zoe.date("connected_on"), Some("2024-01-12"));
        assert_eq!(zoe.link("company"), Some(kith.records("companies")[0].id.as_str()));
        assert!(people[2].get("connected_on").is_null() && people[2].get("company").is_null());
    }

    #[test]
    fn a_company_that_is_there_is_taken() {
        let kith = Kith::new(plugin());
        let acme = kith.add("companies", fields! { "name" => "ACME & Søn" });
        run(&kith, FILE);
        assert_eq!(kith.records("companies").len(), 1, "another spelling is the same company");
        assert_eq!(kith.records("people")[0].link("company"), Some(acme.as_str()));
    }

    #[test]
    fn keys_stay_the_same_over_exports() {
        let kith = Kith::new(plugin());
        let keys = |rows: Vec<Row>| {
            rows.into_iter().filter(|row| row.object == "people").map(|row| row.key).collect::<Vec<_>>()
        };
        let first = keys(run(&kith, FILE));
        assert_eq!(first[0], "https://www.linkedin.com/in/zoe");
        assert_eq!(first, keys(run(&kith, &FILE.replace("\r\n", "\n"))));
    }

    #[test]
    fn many_rows_come_in_several_chunks() {
        let kith = Kith::new(plugin());
        let mut file = String::from("First Name,Last Name,URL,Email Address,Company,Position,Connected On\n");
        for number in 0..950 {
            file += &format!("N{number},L,https://l/{number},,Company {},,01 Jan 2024\n", number % 10);
        }
        let rows = kith.import("Connections.csv", file).unwrap();
        assert_eq!(rows.iter().filter(|row| row.object == "people").count(), 950);
    }

    #[test]
    fn other_files_are_refused_with_a_way_on() {
        let kith = Kith::new(plugin());
        for content in ["", "a,b\n1,2\n", "\u{0}\u{1}\u{2}"] {
            let refused = kith.import("x.csv", content).unwrap_err().message();
            assert!(refused.contains("no Connections.csv"), "{refused}");
        }
    }
}
