//! Tables that a person can read and a document can hold.

use std::fmt;

/// Rows under a title, printed as Markdown in aligned columns: the first column to the left, the others to the right.
pub struct Table {
    title: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    note: String,
}

impl Table {
    /// A table without rows.
    pub fn new(title: impl Into<String>, columns: &[&'static str], note: &str) -> Self {
        Self { title: title.into(), columns: columns.to_vec(), rows: Vec::new(), note: note.into() }
    }

    /// One more row.
    pub fn row(&mut self, cells: Vec<String>) {
        eprintln!("  {}", cells.join("  "));
        self.rows.push(cells);
    }

    /// The table, unless it is empty.
    pub fn filled(self) -> Option<Self> {
        (!self.rows.is_empty()).then_some(self)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |n: usize| {
            let cells = self.rows.iter().map(|r| r[n].chars().count());
            cells.chain([self.columns[n].chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let line = |f: &mut fmt::Formatter<'_>, cells: &[String]| {
            for (n, (cell, width)) in cells.iter().zip(&widths).enumerate() {
                if n == 0 { write!(f, "| {cell:<width$} ")? } else { write!(f, "| {cell:>width$} ")? }
            }
            writeln!(f, "|")
        };
        writeln!(f, "### {}\n", self.title)?;
        line(f, &self.columns.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>())?;
        let rules = widths.iter().enumerate().map(|(n, w)| {
            let dashes = "-".repeat(w - 1);
            if n == 0 { format!(":{dashes}") } else { format!("{dashes}:") }
        });
        line(f, &rules.collect::<Vec<_>>())?;
        self.rows.iter().try_for_each(|row| line(f, row))?;
        write!(f, "\n{}", self.note)
    }
}

/// Three digits that matter: `0.123`, `1.23`, `12.3`, `1230`.
pub fn digits(value: f64) -> String {
    match value {
        v if !v.is_finite() => "–".into(),
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v if v >= 1.0 => format!("{v:.2}"),
        v => format!("{v:.3}"),
    }
}
