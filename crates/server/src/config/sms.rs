//! The gateway of short messages: `[sms]`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderName;
use serde::Deserialize;
use sigillo_base::{Complaint, Said, said};
use toml::Spanned;

use super::located::{Located, Reader};
use crate::fetch::Url;

/// In which form a gateway wants a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `application/json`.
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
}

/// Who sends short messages, asked by an HTTP POST for each.
#[derive(Debug, Clone, PartialEq)]
pub struct Sms {
    /// Where it is asked: under TLS, or on this machine.
    pub url: Located<Url>,
    /// The form of the body.
    pub format: Format,
    /// What it holds: `{to}`, `{digits}`, `{text}` and `{id}` stand for the number, its digits alone, the text and the
    /// number of the notice.
    pub body: toml::Table,
    /// The field that carries our secret, and the file whose first line is its whole value.
    pub secret: Option<(String, Located<PathBuf>)>,
    /// What an answer must hold beside a status of success; nothing: the status says it.
    pub success: Option<String>,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Messages in a minute.
    pub per_minute: u32,
}

impl Sms {
    /// The same without the lines it stands on.
    pub fn plain(&self) -> Self {
        let (url, file) = (self.url.value.clone(), self.secret.clone());
        let secret = file.map(|(header, file)| (header, Located { value: file.value, key: String::new(), line: 0 }));
        Self { url: Located { value: url, key: String::new(), line: 0 }, secret, ..self.clone() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    url: Spanned<String>,
    #[serde(default)]
    format: Format,
    body: Spanned<toml::Table>,
    secret_header: Option<Spanned<String>>,
    secret_file: Option<Spanned<String>>,
    success: Option<String>,
    #[serde(default = "timeout_s")]
    timeout_s: Spanned<u64>,
    #[serde(default = "per_minute")]
    per_minute: Spanned<u32>,
}

fn timeout_s() -> Spanned<u64> {
    Spanned::new(0..0, 20)
}

fn per_minute() -> Spanned<u32> {
    Spanned::new(0..0, 60)
}

impl Reader<'_> {
    pub(super) fn sms(&mut self, raw: Raw) -> Option<Sms> {
        let remedy = said!(
            "scrivere https://macchina/percorso; http:// solo verso 127.0.0.1",
            "write https://host/path; http:// to 127.0.0.1 alone"
        );
        let url = self.check("sms.url", raw.url, remedy, |text| {
            let url: Url = text.parse().map_err(|bad: Complaint| bad.0)?;
            let local = url.host().parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
            let clear = || said!("non è cifrato: vi passano codici segreti", "is in clear: secret codes go there");
            if text.contains('?') {
                return Err(said!(
                    "dopo «?» finirebbe nei log: metterlo in sms.body o sms.secret_file",
                    "what follows “?” would be in logs: put it into sms.body or sms.secret_file"
                ));
            }
            if url.is_https() || local { Ok(url) } else { Err(clear()) }
        });
        let body = self.body(raw.format, raw.body);
        let secret = match (raw.secret_header, raw.secret_file) {
            (None, None) => Some(None),
            (Some(alone), None) => self.alone("sms.secret_header", &alone, "sms.secret_file"),
            (None, Some(alone)) => self.alone("sms.secret_file", &alone, "sms.secret_header"),
            (Some(header), Some(file)) => {
                let remedy = said!("per esempio \"Authorization\"", "\"Authorization\", for example");
                let header = self.check("sms.secret_header", header, remedy, |name| {
                    let bad = |_| said!("{name:?} non è un campo", "{name:?} is no field");
                    name.parse::<HeaderName>().map(|name| name.to_string()).map_err(bad)
                });
                Some(header.zip(self.path("sms.secret_file", file)).map(|(header, file)| (header.value, file)))
            }
        };
        let timeout = self.within("sms.timeout_s", &raw.timeout_s, 1, 60);
        let per_minute = self.within("sms.per_minute", &raw.per_minute, 1, 6_000);
        Some(Sms {
            url: url?,
            format: raw.format,
            body: body?,
            secret: secret?,
            success: raw.success.filter(|text| !text.is_empty()),
            timeout: Duration::from_secs(timeout?),
            per_minute: per_minute?,
        })
    }

    /// A body must say to whom and what.
    fn body(&mut self, format: Format, raw: Spanned<toml::Table>) -> Option<toml::Table> {
        let remedy = Said::new(
            "per esempio body = { to = \"{to}\", text = \"{text}\" }",
            "body = { to = \"{to}\", text = \"{text}\" }, for example",
        );
        let body = self.check("sms.body", raw, remedy, |table| {
            let text = table.to_string();
            if !(text.contains("{text}") && (text.contains("{to}") || text.contains("{digits}"))) {
                return Err(Said::new("non contiene {to} e {text}", "does not hold {to} and {text}"));
            }
            if format == Format::Form && table.values().any(|value| value.is_table() || value.is_array()) {
                return Err(said!("un modulo ha solo campi semplici", "a form has plain fields only"));
            }
            Ok(table.clone())
        });
        body.map(|body| body.value)
    }

    /// A number between two others.
    pub(super) fn within<N: Copy + PartialOrd + std::fmt::Display>(
        &mut self,
        key: &str,
        raw: &Spanned<N>,
        least: N,
        most: N,
    ) -> Option<N> {
        let number = *raw.get_ref();
        if (least..=most).contains(&number) {
            return Some(number);
        }
        let what = said!("{number} non va bene", "{number} will not do");
        let remedy = said!("scrivere da {least} a {most}", "write a number from {least} to {most}");
        self.wrong(key, raw, what, remedy)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, SAMPLE};

    fn parse(section: &str) -> Result<Config, String> {
        let text = format!("{SAMPLE}\n{section}");
        Config::parse(Path::new("s.toml"), &text).map_err(|problems| problems.to_string())
    }

    #[test]
    fn a_gateway_is_read_and_what_would_give_secrets_away_is_refused() {
        let body = "body = { to = \"{to}\", text = \"{text}\" }";
        let good = parse(&format!("[sms]\nurl = \"https://sms.example/send\"\n{body}")).unwrap();
        assert_eq!(good.sms.unwrap().per_minute, 60);
        assert!(parse(&format!("[sms]\nurl = \"http://127.0.0.1:8080/\"\n{body}")).is_ok());
        for (section, says) in [
            (format!("url = \"http://sms.example/\"\n{body}"), "non è cifrato"),
            (format!("url = \"http://localhost.evil.example/\"\n{body}"), "non è cifrato"),
            (format!("url = \"https://sms.example/?key=1\"\n{body}"), "finirebbe nei log"),
            ("url = \"https://sms.example/\"\nbody = { to = \"{to}\" }".into(), "{text}"),
            (
                "url = \"https://sms.example/\"\nformat = \"form\"\nbody = { to = [\"{to}\"], x = \"{text}\" }".into(),
                "modulo",
            ),
            (format!("url = \"https://sms.example/\"\nsecret_header = \"Authorization\"\n{body}"), "sms.secret_file"),
            (format!("url = \"https://sms.example/\"\nper_minute = 0\n{body}"), "sms.per_minute"),
            (format!("url = \"https://sms.example/\"\ntimeout_s = 600\n{body}"), "sms.timeout_s"),
        ] {
            let problems = parse(&format!("[sms]\n{section}")).map(|_| ()).unwrap_err();
            assert!(problems.contains(says), "{section}: {problems}");
        }
    }
}
