//! Companies: the organisations that people work for and deals are made with.

use kith_engine::define::{field, object as start};
use kith_model::ObjectDef;

pub fn object() -> ObjectDef {
    start(101, "companies", "Company", "Companies")
        .icon("building")
        .subtitle("domain")
        .timeline()
        .field(1, field::text("name", "Name").required().in_list())
        .field(2, field::text("domain", "Domain").help("Such as example.com, without www").in_list())
        .field(
            3,
            field::select("industry", "Industry").in_list().options([
                ("agriculture", "Agriculture", "green"),
                ("construction", "Construction", "orange"),
                ("education", "Education", "yellow"),
                ("energy", "Energy", "red"),
                ("finance", "Finance", "teal"),
                ("food", "Food and beverages", "orange"),
                ("health", "Health", "pink"),
                ("hospitality", "Hospitality and travel", "purple"),
                ("manufacturing", "Manufacturing", "blue"),
                ("media", "Media", "pink"),
                ("non_profit", "Non-profit", "green"),
                ("professional_services", "Professional services", "teal"),
                ("public", "Public sector", "gray"),
                ("real_estate", "Real estate", "yellow"),
                ("retail", "Retail", "red"),
                ("technology", "Technology", "blue"),
                ("transport", "Transport and logistics", "purple"),
                ("other", "Other", "gray"),
            ]),
        )
        .field(4, field::integer("employees", "Employees").config("min", 0).in_list())
        .field(5, field::money("annual_revenue", "Annual revenue").in_list())
        .field(6, field::address("address", "Address"))
        .field(7, field::url("website", "Website"))
        .field(8, field::phone("phones", "Phone").many())
        .field(9, field::email("emails", "E-mail").many())
        .field(10, field::user("owner", "Owner").in_list())
        .field(11, field::link("parent", "Parent company", "companies").inverse("subsidiaries", "Subsidiaries"))
        .field(12, field::text("vat_number", "VAT number"))
        .field(13, field::tags("tags", "Tags"))
        .field(14, field::long_text("description", "Description"))
        .field(15, field::text("external_id", "External id").help("Id in the system it was imported from").hidden())
        .build()
}
