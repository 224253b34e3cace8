//! Every kind of field, one file each, one line each in `ALL`. Nothing outside this folder matches on a kind's key.

mod address;
mod auto_number;
mod boolean;
mod computed;
mod date;
mod datetime;
mod decimal;
mod duration;
mod email;
mod file;
mod integer;
mod json;
mod link;
mod links;
mod long_text;
mod money;
mod multi_select;
mod percent;
mod person_name;
mod phone;
mod rating;
mod secret;
mod select;
mod tags;
mod text;
mod url;
mod user;

mod labelled;
mod numeric;
pub(crate) mod shared;

use crate::{FieldDef, FieldKind};

/// Every kind, in the order in which the field editor offers them.
pub static ALL: &[&dyn FieldKind] = &[
    &text::Text,
    &long_text::LongText,
    &integer::Integer,
    &decimal::DecimalKind,
    &money::MoneyKind,
    &percent::Percent,
    &boolean::Boolean,
    &date::Date,
    &datetime::DateTime,
    &duration::Duration,
    &select::Select,
    &multi_select::MultiSelect,
    &tags::Tags,
    &email::Email,
    &phone::Phone,
    &url::Url,
    &address::AddressKind,
    &person_name::PersonNameKind,
    &user::User,
    &link::Link,
    &links::Links,
    &file::File,
    &rating::Rating,
    &auto_number::AutoNumber,
    &json::JsonKind,
    &secret::SecretKind,
    &computed::TEXT,
];

/// The kind with this key.
pub fn find(key: &str) -> Option<&'static dyn FieldKind> {
    ALL.iter().copied().find(|kind| kind.key() == key)
}

/// What stands in for a kind this build does not know: text.
pub fn fallback() -> &'static dyn FieldKind {
    &text::Text
}

/// The behaviour of one field: its kind's, and for a computed field that of its result.
pub fn of(field: &FieldDef) -> &'static dyn FieldKind {
    match find(&field.kind) {
        Some(kind) if kind.key() == computed::KEY => computed::of(field),
        Some(kind) => kind,
        None => fallback(),
    }
}

/// Whether the engine, not a person, gives the value: writes through the API are refused.
pub fn is_given(field: &FieldDef) -> bool {
    field.kind == computed::KEY || field.kind == auto_number::KEY
}

/// The kinds a computed field may result in.
pub fn computed_results() -> impl Iterator<Item = &'static str> {
    computed::results()
}

#[cfg(test)]
mod tests;
