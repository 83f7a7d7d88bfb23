//! Short messages: the gateway that sends them, asked over HTTP. Neither a text nor an answer ever gets into a log: both may
//! hold a secret.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use sigillo_admin::api;
use sigillo_base::{Phone, Secret, Timestamp};

use crate::config::{Sms, SmsFormat};
use crate::fetch::{Answered, Fetch, escaped};

/// The largest answer that is read, in bytes.
pub const MAX_ANSWER: usize = 64 << 10;

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The gateway does not want this one.
    Message(String),
    /// The gateway takes none now.
    Gateway(String),
}

/// A gateway.
pub struct Gateway {
    config: Sms,
    /// The value of the field that carries our secret.
    secret: Option<Secret>,
    fetch: Fetch,
    trouble: Mutex<Option<(Timestamp, String)>>,
}

impl Gateway {
    /// The gateway of this configuration; see [`MAX_ANSWER`].
    pub fn new(config: Sms, secret: Option<Secret>, fetch: Fetch) -> Self {
        let fetch = fetch.patience(config.timeout);
        Self { config, secret, fetch, trouble: Mutex::default() }
    }

    /// Messages in a minute.
    pub fn per_minute(&self) -> u32 {
        self.config.per_minute
    }

    /// Sends a message. `id` tells a gateway that keeps it that one comes again.
    ///
    /// # Errors
    /// Why not; never with anything of the message, nor of the answer.
    pub async fn send(&self, id: u128, to: &Phone, text: &Secret) -> Result<(), Failure> {
        let filled = self.config.body.iter().map(|(key, value)| (key.clone(), fill(value, id, to, text)));
        let (kind, body) = match self.config.format {
            SmsFormat::Json => ("application/json", serde_json::Value::Object(filled.collect()).to_string()),
            SmsFormat::Form => {
                let field = |(key, value): (String, serde_json::Value)| {
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    format!("{}={}", escaped(&key), escaped(&value))
                };
                ("application/x-www-form-urlencoded", filled.map(field).collect::<Vec<_>>().join("&"))
            }
        };
        let mut fields = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
        if let (Some((name, _)), Some(secret)) = (&self.config.secret, &self.secret) {
            let bad = || Failure::Gateway("sms.secret_file non contiene il valore di un campo".to_owned());
            let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| bad())?;
            value.set_sensitive(true);
            fields.insert(name.parse::<HeaderName>().map_err(|_| bad())?, value);
        }
        let answer = self.fetch.post_with(&self.config.url.value, fields, body.into_bytes()).await;
        let answer = answer.map_err(|error| {
            let why = format!("{error:#}");
            // What it understood and does not want is about the message; all else is about the gateway.
            match error.downcast_ref::<Answered>() {
                Some(Answered(status)) if refuses(*status) => Failure::Message(why),
                _ => Failure::Gateway(why),
            }
        })?;
        match &self.config.success {
            Some(wanted) if !String::from_utf8_lossy(&answer.body).contains(wanted.as_str()) => {
                Err(Failure::Message(format!("{}: la risposta non contiene sms.success", self.config.url.value)))
            }
            _ => Ok(()),
        }
    }

    /// Notes how it went.
    pub fn went(&self, done: &Result<(), Failure>, now: Timestamp) {
        let mut trouble = self.trouble.lock();
        match done {
            Ok(()) => *trouble = None,
            Err(Failure::Message(why) | Failure::Gateway(why)) => {
                let since = trouble.as_ref().map_or(now, |(since, _)| *since);
                *trouble = Some((since, why.clone()));
            }
        }
    }

    /// How it is, for who asks.
    pub fn status(&self) -> api::SmsStatus {
        let (since, error) = self.trouble.lock().clone().unzip();
        api::SmsStatus { at: self.config.url.value.to_string(), since: since.map(|at| at.to_string()), error }
    }
}

fn refuses(status: StatusCode) -> bool {
    use StatusCode as S;
    let ours = [S::UNAUTHORIZED, S::PAYMENT_REQUIRED, S::FORBIDDEN, S::NOT_FOUND, S::METHOD_NOT_ALLOWED];
    let later = [S::REQUEST_TIMEOUT, S::TOO_EARLY, S::TOO_MANY_REQUESTS];
    status.is_client_error() && !ours.contains(&status) && !later.contains(&status)
}

/// A value of the body with what stands for the message. What is put in is not looked at again.
fn fill(value: &toml::Value, id: u128, to: &Phone, text: &Secret) -> serde_json::Value {
    use toml::Value;
    let inside = |value| fill(value, id, to, text);
    match value {
        Value::String(template) => serde_json::Value::String(filled(template, id, to, text)),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Boolean(so) => (*so).into(),
        Value::Datetime(at) => at.to_string().into(),
        Value::Array(values) => values.iter().map(inside).collect(),
        Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), inside(value))).collect(),
    }
}

