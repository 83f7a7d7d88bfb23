//! Replies: what a server answers, in both directions.

use std::fmt;

use sigillo_wire::{Lines, ascii};

/// What is wrong with a reply that a server sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not `ddd text`, or the lines of one reply do not carry the same code (RFC 5321 §4.2).
    #[error("risposta SMTP malformata")]
    Syntax,
    /// More lines or octets than any honest reply has.
    #[error("risposta SMTP troppo lunga")]
    TooLong,
}

/// One reply: a code, an enhanced code where RFC 2034 allows one, and one or more lines of text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The three digits, 200 to 599.
    pub code: u16,
    /// The enhanced status code (RFC 3463). A detail over 255, as some providers invent, stays in the text.
    pub enhanced: Option<(u8, u8, u8)>,
    /// The lines, without codes; never empty in a parsed reply.
    pub text: Vec<String>,
}

/// RFC 5321 §4.5.3.1.5 allows 512 octets with codes and CRLF; this is the text's share.
const MAX_TEXT: usize = 480;

impl Reply {
    /// A reply with an enhanced code. Lines of `text` are separated by `\n`.
    pub fn new(code: u16, enhanced: (u8, u8, u8), text: impl Into<String>) -> Self {
        Self { enhanced: Some(enhanced), ..Self::bare(code, text) }
    }

    /// A reply without enhanced code: the greeting, answers to EHLO and HELO, and 3xx (RFC 2034 §3).
    pub fn bare(code: u16, text: impl Into<String>) -> Self {
        Self { code, enhanced: None, text: text.into().split('\n').map(str::to_owned).collect() }
    }

    /// 2xx.
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// 4xx: may be tried again.
    pub fn is_temporary(&self) -> bool {
        self.code / 100 == 4
    }

    /// 5xx: must not be tried again as it is.
    pub fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// The bytes on the wire, in ASCII, lines within the limit; nothing in the text can end a line early.
    pub fn encode(&self) -> Vec<u8> {
        // Replies are ASCII without SMTPUTF8 (RFC 6531 §3.7.4.2).
        let mut lines: Vec<String> = self.text.iter().flat_map(|t| cut(&ascii(t))).collect();
        if lines.is_empty() {
            lines.push(String::new());
        }
        let last = lines.len() - 1;
        let mut out = Vec::new();
        for (i, line) in lines.iter().enumerate() {
            let mut text = format!("{:03}{}", self.code, if i == last { ' ' } else { '-' });
            if let Some((class, subject, detail)) = self.enhanced {
                text.push_str(&format!("{class}.{subject}.{detail} "));
            }
            text.push_str(line);
            out.extend_from_slice(text.trim_end().as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    /// Reads one whole reply as a server sent it, with its CRLFs; nothing may follow.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new();
        reader.push(bytes);
        match reader.next_reply() {
            Some(Ok(reply)) if reader.held().is_empty() => Ok(reply),
            Some(Err(e)) => Err(e),
            _ => Err(Error::Syntax),
        }
    }
}

impl fmt::Display for Reply {
    /// On one line, for logs and notices: `550 5.1.1 no such user`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.code)?;
        if let Some((class, subject, detail)) = self.enhanced {
            write!(f, " {class}.{subject}.{detail}")?;
        }
        for line in self.text.iter().filter(|l| !l.is_empty()) {
            write!(f, " {line}")?;
        }
        Ok(())
    }
}

/// Cuts an ASCII text into lines of at most `MAX_TEXT` octets, at a blank where there is one.
fn cut(mut text: &str) -> Vec<String> {
    let mut out = Vec::new();
    while text.len() > MAX_TEXT {
        let at = text[..MAX_TEXT].rfind(' ').filter(|&i| i > 0).unwrap_or(MAX_TEXT);
        out.push(text[..at].to_owned());
        text = text[at..].trim_start();
    }
    out.push(text.to_owned());
    out
}

/// Collects lines into replies, within limits.
#[derive(Debug)]
pub(crate) struct Reader {
    lines: Lines,
    partial: Option<Reply>,
    octets: usize,
}

const MAX_REPLY_LINE: usize = 4 * 1024;
const MAX_REPLY_LINES: usize = 256;
const MAX_REPLY: usize = 64 * 1024;

impl Reader {
    pub(crate) fn new() -> Self {
        Self { lines: Lines::new(MAX_REPLY_LINE), partial: None, octets: 0 }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.lines.push(bytes);
    }

    /// The bytes not yet read into a reply.
    pub(crate) fn held(&self) -> &[u8] {
        self.lines.held()
    }

    /// Whether nothing of a further reply has come.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.held().is_empty() && self.partial.is_none()
    }

    /// The next whole reply. After an error the stream is out of step: the connection must be given up.
    pub(crate) fn next_reply(&mut self) -> Option<Result<Reply, Error>> {
        loop {
            let line = match self.lines.next_line()? {
                Ok(line) => line,
                Err(sigillo_wire::LineError::TooLong) => return Some(Err(Error::TooLong)),
                Err(sigillo_wire::LineError::Stray) => return Some(Err(Error::Syntax)),
            };
            self.octets += line.len();
            let Some((code, last, text)) = split(&line) else { return Some(Err(Error::Syntax)) };
            let reply = self.partial.get_or_insert_with(|| Reply { code, enhanced: None, text: Vec::new() });
            if reply.code != code {
                return Some(Err(Error::Syntax));
            }
            if reply.text.len() >= MAX_REPLY_LINES || self.octets > MAX_REPLY {
                return Some(Err(Error::TooLong));
            }
            add(reply, text);
            if last {
                self.octets = 0;
                return self.partial.take().map(Ok);
            }
        }
    }
}

