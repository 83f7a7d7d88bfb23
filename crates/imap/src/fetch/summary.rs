//! What FETCH tells of a message without its body, made once, when the message is stored.

use crate::fetch::{Layout, Structure, header, preview, render};

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
    /// of its header. [`Summary::of`] knows none: who keeps the message may.
    pub kin: Vec<String>,
}

impl Summary {
    /// Changes when [`Summary::of`] makes something else of the same bytes: what an earlier release kept is made anew.
    pub const VERSION: u8 = 3;

    /// Of a whole message.
    pub fn of(message: &[u8]) -> Self {
        let tree = render::tree(message);
        Self {
            header: message[..header::end(message)].to_vec(),
            structure: Structure::of(message, &tree),
            layout: Layout::of(&tree),
            preview: preview::of(message, &tree),
            kin: Vec::new(),
        }
    }
}
