//! HELO (RFC 5321 §4.1.1.1): for clients older than extensions.

use super::Server;
use crate::Reply;

impl Server {
    pub(super) fn helo(&mut self, argument: &str) {
        if self.name(argument) {
            self.extended = false;
            self.say(&Reply::bare(250, self.config.host.clone()));
        }
    }
}
