//! What FETCH asks of a message, and what the message answers.

pub mod address;
mod binary;
mod envelope;
pub mod header;
mod layout;
mod params;
mod preview;
pub mod render;
mod section;
mod structure;
mod summary;

pub use layout::Layout;
pub use section::find;
pub use structure::Structure;
pub use summary::Summary;

/// One thing FETCH can ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchItem {
    /// `UID`
    Uid,
    /// `FLAGS`
    Flags,
    /// `INTERNALDATE`
    InternalDate,
    /// `RFC822.SIZE`
    Size,
    /// `MODSEQ`
    ModSeq,
    /// `EMAILID`
    EmailId,
    /// `THREADID`: nobody keeps threads here.
    ThreadId,
    /// `SAVEDATE`
    SaveDate,
    /// `ENVELOPE`
    Envelope,
    /// `BODY`: the structure without extension data.
    Body,
    /// `BODYSTRUCTURE`
    BodyStructure,
    /// `RFC822`
    Rfc822,
    /// `RFC822.HEADER`
    Rfc822Header,
    /// `RFC822.TEXT`
    Rfc822Text,
    /// `BODY[…]<…>` and `BODY.PEEK[…]<…>`
    Section {
        /// What lies between the brackets.
        section: Section,
        /// First octet and the greatest number of octets.
        partial: Option<(u64, u64)>,
        /// `.PEEK`: does not set `\Seen`.
        peek: bool,
    },
    /// `BINARY[…]<…>` and `BINARY.PEEK[…]<…>` (RFC 3516)
    Binary {
        /// Part numbers from the outside in; empty is the message itself.
        part: Vec<u32>,
        /// First octet and the greatest number of octets, decoded.
        partial: Option<(u64, u64)>,
        /// `.PEEK`: does not set `\Seen`.
        peek: bool,
    },
    /// `BINARY.SIZE[…]`
    BinarySize {
        /// Part numbers.
        part: Vec<u32>,
    },
    /// `PREVIEW`, `LAZY` or not: it is made with the summary (RFC 8970).
    Preview,
}

/// What lies between the brackets of `BODY[…]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// Part numbers from the outside in; empty is the message itself.
    pub part: Vec<u32>,
    /// What of the part.
    pub text: SectionText,
}

/// What of a part or message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SectionText {
    /// All of it.
    #[default]
    All,
    /// `HEADER`
    Header,
    /// `HEADER.FIELDS (…)`
    Fields(Vec<String>),
    /// `HEADER.FIELDS.NOT (…)`
    FieldsNot(Vec<String>),
    /// `TEXT`
    Text,
    /// `MIME`
    Mime,
}

/// What an answer is made from: the dearer the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reads {
    /// The message's row alone.
    Row,
    /// Its [`Summary`].
    Summary,
    /// Its bytes, as far as they are asked for.
    Message,
}

impl FetchItem {
    /// What it is answered from.
    pub const fn reads(&self) -> Reads {
        match self {
            Self::Uid | Self::Flags | Self::InternalDate | Self::Size => Reads::Row,
            Self::ModSeq | Self::EmailId | Self::ThreadId | Self::SaveDate => Reads::Row,
            Self::Envelope | Self::Body | Self::BodyStructure | Self::Rfc822Header | Self::Preview => Reads::Summary,
            Self::Section { section, .. } if section.part.is_empty() => match section.text {
                SectionText::Header | SectionText::Fields(_) | SectionText::FieldsNot(_) => Reads::Summary,
                _ => Reads::Message,
            },
            Self::Section { .. } | Self::Binary { .. } | Self::BinarySize { .. } => Reads::Message,
            Self::Rfc822 | Self::Rfc822Text => Reads::Message,
        }
    }

    /// Whether fetching it means the message was read (`\Seen`).
    pub const fn marks_seen(&self) -> bool {
        matches!(self, Self::Rfc822 | Self::Rfc822Text)
            || matches!(self, Self::Section { peek: false, .. } | Self::Binary { peek: false, .. })
    }
}

#[cfg(test)]
mod tests;
