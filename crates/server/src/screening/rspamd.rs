//! The antispam: rspamd over HTTP (`POST /checkv2`, rspamd's "protocol").

mod reply;

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use sigillo_engine::{Arrived, Spam};
use tokio_rustls::rustls::ClientConfig;

use crate::config::Antispam;
use crate::fetch::{Fetch, Url};
use crate::ids::random;
pub use reply::read;

/// The largest reply; with every rule named it is a few kilobytes.
const MAX_REPLY: usize = 256 * 1024;

/// A client of one rspamd.
pub(super) struct Rspamd {
    at: Url,
    fetch: Fetch,
    max_size: usize,
}

impl Rspamd {
    /// `limit` holds for a whole question.
    pub(super) fn new(config: &Antispam, tls: Arc<ClientConfig>, limit: Duration) -> Self {
        let fetch = Fetch::new(tls, MAX_REPLY).patience(limit);
        Self { at: config.rspamd.clone(), fetch, max_size: config.max_size }
    }

    /// What rspamd says of this message; a larger one than it is given is not asked about.
    pub(super) async fn ask(&self, mail: &Arrived) -> Spam {
        if mail.bytes.len() > self.max_size {
            return Spam::NotAsked;
        }
        let answer = self.fetch.post_with(&self.at, facts(mail), mail.bytes.clone()).await;
        let read =
            answer.map_err(|e| format!("{e:#}")).and_then(|a| read(&a.body).map_err(|e| format!("{}: {e}", self.at)));
        read.unwrap_or_else(Spam::Unavailable)
    }
}

/// What SMTP said, for the rules that look at it. A value that no header field can hold is left out.
fn facts(mail: &Arrived) -> HeaderMap {
    let mut fields = HeaderMap::new();
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            fields.append(HeaderName::from_static(name), value);
        }
    };
    put("ip", &mail.peer.ip.to_canonical().to_string());
    put("helo", &mail.ehlo);
    put("from", mail.from.as_ref().map_or("", |from| from.as_str()));
    mail.to.iter().for_each(|to| put("rcpt", to.as_str()));
    put("queue-id", &format!("{:016x}", u64::from_be_bytes(random())));
    fields
}
