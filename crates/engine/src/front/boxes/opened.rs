//! A message that is read in pieces: its rope, and the store behind it. Nothing is held while a piece goes out.

use std::fmt;
use std::sync::Arc;

use sigillo_base::MsgId;
use sigillo_imap::{AtHand, Content, Refusal};
use sigillo_store::{Rope, Store};

use super::{Boxes, fault};
use crate::{Engine, Error};

/// A message up to this size is read when there is no summary of it, in octets; a larger one only with leave.
const SMALL: u64 = 256 * 1024;

/// Its rope is a value of its own, so that the message reads on when it leaves its folder: until a sweep takes it.
struct Opened<S> {
    engine: Arc<Engine<S>>,
    rope: Rope,
}

impl<S> fmt::Debug for Opened<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opened({} segments)", self.rope.segments.len())
    }
}

impl<S: Store> Content for Opened<S> {
    fn read(&mut self, from: u64, most: usize) -> Result<Vec<u8>, Refusal> {
        self.engine.read(&self.rope, from, most as u64).map_err(fault)
    }
}

impl<S: Store> Boxes<S> {
    pub(super) fn opened(&self, msg: MsgId) -> Result<Box<dyn Content>, Error> {
        let rope = self.engine.expect_message(msg)?;
        Ok(Box::new(Opened { engine: Arc::clone(&self.engine), rope }))
    }

    pub(super) fn summary_at_hand(&self, msg: MsgId) -> Result<AtHand, Error> {
        let summary = match self.engine.kept_summary(msg)? {
            Some(summary) => summary,
            None => match self.engine.expect_message(msg)?.len() {
                size if size > SMALL => return Ok(AtHand::Unread(usize::try_from(size).unwrap_or(usize::MAX))),
                _ => self.engine.summary(msg)?,
            },
        };
        Ok(AtHand::Summary(Box::new(summary)))
    }
}
