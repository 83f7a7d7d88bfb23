//! What the owner of a domain chose where the rules and the contract leave a choice. One row a domain; a domain without
//! one keeps the defaults.

use serde::{Deserialize, Serialize};
use sigillo_accounts::Mailbox;
use sigillo_base::{Address, Domain, said};
use sigillo_pec::ReceiptKind;
use sigillo_store::{KeyBuilder, Store, tag, transact};

use crate::rows::{decode, encode};
use crate::{ATTEMPTS, Engine, Error};

/// The choices of a domain's owner (an administration).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DomainPolicy {
    /// The delivery receipt to ask for when the sender's message asks for none (PEC-04); `None` is the complete one, as
    /// RFC 6109 §3.3.2.1 has it.
    pub receipt: Option<ReceiptKind>,
    /// No exchange with ordinary mail, in either direction (PEC-06).
    pub certified_only: bool,
    /// A copy of each delivery receipt also for the recipient whose box it is about (PEC-08).
    pub receipt_to_recipient: bool,
    /// Who holds a mailbox may read what the legal log says of it (PEC-08).
    pub holder_reads_log: bool,
}

#[derive(Serialize, Deserialize)]
struct DomainRow {
    receipt: Option<String>,
    certified_only: bool,
    receipt_to_recipient: bool,
    holder_reads_log: bool,
}

/// The choices in a row.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<DomainPolicy, sigillo_store::Error> {
    let row: DomainRow = decode(key, value)?;
    let known = |word: String| {
        let bad = || sigillo_store::Error::corrupt(key, format!("no kind of receipt: {word}"));
        ReceiptKind::parse(&word).ok_or_else(bad)
    };
    Ok(DomainPolicy {
        receipt: row.receipt.map(known).transpose()?,
        certified_only: row.certified_only,
        receipt_to_recipient: row.receipt_to_recipient,
        holder_reads_log: row.holder_reads_log,
    })
}

fn domain_key(domain: &Domain) -> KeyBuilder {
    KeyBuilder::new(tag::DOMAIN).text(domain.as_str())
}

impl<S: Store> Engine<S> {
    /// The choices for a domain; the defaults where nothing was chosen.
    ///
    /// # Errors
    /// The store's fault; `Corrupt` for a receipt of no known kind.
    pub fn domain_policy(&self, domain: &Domain) -> Result<DomainPolicy, Error> {
        let key = domain_key(domain);
        let Some(value) = self.store.get(key.as_ref())? else { return Ok(DomainPolicy::default()) };
        Ok(read(key.as_ref(), &value)?)
    }

    /// Replaces the choices for a domain of ours; they hold for the next message.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a domain that is not ours; the store's fault.
    pub fn set_domain_policy(&self, domain: &Domain, policy: &DomainPolicy) -> Result<(), Error> {
        if !self.is_local(domain) {
            return Err(Error::Invalid(said!(
                "il dominio {domain} non è servito da questo gestore",
                "the domain {domain} is not served by this provider"
            )));
        }
        let row = DomainRow {
            receipt: policy.receipt.map(|kind| kind.as_str().to_owned()),
            certified_only: policy.certified_only,
            receipt_to_recipient: policy.receipt_to_recipient,
            holder_reads_log: policy.holder_reads_log,
        };
        transact(&self.store, ATTEMPTS, |tx| {
            tx.put(domain_key(domain), encode(&row));
            Ok::<_, Error>(())
        })?;
        tracing::info!(%domain, ?policy, "domain policy set");
        Ok(())
    }

    /// The domains whose mailboxes are here, the service domain among them, in alphabetical order.
    pub fn domains(&self) -> Vec<Domain> {
        let mut all: Vec<Domain> = self.current.read().domains.iter().cloned().collect();
        all.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        all
    }

    /// Whether this mailbox takes mail that no provider certifies: its own choice, within its domain's (PEC-06). The
    /// service mailbox never does (RFC 6109 §2.2.5).
    pub(crate) fn takes_ordinary(&self, address: &Address, mailbox: &Mailbox) -> Result<bool, Error> {
        Ok(mailbox.takes_ordinary_mail() && !self.domain_policy(address.domain())?.certified_only)
    }
}
