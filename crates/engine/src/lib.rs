//! The use-cases: what happens to a message from submission to delivery, told over ports.
//!
//! Knows: accounts, rules, rows; which facts belong into one commit; when a peer may hear "250".
//! Must never know: tokio, sockets, the wall clock, which store or which key stands behind a port.
//! Entry points: [`Engine`] (its methods are the use-cases) and [`front`] (connections over them).
//! Sources: RFC 6109 §§2–3; DM 2-11-2005; architecture, "The way of a message".
//! Invariants:
//! - nobody hears "250" before one durable commit holds all that the answer says (`tests/e2e`: fdatasync before 250);
//! - a receipt says "consegnato" only in the commit that puts the message into the mailbox (`deliver.rs`, `tests/world`);
//! - every accepted recipient ends in exactly one outcome, through crashes and lost answers (`tests/world`, `tests/e2e`);
//! - every line of the legal log stands once in one chain, whatever fails (`tests/exchange/log_faults.rs`);
//! - the same bytes handed over twice are stored once (`tests/exchange`).

mod accepting;
mod accesses;
mod address_book;
mod annotations;
mod antivirus;
mod batch;
mod census;
mod certificates;
mod changes;
pub mod check;
mod claims;
mod concern;
mod contacts;
mod credentials;
mod damaged;
mod deadlines;
mod deeds;
mod deliver;
mod directory;
mod dkim;
mod domains;
mod elsewhere;
mod error;
mod expiry;
mod factors;
mod failed;
mod filing;
mod folder;
mod folders;
pub mod front;
mod fronts;
mod grants;
mod guard;
mod hashes;
mod idle;
mod keepers;
mod leases;
mod ledger;
mod lists;
mod login_error;
mod looks;
pub mod meter;
pub mod migrate;
mod notices;
mod once;
mod operations;
mod own_mail;
mod passwords;
mod persons;
mod places;
mod plans;
mod profiles;
mod proofs;
mod purge;
mod quarantine;
mod queue;
mod rates;
mod readings;
mod receive;
mod refusals;
mod resets;
mod roles;
mod rows;
mod screening;
mod seals;
mod setup;
mod spool;
mod stored;
mod sts_policies;
mod submit;
mod subscriptions;
mod summary;
mod tenants;
mod text_index;
mod tls_results;
mod track;
mod trail;
mod trial;
mod turns;
mod unlocks;
mod watches;

pub use accepting::Obstacle;
pub use accesses::{Access, AccessPage};
pub use address_book::MOST_ENTRIES;
pub use antivirus::{Antivirus, Unavailable, Verdict};
pub use batch::{Batch, Entry};
pub use census::{Census, Tally};
pub use certificates::OwnCertificate;
pub use changes::Change;
pub use claims::{NoAnswer, Tokens};
pub use concern::{Asked, Subject};
pub use credentials::{Credentialed, Login, Proven, verifier};
pub use dkim::Dkim;
pub use domains::DomainPolicy;
pub use elsewhere::Passwords;
pub use error::{Error, Rejected};
pub use expiry::{Expired, Kept};
pub use factors::Enrolment;
pub use folders::renumber_folders;
pub use front::{Arrived, Peer, Wish, Wishes};
pub use grants::Grant;
pub use guard::{Lockout, Origin};
pub use hashes::HashGiven;
pub use leases::LEASE;
pub use ledger::{Audit, LegalLog, LogSegment, Logged, Place};
pub use lists::{List, NewList};
pub use login_error::LoginError;
pub use meter::{Fact, Meter};
pub use notices::{Notice, Outgoing, Told};
pub use once::{ONCE_KEPT, ONCE_MOST, Once};
pub use operations::OperationId;
pub use own_mail::OwnMail;
pub use persons::{FIRST_TOKEN, NewPerson, Shown, Tokened, token_number};
pub use places::{Place as CountedPlace, Places};
pub use plans::Consistency;
pub use profiles::ProfileSince;
pub use quarantine::{Point, Quarantined, RETENTION};
pub use queue::{Dispatch, Filter, Hold, Order, Ran, Waiting, Wanted};
pub use rates::{BoxRates, Overrun};
pub use readings::{Reading, ReadingPage};
pub use receive::{Fate, Received, Screened};
pub use refusals::StrangerPage;
pub use resets::{Asking, GOOD_FOR};
pub use screening::{Advice, Checked, Outcome, Screener, Screening, Spam};
pub use seals::{AccessSeal, Register, access_line, reading_line};
pub use setup::{Bell, Doors, Engine, OrdinaryRules, Pace, Rules, Setup};
pub use sigillo_imap::{FolderRights, RightsChange};
pub use spool::{Hall, MemorySpool, Spool, Spooled};
pub use stored::{Filed, held};
pub use sts_policies::StsPolicy;
pub use submit::Submitted;
pub use tenants::Owners;
pub use text_index::Indexing;
pub use tls_results::{TlsFailure, TlsPolicy, TlsResults};
pub use track::{Stage, Tracked, TrackedRecipient};
pub use trail::Sent;
pub use unlocks::{Bearer, Standing, Term, UNLOCKED_FOR, Unproven};
pub use watches::{Alert, Forward};

/// What one of the commits of a long work writes, in octets, until the next begins: so far below the limit of a batch that
/// whatever the last row of it adds fits.
const PAGE_OCTETS: usize = sigillo_store::MAX_BATCH / 2;

/// How often a commit is tried while others win. In one process lanes leave no conflict; between servers on one store
/// each conflict is somebody else's commit, so that the store goes on, and nobody loses so often in a row.
pub(crate) const ATTEMPTS: usize = 1_000;
