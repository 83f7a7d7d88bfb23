//! QUIT: what was marked is removed (RFC 1939 §6), and nothing else removes it.

use super::{Action, Server, State, Wait};
use crate::Refusal;

impl Server {
    pub(super) fn quit(&mut self) {
        let marked: Vec<u32> = match &self.state {
            State::Authorization(_) => Vec::new(),
            State::Transaction(open) => {
                let marked = open.drop.messages.iter().zip(&open.marked).filter(|(_, marked)| **marked);
                marked.map(|(message, _)| message.uid).collect()
            }
        };
        if marked.is_empty() {
            self.parted(Ok(()));
        } else {
            self.ask(Wait::Removal, Action::Remove(marked));
        }
    }

    /// Says goodbye, and whether everything was removed.
    pub(super) fn parted(&mut self, result: Result<(), Refusal>) {
        match result {
            Ok(()) => self.ok("Arrivederci"),
            Err(refusal) => {
                let (code, why) = refusal.says();
                self.err(code, &format!("Messaggi non eliminati: {why}"));
            }
        }
        self.close();
    }
}
