//! What is done in a mailbox beside coming in: somebody reads a message who is not its holder, or removes one (BOX-08, AUD-01).
//! Each is an access of its own, so that it stands where logins stand, and ends and is sealed with them.

use std::net::{IpAddr, Ipv4Addr};

use sigillo_accounts::CredentialName;
use sigillo_base::{MailboxId, Timestamp};
use sigillo_store::{Store, Transaction};

use crate::accesses::{Access, access_row};
use crate::rows::{FolderRow, decode, folder_key};
use crate::{Engine, Error};

/// The outcome of who has read a message.
const READ: &str = "read";
/// Of who has removed some.
const REMOVED: &str = "removed";
/// Characters of what was removed; the rest of a long list is counted only.
const MOST: usize = 400;

/// Who works in a mailbox, by which protocol, and from where.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub protocol: &'static str,
    pub from: IpAddr,
    pub person: CredentialName,
}

impl Visitor {
    /// The administration: whom it is that it looks for is set by who knows.
    pub(crate) fn admin() -> Self {
        Self { protocol: "admin", from: IpAddr::V4(Ipv4Addr::LOCALHOST), person: CredentialName::owner() }
    }

    fn did(&self, outcome: &str, what: String, at: Timestamp) -> Access {
        let (protocol, from, person) = (self.protocol.to_owned(), self.from, self.person.clone());
        Access { at, protocol, from, person, outcome: outcome.to_owned(), since: None, what }
    }
}

impl<S: Store> Engine<S> {
    /// Writes that somebody read a message, unless it is the holder. As with logins, a store that takes nothing now keeps nobody
    /// from his mail.
    pub(crate) fn has_read(
        &self,
        (mailbox, folder, uid): (MailboxId, u32, u32),
        visitor: &Visitor,
        now: Timestamp,
    ) -> bool {
        if visitor.person.is_owner() {
            return true;
        }
        let mut tx = crate::fronts::Transaction::new(&self.store);
        let noted = name(&mut tx, mailbox, folder).and_then(|name| {
            let (key, value) =
                access_row(mailbox, &visitor.did(READ, format!("{name} {uid}"), now), self.ids.next_id());
            tx.put(key, value);
            tx.later();
            Ok(tx.commit()?)
        });
        if let Err(error) = &noted {
            tracing::warn!(%error, mailbox = mailbox.0, "who reads is not written down");
        }
        noted.is_ok()
    }

    /// Writes who removed messages, in the commit that removes them.
    pub(crate) fn has_removed<T: Store>(
        &self,
        tx: &mut Transaction<'_, T>,
        (mailbox, folder): (MailboxId, u32),
        uids: impl Iterator<Item = u32>,
        visitor: &Visitor,
        now: Timestamp,
    ) -> Result<(), Error> {
        let uids: Vec<u32> = uids.collect();
        if uids.is_empty() {
            return Ok(());
        }
        let mut what = format!("{} {}", name(tx, mailbox, folder)?, sigillo_imap::ranges(&uids));
        if let Some((cut, _)) = what.char_indices().nth(MOST) {
            what.truncate(cut);
            what += &format!("… ({})", uids.len());
        }
        let (key, value) = access_row(mailbox, &visitor.did(REMOVED, what, now), self.ids.next_id());
        tx.put(key, value);
        Ok(())
    }
}

fn name<S: Store>(tx: &mut Transaction<'_, S>, mailbox: MailboxId, folder: u32) -> Result<String, Error> {
    let key = folder_key(mailbox, folder);
    let row = tx.get(&key)?.map(|value| decode::<FolderRow>(&key, &value)).transpose()?;
    Ok(row.map_or_else(|| folder.to_string(), |row| row.name))
}
