//! The identity provider: whose access token a client shows is asked by RFC 7662 (token introspection), which Keycloak,
//! Authentik, Zitadel and their like all answer. A token that was revoked is known at once, and no key need be kept here.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use sigillo_base::Secret;
use sigillo_engine::{NoAnswer, Tokens};
use tokio::runtime::Handle;

use crate::config::Oauth;
use crate::fetch::{Fetch, escaped};

const FORM: &str = "application/x-www-form-urlencoded";

/// The largest answer that is read, in bytes.
pub const MAX_ANSWER: usize = 64 << 10;

/// An identity provider, as one of its clients.
pub struct Introspection {
    /// Where it is, who we are there, and what a token must say.
    pub oauth: Oauth,
    /// Our secret there.
    pub secret: Secret,
    /// With which roots and limits; see [`MAX_ANSWER`].
    pub fetch: Fetch,
}

/// RFC 7662 §2.2, as far as it is looked at.
#[derive(Deserialize)]
struct Answer {
    active: bool,
    aud: Option<Audience>,
    email_verified: Option<bool>,
    #[serde(flatten)]
    claims: serde_json::Map<String, serde_json::Value>,
}

/// One or several (RFC 7519 §4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Introspection {
    async fn ask(&self, token: &Secret) -> Result<Option<String>> {
        let fields = [
            ("token", token.expose()),
            ("token_type_hint", "access_token"),
            ("client_id", &self.oauth.client_id),
            ("client_secret", self.secret.expose()),
        ];
        let form: Vec<String> = fields.iter().map(|(key, value)| format!("{key}={}", escaped(value))).collect();
        let answer = self.fetch.post(&self.oauth.introspection.value, FORM, form.join("&").into_bytes()).await?;
        let answer: Answer = serde_json::from_slice(&answer.body).context("la risposta non è quella di RFC 7662")?;
        Ok(self.owner_said(&answer))
    }

    /// A token for another service of the same provider opens nothing here, nor does an address that nobody verified.
    fn owner_said(&self, answer: &Answer) -> Option<String> {
        let ours = match &answer.aud {
            Some(Audience::One(one)) => *one == self.oauth.audience,
            Some(Audience::Several(all)) => all.contains(&self.oauth.audience),
            None => false,
        };
        let verified = self.oauth.claim != "email" || answer.email_verified != Some(false);
        let owner = answer.claims.get(&self.oauth.claim).and_then(|claim| claim.as_str());
        owner.filter(|_| answer.active && ours && verified).map(str::to_owned)
    }
}

impl Tokens for Introspection {
    /// Called on a thread that may block, inside the runtime.
    fn owner(&self, token: &Secret) -> Result<Option<String>, NoAnswer> {
        Handle::current().block_on(self.ask(token)).map_err(|error| NoAnswer(format!("{error:#}")))
    }
}

/// The client's secret: the first line of its file.
///
/// # Errors
/// There is none.
pub fn secret(bytes: &[u8]) -> Result<Secret> {
    match std::str::from_utf8(bytes)?.lines().next().map(str::trim) {
        Some(line) if !line.is_empty() => Ok(Secret::new(line.to_owned())),
        _ => bail!("non contiene un segreto"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Located;
    use crate::fetch::tests::peer::{Certificates, Peer, ok};
    use crate::tls;

    async fn asked(peer: &Peer, answer: &str) -> Result<Option<String>, NoAnswer> {
        peer.answer("/introspect", ok("application/json", answer.as_bytes()));
        let roots = tls::certificates(&Certificates::new().ca()).unwrap();
        let fetch = Fetch::new(tls::client_config(roots).unwrap(), MAX_ANSWER);
        let introspection = Located { value: peer.url("/introspect"), key: String::new(), line: 0 };
        let oauth = Oauth {
            introspection,
            client_id: "sigillo".into(),
            secret: Located { value: "s".into(), key: String::new(), line: 0 },
            audience: "posta".into(),
            claim: "email".into(),
        };
        let provider = Introspection { oauth, secret: Secret::new("è=&".into()), fetch };
        // As the engine calls it: on a thread that may block.
        tokio::task::spawn_blocking(move || provider.owner(&Secret::new("abc+/=".into()))).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_token_is_good_when_its_issuer_says_so_and_means_us() {
        let peer = Peer::plain().await;
        let good = r#"{"active":true,"aud":["account","posta"],"email":"anna@x.example","email_verified":true}"#;
        assert_eq!(asked(&peer, good).await, Ok(Some("anna@x.example".into())));
        let said = peer.requests.lock()[0].clone();
        assert!(said.contains("token=abc%2B%2F%3D&token_type_hint=access_token"), "{said}");
        assert!(said.contains("client_id=sigillo&client_secret=%C3%A8%3D%26"), "{said}");
        for bad in [
            r#"{"active":false}"#,
            r#"{"active":false,"aud":"posta","email":"anna@x.example"}"#,
            r#"{"active":true,"aud":"account","email":"anna@x.example"}"#,
            r#"{"active":true,"email":"anna@x.example"}"#,
            r#"{"active":true,"aud":"posta","email":"anna@x.example","email_verified":false}"#,
            r#"{"active":true,"aud":"posta","username":"anna"}"#,
            r#"{"active":true,"aud":"posta","email":7}"#,
        ] {
            assert_eq!(asked(&peer, bad).await, Ok(None), "{bad}");
        }
        for broken in ["", "<p>", r#"{"email":"anna@x.example"}"#, r#"{"active":"true"}"#] {
            assert!(asked(&peer, broken).await.is_err(), "{broken}");
        }
    }

    #[test]
    fn a_secret_is_the_first_line() {
        assert_eq!(secret(b" abc \nmore\n").unwrap().expose(), "abc");
        assert!(secret(b"\n").is_err() && secret(b"").is_err() && secret(b"\xff").is_err());
    }
}