/// Code, whether it is the reply's last line, and the text made printable.
fn split(line: &[u8]) -> Option<(u16, bool, String)> {
    let digits = line.get(..3).filter(|d| d.iter().all(u8::is_ascii_digit))?;
    let code = digits.iter().fold(0, |n, d| n * 10 + u16::from(d - b'0'));
    let last = match line.get(3) {
        None | Some(b' ') => true,
        Some(b'-') => false,
        Some(_) => return None,
    };
    let text = String::from_utf8_lossy(line.get(4..).unwrap_or_default()).chars().map(shown).collect();
    (200..600).contains(&code).then_some((code, last, text))
}

/// What another server says goes into logs and notices: nothing in it may end a line, turn the writing round or hide.
fn shown(c: char) -> char {
    match c {
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => ' ',
        c if c.is_control() => ' ',
        c => c,
    }
}

/// Adds a line; the enhanced code is that of the first line, and is cut off wherever it is repeated.
fn add(reply: &mut Reply, text: String) {
    let found = enhanced(&text).filter(|(code, _)| u16::from(code.0) == reply.code / 100);
    match found {
        Some((code, rest)) if reply.text.is_empty() || reply.enhanced == Some(code) => {
            reply.enhanced = Some(code);
            reply.text.push(rest.to_owned());
        }
        _ => reply.text.push(text),
    }
}

/// `5.1.1 rest`
fn enhanced(text: &str) -> Option<((u8, u8, u8), &str)> {
    let (head, rest) = text.split_once(' ').unwrap_or((text, ""));
    let number = |p: Option<&str>| p.filter(|p| p.bytes().all(|b| b.is_ascii_digit()))?.parse::<u8>().ok();
    let mut parts = head.split('.');
    let code = (number(parts.next())?, number(parts.next())?, number(parts.next())?);
    (parts.next().is_none() && matches!(code.0, 2 | 4 | 5)).then_some((code, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn written_and_read_back() {
        let reply = Reply::new(250, (2, 1, 5), "uno\ndue");
        assert_eq!(reply.encode(), b"250-2.1.5 uno\r\n250 2.1.5 due\r\n");
        assert_eq!(Reply::parse(&reply.encode()).unwrap(), reply);
        assert_eq!(reply.to_string(), "250 2.1.5 uno due");
        assert_eq!(Reply::parse(b"354\r\n").unwrap(), Reply::bare(354, ""));
        let foreign = Reply::parse(b"550 5.7.509 Access denied\r\n").unwrap();
        assert_eq!((foreign.enhanced, foreign.to_string().as_str()), (None, "550 5.7.509 Access denied"));
        assert_eq!(Reply::parse(b"250 5.0.0 odd\r\n").unwrap().enhanced, None, "class and code must agree");
    }

    #[test]
    fn nothing_in_a_text_ends_the_line() {
        let wire = Reply::new(550, (5, 1, 1), "x\r\r250 ok\0 perché è già tardi €").encode();
        assert_eq!(wire, b"550 5.1.1 x  250 ok  perche' e' gia' tardi ?\r\n");
        let long = Reply::new(550, (5, 1, 1), "parola ".repeat(200)).encode();
        assert!(long.split(|b| *b == b'\n').all(|l| l.len() <= 512));
        assert!(Reply::parse(&long).unwrap().text.len() > 2);
    }

    #[test]
    fn what_is_no_reply() {
        for bad in
            ["", "250 ok", "25 ok\r\n", "250ok\r\n", "999 x\r\n", "199 x\r\n", "250-a\r\n251 b\r\n", "250 a\nb\r\n"]
        {
            assert_eq!(Reply::parse(bad.as_bytes()), Err(Error::Syntax), "{bad:?}");
        }
        let endless = "250-x\r\n".repeat(MAX_REPLY_LINES + 1);
        assert_eq!(Reply::parse(endless.as_bytes()), Err(Error::TooLong));
        let wide = format!("250-{}\r\n", "x".repeat(1000));
        assert_eq!(Reply::parse(wide.repeat(MAX_REPLY / 1000 + 1).as_bytes()), Err(Error::TooLong));
        let mut reader = Reader::new();
        reader.push(wide.replace('-', " ").repeat(200).as_bytes());
        assert_eq!(std::iter::from_fn(|| reader.next_reply()).filter(Result::is_ok).count(), 200, "each counts alone");
        assert_eq!(Reply::parse(&[vec![b'2'; 1 << 20], b"\r\n".to_vec()].concat()), Err(Error::TooLong));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(reply) = Reply::parse(&bytes) {
                prop_assert!(Reply::parse(&reply.encode()).is_ok());
            }
        }

        #[test]
        fn reads_what_it_writes(code in 200u16..600, text in "[a-z ]{0,600}") {
            let reply = Reply::bare(code, text);
            let again = Reply::parse(&reply.encode()).unwrap();
            prop_assert_eq!(again.code, code);
        }
    }
}
