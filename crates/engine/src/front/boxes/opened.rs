//! A message that is read in pieces: its rope, and the store behind it. Nothing is held while a piece goes out.

use std::fmt;
use std::sync::Arc;

use sigillo_base::MsgId;
use sigillo_imap::{AtHand, Content, Refusal};
use sigillo_store::{Rope, Store};

use super::{Boxes, fault};
use crate::{Engine, Error};

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
        Ok(match self.engine.summary_in_pieces(msg)? {
            Some(summary) => AtHand::Summary(Box::new(summary)),
            None => AtHand::Unread(usize::try_from(self.engine.expect_message(msg)?.len()).unwrap_or(usize::MAX)),
        })
    }
}
