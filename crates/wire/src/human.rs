//! Text for people in protocols that carry ASCII.

/// One line of ASCII, accents as apostrophes, never empty; it begins with no bracket, which would be read as a response
/// code (IMAP, POP3).
pub fn human(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' '..='~' => out.push(c),
            'à' | 'á' => out.push_str("a'"),
            'è' | 'é' => out.push_str("e'"),
            'ì' | 'í' => out.push_str("i'"),
            'ò' | 'ó' => out.push_str("o'"),
            'ù' | 'ú' => out.push_str("u'"),
            'È' | 'É' => out.push_str("E'"),
            '’' => out.push('\''),
            '\r' | '\n' | '\t' => out.push(' '),
            _ => out.push('?'),
        }
    }
    let out = out.trim_start_matches('[').trim();
    if out.is_empty() { "-".to_owned() } else { out.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn one_line_of_ascii() {
        assert_eq!(human("La casella è piena\r\n"), "La casella e' piena");
        assert_eq!(human("[ALERT]"), "ALERT]");
        assert_eq!(human(" \r\n"), "-");
    }
}
