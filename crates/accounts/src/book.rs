//! Entries of an administration's address book (*rubrica*, BOX-15): who an address is. Those of its own mailboxes are its
//! registry of users (*anagrafica utenti*, HD-04).

use serde::{Deserialize, Serialize};
use sigillo_base::{Said, said};

/// A text of an entry: its name at the interface, in a sentence, and how many characters it has at the most.
type Field = (&'static str, &'static str, usize);

/// The texts of an entry, in the order of [`BookEntry::texts`]. Together they stay within a line of a table (`csv`).
const FIELDS: [Field; 5] = [
    ("name", "nome", 200),
    ("organisation", "organizzazione", 200),
    ("office", "ufficio", 200),
    ("phone", "telefono", 40),
    ("note", "nota", 500),
];

/// An entry: one address, once in its book.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookEntry {
    /// The address, certified or ordinary, as it was written.
    pub address: String,
    /// Whose it is: a person or an office. Never empty.
    pub name: String,
    /// The organisation that he is of.
    pub organisation: String,
    /// His office there.
    pub office: String,
    /// A number as people write it, also a landline with its extension.
    pub phone: String,
    /// Whatever else there is to say, on one line.
    pub note: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created: i64,
    /// When it was changed last, in milliseconds.
    pub changed: i64,
}

impl BookEntry {
    /// Its texts.
    pub fn texts(&self) -> [&str; 5] {
        [&self.name, &self.organisation, &self.office, &self.phone, &self.note]
    }

    fn texts_mut(&mut self) -> [&mut String; 5] {
        [&mut self.name, &mut self.organisation, &mut self.office, &mut self.phone, &mut self.note]
    }

    /// Whether a text, in lower case, stands in its address or in one of its texts.
    pub fn matches(&self, text: &str) -> bool {
        let has = |field: &str| field.to_lowercase().contains(text);
        has(&self.address) || self.texts().into_iter().any(has)
    }

    /// What is wrong with it, if anything: a field's name and why.
    pub fn fault(&self) -> Option<(&'static str, Said)> {
        if self.name.is_empty() {
            return Some(("name", said!("una voce ha un nome", "an entry has a name")));
        }
        self.texts().into_iter().zip(FIELDS).find_map(|(text, (field, _, most))| {
            let long = text.chars().count() > most || text.chars().any(breaks);
            let digits = field == "phone" && !text.is_empty() && !text.chars().any(|c| c.is_ascii_digit());
            match (long, digits) {
                (true, _) => Some((
                    field,
                    said!("al più {most} caratteri, su una riga", "at most {most} characters, on one line"),
                )),
                (false, true) => {
                    Some((field, said!("un numero di telefono ha delle cifre", "a telephone number has digits")))
                }
                (false, false) => None,
            }
        })
    }
}

/// Other texts of an entry; what is absent stays, what is empty goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BookChange {
    /// See [`BookEntry::name`].
    pub name: Option<String>,
    /// See [`BookEntry::organisation`].
    pub organisation: Option<String>,
    /// See [`BookEntry::office`].
    pub office: Option<String>,
    /// See [`BookEntry::phone`].
    pub phone: Option<String>,
    /// See [`BookEntry::note`].
    pub note: Option<String>,
}

impl BookChange {
    fn texts(&self) -> [Option<&str>; 5] {
        let texts = [&self.name, &self.organisation, &self.office, &self.phone, &self.note];
        texts.map(|text| text.as_deref().map(str::trim))
    }

    /// The entry with this changed.
    pub fn of(&self, entry: &BookEntry) -> BookEntry {
        let mut changed = entry.clone();
        for (text, new) in changed.texts_mut().into_iter().zip(self.texts()) {
            if let Some(new) = new {
                new.clone_into(text);
            }
        }
        changed
    }
}

/// What begins another line somewhere, or turns one round.
fn breaks(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Which texts of an entry differ, by their names in a sentence. Not what they say: the register of operations keeps its
/// records for ever, and who somebody was is not to stay there.
pub fn differences(before: &BookEntry, after: &BookEntry) -> Vec<&'static str> {
    let texts = before.texts().into_iter().zip(after.texts());
    texts.zip(FIELDS).filter(|((before, after), _)| before != after).map(|(_, (_, name, _))| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> BookEntry {
        BookEntry {
            address: "anna@comune.example".into(),
            name: "Anna Però".into(),
            phone: "+39 06 1234567 int. 12".into(),
            ..BookEntry::default()
        }
    }

    #[test]
    fn an_entry_has_a_name_and_every_text_ends_somewhere() {
        assert_eq!(entry().fault(), None);
        let wrong = |change: &dyn Fn(&mut BookEntry)| {
            let mut entry = entry();
            change(&mut entry);
            entry.fault().map(|(field, _)| field)
        };
        assert_eq!(wrong(&|e| e.name.clear()), Some("name"));
        assert_eq!(wrong(&|e| e.phone = "interno".into()), Some("phone"));
        for (at, (field, _, most)) in FIELDS.into_iter().enumerate() {
            let of = |text: String| wrong(&|e| e.texts_mut()[at].clone_from(&text));
            assert_eq!(of("1".repeat(most)), None, "{field}");
            assert_eq!(of("1è".repeat(most / 2) + "1"), Some(field));
            for bad in ["1\n2", "1\r", "1\u{85}2", "1\t2", "1\u{2028}2", "1\u{202e}2"] {
                assert_eq!(of(bad.into()), Some(field), "{bad:?}");
            }
        }
    }

    /// Whatever the characters are, and quoted as a table quotes them.
    #[test]
    fn a_whole_entry_fits_into_a_line_of_a_table() {
        let most: usize = FIELDS.iter().map(|(_, _, most)| 4 * most + 4).sum();
        assert!(most + 64 + 255 + 20 < 8 << 10, "{most}");
    }

    #[test]
    fn what_is_absent_stays_and_what_is_empty_goes() {
        let change =
            BookChange { office: Some(" Anagrafe ".into()), phone: Some(String::new()), ..BookChange::default() };
        let after = change.of(&entry());
        assert_eq!((&*after.name, &*after.office, &*after.phone), ("Anna Però", "Anagrafe", ""));
        assert_eq!(differences(&entry(), &after), ["ufficio", "telefono"]);
        assert!(differences(&after, &change.of(&after)).is_empty());
    }

    #[test]
    fn an_entry_is_found_by_any_of_its_texts_in_any_case() {
        for text in ["però", "anna@", "06 123", "comune.example"] {
            assert!(entry().matches(text), "{text}");
        }
        assert!(!entry().matches("bruno"));
    }
}
