//! The time-stamp authority: what is stamped and what a stamp says is read elsewhere, here it is asked for
//! (RFC 3161 §3.4).

use std::sync::Arc;

use anyhow::{Result, bail};
use sigillo_smime::Trust;
use sigillo_smime::timestamp::{request, response};

use crate::fetch::{Fetch, Url};
use crate::housekeeping::Stamper;
use crate::ids::random;

const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// The largest reply that is read, in bytes: a token with its certificates has a few thousand.
pub const MAX_REPLY: usize = 256 << 10;

/// A time-stamp authority.
#[derive(Clone)]
pub struct Tsa {
    /// Where it is asked.
    pub url: Url,
    /// With which roots and limits; see [`MAX_REPLY`].
    pub fetch: Fetch,
}

impl Tsa {
    /// Sends a TimeStampReq and gives the TimeStampResp, in DER both. Whether it grants a stamp, and of what, is for the
    /// caller to read.
    ///
    /// # Errors
    /// No answer, or one that is not a reply; the text names the address.
    pub async fn stamp(&self, query_der: Vec<u8>) -> Result<Vec<u8>> {
        let answer = self.fetch.post(&self.url, QUERY, query_der).await?;
        let found = answer.content_type.unwrap_or_default();
        let essence = found.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(REPLY) {
            bail!("{}: la risposta è {found:?}, non {REPLY}", self.url);
        }
        Ok(answer.body)
    }
}

impl Tsa {
    /// A stamper that asks this authority, and believes what `trust` proves.
    pub fn stamper(self, trust: Trust) -> Stamper {
        let (tsa, trust) = (Arc::new(self), Arc::new(trust));
        Arc::new(move |digest| {
            let (tsa, trust) = (Arc::clone(&tsa), Arc::clone(&trust));
            Box::pin(async move {
                let nonce = u64::from_be_bytes(random());
                let answer = tsa.stamp(request(&digest, nonce)?).await?;
                let token = response(&answer, &digest, nonce)?;
                token.verify(&digest, &trust)?;
                Ok(token.der().to_vec())
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::tests::peer::{Certificates, Peer, ok};
    use crate::tls;

    #[tokio::test]
    async fn a_reply_is_taken_and_what_is_none_is_not() {
        let peer = Peer::plain().await;
        let roots = tls::certificates(&Certificates::new().ca()).unwrap();
        let fetch = Fetch::new(tls::client_config(roots).unwrap(), MAX_REPLY);
        let tsa = |path| Tsa { url: peer.url(path), fetch: fetch.clone() };
        peer.answer("/tsa", ok("Application/Timestamp-Reply; x=1", b"\x30\x03\x02\x01\x00"));
        assert_eq!(tsa("/tsa").stamp(b"\x30\x00".to_vec()).await.unwrap(), b"\x30\x03\x02\x01\x00");
        let asked = peer.requests.lock()[0].to_lowercase();
        assert!(
            asked.starts_with("post /tsa") && asked.contains("content-type: application/timestamp-query"),
            "{asked}"
        );

        peer.answer("/html", ok("text/html", b"<p>errore"));
        let error = tsa("/html").stamp(Vec::new()).await.unwrap_err().to_string();
        assert!(error.contains("/html") && error.contains("application/timestamp-reply"), "{error}");
        peer.answer("/large", ok(REPLY, &[0; MAX_REPLY + 1]));
        assert!(format!("{:#}", tsa("/large").stamp(Vec::new()).await.unwrap_err()).contains("più di"));
    }
}
