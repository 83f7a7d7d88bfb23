//! What a reply says: words, texts and lists of them.

use super::reader::Piece;

/// Lists within lists.
const DEPTH: usize = 20;

/// A value of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// An atom: a number, a flag, a name.
    Word(Vec<u8>),
    /// A quoted string, or a literal.
    Text(Vec<u8>),
    /// A literal of so many octets that was not held.
    Dropped(u64),
    /// `NIL`
    Nil,
    /// A list.
    List(Vec<Self>),
}

impl Value {
    pub(super) fn list(self) -> Option<Vec<Self>> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    /// An atom.
    pub(super) fn word(self) -> Option<String> {
        match self {
            Self::Word(bytes) => String::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// An atom or a text.
    pub(super) fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Word(bytes) | Self::Text(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// The values of a reply; `None` when it is not made of such.
pub(super) fn read(pieces: Vec<Piece>) -> Option<Vec<Value>> {
    let mut lists: Vec<Vec<Value>> = vec![Vec::new()];
    for piece in pieces {
        match piece {
            Piece::Text(text) => line(&text, &mut lists)?,
            Piece::Literal(bytes) => lists.last_mut()?.push(Value::Text(bytes)),
            Piece::Dropped(octets) => lists.last_mut()?.push(Value::Dropped(octets)),
        }
    }
    let values = lists.pop()?;
    lists.is_empty().then_some(values)
}

fn line(text: &[u8], lists: &mut Vec<Vec<Value>>) -> Option<()> {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b' ' => at += 1,
            b'(' => {
                at += 1;
                lists.push(Vec::new());
                if lists.len() > DEPTH {
                    return None;
                }
            }
            b')' => {
                at += 1;
                let done = lists.pop()?;
                lists.last_mut()?.push(Value::List(done));
            }
            b'"' => {
                let (value, end) = quoted(text, at + 1)?;
                at = end;
                lists.last_mut()?.push(Value::Text(value));
            }
            _ => {
                let end = text[at..].iter().position(|b| b" ()\"".contains(b)).map_or(text.len(), |n| at + n);
                let word = &text[at..end];
                let value = if word.eq_ignore_ascii_case(b"NIL") { Value::Nil } else { Value::Word(word.to_vec()) };
                lists.last_mut()?.push(value);
                at = end;
            }
        }
    }
    Some(())
}

/// A quoted string from behind its opening mark, and where the rest begins.
fn quoted(text: &[u8], mut at: usize) -> Option<(Vec<u8>, usize)> {
    let mut value = Vec::new();
    loop {
        match text.get(at)? {
            b'"' => return Some((value, at + 1)),
            b'\\' => {
                value.push(*text.get(at + 1)?);
                at += 2;
            }
            byte => {
                value.push(*byte);
                at += 1;
            }
        }
    }
}
