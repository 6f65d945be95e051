//! Headers: long and short forms in any case, optional nodes in brackets.

/// Whether `header` is a form of `pattern`: `OUTP:PROT:WDOG:DEL` of `OUTPut:PROTection:WDOG:DELay`,
/// `SOUR:VOLT` of `[SOURce:]VOLTage[:LEVel]`. The short form of a node is its capitals.
pub(crate) fn matches(pattern: &str, header: &str) -> bool {
    let given: Vec<&str> = header.split(':').collect();
    nodes_match(&nodes(pattern), &given)
}

fn nodes_match(pattern: &[(&str, bool)], given: &[&str]) -> bool {
    let Some(((node, optional), rest)) = pattern.split_first() else { return given.is_empty() };
    let taken =
        given.split_first().is_some_and(|(head, tail)| node_matches(node, head) && nodes_match(rest, tail));
    taken || (*optional && nodes_match(rest, given))
}

/// The nodes of a pattern and whether each may be left out.
fn nodes(pattern: &str) -> Vec<(&str, bool)> {
    let mut nodes = Vec::new();
    let mut rest = pattern;
    while !rest.is_empty() {
        let end = rest.find(['[', ']']).unwrap_or(rest.len());
        let optional = rest[end..].starts_with(']');
        nodes.extend(rest[..end].split(':').filter(|node| !node.is_empty()).map(|node| (node, optional)));
        rest = rest.get(end + 1..).unwrap_or("");
    }
    nodes
}

fn node_matches(node: &str, given: &str) -> bool {
    let short = node.find(|c: char| c.is_ascii_lowercase()).unwrap_or(node.len());
    node.eq_ignore_ascii_case(given) || node[..short].eq_ignore_ascii_case(given)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn long_and_short_forms_match_and_nothing_between() {
        for (pattern, header, expected) in [
            ("OUTPut[:STATe]", "OUTP", true),
            ("OUTPut[:STATe]", "output:STAT", true),
            ("OUTPut[:STATe]", "OUTPU", false),
            ("OUTPut[:STATe]", "OUTP:PROT", false),
            ("[SOURce:]VOLTage[:LEVel][:IMMediate]", "VOLT", true),
            ("[SOURce:]VOLTage[:LEVel][:IMMediate]", "sour:voltage:imm", true),
            ("[SOURce:]VOLTage[:LEVel][:IMMediate]", "SOUR", false),
            ("OUTPut:PROTection:WDOG:DELay", "OUTP:PROT:WDOG:DEL", true),
            ("VOLTage", "", false),
            ("MEASure[:SCALar]:VOLTage[:DC]", "MEAS:VOLT", true),
        ] {
            assert_eq!(matches(pattern, header), expected, "{header} of {pattern}");
        }
    }
}
