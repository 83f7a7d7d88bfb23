//! RETR: a message. It changes nothing, no flag either.

use super::{Problem, Server};

impl Server {
    pub(super) fn retr(&mut self, argument: &[u8]) -> Result<(), Problem> {
        self.read(argument, None)
    }
}
