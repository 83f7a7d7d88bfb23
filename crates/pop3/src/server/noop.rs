//! NOOP.

use super::Server;

impl Server {
    pub(super) fn noop(&mut self) {
        self.ok("");
    }
}
