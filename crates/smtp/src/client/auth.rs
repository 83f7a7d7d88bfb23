//! AUTH, for a server that takes mail only from who it knows (RFC 4954). A refusal is never the message's fault.

use data_encoding::BASE64;
use sigillo_base::Secret;

use super::{Client, Failure, State};
use crate::Reply;

impl Client {
    /// What comes before the first message, once the channel stands.
    pub(super) fn log_in(&mut self) {
        let Some(login) = &self.config.login else { return self.ready() };
        if !self.tls {
            return self
                .turned_away(Failure::local(false, "la password non va in chiaro: il server non offre STARTTLS"));
        }
        if !self.extensions.auth_plain {
            return self.turned_away(Failure::local(false, "il server non offre AUTH PLAIN"));
        }
        let plain = Secret::new(format!("\0{}\0{}", login.user, login.password.expose()));
        let command = format!("AUTH PLAIN {}", BASE64.encode(plain.expose().as_bytes()));
        self.send(&command, State::Auth);
    }

    pub(super) fn auth_answered(&mut self, reply: Reply) {
        match reply.code {
            235 => self.ready(),
            _ => {
                let text = format!("il server non accetta le nostre credenziali: {reply}");
                self.turned_away(Failure { permanent: false, text, ..Failure::from_reply(reply) });
            }
        }
    }

    fn ready(&mut self) {
        self.met = true;
        self.begin_envelope();
    }
}
