//! Notes: what somebody wrote down about a record of any object.

use kith_engine::{
    DomainHook, Draft, HookContext,
    define::{field, object as start},
};
use kith_model::{ObjectDef, Value, Violation};

pub const KEY: &str = "notes";

/// Characters of a note's title: as much as one line of a list shows.
const TITLE_CHARS_MAX: usize = 80;

pub fn object() -> ObjectDef {
    start(107, KEY, "Note", "Notes")
        .icon("notebook")
        .title("title")
        .field(1, field::text("title", "Title").read_only().in_list())
        .field(2, field::long_text("body", "Text").required())
        .field(3, field::link("about", "About", "*").belongs().in_list())
        .field(4, field::boolean("pinned", "Pinned").default(false))
        .build()
}

/// A note is called by its first line.
pub struct TitleFromBody;

impl DomainHook for TitleFromBody {
    fn object(&self) -> &str {
        KEY
    }

    fn before_save(&self, _context: &HookContext<'_>, draft: &mut Draft<'_>) -> Result<(), Vec<Violation>> {
        let line = draft.text("body").and_then(|body| body.lines().map(str::trim).find(|line| !line.is_empty()));
        let title: Option<String> = line.map(|line| {
            let mut title: String =
                line.trim_start_matches(['#', '-', '*', ' ']).chars().take(TITLE_CHARS_MAX).collect();
            if line.chars().count() > TITLE_CHARS_MAX {
                title.push('…');
            }
            title
        });
        draft.set("title", title.filter(|t| !t.is_empty()).map_or(Value::Null, Value::Text));
        Ok(())
    }
}
