//! The cells of one row that only make sense together: parts of an address, a number and its label, an amount and its currency, a full
//! name, several columns that name one company. Gathers them and puts the values together.

use kith_model::{Address, FieldDef, Labelled, PersonName, ReadContext, Value, local::countries};

use super::{
    plan::{Draft, Plan, Step, Wish, clip},
    report::Problem,
};
use crate::map::{shape::in_brackets, words::fold};

/// Select cells that fit no option are kept under this key in `given`, for whoever can add options.
pub const OPTION: &str = "\u{1}option";

/// What a row's cells left to be put together.
#[derive(Default)]
pub struct Parts {
    values: Vec<(usize, Value)>,
    /// Field, group, part, text, header.
    parts: Vec<(usize, String, &'static str, String, String)>,
    /// Labels and currencies: field, group, text.
    sides: Vec<(usize, String, String)>,
    numbers: Vec<(usize, Step, String)>,
    pub amounts: Vec<(usize, Step, String)>,
    choices: Vec<(usize, Step, String)>,
    pub full_name: Option<(String, String)>,
    pub middle: Option<String>,
    wishes: Vec<(usize, String, String, String)>,
}

impl Parts {
    pub fn side(&mut self, field: usize, group: &str, text: &str) {
        self.sides.push((field, group.to_string(), text.to_string()));
    }

    pub fn part(&mut self, field: usize, group: &str, part: &'static str, text: &str, header: &str) {
        self.parts.push((field, group.to_string(), part, text.to_string(), header.to_string()));
    }

    pub fn labelled(&mut self, field: usize, step: &Step, text: &str) {
        self.numbers.push((field, step.clone(), text.to_string()));
    }

    pub fn choose(&mut self, field: usize, step: &Step, text: &str) {
        self.choices.push((field, step.clone(), text.to_string()));
    }

    pub fn wish(&mut self, field: usize, header: &str, key: &str, text: &str) {
        self.wishes.push((field, header.to_string(), key.to_string(), text.to_string()));
    }

    /// A value that stands for itself; a second one for the same field is joined where the field takes many.
    pub fn add(&mut self, field: usize, value: Value, header: &str, draft: &mut Draft) {
        if value.is_null() {
            return;
        }
        let Some((_, held)) = self.values.iter_mut().find(|(place, _)| *place == field) else {
            self.values.push((field, value));
            return;
        };
        match (held, value) {
            (Value::Texts(held), Value::Texts(more)) => held.extend(more),
            (Value::Labelled(held), Value::Labelled(more)) => held.extend(more),
            (Value::Text(held), Value::Text(more)) => {
                held.push_str("\n\n");
                held.push_str(&more);
            }
            _ => draft.problems.push(Problem::new(header, "the field is filled by another column of this row already")),
        }
    }

    /// Puts everything together.
    pub fn finish(mut self, plan: &Plan, context: &ReadContext, draft: &mut Draft) {
        self.finish_numbers(plan, context, draft);
        self.finish_amounts(plan, context, draft);
        self.finish_choices(plan, context, draft);
        self.finish_parts(plan, draft);
        self.finish_name(plan);
        self.finish_wishes(plan, draft);
        draft.values = self.values;
    }

    fn finish_numbers(&mut self, plan: &Plan, context: &ReadContext, draft: &mut Draft) {
        for (place, step, text) in std::mem::take(&mut self.numbers) {
            let field = plan.field(place);
            let side = self
                .sides
                .iter()
                .find(|(f, group, _)| *f == place && *group == step.group)
                .map(|(_, _, text)| text.as_str());
            let label = label(side.unwrap_or(&step.label));
            // Google puts several of one kind into one cell.
            for one in text.split(":::").flat_map(|t| t.split('\n')).map(str::trim).filter(|t| !t.is_empty()) {
                match field.kind().read_text(field, context, one) {
                    Ok(Value::Labelled(mut list)) => {
                        list.iter_mut().for_each(|entry| entry.label.clone_from(&label));
                        self.join(place, list);
                    }
                    Ok(_) => {}
                    Err(violation) => draft.problems.push(Problem::new(&step.header, violation.message)),
                }
            }
        }
    }

    fn join(&mut self, place: usize, list: Vec<Labelled>) {
        let Some((_, Value::Labelled(held))) = self.values.iter_mut().find(|(field, _)| *field == place) else {
            self.values.push((place, Value::Labelled(list)));
            return;
        };
        for entry in list {
            if !held.iter().any(|h| h.value == entry.value) {
                held.push(entry);
            }
        }
    }

    fn finish_amounts(&mut self, plan: &Plan, context: &ReadContext, draft: &mut Draft) {
        for (place, step, text) in std::mem::take(&mut self.amounts) {
            let field = plan.field(place);
            let said = self.sides.iter().find(|(f, ..)| *f == place).map(|(_, _, text)| text.trim().to_uppercase());
            let with;
            let context = match said.filter(|code| *code != context.currency) {
                Some(currency) => {
                    with = ReadContext { currency, ..context.clone() };
                    &with
                }
                None => context,
            };
            let field = said_currency(field, plan.has_currency(place));
            match field.kind().read_text(&field, context, &text) {
                Ok(value) => self.add(place, value, &step.header, draft),
                Err(violation) => draft.problems.push(Problem::new(&step.header, violation.message)),
            }
        }
    }

