//! "did you mean"

/// Longer words are not compared: nobody mistypes them, and the comparison takes time with their square.
const LONGEST: usize = 64;

/// The known word that `word` was probably meant to be.
pub(crate) fn closest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    if word.len() > LONGEST {
        return None;
    }
    let folded = fold(word);
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().min(word.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Case and the kind of dash are no reason to miss a word.
fn fold(word: &str) -> String {
    word.to_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expect: Option<&str>) {
        assert_eq!(closest(word, ["safe_after", "expire_after", "beat", "on"]), expect, "{word:?}");
    }

    #[test]
    fn a_slip_of_the_finger_finds_its_word_and_a_strange_word_finds_none() {
        check("save_after", Some("safe_after"));
        check("safe-after", Some("safe_after"));
        check("Expire_After", Some("expire_after"));
        check("baet", Some("beat"));
        check("colour", None);
        check(&"x".repeat(100_000), None);
    }
}
