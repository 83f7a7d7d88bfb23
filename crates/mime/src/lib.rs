//! Messages as bytes: parsed to offsets, built byte-exact, never re-serialised.
//!
//! Knows: header fields, address lists, content types, the tree of parts, encodings, and how to write each of them.
//! Must never know: sockets, clocks, keys, certified mail. It repairs nothing and copies nothing it was not asked for.
//! Entry points: [`Header::parse`] (strict, for checks), [`parse`] (the tree, for any message; [`parse_outer`] without
//! what enclosed messages hold; [`parse_from`] reads a [`Source`], which need not lie in memory), [`Composed`] (a new message around ranges of an old one), [`mod@write`] (the bytes in
//! between).
//! RFCs: 5322 (header, addresses), 2045–2047 and 2231 (MIME), 6532 only in that 8-bit names are let through.
//! Invariants, each with its test:
//! - only CRLF ends a header line, and a fault names its line (`header::tests`);
//! - whatever a peer sends, work is linear, depth and parts are bounded, nothing panics (`tests/hostile.rs`);
//! - what an encoded word or parameter decodes to never holds a control character, so that it cannot inject a line
//!   (`text::tests`, `content::tests`);
//! - parts lie inside their parents, in order, without overlap; a well-formed message has the parts that mail-parser
//!   sees (`tests/oracle.rs`);
//! - what is written reads back as it was meant, in 7 bits and short lines (`write::tests`).

mod address;
mod compose;
mod content;
mod decode;
mod error;
mod header;
mod part;
mod source;
mod text;
mod tree;
pub mod write;

pub use address::{Mailbox, parse_address_list};
pub use compose::{Composed, Piece};
pub use content::{ContentType, Disposition, Encoding};
pub use decode::Decoder;
pub use error::{Error, HeaderFault, ListFault};
pub use header::{Field, Header};
pub use part::Part;
pub use source::{Source, Windowed};
pub use text::decode_words;
pub use tree::{parse, parse_from, parse_outer};
