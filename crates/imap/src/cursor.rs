//! Reading the text of a command (RFC 3501 §9).

use crate::enabled::Enabled;
use crate::{Code, Flags, Refusal, SequenceSet, System, utf7};

/// Why a command is not carried out before anything was asked of the folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// `BAD`: the command is not one.
    Bad(&'static str),
    /// `NO`: understood, and refused.
    No(Refusal),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::No(refusal)
    }
}

/// Result of reading.
pub type Read<T> = Result<T, Problem>;

/// A place in a command. Literals are found inline, as the framer left them.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    on: Enabled,
}

/// Octets of one keyword, beyond which it is refused.
const MAX_KEYWORD: usize = 255;
/// Octets of a folder's name.
const MAX_NAME: usize = 512;

impl<'a> Cursor<'a> {
    /// At the beginning, of somebody who switched nothing on.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self::of(bytes, Enabled::NOTHING)
    }

    /// The same of somebody who switched this on.
    pub const fn of(bytes: &'a [u8], on: Enabled) -> Self {
        Self { bytes, at: 0, on }
    }

    /// What is switched on.
    pub const fn on(&self) -> Enabled {
        self.on
    }

    /// What was just read, or comes next, is of this capability: where that is switched off, there is no such thing.
    pub fn needs(&self, capability: &str) -> Read<()> {
        let off = self.on.without.holds(capability);
        if off { Err(Problem::Bad("Unknown command or argument")) } else { Ok(()) }
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// The next octet, not consumed.
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Consumes this octet if it is next.
    pub fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    /// Consumes this text, in any case, if it is next.
    pub fn eat_text(&mut self, text: &str) -> bool {
        let there = self.rest().get(..text.len()).is_some_and(|t| t.eq_ignore_ascii_case(text.as_bytes()));
        self.at += if there { text.len() } else { 0 };
        there
    }

    /// This octet must be next.
    pub fn need(&mut self, byte: u8, what: &'static str) -> Read<()> {
        if self.eat(byte) { Ok(()) } else { Err(Problem::Bad(what)) }
    }

    /// One blank.
    pub fn space(&mut self) -> Read<()> {
        self.need(b' ', "Missing space or argument")
    }

    /// Nothing may be left.
    pub fn end(&self) -> Read<()> {
        if self.rest().is_empty() { Ok(()) } else { Err(Problem::Bad("Too many arguments")) }
    }

    /// The octets up to the first that is not of the kind.
    pub fn while_(&mut self, kind: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let n = rest.iter().position(|b| !kind(*b)).unwrap_or(rest.len());
        self.at += n;
        &rest[..n]
    }

    /// An atom, in upper case: commands, keys, item names.
    pub fn word(&mut self) -> Read<String> {
        let word = self.while_(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'=' | b'+' | b'_'));
        if word.is_empty() { Err(Problem::Bad("Missing keyword")) } else { Ok(ascii(word).to_ascii_uppercase()) }
    }

    /// An atom as written.
    pub fn atom(&mut self) -> Read<&'a str> {
        let atom = self.while_(is_atom);
        if atom.is_empty() { Err(Problem::Bad("Missing atom")) } else { Ok(ascii(atom)) }
    }

    /// An atom, quoted string or literal.
    pub fn astring(&mut self) -> Read<Vec<u8>> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(),
            _ => {
                let atom = self.while_(|b| is_atom(b) || b == b']');
                if atom.is_empty() { Err(Problem::Bad("Missing argument")) } else { Ok(atom.to_vec()) }
            }
        }
    }

    /// The same as UTF-8 text.
    pub fn text(&mut self) -> Read<String> {
        String::from_utf8(self.astring()?).map_err(|_| Problem::Bad("Not UTF-8"))
    }

    /// A quoted string or literal. Between quotes all text is UTF-8 (RFC 6855 §3).
    pub fn string(&mut self) -> Read<Vec<u8>> {
        if self.peek() == Some(b'{') {
            let bytes = self.literal()?;
            return if bytes.contains(&0) { Err(Problem::Bad("NUL in literal")) } else { Ok(bytes.to_vec()) };
        }
        self.need(b'"', "Missing string")?;
        let mut out = Vec::new();
        loop {
            let byte = self.peek().ok_or(Problem::Bad("Unfinished quoted string"))?;
            self.at += 1;
            match byte {
                b'"' if std::str::from_utf8(&out).is_err() => return Err(Problem::Bad("Not UTF-8")),
                b'"' => return Ok(out),
                b'\\' => match self.peek() {
                    Some(escaped @ (b'"' | b'\\')) => {
                        self.at += 1;
                        out.push(escaped);
                    }
                    _ => return Err(Problem::Bad("Wrong escape in quoted string")),
                },
                b'\r' | b'\n' => return Err(Problem::Bad("Unfinished quoted string")),
                other => out.push(other),
            }
        }
    }

    /// The octets of a literal.
    fn literal(&mut self) -> Read<&'a [u8]> {
        self.need(b'{', "Missing literal")?;
        let size = self.number()? as usize;
        let _ = self.eat(b'+');
        if !self.eat_text("}\r\n") {
            return Err(Problem::Bad("Malformed literal"));
        }
        let bytes = self.rest().get(..size).ok_or(Problem::Bad("Malformed literal"))?;
        self.at += size;
        Ok(bytes)
    }

    /// A string, a literal8, or NIL (RFC 5464 §5, `value`). A literal8 may hold NUL (RFC 3516 §4.4).
    pub fn value(&mut self) -> Read<Option<Vec<u8>>> {
        if self.eat(b'~') { self.literal().map(|bytes| Some(bytes.to_vec())) } else { self.nstring() }
    }

    /// A string or NIL.
    pub fn nstring(&mut self) -> Read<Option<Vec<u8>>> {
        if self.eat_text("NIL") { Ok(None) } else { self.string().map(Some) }
    }

    /// A 32-bit number.
    pub fn number(&mut self) -> Read<u32> {
        let digits = self.while_(|b| b.is_ascii_digit());
        ascii(digits).parse().map_err(|_| Problem::Bad("Wrong number"))
    }

    /// A number of 63 bits (RFC 9051 §9).
    pub fn number64(&mut self) -> Read<u64> {
        let digits = self.while_(|b| b.is_ascii_digit());
        let number = ascii(digits).parse().ok().filter(|n| i64::try_from(*n).is_ok());
        number.ok_or(Problem::Bad("Wrong number"))
    }

    /// Passes over what is left.
    pub fn skip(&mut self) {
        self.at = self.bytes.len();
    }

    /// A sequence set.
    pub fn set(&mut self) -> Read<SequenceSet> {
        let text = self.while_(|b| b.is_ascii_digit() || matches!(b, b'*' | b':' | b',' | b'$'));
        let set = SequenceSet::parse(text).ok_or(Problem::Bad("Wrong message set"))?;
        if set.names_saved() {
            self.needs("SEARCHRES")?;
        }
        Ok(set)
    }

    /// One number, or `*` (`seq-number`).
    pub fn one(&mut self) -> Read<SequenceSet> {
        let text = self.while_(|b| b.is_ascii_digit() || b == b'*');
        SequenceSet::parse(text).ok_or(Problem::Bad("Wrong message number"))
    }

    /// A set of numbers alone, without `*` and `$`.
    pub fn numbers(&mut self) -> Read<SequenceSet> {
        let text = self.while_(|b| b.is_ascii_digit() || matches!(b, b':' | b','));
        SequenceSet::parse(text).ok_or(Problem::Bad("Wrong set of numbers"))
    }

    /// Words between blanks up to the closing parenthesis, behind the opening one; what follows a word is read by who takes
    /// it.
    pub fn words(&mut self, mut take: impl FnMut(&mut Self, &str) -> Read<()>) -> Read<()> {
        if self.eat(b')') {
            return Ok(());
        }
        loop {
            let word = self.word()?;
            take(self, &word)?;
            if self.eat(b')') {
                return Ok(());
            }
            self.space()?;
        }
    }

    /// A folder's name, decoded; INBOX in upper case, and no delimiter at the end.
    pub fn mailbox(&mut self) -> Read<String> {
        let wire = self.astring()?;
        let name = self.name(&wire).filter(|n| n.len() <= MAX_NAME);
        let name = name.ok_or_else(|| Refusal::new(Code::Cannot, "Nome di cartella non valido"))?;
        Ok(inbox(name.strip_suffix(crate::DELIMITER).unwrap_or(&name)))
    }

    /// A pattern of LIST, decoded.
    pub fn pattern(&mut self) -> Read<String> {
        let quoted = matches!(self.peek(), Some(b'"' | b'{'));
        let wire = match self.peek() {
            Some(_) if quoted => self.string()?,
            _ => self.while_(|b| is_atom(b) || matches!(b, b']' | b'%' | b'*')).to_vec(),
        };
        if wire.is_empty() && !quoted {
            return Err(Problem::Bad("Missing argument"));
        }
        // A pattern may cut an encoded name; what cannot be decoded matches as it is.
        Ok(self.name(&wire).unwrap_or_else(|| String::from_utf8_lossy(&wire).into_owned()))
    }

    /// A name from the wire: modified UTF-7, unless UTF-8 is switched on, or is used as it may be without
    /// (RFC 6855 §3).
    fn name(&self, wire: &[u8]) -> Option<String> {
        if self.on.takes_utf8() || !wire.is_ascii() {
            std::str::from_utf8(wire).ok().map(str::to_owned)
        } else {
            utf7::decode(wire)
        }
    }

    /// Flags in parentheses. `\Recent` is none that a client names (RFC 3501 §9, `flag`).
    pub fn flag_list(&mut self) -> Read<Flags> {
        self.need(b'(', "Missing flag list")?;
        let mut flags = Flags::new();
        if self.eat(b')') {
            return Ok(flags);
        }
        loop {
            self.flag(&mut flags)?;
            if self.eat(b')') {
                return Ok(flags);
            }
            self.space()?;
        }
    }

    /// One flag.
    pub fn flag(&mut self, flags: &mut Flags) -> Read<()> {
        if self.eat(b'\\') {
            let name = format!("\\{}", self.atom()?);
            match System::parse(&name) {
                Some(flag) => flags.insert(flag),
                None => return Err(Problem::Bad("Unknown system flag")),
            }
            return Ok(());
        }
        let keyword = self.atom()?;
        flags.insert_keyword(keyword);
        if keyword.len() > MAX_KEYWORD || flags.is_too_much() {
            return Err(Refusal::new(Code::Limit, "Troppe etichette, o troppo lunghe").into());
        }
        Ok(())
    }
}