fn filled(template: &str, id: u128, to: &Phone, text: &Secret) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let id = format!("{id:032x}");
        let values =
            [("{to}", to.as_str()), ("{digits}", &to.as_str()[1..]), ("{text}", text.expose()), ("{id}", id.as_str())];
        match values.iter().find(|(name, _)| rest.starts_with(name)) {
            Some((name, value)) => {
                out.push_str(value);
                rest = &rest[name.len()..];
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

/// Between attempts while the gateway takes none: 5 s, doubling, at most 5 minutes.
pub fn pause(failures: u32) -> Duration {
    Duration::from_secs((5u64 << failures.min(6)).min(300))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Located;
    use crate::fetch::tests::peer::{Certificates, Peer, ok};
    use crate::tls;

    fn gateway(peer: &Peer, format: SmsFormat, body: &str, success: Option<&str>) -> Gateway {
        let roots = tls::certificates(&Certificates::new().ca()).unwrap();
        let located = |key: &str| (key.to_owned(), 0);
        let (key, line) = located("sms.url");
        let config = Sms {
            url: Located { value: peer.url("/send"), key, line },
            format,
            body: body.parse().unwrap(),
            secret: Some(("x-key".into(), Located { value: "s".into(), key: String::new(), line: 0 })),
            success: success.map(str::to_owned),
            timeout: Duration::from_secs(20),
            per_minute: 60,
        };
        let fetch = Fetch::new(tls::client_config(roots).unwrap(), MAX_ANSWER);
        Gateway::new(config, Some(Secret::new("chiave".into())), fetch)
    }

    fn number() -> Phone {
        Phone::parse("+393331234567").unwrap()
    }

    /// A text is free: what looks like a place of the template, or ends a value, stays text.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_text_stays_a_text_in_either_form() {
        let text = Secret::new("codice \"{to}\" è & = 1\r\n".into());
        let peer = Peer::plain().await;
        peer.answer("/send", ok("application/json", b"{\"esito\":\"ok\"}"));
        let json = gateway(&peer, SmsFormat::Json, "n = [\"{digits}\"]\nt = \"S: {text} {x}\"\nk = 7", Some("\"ok\""));
        json.send(1, &number(), &text).await.unwrap();
        let said = peer.requests.lock().last().unwrap().clone();
        assert!(said.to_lowercase().contains("x-key: chiave"), "{said}");
        let body: serde_json::Value = serde_json::from_str(said.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        let wanted = serde_json::json!({"n": ["393331234567"], "k": 7, "t": "S: codice \"{to}\" è & = 1\r\n {x}"});
        assert_eq!(body, wanted);
        let form = gateway(&peer, SmsFormat::Form, "to = \"{to}\"\nt = \"{text}\"", None);
        form.send(1, &number(), &text).await.unwrap();
        let said = peer.requests.lock().last().unwrap().clone();
        let wanted = "t=codice%20%22%7Bto%7D%22%20%C3%A8%20%26%20%3D%201%0D%0A&to=%2B393331234567";
        assert!(said.split("\r\n\r\n").nth(1).unwrap().split('&').all(|field| wanted.contains(field)), "{said}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_failed_is_told_apart_and_shows_nothing_of_the_message() {
        let peer = Peer::plain().await;
        let send = async |answer: Vec<u8>, success: Option<&str>| {
            peer.answer("/send", answer);
            let gateway = gateway(&peer, SmsFormat::Json, "to = \"{to}\"\nt = \"{text}\"", success);
            gateway.send(1, &number(), &Secret::new("segreto".into())).await
        };
        let status = |line: &str| format!("HTTP/1.1 {line}\r\nContent-Length: 7\r\n\r\nsegreto").into_bytes();
        assert_eq!(send(status("201 Created"), None).await, Ok(()));
        for (answer, success, gateway) in [
            (status("400 Bad Request"), None, false),
            (status("422 Unprocessable Entity"), None, false),
            (status("200 OK"), Some("riuscito"), false),
            (status("401 Unauthorized"), None, true),
            (status("429 Too Many Requests"), None, true),
            (status("503 Service Unavailable"), None, true),
        ] {
            let failure = send(answer.clone(), success).await.unwrap_err();
            assert_eq!(matches!(failure, Failure::Gateway(_)), gateway, "{failure:?}");
            assert!(!format!("{failure:?}").contains("segreto"), "{failure:?}");
        }
    }

    #[test]
    fn pauses_grow_to_five_minutes() {
        assert_eq!([0, 1, 5, 6, 40].map(|n| pause(n).as_secs()), [5, 10, 160, 300, 300]);
    }
}
