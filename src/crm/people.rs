//! People: the persons a team deals with.

use kith_engine::define::{field, object as start};
use kith_model::ObjectDef;

pub const KEY: &str = "people";

pub fn object() -> ObjectDef {
    start(100, KEY, "Person", "People")
        .icon("user")
        .subtitle("job_title")
        .timeline()
        .field(1, field::computed("name", "Name", r#"coalesce(join([first_name, last_name], " "), emails)"#).in_list())
        .field(2, field::text("first_name", "First name"))
        .field(3, field::text("last_name", "Last name"))
        .field(4, field::email("emails", "E-mail").many().in_list())
        .field(5, field::phone("phones", "Phone").many().in_list())
        .field(6, field::link("company", "Company", "companies").inverse("people", "People").in_list())
        .field(7, field::text("job_title", "Job title").in_list())
        .field(8, field::text("department", "Department"))
        .field(9, field::user("owner", "Owner").in_list())
        .field(
            10,
            field::select("lifecycle", "Lifecycle").in_list().options([
                ("subscriber", "Subscriber", "gray"),
                ("lead", "Lead", "blue"),
                ("opportunity", "Opportunity", "yellow"),
                ("customer", "Customer", "green"),
                ("evangelist", "Evangelist", "purple"),
                ("other", "Other", "gray"),
            ]),
        )
        .field(11, field::address("address", "Address"))
        .field(12, field::url("website", "Website"))
        .field(13, field::date("birthday", "Birthday"))
        .field(14, field::tags("tags", "Tags"))
        .field(15, field::boolean("marketing_consent", "Marketing consent").help("May receive marketing mail"))
        .field(16, field::text("source", "Source").help("Where the contact came from"))
        .field(17, field::long_text("description", "Description"))
        .field(18, field::text("external_id", "External id").help("Id in the system it was imported from").hidden())
        .build()
}
