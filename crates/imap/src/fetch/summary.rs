//! What FETCH tells of a message without its body, made once, when the message is stored.

use std::convert::Infallible;

use sigillo_mime::{Part, Source};

use crate::fetch::{Layout, Structure, preview, render};

/// The header section, the structure and the places of the parts: all that lists of folders ask for, and all that is
/// needed to find a section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The header section with its empty line; ENVELOPE is made from it.
    pub header: Vec<u8>,
    /// BODYSTRUCTURE and BODY.
    pub structure: Structure,
    /// Where the parts lie.
    pub layout: Layout,
    /// PREVIEW.
    pub preview: String,
    /// Message identifiers, in their angle brackets, that it shares with messages of the same conversation, beside those
    /// of its header. [`Summary::of`] knows none; who keeps the message may ([`Summary::with`]).
    pub kin: Vec<String>,
}

impl Summary {
    /// Changes when [`Summary::with`] makes something else of the same bytes: what an earlier release kept is made anew.
    pub const VERSION: u8 = 4;

    /// Of a whole message, knowing of no kin.
    pub fn of(message: &[u8]) -> Self {
        Self::with(message, |_, _| Ok(Vec::new()))
    }

    /// Of a whole message, with what `kin` finds in it and its parts.
    pub fn with<'m>(
        mut message: &'m [u8],
        kin: impl FnOnce(&mut &'m [u8], &Part) -> Result<Vec<String>, Infallible>,
    ) -> Self {
        let tree = render::tree(message);
        let Ok(summary) = Self::made(&mut message, &tree, kin);
        summary
    }

    /// Of a message that need not lie in memory: its header section does, and one of a part, and what comes out. `None`
    /// when the header section alone is larger than [`MAX_HEADER`](sigillo_base::limits::MAX_HEADER).
    ///
    /// # Errors
    /// Those of the source.
    pub fn read<S: Source>(
        source: &mut S,
        kin: impl FnOnce(&mut S, &Part) -> Result<Vec<String>, S::Error>,
    ) -> Result<Option<Self>, S::Error> {
        match sigillo_mime::parse_from(source)? {
            Ok(tree) => Self::made(source, &tree, kin).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn made<S: Source>(
        source: &mut S,
        tree: &Part,
        kin: impl FnOnce(&mut S, &Part) -> Result<Vec<String>, S::Error>,
    ) -> Result<Self, S::Error> {
        Ok(Self {
            header: source.read(tree.header.clone())?.into_owned(),
            structure: Structure::of(source, tree)?,
            layout: Layout::of(tree),
            preview: preview::of(source, tree)?,
            kin: kin(source, tree)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sigillo_mime::Windowed;

    proptest! {
        #[test]
        fn read_in_pieces_it_is_the_same(
            parts in prop::collection::vec("(--x|--y|--x--|--y  |--|Content-Type: (text/html|message/rfc822|multipart/mixed; boundary=[xy])|A: b|ciao|) ?\r?\n", 0..40),
            long in prop::sample::select(vec![0usize, 70_000, 300_000]),
            at in 0usize..40,
        ) {
            let mut parts = parts;
            parts.insert(at.min(parts.len()), format!("{}\r\n", "-".repeat(long)));
            parts.insert(at.min(parts.len()), format!("--x{}\r\n", " ".repeat(long)));
            let message = format!("Content-Type: multipart/mixed; boundary=x\r\n\r\n{}", parts.concat()).into_bytes();
            let mut source = Windowed::new(message.len(), |from, len| {
                Ok::<_, std::convert::Infallible>(message[from..from + len].to_vec())
            });
            let Ok(read) = Summary::read(&mut source, |_, _| Ok(Vec::new()));
            prop_assert_eq!(read, Some(Summary::of(&message)));
        }
    }

    #[test]
    fn a_header_without_end_has_none() {
        let message = "A: b\r\n".repeat(60_000).into_bytes();
        let Ok(read) = Summary::read(&mut &message[..], |_, _| Ok(Vec::new()));
        assert_eq!(read, None);
        assert_eq!(Summary::of(&message).header, message);
    }
}
