//! UTF8 (RFC 6856 §2). Names and passwords are UTF-8 always, and messages are given as they lie; so there is nothing to
//! remember.

use super::Server;

impl Server {
    pub(super) fn utf8(&mut self) {
        self.ok("UTF-8");
    }
}
