//! What FETCH tells of a message without its body, made once, when the message is stored.

use crate::fetch::{Structure, header, render};

/// The header section and the structure of a message: all that lists of folders ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The header section with its empty line; ENVELOPE is made from it.
    pub header: Vec<u8>,
    /// BODYSTRUCTURE and BODY.
    pub structure: Structure,
    /// Message identifiers, in their angle brackets, that it shares with messages of the same conversation, beside those
    /// of its header. [`Summary::of`] knows none: who keeps the message may.
    pub kin: Vec<String>,
}

impl Summary {
    /// Changes when [`Summary::of`] makes something else of the same bytes: what an earlier release kept is made anew.
    pub const VERSION: u8 = 2;

    /// Of a whole message.
    pub fn of(message: &[u8]) -> Self {
        let structure = Structure::of(message, &render::tree(message));
        Self { header: message[..header::end(message)].to_vec(), structure, kin: Vec::new() }
    }
}
