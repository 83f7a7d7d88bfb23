//! Ids, addresses, time and limits: the closed vocabulary that every other crate speaks.
//!
//! Knows: what an address, a telephone number, a domain, a certified identifier, an instant and a secret are; what it is to
//! be told something in Italian or English.
//! Must never know: mail formats, protocols, storage, clocks or randomness (both come in as arguments).
//! Entry points: [`Address`], [`Timestamp`], [`PecId`], [`Secret`], [`Said`].
//! Sources: RFC 5321 §4.1.2 (addresses), ITU-T E.164 (telephone numbers), RFC 6109 §2.2.1 (identifiers), §4.1–4.2 (time).
//! Invariants: addresses compare without case (`address::tests`); legal time follows Europe/Rome across
//! daylight-saving nights (`time::tests`); a secret never shows in `Debug` (`secret::tests`).
//!
//! This is a closed list: a helper that is not one of these ideas belongs to the crate that needs it.

mod address;
mod id;
mod lang;
pub mod limits;
mod phone;
mod said;
mod secret;
mod time;

pub use address::{Address, AddressError, Domain};
pub use id::{IdSource, MailboxId, MsgId, PecId, PersonId, TenantId, Uid, UnitId};
pub use lang::Lang;
pub use phone::{Phone, PhoneError};
pub use said::{Complaint, Said, Tell};
pub use secret::Secret;
pub use time::{LegalTime, Timestamp};
