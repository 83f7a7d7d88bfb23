//! STARTTLS (RFC 3207).

use sigillo_wire::Tick;

use super::{Action, Client, Failure, State};
use crate::Reply;
use crate::reply::Reader;

impl Client {
    /// The handshake asked by [`Action::StartTls`] is done.
    pub fn tls_started(&mut self, now: Tick) {
        self.tick(now);
        if self.state == State::Handshake {
            self.tls = true;
            self.ehlo();
        }
    }

    /// The handshake failed: the connection is of no use. Whether to come again in clear is the driver's to say, by
    /// [`super::Config::try_tls`].
    pub fn tls_failed(&mut self, why: &str, now: Tick) {
        self.tick(now);
        if self.state == State::Handshake {
            self.lose(format!("negoziazione TLS non riuscita: {why}"));
        }
    }

    pub(super) fn starttls_answered(&mut self, reply: Reply) {
        match reply.code {
            220 => {
                self.queue.push_back(Action::StartTls);
                // Replies said in clear must not be taken for answers inside TLS.
                self.reader = Reader::new();
                self.enter(State::Handshake);
            }
            421 => self.gives_up(reply),
            _ if self.config.require_tls => {
                let text = format!("il server rifiuta il canale cifrato (STARTTLS): {reply}");
                self.turned_away(Failure { permanent: false, text, ..Failure::from_reply(reply) });
            }
            _ => self.log_in(),
        }
    }
}
