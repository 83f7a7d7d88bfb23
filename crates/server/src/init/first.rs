//! The first configuration: a text with comments, in which a few values are filled in.

use std::path::{Path, PathBuf};

use sigillo_admin::Lang;
use sigillo_base::{Address, Domain, Said, said};

use super::site::{Site, read, same_bytes};
use crate::config::Config;

const ITALIAN: &str = include_str!("sigillo.it.toml");
const ENGLISH: &str = include_str!("sigillo.en.toml");

/// What a new provider is.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Its name in index and certificate.
    pub provider: Option<String>,
    /// Its certified domains; the service mailbox is in the first.
    pub domains: Vec<Domain>,
    /// The service mailbox; `None`: `posta-certificata@` the first domain.
    pub service_address: Option<Address>,
    /// The name of this host; `None`: `mx.` and the first domain.
    pub host: Option<Domain>,
    /// Folder of the store.
    pub store: PathBuf,
    /// The administrative socket.
    pub socket: PathBuf,
}

/// The configuration in this file; where there is none, a new one that says these facts.
pub(super) fn configuration(file: &Path, facts: &Facts, lang: Lang, site: &mut Site) -> Result<Config, Said> {
    if read(file)?.is_none() {
        let text = render(facts, lang)?;
        let config = parsed(Config::parse(file, &text))?;
        site.place(file, text.as_bytes(), same_bytes(text.as_bytes()))?;
        return Ok(config);
    }
    let config = parsed(Config::load(file))?;
    agrees(&config, facts)?;
    site.place(file, b"", |_| true)?;
    Ok(config)
}

fn parsed(config: Result<Config, crate::config::Problems>) -> Result<Config, Said> {
    config.map_err(Said::from)
}

/// Who says something else than the file should know that it has no effect.
fn agrees(config: &Config, facts: &Facts) -> Result<(), Said> {
    let other = [
        ("provider.name", facts.provider.as_ref().is_some_and(|name| *name != config.name.value)),
        ("provider.domains", facts.domains.iter().any(|domain| !config.domains.contains(domain))),
        (
            "provider.service_address",
            facts.service_address.as_ref().is_some_and(|a| *a != config.service_address.value),
        ),
        ("provider.host", facts.host.as_ref().is_some_and(|host| host.as_str() != config.host.value)),
    ];
    let keys: Vec<&str> = other.into_iter().filter_map(|(key, other)| other.then_some(key)).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let (file, keys) = (config.file.display(), keys.join(", "));
    Err(said!(
        "{file} c'è già e dice altro per {keys}: cambiarlo là, e togliere l'opzione",
        "{file} is there and says otherwise of {keys}: change it there, and leave the option out"
    ))
}

fn render(facts: &Facts, lang: Lang) -> Result<String, Said> {
    let (Some(provider), Some(first)) = (&facts.provider, facts.domains.first()) else {
        return Err(said!(
            "servono --provider NOME e almeno un --domain DOMINIO",
            "--provider NAME and at least one --domain DOMAIN are needed"
        ));
    };
    let service = match &facts.service_address {
        Some(address) => address.as_str().to_owned(),
        None => format!("posta-certificata@{first}"),
    };
    let host = facts.host.as_ref().map_or_else(|| format!("mx.{first}"), |host| host.as_str().to_owned());
    let within = host == first.as_str() || host.ends_with(&format!(".{first}"));
    let dkim_domain = if within { first.as_str() } else { &host };
    let domains: Vec<&str> = facts.domains.iter().map(Domain::as_str).collect();
    let path = |path: &Path| quoted(&path.display().to_string());
    let values = [
        // In a comment: a line end would end it.
        ("{{provider}}", provider.replace(char::is_control, " ")),
        ("{{name}}", quoted(provider)),
        ("{{service_address}}", quoted(&service)),
        ("{{host}}", quoted(&host)),
        ("{{domains}}", format!("[{}]", domains.iter().map(|d| quoted(d)).collect::<Vec<_>>().join(", "))),
        ("{{store}}", path(&facts.store)),
        ("{{index}}", path(&facts.store.join("igpec.ldif.p7m"))),
        ("{{socket}}", path(&facts.socket)),
        ("{{dkim_domain}}", quoted(dkim_domain)),
    ];
    let template = lang.pick(ITALIAN, ENGLISH);
    // One pass, so that no value is looked into for another's place.
    let mut text = String::with_capacity(template.len() + 1024);
    let mut rest = template;
    while let Some(at) = rest.find("{{") {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let place = values.iter().find(|(name, _)| from.starts_with(name));
        let (name, value) = place.map_or(("{{", "{{"), |(name, value)| (*name, value.as_str()));
        text.push_str(value);
        rest = &from[name.len()..];
    }
    Ok(text + rest)
}

/// A basic string of TOML: what JSON escapes means the same there.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(provider: &str) -> Facts {
        Facts {
            provider: Some(provider.into()),
            domains: vec![Domain::parse("pec.example").unwrap(), Domain::parse("b.example").unwrap()],
            store: "/var/lib/sigillo".into(),
            socket: "/run/sigillo/admin.sock".into(),
            ..Facts::default()
        }
    }

    #[test]
    fn both_languages_say_the_same_but_for_comments() {
        let keys = |text: &str| text.lines().filter(|l| !l.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(keys(ITALIAN), keys(ENGLISH));
        assert_ne!(render(&facts("X"), Lang::It), render(&facts("X"), Lang::En));
    }

    #[test]
    fn names_come_back_as_they_were_whatever_is_in_them() {
        for name in ["Gestore Èsempio S.p.A.", "a \"b\" \\ {{host}}", "{{", "x # y"] {
            let text = render(&facts(name), Lang::It).unwrap();
            let config = Config::parse(Path::new("/etc/sigillo/sigillo.toml"), &text).unwrap();
            assert_eq!(config.name.value, name);
            assert_eq!(config.service_address.value.as_str(), "posta-certificata@pec.example");
            assert_eq!((config.host.value.as_str(), config.domains.len()), ("mx.pec.example", 2));
            assert_eq!(config.dkim.unwrap().domain.as_str(), "pec.example");
        }
        let line_end = render(&facts("a\n[store]"), Lang::It).unwrap();
        let refused = Config::parse(Path::new("s.toml"), &line_end).unwrap_err();
        assert_eq!(refused.0[0].key.as_deref(), Some("provider.name"));
    }

    #[test]
    fn a_host_elsewhere_signs_for_itself() {
        let elsewhere = Facts { host: Some(Domain::parse("mail.host.example").unwrap()), ..facts("X") };
        let config = Config::parse(Path::new("s.toml"), &render(&elsewhere, Lang::En).unwrap()).unwrap();
        assert_eq!(config.dkim.unwrap().domain.as_str(), "mail.host.example");
        assert!(render(&Facts { provider: None, ..facts("X") }, Lang::En).is_err());
        assert!(render(&Facts { domains: Vec::new(), ..facts("X") }, Lang::En).is_err());
    }
}
