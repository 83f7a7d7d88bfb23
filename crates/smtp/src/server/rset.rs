//! RSET (RFC 5321 §4.1.1.5). An argument is ignored, as most servers do.

use super::Server;
use crate::Reply;

impl Server {
    pub(super) fn rset(&mut self) {
        self.reset();
        self.say(&Reply::new(250, (2, 0, 0), "Ok"));
    }
}
