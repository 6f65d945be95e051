//! A text that a regular expression finds.

use killcord::core::check::Pattern;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Sizes beyond this are a mistake; the sample is cut off, and then found not to match.
const LONGEST: usize = 1000;

/// The shortest that comes to hand; `None` where it is not found.
pub(super) fn matching(pattern: &Pattern) -> Option<String> {
    let hir = regex_syntax::parse(pattern.source()).ok()?;
    let mut sample = String::new();
    write(&hir, &mut sample)?;
    if sample.trim().is_empty() {
        // Every text matches, but an empty answer never holds.
        sample = String::from("OK");
    }
    Some(sample)
}

fn write(hir: &Hir, out: &mut String) -> Option<()> {
    if out.len() > LONGEST {
        return Some(());
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = || class.ranges().iter().map(|range| (range.start(), range.end()));
            // A letter or digit where there is one: no line end, no blank that is trimmed off.
            let good = ('0'..='9').chain('A'..='Z').chain('a'..='z').chain('!'..='~');
            let fits = |c: &char| ranges().any(|(first, last)| (first..=last).contains(c));
            out.push(good.clone().find(fits).or_else(|| ranges().next().map(|(first, _)| first))?);
        }
        HirKind::Class(Class::Bytes(class)) => out.push(char::from(class.ranges().first()?.start())),
        HirKind::Repetition(repeated) => {
            for _ in 0..repeated.min {
                write(&repeated.sub, out)?;
                if out.len() > LONGEST {
                    break;
                }
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, out)?,
        HirKind::Concat(parts) => parts.iter().try_for_each(|part| write(part, out))?,
        HirKind::Alternation(ways) => write(ways.first()?, out)?,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use killcord::core::{Condition, Value};

    #[test]
    fn a_sample_is_found_by_its_expression() {
        for source in ["^READY", "(OFF|IDLE),\\d{3}", "[^0]", "^\\s*ok\\s*$", ".*", "(?i)stop+ped", "x{2,5}$"]
        {
            let pattern = Pattern::new(source).unwrap();
            let sample = matching(&pattern).unwrap();
            assert!(Condition::Matches(pattern).holds(&Value::Text(sample.clone())), "{source}: {sample:?}");
        }
    }
}
