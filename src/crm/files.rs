//! Files: what is attached to a record. The content lies encrypted outside the records; the server writes these when it took one in.

use kith_engine::define::{field, object as start};
use kith_model::ObjectDef;

pub fn object() -> ObjectDef {
    start(108, "files", "File", "Files")
        .icon("paperclip")
        .field(1, field::text("name", "Name").required().in_list())
        .field(2, field::text("media_type", "Type").in_list())
        .field(3, field::integer("size_bytes", "Size").read_only().in_list())
        .field(4, field::text("sha256", "SHA-256").read_only().hidden())
        .field(5, field::text("content", "Content").stored().read_only().hidden())
        .field(6, field::link("about", "About", "*").belongs().in_list())
        .build()
}
