//! USER: who PASS is for. Whether he exists is told by nobody.

use super::{Problem, Server, State};

impl Server {
    pub(super) fn name(&mut self, argument: &[u8]) -> Result<(), Problem> {
        self.may_login()?;
        let name = std::str::from_utf8(argument).ok().map(str::trim).filter(|name| !name.is_empty());
        let name = name.ok_or(Problem::Bad("USER utente"))?.to_owned();
        self.state = State::Authorization(Some(name));
        self.ok("Ora la password");
        Ok(())
    }
}