/// INBOX is the same in any case, also as the first level of a name (RFC 3501 §5.1).
pub fn inbox(name: &str) -> String {
    let (first, rest) = name.split_at(name.find(crate::DELIMITER).unwrap_or(name.len()));
    if first.eq_ignore_ascii_case("INBOX") { format!("INBOX{rest}") } else { name.to_owned() }
}

/// ATOM-CHAR.
pub const fn is_atom(b: u8) -> bool {
    b > b' ' && b < 0x7f && !matches!(b, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}

/// Text of octets already seen to be ASCII.
fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_in_their_forms() {
        let mut c = Cursor::new(b"a]b \"q \\\"\\\\\" {3}\r\nx\"y {2+}\r\nzz NIL \"\\x\"");
        assert_eq!(c.astring().unwrap(), b"a]b");
        c.space().unwrap();
        assert_eq!(c.astring().unwrap(), b"q \"\\");
        c.space().unwrap();
        assert_eq!(c.astring().unwrap(), b"x\"y");
        c.space().unwrap();
        assert_eq!(c.astring().unwrap(), b"zz");
        c.space().unwrap();
        assert_eq!(c.nstring().unwrap(), None);
        c.space().unwrap();
        assert!(c.string().is_err());
    }

    #[test]
    fn names_and_flags() {
        for (wire, name) in [("inbox", "INBOX"), ("\"inBox/A b/\"", "INBOX/A b"), ("Perch&AOk-", "Perché")] {
            assert_eq!(Cursor::new(wire.as_bytes()).mailbox().unwrap(), name);
        }
        assert!(matches!(Cursor::new(b"&bad").mailbox(), Err(Problem::No(r)) if r.code == Some(Code::Cannot)));
        let utf8 = Enabled { utf8: true, ..Enabled::default() };
        for (wire, name) in [("\"Perché\"", "Perché"), ("Perch&AOk-", "Perch&AOk-"), ("{7}\r\nPerché", "Perché")] {
            assert_eq!(Cursor::of(wire.as_bytes(), utf8).mailbox().unwrap(), name);
        }
        assert_eq!(Cursor::new("\"Perché\"".as_bytes()).mailbox().unwrap(), "Perché", "before it is switched on");
        assert!(matches!(Cursor::of(b"\"\xe9\"", utf8).mailbox(), Err(Problem::Bad(_))));
        assert!(matches!(Cursor::of(b"{1}\r\n\xe9", utf8).mailbox(), Err(Problem::No(_))));
        let flags = Cursor::new(b"(\\seen work)").flag_list().unwrap();
        assert_eq!(flags.to_string(), "\\Seen work");
        assert!(Cursor::new(b"(\\Foo)").flag_list().is_err());
        assert!(Cursor::new(b"(\\Seen \\recent)").flag_list().is_err());
        assert!(Cursor::new(b"(a  b)").flag_list().is_err());
    }
}
