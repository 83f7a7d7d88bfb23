//! What IMAP tells of a message without its body, in a row of its own: made when the message is stored, so that a list of
//! a folder reads no message. It follows from the message: without it, it is made again.

use serde::{Deserialize, Serialize};
use sigillo_base::MsgId;
use sigillo_imap::{Layout, Structure, Summary};
use sigillo_mime::{Source, Windowed};
use sigillo_store::{Error, Store, Transaction, transact};

use crate::rows::{bytes, decode, encode, get_large, message_key, put_large, summary_key};
use crate::{ATTEMPTS, Engine};

/// A longer one is not kept, in octets: hundreds of thousands of recipients or parts are nobody's mail.
const MOST: usize = 256 * 1024;

/// As its row keeps it: a version, and what that version made. What an earlier release made is not looked into.
#[derive(Serialize, Deserialize)]
pub(crate) struct SummaryRow {
    version: u8,
    #[serde(with = "bytes")]
    made: Vec<u8>,
}

/// What this version makes.
#[derive(Serialize, Deserialize)]
struct Made {
    #[serde(with = "bytes")]
    header: Vec<u8>,
    #[serde(with = "bytes")]
    structure: Vec<u8>,
    extensions: Vec<(u32, u32)>,
    layout: Vec<u32>,
    preview: String,
    kin: Vec<String>,
}

/// Of a whole message, with what certified mail knows of its conversation.
pub(crate) fn of(message: &[u8]) -> Summary {
    Summary::with(message, sigillo_pec::kin)
}

/// The same, of a message that need not lie in memory; `None` of one whose header section is too large to be kept.
///
/// # Errors
/// Those of the source.
pub(crate) fn read<R: Source>(source: &mut R) -> Result<Option<Summary>, R::Error> {
    Summary::read(source, sigillo_pec::kin)
}

impl From<&Summary> for SummaryRow {
    fn from(s: &Summary) -> Self {
        let Summary { header, structure: Structure { text, extensions }, layout, preview, kin } = s.clone();
        let made = Made { header, structure: text, extensions, layout: layout.numbers(), preview, kin };
        Self { version: Summary::VERSION, made: encode(&made) }
    }
}

/// About what its row holds, in octets, and no less.
pub(crate) fn weight(summary: &Summary) -> usize {
    let Summary { header, structure: Structure { text, extensions }, layout, preview, kin } = summary;
    let kin: usize = kin.iter().map(|id| id.len() + 5).sum();
    let numbers = 5 * (layout.numbers().len() + 2 * extensions.len());
    header.len() + text.len() + preview.len() + kin + numbers + 64
}

/// Writes the summary of a message that goes into folders.
pub(crate) fn put_summary<S: Store>(tx: &mut Transaction<'_, S>, id: MsgId, summary: &Summary) -> Result<(), Error> {
    if summary.header.len() + summary.structure.text.len() > MOST {
        return Ok(());
    }
    put_large(tx, &summary_key(id), &SummaryRow::from(summary))
}

impl SummaryRow {
    /// `None` when an earlier release made it, and this one would make another.
    pub(crate) fn summary(self, key: &[u8]) -> Result<Option<Summary>, Error> {
        if self.version != Summary::VERSION {
            return Ok(None);
        }
        let Made { header, structure, extensions, layout, preview, kin } = decode(key, &self.made)?;
        let structure = Structure { text: structure, extensions };
        Ok(Some(Summary { header, structure, layout: Layout::from_numbers(&layout), preview, kin }))
    }
}

/// What is kept of a message.
enum Kept {
    Summary(Summary),
    /// None, or one that an earlier release made.
    Nothing,
    /// Something that cannot be read.
    Damaged,
}

impl<S: Store> Engine<S> {
    fn kept(&self, id: MsgId) -> Result<Kept, Error> {
        let key = summary_key(id);
        let read = get_large::<_, SummaryRow>(&self.store, &key)
            .and_then(|row| row.map_or(Ok(None), |row| row.summary(key.as_ref())));
        match read {
            Ok(Some(summary)) => Ok(Kept::Summary(summary)),
            Ok(None) => Ok(Kept::Nothing),
            Err(Error::Corrupt { key, what }) => {
                self.damaged.note(&key, &what);
                Ok(Kept::Damaged)
            }
            Err(fault) => Err(fault),
        }
    }

    /// What IMAP tells of a message without its body, from its row; `None` when there is none that reads.
    pub(crate) fn kept_summary(&self, id: MsgId) -> Result<Option<Summary>, crate::Error> {
        Ok(match self.kept(id)? {
            Kept::Summary(summary) => Some(summary),
            Kept::Nothing | Kept::Damaged => None,
        })
    }

    /// The same, or from the message's bytes where there is no row that reads; where there was none, it is kept from now
    /// on. `None` when the header section is too large for that.
    pub(crate) fn summary_in_pieces(&self, id: MsgId) -> Result<Option<Summary>, crate::Error> {
        let kept = self.kept(id)?;
        let missing = matches!(kept, Kept::Nothing);
        if let Kept::Summary(summary) = kept {
            return Ok(Some(summary));
        }
        let rope = self.expect_message(id)?;
        let size = usize::try_from(rope.len()).unwrap_or(usize::MAX);
        let made = read(&mut Windowed::new(size, |from, len| self.read(&rope, from as u64, len as u64)))?;
        if let Some(summary) = made.as_ref().filter(|_| missing) {
            let written = transact(&self.store, ATTEMPTS, |tx| {
                tx.later();
                // A message that goes meanwhile leaves no summary behind.
                if tx.get(message_key(id))?.is_some() {
                    put_summary(tx, id, summary)?;
                }
                Ok::<_, Error>(())
            });
            if let Err(error) = written {
                tracing::warn!(%error, "a summary is made again the next time");
            }
        }
        Ok(made)
    }

    /// The same, from the whole message where nothing else helps.
    pub(crate) fn summary(&self, id: MsgId) -> Result<Summary, crate::Error> {
        match self.summary_in_pieces(id)? {
            Some(summary) => Ok(summary),
            None => Ok(of(&self.read_all(&self.expect_message(id)?)?)),
        }
    }
}
