//! PASS: all that follows the blank is the password, blanks too (RFC 1939 §7).

use sigillo_base::Secret;
use sigillo_wire::sasl::{Claim, Credentials};

use super::{Action, Problem, Server, State, Wait};

impl Server {
    pub(super) fn pass(&mut self, argument: &[u8]) -> Result<(), Problem> {
        self.may_login()?;
        let State::Authorization(user) = &mut self.state else { return Err(super::NOT_NOW) };
        let user = user.take().ok_or(Problem::Bad("Prima USER"))?;
        let password = std::str::from_utf8(argument).map_err(|_| Problem::Bad("La password non e' in UTF-8"))?;
        let credentials = Credentials { user, password: Secret::new(password.to_owned()) };
        self.ask(Wait::Login, Action::Login(Claim::Password(credentials)));
        Ok(())
    }
}
