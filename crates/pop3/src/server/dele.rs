//! DELE: a mark, which QUIT makes good.

use super::{Problem, Server};

impl Server {
    pub(super) fn dele(&mut self, argument: &[u8]) -> Result<(), Problem> {
        let open = self.open()?;
        let at = open.find(argument)?;
        open.marked[at] = true;
        self.ok(&format!("Messaggio {} segnato", at + 1));
        Ok(())
    }
}
