//! An address book as cards (vCard 4.0, RFC 6350), for programs of others.

use crate::api::BookEntry;

/// Octets of a line, without its end (§3.2).
const MOST: usize = 75;

/// Entries as cards, one behind the other.
pub(super) fn cards(tenant: u64, entries: &[BookEntry]) -> String {
    entries.iter().map(|entry| card(tenant, entry)).collect()
}

/// A card. Its UID is the same whenever it is written, so that who takes it in again replaces the one before (§6.7.6).
fn card(tenant: u64, e: &BookEntry) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            text.push_str(&folded(&format!("{name}:{value}")));
        }
    };
    // An organisation, then its unit, are one structured value (§6.6.4).
    let of = match (&*e.organisation, &*e.office) {
        (of, "") => escaped(of),
        (of, office) => format!("{};{}", escaped(of), escaped(office)),
    };
    line("BEGIN", "VCARD");
    line("VERSION", "4.0");
    line("UID;VALUE=text", &escaped(&format!("sigillo-{tenant}-{}", e.address.to_ascii_lowercase())));
    line("FN", &escaped(&e.name));
    line("ORG", &of);
    line("EMAIL", &escaped(&e.address));
    line("TEL;VALUE=text", &escaped(&e.phone));
    line("NOTE", &escaped(&e.note));
    line("END", "VCARD");
    text
}

/// A text as a value (§3.4): of a list or a structured value it would be parted otherwise.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ',' | ';' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// A line with its end; a long one goes on behind a blank on the next, and no character is cut (§3.2).
fn folded(line: &str) -> String {
    let (mut text, mut room) = (String::with_capacity(line.len() + 8), MOST);
    for c in line.chars() {
        if c.len_utf8() > room {
            text.push_str("\r\n ");
            room = MOST - 1;
        }
        text.push(c);
        room -= c.len_utf8();
    }
    text + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> BookEntry {
        BookEntry {
            address: "Anna@Comune.example".into(),
            name: "Rossi, Anna; detta \\o/".into(),
            organisation: "Comune di Esempio".into(),
            office: "Anagrafe, stato civile".into(),
            phone: "+39 06 1234567".into(),
            note: String::new(),
            own: true,
            created: String::new(),
            changed: String::new(),
        }
    }

    #[test]
    fn a_card_is_written_to_the_byte() {
        let wanted = "BEGIN:VCARD\r\n\
            VERSION:4.0\r\n\
            UID;VALUE=text:sigillo-7-anna@comune.example\r\n\
            FN:Rossi\\, Anna\\; detta \\\\o/\r\n\
            ORG:Comune di Esempio;Anagrafe\\, stato civile\r\n\
            EMAIL:Anna@Comune.example\r\n\
            TEL;VALUE=text:+39 06 1234567\r\n\
            END:VCARD\r\n";
        assert_eq!(cards(7, &[entry()]), wanted);
        let of = |organisation: &str, office: &str| {
            let (organisation, office) = (organisation.to_owned(), office.to_owned());
            let text = cards(1, &[BookEntry { organisation, office, ..entry() }]);
            text.lines().find(|line| line.starts_with("ORG")).map(str::to_owned)
        };
        assert_eq!(of("", ""), None);
        assert_eq!(of("Ente", "").as_deref(), Some("ORG:Ente"));
        assert_eq!(of("", "Sede").as_deref(), Some("ORG:;Sede"));
    }

    #[test]
    fn a_long_line_goes_on_behind_a_blank_and_no_character_is_cut() {
        let text = folded(&format!("NOTE:{}", "è".repeat(80)));
        let lines: Vec<&str> = text.split("\r\n").collect();
        let lengths: Vec<usize> = lines.iter().map(|line| line.len()).collect();
        assert_eq!(lengths, [75, 75, 17, 0]);
        assert!(lines[1].starts_with(" è") && lines[2].starts_with(" è"), "{text}");
        assert_eq!(folded(&"x".repeat(75)), "x".repeat(75) + "\r\n");
    }

    #[test]
    fn what_is_unfolded_and_read_back_is_what_was_written() {
        for before in 0..80 {
            for text in ["\\", ",;\\n", "\\\\;è漢", " è \\ 𝄞, "] {
                let note = format!("{}{}", "x".repeat(before), text.repeat(12));
                let line = folded(&format!("NOTE:{}", escaped(&note)));
                assert!(line.split("\r\n").all(|part| part.len() <= MOST), "{line}");
                let whole = line.replace("\r\n ", "");
                let value = whole.strip_prefix("NOTE:").and_then(|rest| rest.strip_suffix("\r\n")).expect("a line");
                let (mut read, mut chars) = (String::new(), value.chars());
                while let Some(c) = chars.next() {
                    read.push(if c == '\\' { chars.next().expect("an escaped character") } else { c });
                }
                assert_eq!(read, note);
            }
        }
    }
}
