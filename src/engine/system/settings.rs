//! Settings of the whole workspace: one record with a fixed id.

use kith_model::ObjectDef;

use crate::define::{field, object as start};

pub mod ids {
    pub const OBJECT: u32 = 10;
    pub const NAME: u32 = 1;
    pub const CURRENCY: u32 = 2;
    pub const COUNTRY: u32 = 3;
    pub const LOCALE: u32 = 4;
    pub const TIME_ZONE: u32 = 5;
    pub const WEEK_START: u32 = 6;
    pub const DAY_FIRST: u32 = 7;
    pub const DECIMAL_COMMA: u32 = 8;
    pub const SECOND_FACTOR: u32 = 30;
    pub const BACKUPS: u32 = 20;
    pub const RETENTION_TIME: u32 = 40;
}

pub fn object() -> ObjectDef {
    start(ids::OBJECT, "settings", "Settings", "Settings")
        .icon("settings")
        .system()
        .field(ids::NAME, field::text("name", "Workspace name").required().in_list())
        .field(
            ids::CURRENCY,
            field::text("currency", "Currency")
                .config("format", "currency")
                .required()
                .default("EUR")
                .help("ISO 4217, such as EUR"),
        )
        .field(
            ids::COUNTRY,
            field::text("country", "Country")
                .config("format", "country")
                .required()
                .default("US")
                .help("ISO 3166; phone numbers without country code are read as its"),
        )
        .field(
            ids::LOCALE,
            field::text("locale", "Language").required().default("en").help("BCP 47, such as en, it or da"),
        )
        .field(
            ids::TIME_ZONE,
            field::text("time_zone", "Time zone")
                .config("format", "time_zone")
                .required()
                .default("UTC")
                .help("IANA name, such as Europe/Rome"),
        )
        .field(
            ids::WEEK_START,
            field::select("week_start", "Week starts on").default("monday").options([
                ("monday", "Monday", "gray"),
                ("sunday", "Sunday", "gray"),
                ("saturday", "Saturday", "gray"),
            ]),
        )
        .field(ids::DAY_FIRST, field::boolean("day_first", "Day before month").default(false))
        .field(
            ids::SECOND_FACTOR,
            field::select("second_factor", "Second factor")
                .default("optional")
                .options([
                    ("optional", "Whoever wants it", "gray"),
                    ("admins", "Administrators need it", "amber"),
                    ("everyone", "Everyone needs it", "green"),
                ])
                .help("Who signs in with password and authenticator code; a role may need it too"),
        )
        .field(ids::DECIMAL_COMMA, field::boolean("decimal_comma", "Decimal comma").default(false))
        // Read-only here: where backups go is set through their own schedule, which checks it as a whole.
        .field(ids::BACKUPS, field::json("backups", "Schedule of backups").read_only().hidden())
        .field(
            ids::RETENTION_TIME,
            field::text("retention_time", "Retention runs at")
                .default("03:00")
                .config("max_length", 5)
                .help("Time of day, such as 03:00, in the workspace's time zone"),
        )
        .build()
}
