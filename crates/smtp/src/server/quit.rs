//! QUIT (RFC 5321 §4.1.1.10).

use super::Server;
use crate::Reply;

impl Server {
    pub(super) fn quit(&mut self) {
        self.say(&Reply::new(221, (2, 0, 0), "Bye"));
        self.hang_up();
    }
}
