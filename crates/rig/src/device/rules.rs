//! What a device's sequences must have of each other.

use killcord_core::{Control, rig::Needs};

use super::Reader;

impl Reader<'_> {
    /// Tells of sequences that are missing, or that can never run.
    pub(super) fn judge(&self, controls: &[Control]) {
        let present = |key| self.fields.peek(key);
        let missing = |key| present(key).is_none() && !self.stands_below(key);
        let title = &self.fields.title;
        let armed_control = controls.iter().find(|control| control.needs == Needs::Armed);

        if missing("safe") {
            if let Some(arm) = present("arm") {
                self.problems
                    .error(arm.key_span, format!("{title} has `arm` and no `safe`"))
                    .label("this starts something that nothing would end")
                    .help("write what makes it harmless: safe = [\"OUTP OFF\"]")
                    .tell();
            } else if let Some(control) = armed_control {
                self.fields
                    .error(format!("{title} has a control that acts while armed, and no `safe`"))
                    .label(format!("nothing would end what \"{}\" starts", control.name))
                    .help("write what makes it harmless: safe = [\"OUTP OFF\"]")
                    .help("if the control can do no harm: needs = \"connected\"")
                    .tell();
            } else if let Some(control) = controls.first() {
                self.problems
                    .warning(
                        self.fields.span,
                        format!("{title} has a control that may be used at any time, and no `safe`"),
                    )
                    .label(format!("nothing ends what \"{}\" starts", control.name))
                    .help("write safe = […] unless it can do no harm")
                    .tell();
            }
            for key in ["emergency", "verify"] {
                if let Some(field) = present(key)
                    && present("arm").is_none()
                {
                    self.problems
                        .error(field.key_span, format!("{title} has `{key}` and no `safe`"))
                        .help(
                            "write safe = [\"OUTP OFF\"], or leave this out for a device that only measures",
                        )
                        .tell();
                }
            }
        }
        if let Some(safe) = present("safe")
            && safe.node.value.as_array().is_some_and(|list| list.is_empty())
        {
            safe.node
                .error("`safe` is empty: the hardware would be left as it is")
                .help("write what makes it harmless: safe = [\"OUTP OFF\"]")
                .tell();
        }
        if let Some(emergency) = present("emergency")
            && emergency.node.value.as_array().is_some_and(|list| list.is_empty())
        {
            emergency
                .node
                .error("`emergency` is empty: nothing would remove power at once")
                .help("leave it out: then it is `safe` without ramps, waits and conditions")
                .tell();
        }
        if missing("verify")
            && let Some(field) = present("safe").or_else(|| present("arm"))
        {
            self.problems
                .error(field.key_span, format!("{title} has no `verify`"))
                .label("sent, but was it done?")
                .help("ask the device whether it is safe: verify = [{ query = \"OUTP?\", equals = false }]")
                .help("if nothing can be read back, say so: verify = \"none\"")
                .tell();
        }
        if let Some(expect) = present("expect_id")
            && missing("id")
        {
            self.problems
                .error(expect.key_span, "`expect_id` is compared with the answer to `id`, and there is none")
                .help("write id = \"*IDN?\"")
                .tell();
        }

        let has = |key| present(key).is_some() || self.stands_below(key);
        let acts = has("arm") || has("safe");
        let armed = has("arm") || armed_control.is_some();
        let never = [
            ("errors", acts, "the device has no `arm` and no `safe` after which they would be read"),
            ("sync", acts, "the device has no `arm` and no `safe` after which it would be asked"),
            ("arm_after", armed, "the device has nothing to arm"),
            ("instrument_watchdog", armed, "the device is never armed"),
            ("safe_after", has("safe"), "the device has no `safe`"),
            ("budget", acts || !controls.is_empty(), "the device only measures"),
        ];
        for (key, effective, why) in never {
            if let Some(field) = present(key)
                && !effective
            {
                self.problems
                    .warning(field.key_span, format!("`{key}` never takes effect: {why}"))
                    .help("leave it out")
                    .tell();
            }
        }
    }
}
