//! Rig files for the tests' own instruments.

use crate::instrument::Instrument;

/// The head of a rig file; `safety` holds more lines of `[safety]`.
#[must_use]
pub fn head(deadline: &str, safety: &str) -> String {
    format!("[rig]\nname = \"Test bench\"\ndeadline = \"{deadline}\"\n\n[safety]\n{safety}\n")
}

/// A supply on the tests' own instrument: `arm` and `safe` as in a rig file, then more of its keys.
#[must_use]
pub fn supply(name: &str, instrument: &Instrument, arm: &str, safe: &str, more: &str) -> String {
    format!(
        "\n[[device]]\nname = \"{name}\"\ndriver = \"scpi\"\nconnect = \"tcp://127.0.0.1:{}\"\nid = \"*IDN?\"\n\
         timeout = \"500ms\"\narm = {arm}\nsafe = {safe}\nverify = [{{ query = \"OUTP?\", equals = false }}]\n{more}\n",
        instrument.port()
    )
}

/// A supply that is switched on and off.
#[must_use]
pub fn switch(name: &str, instrument: &Instrument) -> String {
    supply(name, instrument, r#"["OUTP ON"]"#, r#"["OUTP OFF"]"#, "")
}
