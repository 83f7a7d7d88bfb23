//! The greeting (RFC 5321 §3.1).

use super::{Client, Failure};
use crate::Reply;

impl Client {
    pub(super) fn greeted(&mut self, reply: Reply) {
        match reply.code {
            220 => self.ehlo(),
            _ => self.unwelcome(reply),
        }
    }

    /// 521: this host never takes mail (RFC 7504). Any other refusal is about this host and this moment, and another mail
    /// exchanger, or a later hour, may do better.
    pub(super) fn unwelcome(&mut self, reply: Reply) {
        let permanent = reply.code == 521;
        self.turned_away(Failure { permanent, ..Failure::from_reply(reply) });
    }
}
