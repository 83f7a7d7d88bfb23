//! What people are told outside of certified mail.

use sigillo_store::{Error, KeyReader, Store, tag};

use super::Remedy;
use super::judge::Judge;
use crate::certificates;
use crate::notices::{self, NoticeRow, ToldRow};
use crate::rows::{decode, encode, mailbox_key};
use crate::watches::WatchRow;

impl<S: Store> Judge<'_, '_, S> {
    pub(super) fn outside(&mut self) -> Result<(), Error> {
        match self.key.first().copied().unwrap_or_default() {
            tag::TOLD => notices::read(self.key, self.value).map(drop),
            tag::WATCH => self.watch(),
            tag::ALERT_WINDOW => notices::read_window(self.key, self.value),
            tag::CERTIFICATE_SEEN => certificates::read_seen(self.key, self.value),
            tag::CERTIFICATE_TOLD => certificates::read_told(self.key, self.value),
            tag::NOTICE => self.notice(),
            _ => match notices::kept(self.key)? {
                Some(msg) => self.keeps(msg),
                None => Ok(()),
            },
        }
    }

    fn notice(&mut self) -> Result<(), Error> {
        let (_, id) = notices::due(self.key)?;
        let row: NoticeRow = decode(self.key, self.value)?;
        let told = (notices::told_key(id).done(), encode(&ToldRow::of(&row)));
        self.derived(told, "l'avviso non è nel registro")
    }

    fn watch(&mut self) -> Result<(), Error> {
        let mailbox = KeyReader::new(self.key, tag::WATCH)?.mailbox()?;
        decode::<WatchRow>(self.key, self.value)?;
        self.refers(mailbox_key(mailbox), "la casella non c'è", Remedy::SetAside)
    }
}
