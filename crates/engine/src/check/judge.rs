//! One row before its judge.

use serde::de::DeserializeOwned;
use sigillo_store::{Error, KeyBuilder, KeyReader, Row, Store, Transaction, body, tag};

use super::{Finding, Problem, Remedy, aside, finding};
use crate::rows::{FolderNumbers, ReceivedRow, decode};
use crate::{keepers, rates};

/// A row, and what it is compared with.
pub(crate) struct Judge<'t, 's, S: Store> {
    pub(crate) tx: &'t mut Transaction<'s, S>,
    pub(crate) key: &'t [u8],
    pub(crate) value: &'t [u8],
    /// Whether a summary is compared with its message.
    pub(crate) compare: bool,
    found: Vec<Finding>,
}

/// Another row.
pub(crate) enum Other<T> {
    Is(T),
    Absent,
    /// It is there and cannot be read, which is told of itself.
    Unreadable,
}

impl<'t, 's, S: Store> Judge<'t, 's, S> {
    pub(super) fn new(tx: &'t mut Transaction<'s, S>, (key, value): (&'t [u8], &'t [u8]), compare: bool) -> Self {
        Self { tx, key, value, compare, found: Vec::new() }
    }

    /// Everything that is wrong with it.
    pub(super) fn judge(mut self) -> Result<Vec<Finding>, Error> {
        match self.by_tag() {
            Ok(()) => {}
            Err(Error::Corrupt { key, what }) if key.is_empty() || key == self.key => {
                let movable = aside::movable(self.key);
                let remedy = if movable { Remedy::SetAside } else { Remedy::Backup };
                self.find(Problem::Undecodable, what, remedy);
            }
            Err(Error::Corrupt { key, what }) => self.find_about(Problem::Unreadable, key, what, Remedy::Backup),
            Err(fault) => return Err(fault),
        }
        Ok(self.found)
    }

    fn by_tag(&mut self) -> Result<(), Error> {
        match self.key.first().copied().unwrap_or_default() {
            tag::META => self.meta(),
            tag::COUNTER => self.counter(),
            tag::RATE => self.rate(),
            tag::DOMAIN => crate::domains::read(self.key, self.value).map(drop),
            tag::LIST => self.list(),
            tag::OPERATION..=tag::LIST_CANCELLED => self.provisioning(),
            tag::DIRECTORY => crate::tenants::read(self.key, self.value),
            tag::DOMAIN_OWNER | tag::DOMAIN_HISTORY => self.domain_owner(),
            tag::MAILBOX_UNIT => self.mailbox_unit(),
            tag::PERSON => crate::persons::read(self.key, self.value).map(drop),
            tag::PERSON_BY_NAME => self.person_by_name(),
            tag::TOKEN => self.token(),
            tag::ADDRESS_BOOK => self.address_book(),
            tag::PERSON_FACTOR | tag::UNLOCKED => self.of_person(),
            tag::MAILBOX => self.mailbox(),
            tag::MAILBOX_BY_ADDRESS => self.mailbox_by_address(),
            tag::CREDENTIAL => self.credential(),
            tag::CREDENTIAL_USE => self.credential_use(),
            tag::FORMER_PASSWORD | tag::CONTACT | tag::SECOND_FACTOR | tag::RESET => self.of_holder(),
            tag::PROFILE_USE => self.profile_use(),
            tag::PROFILE_HISTORY => self.profile_history(),
            tag::OVERRUN => rates::read_overrun(self.key, self.value).map(drop),
            tag::TRAIL => self.trail(),
            tag::EVENT | tag::ACCESS_SEAL | tag::READING | tag::STRANGER => self.event(),
            tag::SENT_DAY => self.sent_day(),
            tag::BOX_USAGE => self.box_usage(),
            tag::FOLDER => self.folder(),
            tag::FOLDER_ENTRY => self.folder_entry(),
            tag::FOLDER_CHANGES => self.folder_changes(),
            tag::RECEIPTS_FOLDER => self.receipts_folder(),
            tag::SUBSCRIBED => self.subscribed(),
            tag::GRANT => self.grant(),
            tag::ANNOTATION => self.annotation(),
            tag::ANNOTATED => self.annotated(),
            tag::PROOF => self.proof(),
            tag::MESSAGE => self.message(),
            tag::MESSAGE_LINK => self.message_link(),
            tag::MESSAGE_DOUBT => KeyReader::new(self.key, tag::MESSAGE_DOUBT)?.msg().map(drop),
            tag::ARRIVAL => self.arrival(),
            tag::SUMMARY => self.summary(),
            tag::GRAMS => self.grams(),
            tag::TEXT_MARK => self.text_mark(),
            tag::ARCHIVE => self.archived(),
            tag::QUARANTINE => self.quarantined(),
            tag::RECEIVED => decode::<ReceivedRow>(self.key, self.value).map(drop),
            tag::SCREENED | tag::TLS_REPORTED => self.plain(),
            tag::DISPATCH => self.dispatch(),
            tag::TIMER_DUE => self.timer(),
            tag::QUEUE_ITEM => self.queue_item(),
            tag::QUEUE_DUE => self.queue_due(),
            tag::LEASE => self.lease(),
            tag::LEGAL_LOG => self.log_line(),
            tag::LOG_CHAIN => self.log_link(),
            tag::LOG_BY_ID => self.log_by_id(),
            tag::LOG_SEGMENT => self.log_segment(),
            tag::LOG_PENDING => self.log_pending(),
            tag::SET_ASIDE => aside::read(self.tx.store(), self.key, self.value).and_then(|_| self.large_link()),
            tag::STS_POLICY => self.sts_policy(),
            tag::ONCE => crate::once::ends(self.key, self.value).map(drop),
            tag::TOLD..=tag::CERTIFICATE_TOLD | tag::NOTICE | tag::ARRIVED => self.outside(),
            tag::TLS_RESULTS => crate::tls_results::read(self.key, self.value).map(drop),
            tag::BODY => self.body(),
            tag::BODY_LINK => self.body_link(),
            tag::BODY_CHUNK => self.body_chunk(),
            tag::BODY_RESERVATION => self.body_reservation(),
            _ => Ok(()), // nothing of this release
        }
    }

