//! Columns to fields: by the headers of several programs and languages, by the schema's own labels and keys, by what the cells look
//! like, each with a confidence that the caller may overrule. Reads no value and writes nothing.

mod concept;
pub mod shape;
pub mod target;
pub mod words;

use std::collections::HashMap;

use kith_model::{ObjectDef, Schema};

use crate::{ExchangeError, import::options::ColumnChoice, read::Table};
use shape::Profile;
use target::{Role, Target};
use words::{Heading, fold};

/// Below this a guess by content is not made.
const SHARE_MIN: f64 = 0.8;

/// Objects that rows of a file can be guessed to be, before others of equal fit.
const FIRST_GUESSES: &[&str] = &["people", "companies", "deals"];

/// What became of one column.
#[derive(Clone, Debug)]
pub struct Column {
    pub header: String,
    pub profile: Profile,
    pub target: Option<Target>,
    /// Label for the e-mail or phone in it.
    pub label: String,
    /// Columns of one address, or of a value and its label, share it.
    pub group: String,
    /// 0 to 1; 1 where the caller said so.
    pub confidence: f64,
}

/// All columns of a file for one object.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub columns: Vec<Column>,
    /// Rows that hold anything.
    pub rows: u64,
}

/// Looks at every row once.
pub fn profile(table: &Table<'_>) -> (Vec<Profile>, u64) {
    let mut profiles = vec![Profile::default(); table.header.len()];
    let mut rows = 0;
    for row in table.rows() {
        rows += 1;
        for (profile, cell) in profiles.iter_mut().zip(&row.cells) {
            profile.add(cell);
        }
    }
    (profiles, rows)
}

/// Maps the columns of a file to an object's fields. `choices` overrule; a choice without field leaves its column out.
///
/// # Errors
/// `import.unknown_column`, `import.bad_target` for choices that fit nothing.
pub fn map(
    header: &[String],
    profiles: &[Profile],
    object: &ObjectDef,
    schema: &Schema,
    choices: &[ColumnChoice],
) -> Result<Vec<Column>, ExchangeError> {
    let mut columns: Vec<Column> =
        header.iter().zip(profiles).map(|(header, profile)| guess(header, profile, object, schema)).collect();
    for choice in choices {
        apply(choice, &mut columns, object, schema)?;
    }
    settle(&mut columns, object);
    by_content(&mut columns, choices, object, schema);
    settle(&mut columns, object);
    pair_labels(&mut columns);
    Ok(columns)
}

fn guess(header: &str, profile: &Profile, object: &ObjectDef, schema: &Schema) -> Column {
    let heading = Heading::read(header);
    let mut column = Column {
        header: header.to_string(),
        profile: profile.clone(),
        target: None,
        label: heading.place.unwrap_or_default().to_string(),
        group: match (heading.number, heading.place) {
            (Some(number), place) => format!("{}{number}", place.unwrap_or_default()),
            (None, place) => place.unwrap_or_default().to_string(),
        },
        confidence: 0.0,
    };
    let (target, label, confidence) = match by_header(header, &heading, profile, object, schema) {
        Some(found) => found,
        None => return column,
    };
    if !label.is_empty() {
        column.label = label.to_string();
    }
    // A header may lie: a column `E-mail` without one address in it is something else.
    let kind = object.field(&target.field).map_or("", |f| f.kind.as_str());
    let refuted = target.role == Role::Whole
        && profile.filled > 2
        && match kind {
            "email" => profile.emails == 0,
            "date" | "datetime" => profile.chars_max > 60 || profile.share(profile.emails) > 0.2,
            "integer" | "decimal" => profile.share(profile.numbers) == 0.0,
            _ => false,
        };
    if !refuted {
        column.target = Some(target);
        column.confidence = confidence;
    }
    column
}

fn by_header(
    header: &str,
    heading: &Heading,
    profile: &Profile,
    object: &ObjectDef,
    schema: &Schema,
) -> Option<(Target, &'static str, f64)> {
    let folded = fold(header);
    if folded == "id" && profile.filled > 0 && profile.share(profile.ids) == 1.0 {
        return Some((Target::read("id", object, schema)?, "", 1.0));
    }
    // Our own path: `emails`, `address.city`, and the labels that the schema gives now.
    if let Some(target) = Target::read(header, object, schema) {
        return Some((target, "", 1.0));
    }
    let own = object.fields.iter().find(|f| fold(&f.label) == folded || fold(&f.key) == folded);
    if let Some(target) = own.and_then(|field| Target::read(&field.key, object, schema)) {
        return Some((target, "", 1.0));
    }
    let placed = |concept: &str| concept::place(concept, object, schema);
    let exact = heading.concepts().iter().find_map(|concept| placed(concept));
    let (target, label, confidence) = match exact {
        Some((target, label)) => (target, label, 0.95),
        None => heading.nearly().and_then(placed).map(|(target, label)| (target, label, 0.6))?,
    };
    if heading.is_label {
        let label_of = Target::read(&format!("{}.label", target.field), object, schema)?;
        return Some((label_of, "", confidence));
    }
    Some((target, label, confidence))
}

