//! The commands: one file each, with its reading and its doing.

pub mod append;
mod authenticate;
mod capability;
mod check;
pub mod close;
mod compress;
pub mod copy;
mod create;
mod delete;
mod deleteacl;
mod enable;
mod examine;
pub mod expunge;
pub mod fetch;
mod getacl;
pub mod getmetadata;
mod getquota;
mod getquotaroot;
mod id;
mod idle;
pub mod list;
mod listrights;
mod login;
mod logout;
mod lsub;
mod r#move;
mod myrights;
mod namespace;
mod noop;
mod notify;
mod rename;
mod replace;
pub mod search;
mod select;
mod setacl;
mod setmetadata;
mod setquota;
mod sort;
mod starttls;
pub mod status;
pub mod store;
mod subscribe;
mod thread;
mod uid;
mod unauthenticate;
mod unselect;
mod unsubscribe;

pub use capability::{Announced, Without, switchable};

use sigillo_wire::sasl::Credentials;

use crate::Request;
use crate::cursor::{Cursor, Problem, Read};
use crate::enabled::Enabled;
use crate::search::job;
use crate::work::{Step, Work};

/// A command as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// CAPABILITY
    Capability,
    /// NOOP
    Noop,
    /// LOGOUT
    Logout,
    /// COMPRESS DEFLATE
    Compress,
    /// ID
    Id,
    /// ENABLE, with the names it asks for, in upper case.
    Enable(Vec<String>),
    /// NAMESPACE
    Namespace,
    /// STARTTLS
    StartTls,
    /// LOGIN
    Login(Credentials),
    /// AUTHENTICATE
    Authenticate {
        /// Mechanism.
        mechanism: String,
        /// Initial response, base64.
        initial: Option<Vec<u8>>,
    },
    /// IDLE
    Idle,
    /// UNAUTHENTICATE
    Unauthenticate,
    /// Everything that needs the folders.
    Request(Request),
}

/// The state a command may be used in (RFC 3501 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Any.
    Any,
    /// Nobody has logged in.
    Stranger,
    /// Somebody has.
    User,
    /// A folder is selected.
    Folder,
}

