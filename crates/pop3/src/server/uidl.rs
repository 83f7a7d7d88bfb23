//! UIDL: what one message is called for ever, or each of all: the folder's UIDVALIDITY and the message's UID.

use super::listing::Column;
use super::{Problem, Server};

impl Server {
    pub(super) fn uidl(&mut self, argument: &[u8]) -> Result<(), Problem> {
        self.tell(argument, Column::Id)
    }
}
