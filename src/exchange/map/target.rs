//! Where a column goes: a field, a part of one, or a field of what a link points at. The text form (`emails`, `address.city`,
//! `amount.currency`, `company.external_id`, `emails.label`) is what the API and the command line use.

use kith_model::{FieldDef, ObjectDef, Schema};

/// Parts of an address and of a person's name, by the names the API gives them.
const ADDRESS: &[&str] = &["street", "street2", "city", "region", "postal_code", "country"];
const NAME: &[&str] = &["prefix", "first", "middle", "last", "suffix"];

/// What a column becomes.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// The record's own id in this vault.
    Id,
    /// The value of the field.
    Whole,
    /// One of `ADDRESS` or `NAME`, or a money field's currency.
    Part(&'static str),
    /// The label of the e-mail or phone of the same group.
    Label,
    /// A full name, to be taken apart into first and last name.
    FullName,
    /// Put behind the first name.
    Middle,
    /// Names the record that a link points at, by this field of it.
    By(String),
}

/// A column's place in the object.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Key of the field; `id` for `Role::Id`, `first_name` for names.
    pub field: String,
    pub role: Role,
}

impl Target {
    fn new(field: &str, role: Role) -> Option<Target> {
        Some(Target { field: field.to_string(), role })
    }

    /// The text form.
    pub fn path(&self) -> String {
        match &self.role {
            Role::Id => "id".into(),
            Role::Whole => self.field.clone(),
            Role::FullName => "name".into(),
            Role::Part(part) => format!("{}.{part}", self.field),
            Role::Label => format!("{}.label", self.field),
            Role::Middle => format!("{}.middle", self.field),
            Role::By(key) => format!("{}.{key}", self.field),
        }
    }

    /// Reads the text form against an object. None: there is no such place, or nothing may be written there.
    pub fn read(path: &str, object: &ObjectDef, schema: &Schema) -> Option<Target> {
        let (key, part) = match path.split_once('.') {
            Some((key, part)) => (key, Some(part)),
            None => (path, None),
        };
        if path == "id" {
            return Target::new("id", Role::Id);
        }
        if path == "name" && takes_full_name(object) {
            return Target::new("first_name", Role::FullName);
        }
        let field = object.field(key).filter(|field| is_writable(field))?;
        let role = match part {
            None => Role::Whole,
            Some(part) => part_role(field, part, schema)?,
        };
        Target::new(key, role)
    }

    /// Whether several columns may go there.
    pub fn takes_many(&self, object: &ObjectDef) -> bool {
        let Some(field) = object.field(&self.field) else { return false };
        match self.role {
            Role::Label => true,
            Role::Part(_) => field.kind == "address",
            Role::Whole => field.many || matches!(field.kind.as_str(), "tags" | "multi_select" | "long_text" | "links"),
            _ => false,
        }
    }
}

fn part_role(field: &FieldDef, part: &str, schema: &Schema) -> Option<Role> {
    let known = |parts: &'static [&'static str]| parts.iter().copied().find(|p| *p == part).map(Role::Part);
    match field.kind.as_str() {
        "address" => known(ADDRESS),
        "person_name" => known(NAME),
        "money" => known(&["currency"]),
        "email" | "phone" if part == "label" && field.many => Some(Role::Label),
        "text" if field.key == "first_name" && part == "middle" => Some(Role::Middle),
        "link" | "links" | "user" => {
            let target = schema.object(link_target(field)?)?;
            (part == "id" || target.field(part).is_some_and(|f| !f.kind.eq("secret")))
                .then(|| Role::By(part.to_string()))
        }
        _ => None,
    }
}

/// The object a link points at; users for user fields.
pub fn link_target(field: &FieldDef) -> Option<&str> {
    match field.kind.as_str() {
        "user" => Some(field.target.as_deref().unwrap_or("users")),
        "link" | "links" => field.target.as_deref().filter(|target| *target != "*"),
        _ => None,
    }
}

/// Fields that a file may fill.
pub fn is_writable(field: &FieldDef) -> bool {
    !field.read_only && !matches!(field.kind.as_str(), "computed" | "auto_number" | "secret" | "file")
}

/// A person: the name is made of its parts.
pub fn takes_full_name(object: &ObjectDef) -> bool {
    let text = |key| object.field(key).is_some_and(|f| f.kind == "text" && is_writable(f));
    text("first_name") && text("last_name") && object.field("name").is_none_or(|f| !is_writable(f))
}