type Reader = fn(&mut Cursor<'_>) -> Read<Command>;

const COMMANDS: [(&str, Needs, Reader); 47] = [
    ("APPEND", Needs::User, append::read),
    ("AUTHENTICATE", Needs::Stranger, authenticate::read),
    ("CAPABILITY", Needs::Any, capability::read),
    ("CHECK", Needs::Folder, check::read),
    ("CLOSE", Needs::Folder, close::read),
    ("COMPRESS", Needs::User, compress::read),
    ("COPY", Needs::Folder, copy::read),
    ("CREATE", Needs::User, create::read),
    ("DELETE", Needs::User, delete::read),
    ("DELETEACL", Needs::User, deleteacl::read),
    ("ENABLE", Needs::User, enable::read),
    ("EXAMINE", Needs::User, examine::read),
    ("EXPUNGE", Needs::Folder, expunge::read),
    ("FETCH", Needs::Folder, fetch::read),
    ("GETACL", Needs::User, getacl::read),
    ("GETMETADATA", Needs::User, getmetadata::read),
    ("GETQUOTA", Needs::User, getquota::read),
    ("GETQUOTAROOT", Needs::User, getquotaroot::read),
    ("ID", Needs::Any, id::read),
    ("IDLE", Needs::User, idle::read),
    ("LIST", Needs::User, list::read),
    ("LISTRIGHTS", Needs::User, listrights::read),
    ("LOGIN", Needs::Stranger, login::read),
    ("LOGOUT", Needs::Any, logout::read),
    ("LSUB", Needs::User, lsub::read),
    ("MOVE", Needs::Folder, r#move::read),
    ("MYRIGHTS", Needs::User, myrights::read),
    ("NAMESPACE", Needs::User, namespace::read),
    ("NOOP", Needs::Any, noop::read),
    ("NOTIFY", Needs::User, notify::read),
    ("RENAME", Needs::User, rename::read),
    ("REPLACE", Needs::Folder, replace::read),
    ("SEARCH", Needs::Folder, search::read),
    ("SELECT", Needs::User, select::read),
    ("SETACL", Needs::User, setacl::read),
    ("SETMETADATA", Needs::User, setmetadata::read),
    ("SETQUOTA", Needs::User, setquota::read),
    ("SORT", Needs::Folder, sort::read),
    ("STARTTLS", Needs::Stranger, starttls::read),
    ("STATUS", Needs::User, status::read),
    ("STORE", Needs::Folder, store::read),
    ("SUBSCRIBE", Needs::User, subscribe::read),
    ("THREAD", Needs::Folder, thread::read),
    ("UID", Needs::Folder, uid::read),
    ("UNAUTHENTICATE", Needs::User, unauthenticate::read),
    ("UNSELECT", Needs::Folder, unselect::read),
    ("UNSUBSCRIBE", Needs::User, unsubscribe::read),
];

/// The tag of a command, if it has one that can be repeated, and what follows it.
pub fn tag(text: &[u8]) -> (Option<String>, &[u8]) {
    let mut cursor = Cursor::new(text);
    let tag = cursor.while_(|b| (crate::cursor::is_atom(b) || b == b']') && b != b'+');
    let fine = !tag.is_empty() && tag.len() <= 64 && matches!(cursor.peek(), Some(b' ') | None);
    let tag = fine.then(|| String::from_utf8_lossy(tag).into_owned());
    (tag, cursor.rest().strip_prefix(b" ").unwrap_or_default())
}

/// The command's name, in upper case.
pub fn name(after_tag: &[u8]) -> String {
    let end = after_tag.iter().position(|b| !b.is_ascii_alphabetic()).unwrap_or(after_tag.len()).min(32);
    String::from_utf8_lossy(&after_tag[..end]).to_ascii_uppercase()
}

/// Reads what follows the tag, of somebody who switched this on. `allowed` says whether the session's state permits.
pub fn read(after_tag: &[u8], on: Enabled, allowed: impl FnOnce(Needs) -> bool) -> Read<Command> {
    let name = name(after_tag);
    let known = COMMANDS.iter().find(|c| c.0 == name);
    let Some((_, needs, reader)) = known else { return Err(Problem::Bad("Unknown command")) };
    if !allowed(*needs) {
        return Err(Problem::Bad("Command not allowed in this state"));
    }
    let mut cursor = Cursor::of(&after_tag[name.len()..], on);
    let command = reader(&mut cursor)?;
    cursor.end()?;
    Ok(command)
}

/// Carries out a request, or its first part. `most` is the largest message that APPEND takes, in octets.
pub fn run(request: &Request, most: u64, work: &mut Work<'_>) -> Result<Step, Problem> {
    match request {
        Request::List { reference, patterns, options } => list::run(reference, patterns, options.as_ref(), work),
        Request::Lsub { reference, pattern } => lsub::run(reference, pattern, work),
        Request::Status { mailbox, items } => status::run(mailbox, items, work),
        Request::Select { mailbox, read_only, condstore, known } => {
            select::run(mailbox, *read_only, *condstore, known.as_ref(), work)
        }
        Request::Close => close::run(work),
        Request::Create { mailbox, special } => create::run(mailbox, *special, work),
        Request::Delete { mailbox } => delete::run(mailbox, work),
        Request::Rename { from, to } => rename::run(from, to, work),
        Request::Subscribe { mailbox } => subscribe::run(mailbox, work),
        Request::Unsubscribe { mailbox } => unsubscribe::run(mailbox, work),
        Request::Append { mailbox, size, first, replaced } => {
            append::start(mailbox, *size, *first, replaced.as_ref(), work)
        }
        Request::AppendEnd { mailbox, messages, octets, replaced } => {
            if *octets == 0 {
                // Nothing streamed, so that nothing was asked.
                append::start(mailbox, 0, true, replaced.as_ref(), work)?;
            }
            append::AppendJob::new(mailbox.clone(), replaced.clone(), messages.clone(), *octets, most).step(work)
        }
        Request::Fetch { set, uid, items, since, vanished } => fetch::run(set, *uid, items, *since, *vanished, work),
        Request::Store { set, uid, silent, change } => store::run(set, *uid, *silent, change, work),
        Request::Search { uid, query } => job::run(*uid, query, work),
        Request::Copy { set, uid, mailbox } => copy::run(set, *uid, mailbox, work),
        Request::Move { set, uid, mailbox } => r#move::run(set, *uid, mailbox, work),
        Request::Expunge { uids } => expunge::run(uids.as_ref(), work),
        Request::GetQuota { root } => getquota::run(root, work),
        Request::GetQuotaRoot { mailbox } => getquotaroot::run(mailbox, work),
        Request::MyRights { mailbox } => myrights::run(mailbox, work),
        Request::GetAcl { mailbox } => getacl::run(mailbox, work),
        Request::SetAcl { mailbox, who, change } => setacl::run(mailbox, who, *change, work),
        Request::DeleteAcl { mailbox, who } => deleteacl::run(mailbox, who, work),
        Request::ListRights { mailbox, who } => listrights::run(mailbox, who, work),
        Request::GetMetadata { mailbox, options, entries } => getmetadata::run(mailbox, *options, entries, work),
        Request::SetMetadata { mailbox, entries } => setmetadata::run(mailbox, entries, work),
        Request::Notify { watch, status } => notify::run(watch.as_ref(), *status, work),
        Request::Unselect => unselect::run(work),
        Request::Poll => check::run(work),
    }
}
