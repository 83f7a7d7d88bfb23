//! What IMAP tells of a message without its body, in a row of its own: made when the message is stored, so that a list of
//! a folder reads no message. It follows from the message: without it, it is made again.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use sigillo_base::MsgId;
use sigillo_imap::{Structure, Summary};
use sigillo_store::{Error, Store, Transaction};

use crate::Engine;
use crate::rows::{get_large, put_large, summary_key};

/// A longer one is not kept, in octets: hundreds of thousands of recipients or parts are nobody's mail.
const MOST: usize = 256 * 1024;

/// As its row keeps it.
#[derive(Default, Serialize)]
pub(crate) struct SummaryRow {
    version: u8,
    header: Vec<u8>,
    structure: Vec<u8>,
    extensions: Vec<(u32, u32)>,
    kin: Vec<String>,
}

/// Of a whole message, with what certified mail knows of its conversation.
pub(crate) fn of(message: &[u8]) -> Summary {
    Summary { kin: sigillo_pec::kin(message), ..Summary::of(message) }
}

/// What an earlier release made has other fields: of that only the version is read.
impl<'de> Deserialize<'de> for SummaryRow {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = SummaryRow;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a summary")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<SummaryRow, A::Error> {
                let version = next(&mut fields)?;
                if version != Summary::VERSION {
                    return Ok(SummaryRow { version, ..SummaryRow::default() });
                }
                let (header, structure) = (next(&mut fields)?, next(&mut fields)?);
                Ok(SummaryRow { version, header, structure, extensions: next(&mut fields)?, kin: next(&mut fields)? })
            }
        }
        from.deserialize_tuple(5, Fields)
    }
}

fn next<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(fields: &mut A) -> Result<T, A::Error> {
    fields.next_element()?.ok_or_else(|| serde::de::Error::custom("too short"))
}

impl From<&Summary> for SummaryRow {
    fn from(s: &Summary) -> Self {
        let Summary { header, structure: Structure { text, extensions }, kin } = s.clone();
        Self { version: Summary::VERSION, header, structure: text, extensions, kin }
    }
}

impl SummaryRow {
    /// `None` when an earlier release made it, and this one would make another.
    pub(crate) fn summary(self) -> Option<Summary> {
        let structure = Structure { text: self.structure, extensions: self.extensions };
        (self.version == Summary::VERSION).then_some(Summary { header: self.header, structure, kin: self.kin })
    }
}

/// Writes the summary of a message that goes into folders.
pub(crate) fn put_summary<S: Store>(tx: &mut Transaction<'_, S>, id: MsgId, summary: &Summary) -> Result<(), Error> {
    if summary.header.len() + summary.structure.text.len() > MOST {
        return Ok(());
    }
    put_large(tx, &summary_key(id), &SummaryRow::from(summary))
}

impl<S: Store> Engine<S> {
    /// What IMAP tells of a message without its body: from its row, or from its bytes where there is none that reads.
    pub(crate) fn summary(&self, id: MsgId) -> Result<Summary, crate::Error> {
        match get_large::<_, SummaryRow>(&self.store, &summary_key(id)) {
            Ok(row) => {
                if let Some(summary) = row.and_then(SummaryRow::summary) {
                    return Ok(summary);
                }
            }
            Err(Error::Corrupt { key, what }) => self.damaged.note(&key, &what),
            Err(fault) => return Err(fault.into()),
        }
        Ok(of(&self.read_all(&self.expect_message(id)?)?))
    }
}
