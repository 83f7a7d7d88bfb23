//! Address lists (RFC 5322 §3.4), strictly: what a certified message's From, To and Cc must be.

use crate::{Error, ListFault, text};
use sigillo_base::Address;

/// One address of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The display name, decoded, without control characters; `None` when absent or blank.
    pub name: Option<String>,
    /// The address.
    pub address: Address,
    /// Whether it stands in a group (`amici: a@x, b@y;`).
    pub in_group: bool,
}

/// Reads an address list, folded or not. Comments and quoted strings are understood, a dot in an unquoted name is
/// forgiven (RFC 5322 §4.1), names may be UTF-8; of the other obsolete forms none is.
///
/// # Errors
/// [`Error::Addresses`], with the position of the fault.
pub fn parse_address_list(value: &str) -> Result<Vec<Mailbox>, Error> {
    let fault = |(at, fault)| Error::Addresses { at, fault };
    if !value.contains(['\r', '\n']) {
        return list(value).map_err(fault);
    }
    for (at, _) in value.match_indices('\n') {
        let folded = value[..at].ends_with('\r') && value[at + 1..].starts_with([' ', '\t']);
        if !folded {
            return Err(fault((at, ListFault::Control)));
        }
    }
    list(&value.replace("\r\n", "")).map_err(fault)
}

/// The list of an unfolded text.
pub(crate) fn list(value: &str) -> Result<Vec<Mailbox>, (usize, ListFault)> {
    let mut parser = Parser { text: value, bytes: value.as_bytes(), at: 0, out: Vec::new() };
    parser.list().map_err(|fault| (parser.at.min(value.len()), fault))?;
    Ok(parser.out)
}

/// A piece of a name or of a local part, before it is known which.
struct Word {
    start: usize,
    end: usize,
    quoted: bool,
    /// Blanks or comments stand before it.
    spaced: bool,
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    out: Vec<Mailbox>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn list(&mut self) -> Result<(), ListFault> {
        let mut in_group = false;
        loop {
            self.blanks()?;
            if in_group && self.peek() == Some(b';') {
                in_group = false; // only right after the colon: an empty group
                self.at += 1;
            } else if self.element(in_group)? {
                in_group = true;
                continue;
            } else if in_group && self.peek() == Some(b';') {
                in_group = false;
                self.at += 1;
            }
            self.blanks()?;
            match self.peek() {
                Some(b',') => self.at += 1,
                None if in_group => return Err(ListFault::Group),
                None => return Ok(()),
                Some(_) => return Err(ListFault::Unexpected),
            }
            self.blanks()?;
            if matches!(self.peek(), None | Some(b';')) {
                return Err(ListFault::Missing);
            }
        }
    }

    /// One mailbox, or the beginning of a group (then true).
    fn element(&mut self, in_group: bool) -> Result<bool, ListFault> {
        let words = self.words()?;
        match self.peek() {
            Some(b'<') => {
                self.at += 1;
                let name = self.name(&words);
                let address = self.angle()?;
                self.out.push(Mailbox { name, address, in_group });
                Ok(false)
            }
            Some(b':') if in_group => Err(ListFault::Group),
            Some(b':') if words.is_empty() => Err(ListFault::Unexpected),
            Some(b':') => {
                self.at += 1;
                Ok(true)
            }
            Some(b'@') if !words.is_empty() => {
                let address = self.addr_spec(&words)?;
                self.out.push(Mailbox { name: None, address, in_group });
                Ok(false)
            }
            Some(b',' | b';') | None if words.is_empty() => Err(ListFault::Missing),
            Some(b',' | b';') | None => Err(ListFault::NoAt),
            Some(_) => Err(ListFault::Unexpected),
        }
    }

    /// What stands between `<` and `>`.
    fn angle(&mut self) -> Result<Address, ListFault> {
        let words = self.words()?;
        let address = match self.peek() {
            Some(b'@' | b',') if words.is_empty() => return Err(ListFault::Route),
            Some(b'@') => self.addr_spec(&words)?,
            Some(b'>') if words.is_empty() => return Err(ListFault::Missing),
            Some(b'>') => return Err(ListFault::NoAt),
            Some(_) => return Err(ListFault::Unexpected),
            None => return Err(ListFault::Unclosed),
        };
        match self.peek() {
            Some(b'>') => self.at += 1,
            Some(_) => return Err(ListFault::Unexpected),
            None => return Err(ListFault::Unclosed),
        }
        Ok(address)
    }

