//! JSON Lines: one object per line, either plain or in the shape of our own export (`{"id", "object", "values": {…}}`).

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use super::{Content, Format, Row, Table};
use crate::ExchangeError;

/// The column that holds our own id, under the name the mapping knows.
pub(crate) const ID: &str = "id";

pub(super) fn open<'a>(text: &str) -> Result<Table<'a>, ExchangeError> {
    let mut header: Vec<String> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut rows = Vec::new();
    let mut broken = 0u64;
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let mut row = Row { line: at as u64 + 1, ..Row::default() };
        match serde_json::from_str::<Json>(line) {
            Ok(Json::Object(map)) => {
                for (key, value) in flattened(map) {
                    let place = *places.entry(key).or_insert_with_key(|key| {
                        header.push(key.clone());
                        header.len() - 1
                    });
                    if row.cells.len() <= place {
                        row.cells.resize(place + 1, String::new());
                        row.json.resize(place + 1, Json::Null);
                    }
                    row.cells[place] = shown(&value);
                    row.json[place] = value;
                }
            }
            Ok(_) | Err(_) => {
                broken += 1;
                row.remarks.push("the line is not a JSON object".into());
            }
        }
        rows.push(row);
    }
    if header.is_empty() {
        return Err(ExchangeError::NotUnderstood("its JSON objects have no members".into()));
    }
    for row in &mut rows {
        row.cells.resize(header.len(), String::new());
        row.json.resize(header.len(), Json::Null);
    }
    let mut notes = Vec::new();
    if broken > 0 {
        notes.push(format!("{broken} line(s) are not JSON objects"));
    }
    Ok(Table { format: Format::Jsonl, encoding: "", delimiter: None, header, notes, content: Content::Rows(rows) })
}

/// Our own records as their id and values; anything else as it is.
fn flattened(mut map: Map<String, Json>) -> Map<String, Json> {
    if !map.contains_key("object") || !map.get("values").is_some_and(Json::is_object) {
        return map;
    }
    let mut flat = Map::new();
    if let Some(id) = map.remove(ID) {
        flat.insert(ID.into(), id);
    }
    if let Some(Json::Object(values)) = map.remove("values") {
        flat.extend(values);
    }
    flat
}

fn shown(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::ReadOptions;

    #[test]
    fn own_and_plain_objects_become_rows_under_the_union_of_their_keys() {
        let text = "{\"id\":\"1\",\"object\":\"people\",\"version\":3,\"values\":{\"first_name\":\"Zoë\",\"tags\":[\"a\"]}}\n\nnot json\n{\"last_name\":\"O'Hara\"}\n";
        let table = Table::open(text.as_bytes(), &ReadOptions::default()).unwrap();
        assert_eq!(table.header, ["id", "first_name", "tags", "last_name"]);
        let rows: Vec<Row> = table.rows().collect();
        assert_eq!(rows[0].cells, ["1", "Zoë", "[\"a\"]", ""]);
        assert_eq!(rows[1].remarks.len(), 1);
        assert_eq!((rows[2].line, rows[2].cells[3].as_str()), (4, "O'Hara"));
    }
}
