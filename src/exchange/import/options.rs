//! What a caller may say about an import. Everything has a default that fits most files.

use serde::{Deserialize, Serialize};

/// What happens to a row whose record is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    /// The record stays as it is.
    Skip,
    /// The row's filled cells go into the record; lists such as e-mails and tags are joined.
    #[default]
    Update,
    /// A second record is made.
    Keep,
}

/// What the caller decides about one column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnChoice {
    /// The header, as the file has it.
    pub column: String,
    /// Where it goes, such as `emails`, `address.city`, `company.external_id`; none: nowhere.
    #[serde(default)]
    pub field: Option<String>,
    /// For e-mails and phones: `work`, `mobile` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// How to import a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImportOptions {
    /// Key of the object; guessed from the columns where none is given.
    pub object: Option<String>,
    /// Choices for single columns; the others are matched by themselves.
    pub mapping: Vec<ColumnChoice>,
    pub duplicates: Duplicates,
    /// Key of the one field that tells duplicates; else id, e-mail and unique fields (companies: name) do.
    pub match_by: Option<String>,
    /// Make companies, people, stages … and select options that the rows name and that are not there.
    pub create_links: bool,
    /// Make a custom text field for every column that holds something and fits no field. Needs an administrator.
    pub create_fields: bool,
    pub day_first: Option<bool>,
    pub decimal_comma: Option<bool>,
    /// ISO 3166 code; a row's own country wins.
    pub country: Option<String>,
    /// ISO 4217 code; a row's own currency wins.
    pub currency: Option<String>,
    /// IANA name.
    pub time_zone: Option<String>,
    /// `,` `;` `|` or `tab`.
    pub delimiter: Option<String>,
    /// Such as `utf-16le` or `windows-1252`.
    pub encoding: Option<String>,
    /// Only say what would happen.
    pub dry_run: bool,
    /// What to call the import in the list of imports.
    pub file_name: Option<String>,
}

impl Default for ImportOptions {
    fn default() -> Self {
        ImportOptions {
            object: None,
            mapping: Vec::new(),
            duplicates: Duplicates::default(),
            match_by: None,
            create_links: true,
            create_fields: false,
            day_first: None,
            decimal_comma: None,
            country: None,
            currency: None,
            time_zone: None,
            delimiter: None,
            encoding: None,
            dry_run: false,
            file_name: None,
        }
    }
}
