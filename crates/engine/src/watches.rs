//! What becomes of a mailbox's mail outside of certified mail: its holder is told that something came (NOT-01), and gets a
//! copy of it elsewhere (NOT-02). Both for standard and structured mailboxes alone.

use serde::{Deserialize, Serialize};
use sigillo_accounts::{Channel, Concern, Mailbox, NoticeKind, Profile};
use sigillo_base::{Address, MailboxId, Secret, Timestamp, said};
use sigillo_store::{KeyBuilder, Store, tag, transact};

use crate::contacts::contact_in;
use crate::fronts::Transaction;
use crate::rows::{decode, encode, mailbox_key};
use crate::{ATTEMPTS, Engine, Error, Notice};

/// How long a code is good.
const CODE_LIFE: std::time::Duration = std::time::Duration::from_secs(48 * 3600);
/// Wrong codes after which a new one is needed.
const TRIES: u8 = 5;
const DIGITS: u128 = 100_000_000;

/// How the holder of a mailbox is told that mail came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Where.
    pub to: Channel,
    /// Receipts and notices too.
    pub receipts: bool,
    /// Nothing of the message: only that one came.
    pub discreet: bool,
}

/// Where copies of what comes into a mailbox go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// An address of ordinary mail.
    pub to: Address,
    /// Whether who reads there has shown the code: nothing goes there before.
    pub confirmed: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ForwardRow {
    to: String,
    /// What must be shown; none: it was.
    code: Option<CodeRow>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct CodeRow {
    /// SHA-256 of the mailbox's number and the code.
    hash: [u8; 32],
    until: i64,
    tries: u8,
}

/// What is done with the mail of one mailbox.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct WatchRow {
    pub alert: Option<Alert>,
    forward: Option<ForwardRow>,
}

impl WatchRow {
    /// Where copies go, once that was confirmed.
    pub(crate) fn copies_to(&self) -> Option<Address> {
        let forward = self.forward.as_ref().filter(|forward| forward.code.is_none())?;
        Address::parse(&forward.to).ok()
    }
}

pub(crate) fn watch_key(mailbox: MailboxId) -> KeyBuilder {
    KeyBuilder::new(tag::WATCH).mailbox(mailbox)
}

/// Whether mail of such a mailbox may be told or copied outside (NOT-01, NOT-02).
pub(crate) fn may(mailbox: &Mailbox) -> bool {
    matches!(mailbox.profile.base, Profile::Standard | Profile::Structured)
}

fn digest(mailbox: MailboxId, code: &str) -> [u8; 32] {
    sigillo_smime::sha256(format!("{} {}", mailbox.0, code.trim()).as_bytes())
}

impl<S: Store> Engine<S> {
    fn watch(&self, mailbox: MailboxId) -> Result<WatchRow, Error> {
        let key = watch_key(mailbox);
        Ok(self.store.get(key.as_ref())?.map_or(Ok(WatchRow::default()), |value| decode(&key, &value))?)
    }

    /// How the holder of this mailbox is told of mail, if he is.
    ///
    /// # Errors
    /// The store's fault.
    pub fn alert(&self, mailbox: MailboxId) -> Result<Option<Alert>, Error> {
        Ok(self.watch(mailbox)?.alert)
    }

    /// Where copies of its mail go, if they do.
    ///
    /// # Errors
    /// The store's fault.
    pub fn forward(&self, mailbox: MailboxId) -> Result<Option<Forward>, Error> {
        let Some(row) = self.watch(mailbox)?.forward else { return Ok(None) };
        let bad = |_| sigillo_store::Error::corrupt(watch_key(mailbox), "not an address");
        Ok(Some(Forward { to: Address::parse(&row.to).map_err(bad)?, confirmed: row.code.is_none() }))
    }

