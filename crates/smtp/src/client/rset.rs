//! RSET, between two transactions when the first may have left something behind.

use super::{Client, Failure, State};
use crate::Reply;

impl Client {
    pub(super) fn rset(&mut self) {
        self.send("RSET", State::Rset);
    }

    pub(super) fn rset_answered(&mut self, reply: Reply) {
        match reply.code {
            250 => {
                self.dirty = false;
                self.begin_envelope();
            }
            421 => self.gives_up(reply),
            // A server that cannot forget must not get the next message on this connection.
            _ => self.turned_away(Failure { permanent: false, ..Failure::from_reply(reply) }),
        }
    }
}