    /// A number, and nothing else.
    fn plain(&mut self) -> Result<(), Error> {
        match self.key.first() {
            Some(&tag::SCREENED) => decode::<u64>(self.key, self.value).map(drop),
            _ => decode::<i64>(self.key, self.value).map(drop),
        }
    }

    fn sts_policy(&mut self) -> Result<(), Error> {
        crate::sts_policies::read(self.tx.store(), self.key, self.value)?;
        self.large_link()
    }

    fn meta(&mut self) -> Result<(), Error> {
        let schema = KeyBuilder::new(tag::META).text("schema");
        if self.key == schema.as_ref() && self.value.len() != 4 {
            return Err(Error::corrupt(self.key, "not a schema version"));
        }
        if self.key == keepers::begin_key().as_ref() {
            keepers::archive_begins(Some(self.value.to_vec()))?;
        }
        Ok(())
    }

    fn counter(&mut self) -> Result<(), Error> {
        match KeyReader::new(self.key, tag::COUNTER)?.text()?.as_str() {
            "body" if self.value.len() == 8 => Ok(()),
            "body" => Err(Error::corrupt(self.key, "not a number")),
            "mailbox" | "turn" | "tenant" | "unit" | "person" | "token" | "operation" | "plan" | "responsible" => {
                decode::<u64>(self.key, self.value).map(drop)
            }
            "folders" => decode::<FolderNumbers>(self.key, self.value).map(drop),
            "log" => self.log_tip(),
            "accesses" => decode::<String>(self.key, self.value).map(drop),
            _ => Ok(()),
        }
    }

    fn rate(&mut self) -> Result<(), Error> {
        decode::<sigillo_accounts::Usage>(self.key, self.value).map(drop)
    }

    fn list(&mut self) -> Result<(), Error> {
        crate::lists::read(self.tx.store(), self.key, self.value)?;
        self.large_link()
    }

    /// Another row, decoded.
    pub(crate) fn other<T: DeserializeOwned>(&mut self, key: impl AsRef<[u8]>) -> Result<Other<T>, Error> {
        Ok(match self.bytes(&key)? {
            Other::Is(value) => decode(&key, &value).map_or(Other::Unreadable, Other::Is),
            Other::Absent => Other::Absent,
            Other::Unreadable => Other::Unreadable,
        })
    }

    /// Another row as it lies there.
    pub(crate) fn bytes(&mut self, key: impl AsRef<[u8]>) -> Result<Other<Vec<u8>>, Error> {
        match self.tx.get(key) {
            Ok(Some(value)) => Ok(Other::Is(value)),
            Ok(None) => Ok(Other::Absent),
            Err(Error::Corrupt { .. }) => Ok(Other::Unreadable),
            Err(fault) => Err(fault),
        }
    }

    /// Whether there is no such row.
    pub(crate) fn absent(&mut self, key: impl AsRef<[u8]>) -> Result<bool, Error> {
        Ok(matches!(self.bytes(key)?, Other::Absent))
    }

    pub(crate) fn find(&mut self, problem: Problem, what: impl Into<String>, remedy: Remedy) {
        self.found.push(finding(problem, self.key.to_vec(), what, remedy));
    }

    pub(crate) fn find_about(
        &mut self,
        problem: Problem,
        about: impl AsRef<[u8]>,
        what: impl Into<String>,
        remedy: Remedy,
    ) {
        let about = Some(about.as_ref().to_vec());
        self.found.push(Finding { about, ..finding(problem, self.key.to_vec(), what, remedy) });
    }

    /// A row that must be there and is derived from this one: when it is missing it is written again.
    pub(crate) fn derived(&mut self, (key, value): Row, what: &str) -> Result<(), Error> {
        if self.absent(&key)? {
            self.find_about(Problem::Missing, key.clone(), what, Remedy::Rebuild((key, value)));
        }
        Ok(())
    }

    /// A row that this one refers to.
    pub(crate) fn refers(&mut self, key: impl AsRef<[u8]>, what: &str, remedy: Remedy) -> Result<(), Error> {
        if self.absent(&key)? {
            self.find_about(Problem::Dangling, key, what, remedy);
        }
        Ok(())
    }

    /// The bodies of a rope: there, as long as the rope wants them, and linked.
    pub(crate) fn bodies(&mut self, rope: &sigillo_store::Rope) -> Result<(), Error> {
        for segment in &rope.segments {
            let sigillo_store::Segment::Body { id, from, len } = segment else { continue };
            let head = body::key_of(*id);
            match self.bytes(&head)? {
                Other::Is(value) => match body::read_head_row(&head, &value) {
                    Ok((_, has)) if has < from + len => {
                        self.find_about(
                            Problem::Differs,
                            &head,
                            "il corpo è più corto di quanto se ne usa",
                            Remedy::Backup,
                        );
                    }
                    _ => {}
                },
                Other::Absent => {
                    self.find_about(Problem::Dangling, &head, "il corpo non c'è", Remedy::Backup);
                }
                Other::Unreadable => {}
            }
        }
        for id in rope.bodies() {
            self.derived((body::link_of(id, self.key), Vec::new()), "manca il legame che trattiene il corpo")?;
        }
        Ok(())
    }
}
