//! STAT: how many messages there are, and of how many octets.

use super::{Problem, Server};

impl Server {
    pub(super) fn stat(&mut self) -> Result<(), Problem> {
        let (count, size) = self.open()?.sums();
        self.ok(&format!("{count} {size}"));
        Ok(())
    }
}
