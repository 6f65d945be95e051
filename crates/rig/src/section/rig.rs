//! `[rig]`

use std::time::Duration;

use crate::{fields::Fields, text};

/// What a whole teardown may take when the file does not say.
const DEADLINE: Duration = Duration::from_secs(10);
/// Below it not even one exchange and the record are sure to fit.
const SHORTEST: Duration = Duration::from_secs(1);

/// `[rig]`, checked.
pub(crate) struct Head {
    pub(crate) name: String,
    pub(crate) deadline: Duration,
}

/// Reads the section; `root` is told where it is missing.
pub(crate) fn read(root: &Fields<'_>) -> Head {
    let mut head = Head { name: String::new(), deadline: DEADLINE };
    let Some(node) = root.get("rig") else {
        root.problems
            .file("the file has no [rig] section")
            .help("begin it with\n[rig]\nname = \"Supply bench\"")
            .tell();
        return head;
    };
    let Some(fields) = node.table("[rig]", "a table: write [rig] once, in single brackets") else {
        return head;
    };
    let name =
        fields.require("name", "write name = \"Supply bench\": it is shown in the window and the journal");
    if let Some(name) = name.and_then(text::label) {
        head.name = name;
    }
    if let Some(node) = fields.get("deadline")
        && let Some(deadline) = node.time()
    {
        if deadline < SHORTEST || deadline > Duration::from_hours(1) {
            node.error("`deadline` is from 1s to 1h")
                .label("the longest that a whole teardown may take")
                .help("leave it out for 10s")
                .tell();
        } else {
            head.deadline = deadline;
        }
    }
    fields.finish();
    head
}
