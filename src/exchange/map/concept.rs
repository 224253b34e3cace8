//! Where a concept (`first name`, `company`, `city`) leads in an object: one table. A candidate that the object does not have is
//! passed over, so custom objects and renamed fields work alike.

use kith_model::{ObjectDef, Schema};

use super::target::{Role, Target, is_writable};

struct Concept {
    key: &'static str,
    /// Paths to try, in order. `{title}` is the object's title field; `{address}` and the like the first field of that kind.
    paths: &'static [&'static str],
    /// Label for e-mails and phones.
    label: &'static str,
}

const fn to(key: &'static str, paths: &'static [&'static str]) -> Concept {
    Concept { key, paths, label: "" }
}

const CONCEPTS: &[Concept] = &[
    to("id", &["external_id"]),
    to("first_name", &["first_name", "{person_name}.first"]),
    to("middle_name", &["first_name.middle", "{person_name}.middle"]),
    to("last_name", &["last_name", "{person_name}.last"]),
    to("full_name", &["name", "{person_name}", "{title}"]),
    to("name", &["name", "{title}"]),
    to("email", &["emails", "email", "{email}"]),
    to("phone", &["phones", "phone", "{phone}"]),
    Concept { key: "mobile", paths: &["mobile", "phones", "phone", "{phone}"], label: "mobile" },
    Concept { key: "fax", paths: &["fax", "phones"], label: "fax" },
    to("job_title", &["job_title"]),
    to("department", &["department"]),
    to("company", &["company_name", "company"]),
    to("company_id", &["company.external_id"]),
    to("company_domain", &["company.domain"]),
    to("owner", &["owner", "assignee", "{user}"]),
    to("lifecycle", &["lifecycle"]),
    to("lead_status", &["status"]),
    to("birthday", &["birthday"]),
    to("website", &["website", "domain", "{url}"]),
    to("domain", &["domain", "website"]),
    to("tags", &["tags", "{tags}"]),
    to("notes", &["description", "body", "{long_text}"]),
    to("source", &["source"]),
    to("consent", &["marketing_consent"]),
    to("street", &["{address}.street"]),
    to("street2", &["{address}.street2"]),
    to("address", &["{address}"]),
    to("city", &["{address}.city", "city"]),
    to("region", &["{address}.region", "region"]),
    to("postal_code", &["{address}.postal_code", "postal_code"]),
    to("country", &["{address}.country", "country"]),
    to("industry", &["industry"]),
    to("employees", &["employees"]),
    to("revenue", &["annual_revenue"]),
    to("vat", &["vat_number"]),
    to("parent", &["parent"]),
    to("deal_name", &["name"]),
    to("stage", &["stage"]),
    to("pipeline", &["pipeline"]),
    to("amount", &["amount", "estimated_value", "{money}"]),
    to("currency", &["{money}.currency"]),
    to("probability", &["probability"]),
    to("close_date", &["close_date"]),
    to("contact", &["people", "person"]),
    to("contact_id", &["people.external_id", "person.external_id"]),
    to("contact_email", &["people.emails", "person.emails"]),
    to("deal_type", &["type"]),
    to("lost_reason", &["lost_reason"]),
    to("title", &["title"]),
    to("due", &["due"]),
    to("done", &["done"]),
    to("priority", &["priority"]),
    to("rating", &["rating"]),
];

/// Concepts that mean something only for one built-in object: a person's file with a column `Deal` has no deal's name in it.
const ONLY_FOR: &[(&str, &str)] =
    &[("deal_name", "deals"), ("deal_type", "deals"), ("stage", "deals"), ("due", "tasks")];

/// The place of a concept in an object, with the label it gives.
pub fn place(concept: &str, object: &ObjectDef, schema: &Schema) -> Option<(Target, &'static str)> {
    if ONLY_FOR
        .iter()
        .any(|(only, of)| *only == concept && *of != object.key && schema.object(of).is_some() && object.id < 1_000)
    {
        return None;
    }
    // A company's own name stands under `Company`, and its people's column leads elsewhere.
    let itself = matches!((concept, object.key.as_str()), ("company", "companies") | ("contact", "people"));
    if itself {
        return Target::read("name", object, schema).map(|target| (target, ""));
    }
    let concept = CONCEPTS.iter().find(|known| known.key == concept)?;
    concept.paths.iter().find_map(|path| Some((resolve(path, object, schema)?, concept.label)))
}

/// A path with its `{kind}` filled in.
fn resolve(path: &str, object: &ObjectDef, schema: &Schema) -> Option<Target> {
    let Some(rest) = path.strip_prefix('{') else { return Target::read(path, object, schema) };
    let (kind, part) = rest.split_once('}')?;
    let field = match kind {
        "title" => object.field(&object.title),
        kind => object.fields.iter().find(|f| f.kind == kind && is_writable(f)),
    }?;
    Target::read(&format!("{}{part}", field.key), object, schema)
}

/// How much a mapped column says about what the rows are.
pub fn weight(target: &Target, object: &ObjectDef) -> f64 {
    let kind = object.field(&target.field).map_or("", |f| f.kind.as_str());
    match (&target.role, kind) {
        (Role::By(_) | Role::Part("street2" | "currency") | Role::Label | Role::Middle, _) => 0.3,
        (Role::Part(_), _) | (_, "tags" | "long_text" | "user" | "url") => 0.3,
        (_, "text") if target.field == "external_id" => 0.1,
        // What somebody links to says less about them than what they are.
        (Role::Whole, "link" | "links") => 0.6,
        _ => 1.0,
    }
}

/// Whether the field tells one record from another: without any, rows can hardly be of the object.
pub fn identifies(target: &Target, object: &ObjectDef) -> bool {
    let kind = object.field(&target.field).map_or("", |f| f.kind.as_str());
    let naming = target.field == object.title || matches!(target.field.as_str(), "first_name" | "last_name");
    matches!(target.role, Role::Whole | Role::FullName | Role::Id)
        && (naming || kind == "email" || target.role == Role::Id)
}
