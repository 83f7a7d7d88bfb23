//! NOOP (RFC 5321 §4.1.1.9): an argument may stand and is ignored.

use super::Server;
use crate::Reply;

impl Server {
    pub(super) fn noop(&mut self) {
        self.say(&Reply::new(250, (2, 0, 0), "Ok"));
    }
}
