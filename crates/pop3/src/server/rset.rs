//! RSET: no message is marked any more.

use super::{Problem, Server};

impl Server {
    pub(super) fn rset(&mut self) -> Result<(), Problem> {
        let open = self.open()?;
        open.marked.fill(false);
        let (count, size) = open.sums();
        self.ok(&format!("{count} messaggi, {size} ottetti"));
        Ok(())
    }
}
