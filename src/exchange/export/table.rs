//! Records as CSV: an id, then a column per field, with columns of their own for the parts of addresses, for currencies and for each
//! e-mail and phone with its label. Headers and cells are what the import reads back.

use std::{collections::HashMap, io::Write};

use kith_base::RecordId;
use kith_engine::{Actor, Engine, Record};
use kith_model::{FieldDef, Schema, Value};

use crate::{ExchangeError, map::target::link_target};

/// E-mails and phones that get a column each; more are joined into the last.
const MANY: usize = 3;

/// What one column shows of its field.
enum Part {
    Whole,
    /// Number of the e-mail or phone, and whether its label.
    Nth(usize, bool),
    Address(&'static str),
    Amount,
    Currency,
    /// Names of what a link points at.
    Titles,
}

struct Cell {
    field: usize,
    part: Part,
}

pub struct Sheet<'a> {
    engine: &'a Engine,
    actor: &'a Actor,
    fields: &'a [FieldDef],
    cells: Vec<Cell>,
}

impl<'a> Sheet<'a> {
    /// Writes the header.
    pub fn begin(
        engine: &'a Engine,
        actor: &'a Actor,
        fields: &'a [FieldDef],
        bom: bool,
        out: &mut dyn Write,
    ) -> Result<Sheet<'a>, ExchangeError> {
        let schema = engine.schema();
        let mut cells = Vec::new();
        let mut header = vec!["id".to_string()];
        for (at, field) in fields.iter().enumerate() {
            for (name, part) in columns(field, &schema) {
                header.push(name);
                cells.push(Cell { field: at, part });
            }
        }
        if bom {
            out.write_all("\u{FEFF}".as_bytes())?;
        }
        let mut writer = csv::Writer::from_writer(&mut *out);
        writer.write_record(&header).map_err(std::io::Error::from)?;
        writer.flush()?;
        drop(writer);
        Ok(Sheet { engine, actor, fields, cells })
    }

    pub fn page(&mut self, records: &[Record], out: &mut dyn Write) -> Result<(), ExchangeError> {
        let titles = self.titles(records);
        let mut writer = csv::Writer::from_writer(&mut *out);
        for record in records {
            let cells = self.cells.iter().map(|cell| self.text(cell, record, &titles));
            let row = std::iter::once(record.id.to_string()).chain(cells);
            writer.write_record(row).map_err(std::io::Error::from)?;
        }
        writer.flush()?;
        Ok(())
    }

    /// Names of everything this page links to, asked for once.
    fn titles(&self, records: &[Record]) -> HashMap<RecordId, String> {
        let mut ids: Vec<RecordId> = Vec::new();
        for cell in self.cells.iter().filter(|cell| matches!(cell.part, Part::Titles)) {
            for record in records {
                match record.values.get(self.fields[cell.field].id) {
                    Value::Link(id) => ids.push(*id),
                    Value::Links(list) => ids.extend(list),
                    _ => {}
                }
            }
        }
        ids.sort_unstable();
        ids.dedup();
        self.engine.titles(self.actor, &ids).into_iter().map(|t| (t.id, t.title)).collect()
    }

    fn text(&self, cell: &Cell, record: &Record, titles: &HashMap<RecordId, String>) -> String {
        let field = &self.fields[cell.field];
        let value = record.values.get(field.id);
        match (&cell.part, value) {
            (_, Value::Null) => String::new(),
            (Part::Nth(at, label), Value::Labelled(list)) => match list.get(*at) {
                Some(entry) if *label => guarded(entry.label.clone()),
                // What has no column of its own stands behind the last one, in the way of Google.
                Some(_) if *at + 1 == MANY && list.len() > MANY => {
                    let rest: Vec<&str> = list[*at..].iter().map(|entry| entry.value.as_str()).collect();
                    guarded_in(field, rest.join(" ::: "))
                }
                Some(entry) => guarded_in(field, entry.value.clone()),
                None => String::new(),
            },
            (Part::Address(part), Value::Address(address)) => guarded(match *part {
                "street" => address.street.clone(),
                "city" => address.city.clone(),
                "region" => address.region.clone(),
                "postal_code" => address.postal_code.clone(),
                _ => address.country.clone(),
            }),
            (Part::Amount, Value::Money(money)) => money.to_decimal().to_string(),
            (Part::Currency, Value::Money(money)) => money.currency.code().to_string(),
            (Part::Titles, Value::Link(id)) => guarded(titles.get(id).cloned().unwrap_or_default()),
            (Part::Titles, Value::Links(ids)) => {
                let names: Vec<&str> = ids.iter().filter_map(|id| titles.get(id)).map(String::as_str).collect();
                guarded(names.join("; "))
            }
            // One word with a comma in it would be read back as two; the semicolon says what the mark is.
            (_, Value::Texts(list)) if list.len() == 1 && list[0].contains(',') => {
                guarded(format!("{};", field.kind().to_text(field, value)))
            }
            (_, value) => {
                let text = field.kind().to_text(field, value);
                if is_number(value) { text } else { guarded_in(field, text) }
            }
        }
    }
}

fn columns(field: &FieldDef, schema: &Schema) -> Vec<(String, Part)> {
    let key = &field.key;
    match field.kind.as_str() {
        "email" | "phone" if field.many => {
            let one = |at: usize| {
                let name = if field.kind == "email" { "E-mail" } else { "Phone" };
                let name =
                    if matches!(key.as_str(), "emails" | "phones") { name.to_string() } else { field.label.clone() };
                [
                    (format!("{name} {} - Value", at + 1), Part::Nth(at, false)),
                    (format!("{name} {} - Label", at + 1), Part::Nth(at, true)),
                ]
            };
            (0..MANY).flat_map(one).collect()
        }
        "address" => ["street", "city", "region", "postal_code", "country"]
            .map(|part| (format!("{key}.{part}"), Part::Address(part)))
            .into(),
        "money" => vec![(key.clone(), Part::Amount), (format!("{key}.currency"), Part::Currency)],
        "link" | "links" | "user" => {
            let target = link_target(field).and_then(|target| schema.object(target));
            // Beside the id a name, by which another vault finds or makes what this one links to.
            let name = target.map(|target| (format!("{key}.{}", target.title), Part::Titles));
            std::iter::once((format!("{key}.id"), Part::Whole)).chain(name).collect()
        }
        _ => vec![(key.clone(), Part::Whole)],
    }
}

/// A phone number begins with a plus, holds nothing but digits, and can run nothing: other programs want it as it is.
fn guarded_in(field: &FieldDef, text: String) -> String {
    if field.kind == "phone" { text } else { guarded(text) }
}

fn is_number(value: &Value) -> bool {
    matches!(
        value,
        Value::Int(_) | Value::Decimal(_) | Value::Money(_) | Value::Bool(_) | Value::Date(_) | Value::DateTime(_)
    )
}

/// Text that a spreadsheet would run as a formula starts with an apostrophe, which the import takes off again.
fn guarded(text: String) -> String {
    let runs = text.starts_with(['=', '+', '-', '@', '\t', '\r']) || crate::import::plan::is_guarded(&text);
    if runs { format!("'{text}") } else { text }
}
