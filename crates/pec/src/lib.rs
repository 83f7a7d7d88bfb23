//! The certified-mail rules: checks, notices, envelopes, deadlines, provider index.
//!
//! Knows: what a certified message must be (RFC 6109 and the Italian technical rules behind it), every notice and
//! envelope, `daticert.xml`, the directory of providers, the 12 and 24 hour deadlines, the legal log: its lines, its
//! segment files, the rules it must satisfy.
//! Must never know: sockets, clocks, keys, storage. Time, identifiers, the provider's identity and the directory come
//! in as arguments; bytes to be signed go out and a signature comes back.
//!
//! Entry points, in the order a message meets them:
//! [`access::examine`] (may it enter?) → [`compose`] (acceptance, envelope) → [`Draft::sign`] → [`incoming::judge`]
//! (what did another provider send?) → [`compose::take_charge`], [`compose::delivery`] … → [`deadline::Watch`].
//! Apart from that way: [`inspect::inspect`] (is this stored message genuine, and what does it prove?).
//!
//! Sources: RFC 6109; RFC 3464 (notifications of ordinary mail); RFC 8551 and RFC 1847 (multipart/signed); RFC 2849 (LDIF); DM 2-11-2005; DPR 68/2005.
//!
//! Invariants, and the test of each:
//! - a notice cannot be sent unsigned: only [`Draft::seal`] makes a [`Signed`] (the types; `compose::tests`);
//! - the certified original is never re-serialised: a draft refers to ranges of it (`compose::tests`);
//! - a brief receipt keeps every byte outside the attachments (`compose::brief::tests`);
//! - what compose wraps, judge unwraps to the byte (`incoming::tests::round_trip`);
//! - the English of a notice says what the Italian says (`texts::notices::tests`);
//! - nothing that a user wrote, and no reply of a peer, becomes a header line, markup or an element (`compose::tests`,
//!   `certification::tests`);
//! - `daticert.xml` is byte-exact and reads back to the same value (`certification::tests`);
//! - judging foreign bytes never panics and only a listed, valid signature certifies (`incoming::tests`,
//!   `inspect::tests`);
//! - a line of the legal log reads back to the same record, a segment names its first break (`log::tests`), and every
//!   rule of consistency can be broken (`log::consistency::tests`);
//! - the second overdue notice is never due before 22 hours (`deadline::tests`).

pub mod access;
mod calendar;
mod certification;
pub mod compose;
pub mod deadline;
mod draft;
mod error;
pub mod incoming;
pub mod index;
pub mod inspect;
mod kin;
mod kind;
pub mod log;
mod model;
mod texts;

pub use certification::{Certification, CertifiedTime, Errore, Tipo};
pub use draft::{Draft, Signed};
pub use error::Error;
pub use kin::kin;
pub use kind::Kind;
pub use model::{Facts, Provider, ReceiptKind, Recipient, RecipientClass};

#[cfg(test)]
mod fixtures;
