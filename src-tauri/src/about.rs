//! What the about box and `--help` say.

/// Said wherever the program presents itself.
pub(crate) const NOT_CERTIFIED: &str =
    "Killcord is not a certified safety function: it does not replace an emergency-stop circuit.";

/// In one sentence.
pub(crate) const WHAT: &str =
    "Ties a GUI to the hardware it drives: when the GUI goes away, the hardware is made safe and released.";
