//! IMAP server sessions (IMAP4rev1 and IMAP4rev2) and a client that reads an account, without sockets, clock or store.
//!
//! Knows: the commands, their framing and literals, the states of a session, sequence numbers, what FETCH, SEARCH, SORT
//! and THREAD make of a message's bytes.
//! Must never know: sockets, clocks, stores, accounts, what certified mail is. It asks its driver through
//! [`Action`]s and, for everything in folders, through [`Mailboxes`].
//! Entry points: [`Server`], [`client::Client`]; [`Listener`] for the grammar alone.
//! RFCs: 3501 and 9051, and those of the extensions, which `docs/imap.md` lists with what each does here.
//! Invariants:
//! - the same bytes in any cuts give the same actions (`server::tests::cuts_do_not_matter`);
//! - no bytes make it panic, and a bad command never desynchronises what follows it (`server::tests`, `framer::tests`);
//! - no EXPUNGE is told while a client uses sequence numbers (`view::tests`, `server::tests`);
//! - no more than one piece of output is held by a FETCH, and what has to be read whole is announced before
//!   (`server::tests::fetch`);
//! - what another parser takes for a command is the same command here, but for what is listed with its clause
//!   (`listener::tests`); what is answered another parser reads (`server::tests::toy`, for every transcript);
//! - who listens without asking knows what changed, of every folder that he may see and of no other (`server::tests::notify`,
//!   `server::tests::convergence`);
//! - threads are those of the RFC's steps, and no chain of answers is too long (`thread::tests`);
//! - what the kept trigrams of a message exclude is not in it (`search::grams::tests`, `server::tests::search`);
//! - before TLS no password is asked for nor taken (`server::tests::no_login_in_the_open`);
//! - a client understands the same in any cuts, and no bytes make it panic (`client::tests`).

mod acl;
pub mod client;
pub use client::ranges;
mod command;
mod cursor;
mod custody;
mod date;
mod enabled;
mod fetch;
mod flags;
mod framer;
mod keywords;
mod listener;
mod mailboxes;
mod notify;
mod request;
mod search;
mod server;
mod set;
mod sort;
mod text;
mod thread;
mod view;
mod work;

use sigillo_wire::utf7;

pub use acl::{Deed, FolderRights, RightsChange};
pub use command::getmetadata::{Depth as MetadataDepth, Options as MetadataOptions};
pub use command::{Command, switchable as capabilities};
pub use cursor::Problem;
pub use custody::{Custody, MAX_ANNOTATION, Quota};
pub use fetch::{FetchItem, Layout, Section, SectionText, Structure, Summary};
pub use flags::{Flags, StoreOp, System};
pub use listener::{Heard, Listener};
pub use mailboxes::{
    Appended, AtHand, Attribute, Change, Code, Content, DELIMITER, Destination, Draft, DraftPart, FolderInfo,
    FolderState, LoginRefusal, Mailboxes, Refusal, Row, Status, Stored,
};
pub use notify::{Events, Filter, Group, OfSelected, Watch};
pub use request::{Appending, Known, ListOptions, Portion, Replaced, Request, StatusItem};
pub use search::grams::Grams;
pub use search::{Criteria, Key, Query, Returns, Wanted};
pub use server::{Action, Config, Server};
pub use set::SequenceSet;
pub use sort::{By, Criterion};
pub use thread::Algorithm;