fn apply(
    choice: &ColumnChoice,
    columns: &mut [Column],
    object: &ObjectDef,
    schema: &Schema,
) -> Result<(), ExchangeError> {
    let names = columns.iter().map(|c| c.header.as_str()).collect::<Vec<_>>().join(", ");
    let found = columns.iter().position(|c| c.header == choice.column).or_else(|| {
        let wanted = fold(&choice.column);
        columns.iter().position(|c| fold(&c.header) == wanted)
    });
    let at = found.ok_or_else(|| ExchangeError::UnknownColumn(choice.column.clone(), names))?;
    let column = &mut columns[at];
    column.target = None;
    column.confidence = 1.0;
    if let Some(label) = &choice.label {
        column.label = label.clone();
    }
    let Some(path) = choice.field.as_deref().filter(|path| !path.is_empty()) else { return Ok(()) };
    let refused =
        |reason: String| ExchangeError::BadTarget { column: choice.column.clone(), field: path.into(), reason };
    let target = Target::read(path, object, schema).ok_or_else(|| {
        match object.field(path.split('.').next().unwrap_or(path)) {
            Some(field) if !target::is_writable(field) => refused("cannot be written".into()),
            Some(_) => refused("has no such part".into()),
            None => refused(format!("is no field of '{}'", object.key)),
        }
    })?;
    column.target = Some(target);
    Ok(())
}

/// One column per field that takes one: the surest, then the first, wins.
fn settle(columns: &mut [Column], object: &ObjectDef) {
    let mut best: HashMap<String, (usize, f64)> = HashMap::new();
    for (at, column) in columns.iter().enumerate() {
        let Some(target) = column.target.as_ref().filter(|t| !t.takes_many(object)) else { continue };
        // An empty column must not keep a full one out.
        let sure = column.confidence - if column.profile.filled == 0 { 0.5 } else { 0.0 };
        let path = target.path();
        if best.get(&path).is_none_or(|(_, other)| sure > *other) {
            best.insert(path, (at, sure));
        }
    }
    for (at, column) in columns.iter_mut().enumerate() {
        let loses = |t: &Target| !t.takes_many(object) && best.get(&t.path()).is_some_and(|(winner, _)| *winner != at);
        if column.target.as_ref().is_some_and(loses) {
            column.target = None;
            column.confidence = 0.0;
        }
    }
}

/// What is still without a field gets one by its cells, where these leave no doubt.
fn by_content(columns: &mut [Column], choices: &[ColumnChoice], object: &ObjectDef, schema: &Schema) {
    for at in 0..columns.len() {
        let column = &columns[at];
        let chosen = choices.iter().any(|c| c.column == column.header || fold(&c.column) == fold(&column.header));
        if column.target.is_some() || chosen || column.profile.filled < 2 {
            continue;
        }
        let unnamed = column.header.starts_with("Column ");
        let profile = &column.profile;
        let sure = |count: u64| profile.share(count) >= SHARE_MIN;
        let concept = match () {
            () if sure(profile.emails) => "email",
            () if sure(profile.phones) && unnamed => "phone",
            () if sure(profile.urls) => "website",
            () if sure(profile.countries) && unnamed => "country",
            () if sure(profile.names) && unnamed => "full_name",
            () => continue,
        };
        let Some((target, label)) = concept::place(concept, object, schema) else { continue };
        let taken = columns.iter().any(|c| c.target.as_ref() == Some(&target)) && !target.takes_many(object);
        if !taken {
            let column = &mut columns[at];
            column.target = Some(target);
            column.confidence = 0.5;
            if !label.is_empty() {
                column.label = label.into();
            }
        }
    }
}

/// A label column belongs to the value column of its number, or else to the nearest one.
fn pair_labels(columns: &mut [Column]) {
    let labels: Vec<usize> =
        (0..columns.len()).filter(|at| matches!(&columns[*at].target, Some(t) if t.role == Role::Label)).collect();
    for at in labels {
        let field = columns[at].target.as_ref().map(|t| t.field.clone()).unwrap_or_default();
        let fits = |other: &Column| other.target.as_ref().is_some_and(|t| t.field == field && t.role == Role::Whole);
        let same = columns
            .iter()
            .position(|other| fits(other) && !columns[at].group.is_empty() && other.group == columns[at].group);
        let near = || (0..columns.len()).filter(|i| fits(&columns[*i])).min_by_key(|i| (i.abs_diff(at), *i < at));
        match same.or_else(near) {
            Some(value) => {
                let group = format!("column {value}");
                columns[value].group.clone_from(&group);
                columns[at].group = group;
            }
            None => columns[at].target = None,
        }
    }
}

/// What the rows most likely are, among `objects`. None where nothing fits well.
pub fn guess_object<'a>(
    header: &[String],
    profiles: &[Profile],
    objects: impl Iterator<Item = &'a ObjectDef>,
    schema: &Schema,
) -> Option<&'a ObjectDef> {
    let mut best: Option<(&ObjectDef, f64)> = None;
    for object in objects {
        let Ok(columns) = map(header, profiles, object, schema, &[]) else { continue };
        let mut score = 0.0;
        for column in columns.iter().filter(|c| c.profile.filled > 0) {
            let Some(target) = &column.target else { continue };
            score += column.confidence * concept::weight(target, object);
        }
        let told =
            |c: &Column| c.profile.filled > 0 && c.target.as_ref().is_some_and(|t| concept::identifies(t, object));
        if !columns.iter().any(told) {
            score *= 0.5;
        }
        if !FIRST_GUESSES.contains(&object.key.as_str()) {
            score *= 0.85;
        }
        if score > best.map_or(0.8, |(_, other)| other) {
            best = Some((object, score));
        }
    }
    best.map(|(object, _)| object)
}
