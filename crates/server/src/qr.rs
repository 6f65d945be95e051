//! A link as a QR code (ISO/IEC 18004): for a camera, by a terminal's characters or a page's drawing.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// White all around (clause 6.3.8: four modules).
const QUIET: usize = 4;

/// The modules of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qr {
    /// The modules of a side, the white around them included.
    pub size: usize,
    /// Row by row; `true` is dark.
    dark: Vec<bool>,
}

impl Qr {
    /// The code of a text; `None` where it is too long for one.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let inner = code.width();
        let size = inner + 2 * QUIET;
        let mut dark = vec![false; size * size];
        for (at, color) in code.to_colors().into_iter().enumerate() {
            let (x, y) = (at % inner + QUIET, at / inner + QUIET);
            if let Some(module) = dark.get_mut(y * size + x) {
                *module = color == Color::Dark;
            }
        }
        Some(Self { size, dark })
    }

    /// Whether a module is dark; none outside is.
    #[must_use]
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        self.dark.get(y * self.size + x).copied().unwrap_or(false)
    }

    /// For a terminal: two rows of modules in one of characters, dark on white whatever its colours are.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for y in (0..self.size).step_by(2) {
            // Black on white (ECMA-48, SGR).
            text.push_str("\u{1b}[30;107m");
            for x in 0..self.size {
                text.push(match (self.is_dark(x, y), self.is_dark(x, y + 1)) {
                    (true, true) => '\u{2588}',
                    (true, false) => '\u{2580}',
                    (false, true) => '\u{2584}',
                    (false, false) => ' ',
                });
            }
            text.push_str("\u{1b}[0m\n");
        }
        text
    }

    /// For a page: the `d` of an SVG path that fills the dark modules, one unit each.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::new();
        for y in 0..self.size {
            let mut x = 0;
            while x < self.size {
                let run = (x..self.size).take_while(|x| self.is_dark(*x, y)).count();
                if run > 0 {
                    // Writing to a string cannot fail.
                    write!(path, "M{x} {y}h{run}v1h-{run}z").ok();
                }
                x += run.max(1);
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_finders_and_white_around() {
        let qr = Qr::of("https://192.0.2.1:8420/killcord/pair#0123456789abcdef0123456789abcdef").unwrap();
        assert!((0..qr.size).all(|at| !qr.is_dark(at, 0) && !qr.is_dark(3, at)));
        // Figure 3: seven dark modules, then white.
        assert!((QUIET..QUIET + 7).all(|x| qr.is_dark(x, QUIET)) && !qr.is_dark(QUIET + 7, QUIET));
        assert!(qr.path().starts_with("M4 4h7v1h-7z"), "{}", qr.path());
        assert_eq!(qr.text().lines().count(), qr.size.div_ceil(2));
        assert!(Qr::of(&"x".repeat(10_000)).is_none());
    }
}