    fn finish_choices(&mut self, plan: &Plan, context: &ReadContext, draft: &mut Draft) {
        for (place, step, text) in std::mem::take(&mut self.choices) {
            let field = plan.field(place);
            let several = field.kind == "multi_select";
            for one in text.split([';', ',', '|']).filter(|_| several).chain((!several).then_some(text.as_str())) {
                let one = one.trim();
                let value = match option(field, one) {
                    Some(key) if several => Value::Texts(vec![key.to_string()]),
                    Some(key) => Value::Text(key.to_string()),
                    None => match field.kind().read_text(field, context, one) {
                        Ok(value) => value,
                        Err(_) => {
                            let given = vec![(OPTION.to_string(), one.to_string())];
                            draft.wishes.push(Wish { field: place, header: step.header.clone(), given });
                            continue;
                        }
                    },
                };
                self.add(place, value, &step.header, draft);
            }
        }
    }

    fn finish_parts(&mut self, plan: &Plan, draft: &mut Draft) {
        let parts = std::mem::take(&mut self.parts);
        let mut fields: Vec<usize> = parts.iter().map(|p| p.0).collect();
        fields.dedup();
        for place in fields {
            let own: Vec<_> = parts.iter().filter(|p| p.0 == place).collect();
            let Some(group) = own.first().map(|p| p.1.clone()) else { continue };
            let mut address = Address::default();
            let mut name = PersonName::default();
            for (_, of, part, text, header) in own {
                if *of != group {
                    let said = format!("there is room for one address; '{}' was left out", clip(text));
                    draft.problems.push(Problem::new(header, said));
                    continue;
                }
                if let Err(said) = set(&mut address, &mut name, part, text) {
                    draft.problems.push(Problem::new(header, said));
                }
            }
            let value = match plan.field(place).kind.as_str() {
                "address" if address != Address::default() => Value::Address(Box::new(address)),
                "person_name" if name != PersonName::default() => Value::Name(Box::new(name)),
                _ => continue,
            };
            // Parts say more than the whole that some programs write beside them.
            self.values.retain(|(field, _)| *field != place);
            self.values.push((place, value));
        }
    }

    /// `Ada Lovelace` and `Lovelace, Ada` into first and last name, unless the row has them in columns of their own.
    fn finish_name(&mut self, plan: &Plan) {
        let place = |key: &str| plan.object.fields.iter().position(|f| f.key == key);
        let (Some(first), Some(last)) = (place("first_name"), place("last_name")) else { return };
        if let Some((_, full)) = self.full_name.take()
            && !self.values.iter().any(|(field, _)| *field == first || *field == last)
        {
            let (given, family) = split_name(&full);
            for (field, text) in [(first, given), (last, family)] {
                if !text.is_empty() {
                    self.values.push((field, Value::Text(text)));
                }
            }
        }
        if let Some(middle) = self.middle.take() {
            match self.values.iter_mut().find(|(field, _)| *field == first) {
                Some((_, Value::Text(text))) => {
                    text.push(' ');
                    text.push_str(&middle);
                }
                _ => self.values.push((first, Value::Text(middle))),
            }
        }
    }

    /// Columns about one link are one wish; a field of many takes several, apart by semicolons.
    fn finish_wishes(&mut self, plan: &Plan, draft: &mut Draft) {
        let wishes = std::mem::take(&mut self.wishes);
        let mut fields: Vec<usize> = wishes.iter().map(|w| w.0).collect();
        fields.sort_unstable();
        fields.dedup();
        for place in fields {
            let own: Vec<_> = wishes.iter().filter(|w| w.0 == place).collect();
            let Some(header) = own.first().map(|w| w.1.clone()) else { continue };
            if plan.field(place).kind != "links" {
                let given = own.iter().map(|w| (w.2.clone(), w.3.clone())).collect();
                draft.wishes.push(Wish { field: place, header, given });
                continue;
            }
            let lists: Vec<(&str, Vec<&str>)> = own.iter().map(|w| (w.2.as_str(), several(&w.3))).collect();
            let longest = lists.iter().map(|(_, list)| list.len()).max().unwrap_or(0);
            // Names beside ids describe the same records only where there are as many of each.
            let together = lists
                .iter()
                .all(|(key, list)| list.len() == longest && lists.iter().filter(|(k, _)| k == key).count() == 1);
            if together {
                for at in 0..longest {
                    let given = lists.iter().map(|(key, list)| (key.to_string(), list[at].to_string())).collect();
                    draft.wishes.push(Wish { field: place, header: header.clone(), given });
                }
                continue;
            }
            for (key, one) in lists.iter().flat_map(|(key, list)| list.iter().map(move |one| (key, one))) {
                draft.wishes.push(Wish {
                    field: place,
                    header: header.clone(),
                    given: vec![(key.to_string(), one.to_string())],
                });
            }
        }
    }
}

/// A money field whose currency the file says itself must not insist on its own.
fn said_currency(field: &FieldDef, said: bool) -> std::borrow::Cow<'_, FieldDef> {
    if said && field.config.contains_key("currency") {
        let mut field = field.clone();
        field.config.remove("currency");
        return std::borrow::Cow::Owned(field);
    }
    std::borrow::Cow::Borrowed(field)
}

