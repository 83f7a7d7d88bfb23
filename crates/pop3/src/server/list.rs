//! LIST: the size of one message, or of all.

use super::listing::Column;
use super::{Problem, Server};

impl Server {
    pub(super) fn list(&mut self, argument: &[u8]) -> Result<(), Problem> {
        self.tell(argument, Column::Size)
    }
}