    fn change_watch(
        &self,
        mailbox: MailboxId,
        change: impl Fn(&mut Transaction<'_, S>, &Mailbox, &mut WatchRow) -> Result<(), Error>,
    ) -> Result<(), Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            let key = mailbox_key(mailbox);
            let value =
                tx.get(&key)?.ok_or_else(|| Error::Invalid(said!("la casella non c'è", "there is no such mailbox")))?;
            let row: Mailbox = decode(&key, &value)?;
            let key = watch_key(mailbox);
            let mut watch = tx.get(&key)?.map_or(Ok(WatchRow::default()), |value| decode(&key, &value))?;
            change(tx, &row, &mut watch)?;
            match (&watch.alert, &watch.forward) {
                (None, None) => tx.delete(&key),
                _ => tx.put(&key, encode(&watch)),
            }
            Ok(())
        })
    }

    /// Tells the holder of a mailbox from now on when mail comes; `None`: no more. Where that is another place than he is known
    /// to be reached at, he hears of it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a mailbox of another profile, or an address of its own; the store's fault.
    pub fn set_alert(&self, mailbox: MailboxId, alert: Option<&Alert>, now: Timestamp) -> Result<(), Error> {
        self.change_watch(mailbox, |tx, row, watch| {
            if let Some(alert) = alert {
                allowed(row)?;
                if let Channel::Mail(to) = &alert.to {
                    self.outside(to)?;
                }
                let new = watch.alert.as_ref() != Some(alert);
                // Senders and subjects of all his mail go there, and it is perhaps not his.
                if new && !contact_in(tx, mailbox)?.channels().contains(&alert.to) {
                    let to = match &alert.to {
                        Channel::Sms(phone) => phone.to_string(),
                        Channel::Mail(address) => address.to_string(),
                    };
                    let what = format!("un avviso della posta che arriva a {} va da ora a {to}.", row.address);
                    self.tell_holder(tx, mailbox, &what, now)?;
                }
            }
            watch.alert = alert.cloned();
            Ok(())
        })
    }

    /// Copies of what comes into a mailbox go to this address once the code that is sent there was shown
    /// ([`Engine::confirm_forward`]); `None`: no more.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a mailbox of another profile, or an address within certified mail; the store's fault.
    pub fn set_forward(&self, mailbox: MailboxId, to: Option<&Address>, now: Timestamp) -> Result<(), Error> {
        let code = format!("{:08}", self.ids.next_id() % DIGITS);
        self.change_watch(mailbox, |tx, row, watch| {
            let Some(to) = to else {
                watch.forward = None;
                return Ok(());
            };
            allowed(row)?;
            self.outside(to)?;
            let until = now.plus(CODE_LIFE);
            let code_row = CodeRow { hash: digest(mailbox, &code), until: until.as_millis(), tries: 0 };
            watch.forward = Some(ForwardRow { to: to.to_string(), code: Some(code_row) });
            let text = format!(
                "Qualcuno ha chiesto che una copia della posta certificata che arriva a {} sia inviata a questo indirizzo.\n\n\
                 Per confermare: {code}\n\n\
                 Il codice vale 48 ore. Chi non ne sa nulla non deve fare niente: senza conferma non parte nulla.",
                row.address
            );
            let notice = Notice {
                kind: NoticeKind::Confirm,
                to: Channel::Mail(to.clone()),
                about: Concern::Mailbox(mailbox),
                subject: format!("Conferma dell'inoltro da {}", short(&row.address, 150)),
                text: Secret::new(text),
                not_after: until,
            };
            self.tell_in(tx, &notice, now)
        })
    }

    /// Somebody shows the code that was sent to the address of copies. `false`: it is not the one, or no longer good.
    ///
    /// # Errors
    /// [`Error::Invalid`] when there is nothing to confirm; the store's fault.
    pub fn confirm_forward(&self, mailbox: MailboxId, code: &Secret, now: Timestamp) -> Result<bool, Error> {
        let done = std::cell::Cell::new(false);
        self.change_watch(mailbox, |tx, row, watch| {
            let nothing =
                || Error::Invalid(said!("nessun inoltro aspetta conferma", "no forwarding waits to be confirmed"));
            let forward = watch.forward.as_mut().ok_or_else(nothing)?;
            let asked = forward.code.as_mut().ok_or_else(nothing)?;
            let hex = |hash: &[u8]| Secret::new(data_encoding::HEXLOWER.encode(hash));
            let good = asked.tries < TRIES && now < Timestamp::from_millis(asked.until);
            asked.tries = asked.tries.saturating_add(1);
            done.set(good && hex(&asked.hash) == hex(&digest(mailbox, code.expose())));
            if !done.get() {
                return Ok(());
            }
            forward.code = None;
            // Who did not want it is perhaps not who has asked for it.
            let what = format!("una copia della posta di {} va da ora a {}.", row.address, forward.to);
            self.tell_holder(tx, mailbox, &what, now)
        })?;
        Ok(done.get())
    }

    /// Refuses an address within certified mail: what goes there goes by certified mail, or goes round and round.
    fn outside(&self, to: &Address) -> Result<(), Error> {
        if self.is_certified(to) {
            return Err(Error::Invalid(said!(
                "{to} è in un dominio di posta certificata: serve un indirizzo di posta ordinaria",
                "{to} is in a domain of certified mail: give an address of ordinary mail"
            )));
        }
        Ok(())
    }

    pub(crate) fn is_certified(&self, to: &Address) -> bool {
        self.is_local(to.domain()) || self.current().index.provider_of(to.domain()).is_some()
    }
}

fn allowed(row: &Mailbox) -> Result<(), Error> {
    if may(row) {
        return Ok(());
    }
    let profile = row.profile.name();
    Err(Error::Invalid(said!(
        "{} ha il profilo {profile}: solo le caselle standard e strutturate",
        "{} has the profile {profile}: standard and structured mailboxes alone",
        row.address
    )))
}

/// At most so many characters of a text that somebody else wrote, on one line.
pub(crate) fn short(text: &str, most: usize) -> String {
    let clean = text.chars().map(|c| if c.is_control() || is_reordering(c) { ' ' } else { c }).collect::<String>();
    let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if clean.chars().count() <= most {
        return clean;
    }
    clean.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Characters that show what follows in another order than it stands.
fn is_reordering(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
