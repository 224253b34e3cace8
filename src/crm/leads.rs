//! Leads: interest that nobody has looked into yet. Converting one is an action of its own (`convert_lead`).

use kith_engine::{
    DomainHook, Draft, HookContext,
    define::{field, object as start},
};
use kith_model::{ObjectDef, Violation};

pub const KEY: &str = "leads";

pub fn object() -> ObjectDef {
    start(102, KEY, "Lead", "Leads")
        .icon("sparkles")
        .subtitle("company_name")
        .timeline()
        .field(
            1,
            field::computed("name", "Name", r#"coalesce(join([first_name, last_name], " "), company_name, email)"#)
                .in_list(),
        )
        .field(2, field::text("first_name", "First name"))
        .field(3, field::text("last_name", "Last name"))
        .field(4, field::text("company_name", "Company").in_list())
        .field(5, field::email("email", "E-mail").in_list())
        .field(6, field::phone("phone", "Phone").in_list())
        .field(7, field::text("job_title", "Job title"))
        .field(
            8,
            field::select("status", "Status").required().default("new").in_list().options([
                ("new", "New", "blue"),
                ("contacted", "Contacted", "yellow"),
                ("qualified", "Qualified", "green"),
                ("unqualified", "Unqualified", "gray"),
                ("converted", "Converted", "purple"),
            ]),
        )
        .field(
            9,
            field::select("source", "Source").in_list().options([
                ("web", "Website", "blue"),
                ("referral", "Referral", "green"),
                ("event", "Event", "purple"),
                ("advertising", "Advertising", "orange"),
                ("call", "Phone call", "teal"),
                ("mail", "E-mail", "yellow"),
                ("partner", "Partner", "pink"),
                ("other", "Other", "gray"),
            ]),
        )
        .field(10, field::rating("rating", "Rating").in_list())
        .field(11, field::money("estimated_value", "Estimated value"))
        .field(12, field::user("owner", "Owner").in_list())
        .field(13, field::address("address", "Address"))
        .field(14, field::tags("tags", "Tags"))
        .field(15, field::long_text("description", "Description"))
        .field(16, field::link("person", "Person", "people").read_only().inverse("leads", "Leads"))
        .field(17, field::link("company", "Converted company", "companies").read_only().inverse("leads", "Leads"))
        .field(18, field::link("deal", "Deal", "deals").read_only().inverse("leads", "Leads"))
        .field(19, field::datetime("converted_at", "Converted").read_only())
        .field(20, field::text("external_id", "External id").help("Id in the system it was imported from").hidden())
        .build()
}

/// A lead must be recognisable, and only the action converts it.
pub struct LeadRules;

impl DomainHook for LeadRules {
    fn object(&self) -> &str {
        KEY
    }

    fn before_save(&self, _context: &HookContext<'_>, draft: &mut Draft<'_>) -> Result<(), Vec<Violation>> {
        let known = ["first_name", "last_name", "company_name", "email"];
        if known.iter().all(|field| draft.get(field).is_null()) {
            let message = "a lead needs a name, a company or an e-mail; fill in one of them";
            return Err(vec![Violation::new("last_name", "required", message)]);
        }
        let converted = draft.text("status") == Some("converted");
        if converted && draft.changed("status") && draft.get("converted_at").is_null() {
            let message =
                "a lead becomes 'converted' through its action 'convert', which makes person, company and deal";
            return Err(vec![Violation::new("status", "use_action", message)]);
        }
        Ok(())
    }
}
