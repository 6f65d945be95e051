//! Columns for people, and comma-separated values for programs.

/// Rows under their heads, each column as wide as its widest cell, no space at the end of a line.
pub(crate) fn columns(heads: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = heads.iter().map(|head| head.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(heads.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

/// Rows under their heads as RFC 4180 has them.
pub(crate) fn csv(heads: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<&str>| cells.into_iter().map(quoted).collect::<Vec<_>>().join(",");
    let mut lines = vec![line(heads.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\r\n")
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_commas_quotes_and_line_ends_are_quoted() {
        let rows = [vec![String::from("a,b"), String::from("say \"on\"")]];
        assert_eq!(csv(&["x", "y"], &rows), "x,y\r\n\"a,b\",\"say \"\"on\"\"\"");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec![String::from("1"), String::from("°C")], vec![String::from("1000"), String::new()]];
        assert_eq!(columns(&["n", "unit"], &rows), "n     unit\n1     °C\n1000");
    }
}
