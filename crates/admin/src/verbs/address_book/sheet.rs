//! An address book as a table in CSV (RFC 4180, with semicolons, as spreadsheets of this country read it): what is written is
//! read back as it was.
//!
//! A field that a spreadsheet would take for a formula, a number or a date, as numbers of telephones, begins with an apostrophe: it
//! stays a text, zeros in front and all. Who reads it takes one away where it stands before such a field.

use crate::api::BookEntry;
use crate::report::{is_formula, quoted};

/// A field that empties what it stands for.
const NOTHING: &str = "-";

/// Entries as a table.
pub(super) fn written(entries: &[BookEntry]) -> String {
    let mut text = "indirizzo;nome;organizzazione;ufficio;telefono;nota\r\n".to_owned();
    for e in entries {
        let fields = [&e.address, &e.name, &e.organisation, &e.office, &e.phone, &e.note];
        text += &fields.map(|field| quoted(&guarded(field))).join(";");
        text += "\r\n";
    }
    text
}

/// Whether apostrophes and what a spreadsheet would reckon with are all that it is: then it has one more.
fn is_guarded(text: &str) -> bool {
    let rest = text.trim_start_matches('\'');
    is_formula(rest) || rest.starts_with(|first: char| first.is_ascii_digit())
}

fn guarded(text: &str) -> String {
    if is_guarded(text) { format!("'{text}") } else { text.to_owned() }
}

/// What a field means.
pub(in crate::verbs) fn meant(text: String) -> String {
    match text.strip_prefix('\'') {
        Some(rest) if is_guarded(&text) => rest.to_owned(),
        _ if text == NOTHING => String::new(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csv::Table;

    fn entry(name: &str, phone: &str) -> BookEntry {
        BookEntry {
            address: "anna@comune.example".into(),
            name: name.into(),
            organisation: String::new(),
            office: "Anagrafe; sportello".into(),
            phone: phone.into(),
            note: "dice \"ciao\", sempre".into(),
            own: true,
            created: String::new(),
            changed: String::new(),
        }
    }

    #[test]
    fn a_table_is_written_as_spreadsheets_read_it() {
        let text = written(&[entry("Però, Anna", "+39 06 1234567")]);
        let line =
            "anna@comune.example;\"Però, Anna\";;\"Anagrafe; sportello\";'+39 06 1234567;\"dice \"\"ciao\"\", sempre\"";
        assert_eq!(text, format!("indirizzo;nome;organizzazione;ufficio;telefono;nota\r\n{line}\r\n"));
    }

    #[test]
    fn what_looks_like_a_formula_is_none_and_comes_back() {
        for (text, shown) in [
            ("+39 06", "'+39 06"),
            ("=cmd|'/c calc'!a1", "'=cmd|'/c calc'!a1"),
            ("-", "'-"),
            ("'-", "''-"),
            ("''@x", "'''@x"),
            ("'Ndrangheta, ufficio", "'Ndrangheta, ufficio"),
            ("'", "'"),
            ("0612345678", "'0612345678"),
            ("06/1", "'06/1"),
            ("", ""),
        ] {
            assert_eq!(guarded(text), shown, "{text}");
            assert_eq!(meant(shown.to_owned()), text, "{shown}");
        }
        assert_eq!(meant("-".into()), "", "what somebody writes to take it away");
    }

    /// Every text of up to four of the characters that mean something in a table; an entry has no blanks around its texts.
    #[test]
    fn what_is_written_is_read_back() {
        let mut texts = vec![String::new()];
        for length in 1..=4 {
            let longer = |text: &String| ['\'', '"', '+', '-', ',', ';', ' ', 'è'].map(|c| format!("{text}{c}"));
            let shorter: Vec<String> =
                texts.iter().filter(|text| text.chars().count() == length - 1).cloned().collect();
            texts.extend(shorter.iter().flat_map(longer));
        }
        texts.retain(|text| text.trim() == text);
        let entries: Vec<BookEntry> = texts.iter().map(|text| entry(text, text)).collect();
        let table = Table::read(written(&entries).as_bytes()).expect("a table");
        assert_eq!((table.separator, table.rows.len()), (';', texts.len() + 1));
        for (row, text) in table.rows.into_iter().skip(1).zip(&texts) {
            let fields: Vec<String> = row.fields.expect("a row").into_iter().map(meant).collect();
            let office = "Anagrafe; sportello";
            assert_eq!(fields, ["anna@comune.example", text, "", office, text, "dice \"ciao\", sempre"]);
        }
    }
}
