//! Text for people in protocols that carry ASCII.

/// In printable ASCII: Italian accents become apostrophes, as on typewriters, what ends lines a blank, and what has no
/// likeness a question mark.
pub fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' => out.push(c),
            'à' | 'á' => out.push_str("a'"),
            'è' | 'é' => out.push_str("e'"),
            'ì' | 'í' => out.push_str("i'"),
            'ò' | 'ó' => out.push_str("o'"),
            'ù' | 'ú' => out.push_str("u'"),
            'À' => out.push_str("A'"),
            'È' | 'É' => out.push_str("E'"),
            '’' | '‘' => out.push('\''),
            '«' | '»' | '“' | '”' => out.push('"'),
            '–' | '—' => out.push('-'),
            c if c.is_control() => out.push(' '),
            _ => out.push('?'),
        }
    }
    out
}

/// The same as one line that is never empty and begins with no bracket, which would be read as a response code (IMAP,
/// POP3).
pub fn human(text: &str) -> String {
    let line = ascii(text);
    let line = line.trim_start_matches('[').trim();
    if line.is_empty() { "-".to_owned() } else { line.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn one_line_of_ascii() {
        assert_eq!(human("La casella è piena\r\n"), "La casella e' piena");
        assert_eq!(human("È «così» – 5 €"), "E' \"cosi'\" - 5 ?");
        assert_eq!(human("[ALERT]"), "ALERT]");
        assert_eq!(human(" \r\n"), "-");
    }
}
