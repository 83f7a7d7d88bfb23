//! Ordinary mail of the provider's own: reports about TLS, notices to people. It goes out from nobody (`MAIL FROM:<>`): what
//! cannot be delivered makes no bounce that somebody would have to take (RFC 3834 §3.3), and SPF is asked about our host's
//! name alone (RFC 7208 §2.4).

use sigillo_base::{Address, Timestamp};
use sigillo_mime::Composed;
use sigillo_store::Store;

use crate::fronts::Transaction;
use crate::rows::{Carried, Work};
use crate::stored::{put_body, put_message};
use crate::{Engine, Error, queue};

/// A message of the provider's own, of ordinary mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnMail {
    /// Who gets it.
    pub to: Address,
    /// All of it, in ASCII.
    pub bytes: Vec<u8>,
}

impl<S: Store> Engine<S> {
    /// Queues it as the item `id`, under the signature of our domain.
    pub(crate) fn queue_own(
        &self,
        tx: &mut Transaction<'_, S>,
        id: u128,
        mail: &OwnMail,
        what: Carried,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut content = Composed::default();
        content.source(0..mail.bytes.len());
        let content = self.under_dkim(content, &mail.bytes);
        let source = put_body(tx, &mail.bytes)?;
        let stored = put_message(tx, self.new_msg(), &content, &source)?;
        let work = Work::Relay {
            domain: mail.to.domain().as_str().into(),
            local: self.is_local(mail.to.domain()),
            from: None,
            rcpts: vec![mail.to.as_str().into()],
            msg: stored.id.0,
            size: stored.size,
            eight_bit: false,
            what,
        };
        let (pec_id, owner) = (&self.new_pec_id(), &self.provider.service_address);
        queue::enqueue(tx, id, queue::Queued { work, pec_id, owner, require_tls: false }, now)?;
        Ok(())
    }
}
