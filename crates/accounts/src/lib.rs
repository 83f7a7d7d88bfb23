//! Who may use a provider, and how much: mailboxes, passwords, profiles, rate windows; and who administrates it, for whom.
//!
//! Knows: what a mailbox, a profile, a password hash and a rate window are, and their rules.
//! Must never know: protocols, message formats, how rows are kept.
//! Entry points: [`Mailbox`], [`Credential`], [`Profile`], [`Usage`]; [`Tenant`], [`Person`], [`Role`]; [`Request`], [`Operation`], [`Plan`]; [`BookEntry`].
//! Sources: BOX-01 … BOX-06 (profiles), BOX-08, XCT-07 (credentials), BOX-09 (overruns), RFC 9106 (argon2),
//! WEB-09, WEB-10 (units, roles), SEC-05, SEC-06 (isolation, persons).
//! Invariants: a window never admits more than its limit, whatever the clock does (`usage::tests`); a wrong password
//! is never taken (`password::tests`); no grant reaches into another administration (`role::tests`).

mod book;
mod contact;
mod credential;
mod mailbox;
mod notice;
mod operation;
mod password;
mod person;
mod plan;
mod policy;
mod profile;
mod role;
mod seal;
mod tenant;
mod totp;
mod usage;

pub use book::{BookChange, BookEntry, differences};
pub use contact::Contact;
pub use credential::{BadName, Credential, CredentialName, Kind, LoginName, Rights, Scram, Verifier};
pub use mailbox::{Block, Cancelled, Gone, Inactive, Mailbox, OrdinaryMail, State};
pub use notice::{Channel, Concern, NoticeKind};
pub use operation::{Done, Executed, Operation, Request, Way};
pub use password::{PasswordError, PasswordHash};
pub use person::{AT_SOCKET, BadPerson, ISSUED, Person, PersonName, STRANGER, Token, is_reserved, system_user};
pub use plan::{Plan, Quantities};
pub use policy::{PasswordPolicy, Unfit};
pub use profile::{BadProfile, Choice, Custom, Limits, Profile, Profiles, UnknownProfile};
pub use role::{Act, Grant, Role, Scope, Target};
pub use seal::{Seal, Sealed};
pub use tenant::{Tenant, Unit};
pub use totp::{SEED, Seed};
pub use usage::{Ended, Exceeded, Standing, Usage, Window};