    /// The words are the local part; `@` and the domain follow. Blanks around the `@` are allowed (RFC 5322 §3.4.1),
    /// blanks around a dot are not.
    fn addr_spec(&mut self, words: &[Word]) -> Result<Address, ListFault> {
        let [first, rest @ ..] = words else { return Err(ListFault::Unexpected) };
        if rest.iter().any(|w| w.spaced || w.quoted) || (first.quoted && !rest.is_empty()) {
            return Err(ListFault::Unexpected);
        }
        let end = rest.last().unwrap_or(first).end;
        let local = first.start..end;
        self.at += 1;
        self.blanks()?;
        let domain = self.at;
        while self.peek().is_some_and(|b| is_atext(b) || b == b'.') {
            self.at += 1;
        }
        let address = format!("{}@{}", &self.text[local], &self.text[domain..self.at]);
        let address = Address::parse(&address)?;
        self.blanks()?;
        Ok(address)
    }

    /// Atoms, dots, quoted strings and encoded words, up to something else; blanks after them are consumed.
    fn words(&mut self) -> Result<Vec<Word>, ListFault> {
        let mut words = Vec::new();
        loop {
            let before = self.at;
            self.blanks()?;
            let (start, spaced) = (self.at, self.at > before);
            let quoted = self.peek() == Some(b'"');
            match self.peek() {
                Some(b'"') => self.quoted()?,
                Some(b'.') => self.at += 1,
                // Writers leave ':' or '@' unencoded in encoded words (`=?utf-8?Q?Per_conto_di:_a@b?=`).
                Some(b'=') if text::word_end(self.bytes, start).is_some() => {
                    self.at = text::word_end(self.bytes, start).unwrap_or(start + 1);
                }
                Some(b) if is_atext(b) => {
                    while self.peek().is_some_and(is_atext) {
                        self.at += 1;
                    }
                }
                _ => return Ok(words),
            }
            words.push(Word { start, end: self.at, quoted, spaced });
        }
    }

    fn quoted(&mut self) -> Result<(), ListFault> {
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.at += 1,
                _ => {}
            }
            match self.peek() {
                None => return Err(ListFault::Unclosed),
                Some(b) if is_control(b) => return Err(ListFault::Control),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
    }

    /// Blanks and comments (RFC 5322 §3.2.2). Nested comments are counted, not recursed into.
    fn blanks(&mut self) -> Result<(), ListFault> {
        let mut depth = 0usize;
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => {}
                Some(b'(') => depth += 1,
                Some(b')') if depth > 0 => depth -= 1,
                Some(b'\\') if depth > 0 => {
                    self.at += 1;
                    if self.peek().is_none_or(is_control) {
                        return Err(ListFault::Unclosed);
                    }
                }
                None if depth > 0 => return Err(ListFault::Unclosed),
                Some(b) if is_control(b) => return Err(ListFault::Control),
                Some(_) if depth > 0 => {}
                _ => return Ok(()),
            }
            self.at += 1;
        }
    }

    fn name(&self, words: &[Word]) -> Option<String> {
        let mut phrase = String::new();
        for word in words {
            if word.spaced && !phrase.is_empty() {
                phrase.push(' ');
            }
            if word.quoted {
                let mut escaped = false;
                for c in self.text[word.start + 1..word.end - 1].chars() {
                    escaped = c == '\\' && !escaped;
                    if !escaped {
                        phrase.push(c);
                    }
                }
            } else {
                phrase.push_str(&self.text[word.start..word.end]);
            }
        }
        let name = text::decode_words(phrase.as_bytes());
        let name = name.trim();
        (!name.is_empty()).then(|| name.to_owned())
    }
}

fn is_atext(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b >= 0x80 || b"!#$%&'*+-/=?^_`{|}~".contains(&b)
}

fn is_control(b: u8) -> bool {
    (b < b' ' && b != b'\t') || b == 0x7f
}

#[cfg(test)]
mod tests;
