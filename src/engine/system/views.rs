//! Views: saved lists of an object, one's own or shared.

use kith_model::ObjectDef;

use crate::define::{field, object as start};

pub mod ids {
    pub const OBJECT: u32 = 4;
    pub const NAME: u32 = 1;
    pub const OF: u32 = 2;
    pub const LAYOUT: u32 = 3;
    pub const FILTER: u32 = 4;
    pub const COLUMNS: u32 = 5;
    pub const SORT: u32 = 6;
    pub const GROUP_BY: u32 = 7;
    pub const SHARED: u32 = 8;
    pub const OWNER: u32 = 9;
    pub const POSITION: u32 = 10;
    pub const OPTIONS: u32 = 11;
}

pub fn object() -> ObjectDef {
    start(ids::OBJECT, "views", "View", "Views")
        .icon("table")
        .subtitle("object")
        .system()
        .field(ids::NAME, field::text("name", "Name").required().in_list())
        .field(ids::OF, field::text("object", "Object").required().in_list().help("Key of the object the view lists"))
        .field(
            ids::LAYOUT,
            field::select("layout", "Layout").default("table").in_list().options([
                ("table", "Table", "gray"),
                ("board", "Board", "blue"),
                ("calendar", "Calendar", "green"),
            ]),
        )
        .field(ids::FILTER, field::long_text("filter", "Filter").help("CEL over the fields of the object"))
        .field(ids::COLUMNS, field::json("columns", "Columns"))
        .field(
            ids::SORT,
            field::text("sort", "Sort").help("Field keys with commas; a minus before one turns its order round"),
        )
        .field(ids::GROUP_BY, field::text("group_by", "Group by").help("Field whose values are the columns of a board"))
        .field(ids::SHARED, field::boolean("shared", "Shared").default(false).in_list().help("Everyone sees it"))
        .field(ids::OWNER, field::user("owner", "Owner").in_list())
        .field(ids::POSITION, field::decimal("position", "Position"))
        .field(ids::OPTIONS, field::json("options", "Options"))
        .build()
}