/// `* Work` of Google, `INTERNET,HOME` of others.
fn label(text: &str) -> String {
    let text = text.trim().trim_start_matches('*').trim().to_lowercase();
    match text.as_str() {
        "cell" | "mobil" | "cellulare" | "portable" | "móvil" | "handy" => "mobile".into(),
        "main" | "custom" => String::new(),
        _ => text.chars().take(40).collect(),
    }
}

/// The option that a cell means: by key or label, whatever its case and punctuation.
pub fn option<'a>(field: &'a FieldDef, cell: &str) -> Option<&'a str> {
    let wanted = fold(cell);
    let found = field.options.iter().find(|o| fold(&o.key) == wanted || fold(&o.label) == wanted);
    found.map(|o| o.key.as_str())
}

fn set(address: &mut Address, name: &mut PersonName, part: &str, text: &str) -> Result<(), String> {
    let text = text.trim().to_string();
    match part {
        "street" => address.street = text,
        "street2" if address.street.is_empty() => address.street = text,
        "street2" => {
            address.street.push('\n');
            address.street.push_str(&text);
        }
        "city" => address.city = one_line(&text),
        "region" => address.region = one_line(&text),
        "postal_code" => address.postal_code = one_line(&text),
        "country" => match countries::find(&text) {
            Some(code) => address.country = code.to_string(),
            None => return Err(format!("'{}' is not a country; write its name or ISO 3166 code", clip(&text))),
        },
        "prefix" => name.prefix = text,
        "first" => name.first = text,
        "middle" => name.middle = text,
        "last" => name.last = text,
        _ => name.suffix = text,
    }
    Ok(())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Given and family name. Particles stay with the family name; one word is a family name only after a comma.
pub fn split_name(full: &str) -> (String, String) {
    const PARTICLES: &[&str] =
        &["de", "di", "da", "del", "della", "von", "van", "der", "den", "la", "le", "du", "af", "zu", "dos", "bin"];
    if let Some((family, given)) = full.split_once(',') {
        return (one_line(given), one_line(family));
    }
    let words: Vec<&str> = full.split_whitespace().collect();
    if words.len() < 2 {
        return (words.concat(), String::new());
    }
    let mut at = words.len() - 1;
    while at > 1 && PARTICLES.contains(&words[at - 1].to_lowercase().as_str()) {
        at -= 1;
    }
    (words[..at].join(" "), words[at..].join(" "))
}

/// A list in one cell, apart by semicolons that stand outside brackets.
fn several(text: &str) -> Vec<&str> {
    let mut depth = 0i32;
    text.split(|c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ';' && depth <= 0
    })
    .map(str::trim)
    .filter(|one| !one.is_empty())
    .collect()
}

/// `Ada Lovelace (ada@x.example)` as name and address.
pub fn name_and_email(text: &str) -> (String, Option<String>) {
    match in_brackets(text).filter(|inner| crate::map::shape::is_email(inner)) {
        Some(inner) => {
            let name = text.rfind(['(', '<']).map_or("", |at| &text[..at]);
            (one_line(name), Some(inner.to_lowercase()))
        }
        None if crate::map::shape::is_email(text) => (String::new(), Some(text.trim().to_lowercase())),
        None => (one_line(text), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_as_people_write_them() {
        for (full, given, family) in [
            ("Ada Lovelace", "Ada", "Lovelace"),
            ("Lovelace, Ada King", "Ada King", "Lovelace"),
            ("Ludwig van der Rohe", "Ludwig", "van der Rohe"),
            ("Anna Maria Rossi", "Anna Maria", "Rossi"),
            ("Zoë", "Zoë", ""),
        ] {
            assert_eq!(split_name(full), (given.into(), family.into()));
        }
    }

    #[test]
    fn an_address_in_brackets_is_found_behind_a_name() {
        assert_eq!(name_and_email("Luigi Rossi (L@x.example)"), ("Luigi Rossi".into(), Some("l@x.example".into())));
        assert_eq!(name_and_email("Luigi Rossi <l@x.example>"), ("Luigi Rossi".into(), Some("l@x.example".into())));
        assert_eq!(name_and_email("Volta (Italia)"), ("Volta (Italia)".into(), None));
        assert_eq!(several("A (a;b@x); B"), ["A (a;b@x)", "B"]);
    }
}
