//! STLS (RFC 2595 §4).

use super::{Action, Problem, Server, Wait};

impl Server {
    pub(super) fn stls(&mut self) -> Result<(), Problem> {
        if self.tls {
            return Err(Problem::Bad("TLS e' gia' attivo"));
        }
        self.ok("Begin TLS negotiation now");
        // What came behind it was sent in the open, and is not obeyed.
        self.lines.clear();
        self.ask(Wait::Tls, Action::StartTls);
        Ok(())
    }
}
