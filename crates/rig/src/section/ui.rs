//! `[ui]`

use std::path::PathBuf;

use crate::fields::Fields;

/// Reads the section: a folder of pages that are the GUI in the panel's place.
pub(crate) fn read(root: &Fields<'_>) -> Option<PathBuf> {
    let field = root.field("ui")?;
    let fields = field.node.table("[ui]", "a table: write [ui] once, in single brackets")?;
    let path = fields
        .require("path", "write path = \"panel\": a folder beside the rig file, with an index.html in it")
        .and_then(|node| node.text());
    fields.finish();
    if root.peek("app").is_some() {
        let problems = field.node.problems;
        problems
            .error(field.key_span, "[ui] and [app] are two GUIs")
            .label("an app has pages of its own")
            .help("leave one of the two out")
            .tell();
    }
    path.map(PathBuf::from)
}
