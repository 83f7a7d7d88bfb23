//! `sigillo cert list|renew|roll`: what a provider signs and shows itself with, and the change to the next signing certificate.

use super::{Destroys, Error, How, Where, header, table, yes};
use crate::Lang;
use crate::api::{AcmeStatus, Certificate, Certificates, Roll};

/// Arguments of `sigillo cert list`.
#[derive(Debug, Clone, clap::Args)]
pub struct List {
    /// Where to ask.
    #[command(flatten)]
    pub at: Where,
}

/// Arguments of `sigillo cert roll`.
#[derive(Debug, Clone, clap::Args)]
pub struct RollArgs {
    /// Where to ask.
    #[command(flatten)]
    pub at: Where<Destroys>,
}

/// Arguments of `sigillo cert renew`.
#[derive(Debug, Clone, clap::Args)]
pub struct Renew {
    /// Where to ask.
    #[command(flatten)]
    pub at: Where,
}

/// Gets another certificate of the doors now.
pub async fn renew(args: &Renew, lang: Lang) -> Result<String, Error> {
    let renewed = args.at.client().renew_tls().await?;
    args.at.tell(&renewed, |renewed| acme(renewed, lang))
}

/// How the certificate of the doors renews itself, on one line.
pub(super) fn acme(status: &AcmeStatus, lang: Lang) -> String {
    let mut text = format!("{} ({}): {}", status.directory, status.names.join(", "), status.next);
    if let Some(error) = &status.last_error {
        text += &format!("; {} ({}): {error}", lang.pick("NON RINNOVATO", "NOT RENEWED"), status.failures);
    }
    text
}

/// Gives the text to print; as [`Error::Shown`] when somebody has to see to one of them.
pub async fn list(args: &List, lang: Lang) -> Result<String, Error> {
    let found = args.at.client().certificates().await?;
    let text = args.at.tell(&found, |found| show(found, lang))?;
    if found.certificates.iter().any(Certificate::is_alarming) { Err(Error::Shown(text)) } else { Ok(text) }
}

/// Changes to the next certificate, or says what stands in the way.
pub async fn roll(args: &RollArgs, lang: Lang) -> Result<String, Error> {
    let at = &args.at;
    // The service says beforehand what stands in the way; its own trial is a reading.
    let done = !at.how.is_dry() && at.how.is_confirmed();
    let roll = at.client().roll(!done).await?;
    let text = at.tell(&roll, |roll| told(roll, done, lang))?;
    let refused = !roll.missing.is_empty() || !(done || at.how.is_dry());
    if refused { Err(Error::Shown(text)) } else { Ok(text) }
}

fn told(roll: &Roll, done: bool, lang: Lang) -> String {
    let line = |it, en, certificate: &Certificate| format!("{}: {}\n", lang.pick(it, en), brief(certificate, lang));
    let mut text = line("da", "from", &roll.from);
    if let Some(to) = &roll.to {
        text += &line("a", "to", to);
    }
    for missing in &roll.missing {
        text += &format!("{}: {missing}\n", lang.pick("manca", "missing"));
    }
    text += match (done, roll.missing.is_empty()) {
        (true, _) => lang.pick(
            "da adesso firma il nuovo; scriverlo in signing.certificate e signing.key, e togliere signing.next_*",
            "the new one signs from now on; write it into signing.certificate and signing.key, and remove signing.next_*",
        ),
        (false, true) => lang.pick("si può: con --yes si fa", "it can be done: --yes does it"),
        (false, false) => lang.pick("non si può ancora", "it cannot be done yet"),
    };
    text
}

/// A certificate on one line.
pub(super) fn brief(certificate: &Certificate, lang: Lang) -> String {
    let Certificate { purpose, subject, not_after, sha1, .. } = certificate;
    let mut text = format!("{purpose}: {subject}");
    if let Some(sha1) = sha1 {
        text += &format!(" (SHA-1 {sha1})");
    }
    if let Some(end) = not_after {
        text += &format!(" → {end}");
    }
    if certificate.is_alarming() {
        text += &format!("; {}", state(certificate, lang).to_uppercase());
    }
    text
}

fn state(certificate: &Certificate, lang: Lang) -> &str {
    match certificate.state.as_str() {
        "fine" => lang.pick("bene", "fine"),
        "soon" => lang.pick("scade presto", "ends soon"),
        "urgent" => lang.pick("sta per scadere", "about to end"),
        "expired" => lang.pick("scaduto", "expired"),
        "future" => lang.pick("non vale ancora", "not valid yet"),
        "unlisted" => lang.pick("non è nell'indice", "not in the index"),
        other => other,
    }
}

fn show(found: &Certificates, lang: Lang) -> String {
    let columns = [
        ("uso", "purpose"),
        ("stato", "state"),
        ("soggetto", "subject"),
        ("seriale e impronte", "serial and digests"),
        ("validità", "validity"),
        ("giorni", "days"),
        ("indice", "index"),
        ("dove", "where"),
    ];
    let mut rows = table(&header(lang, &columns));
    for certificate in &found.certificates {
        let named = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name} {value}"));
        let digests = [
            named(lang.pick("seriale", "serial"), &certificate.serial),
            named("SHA-1", &certificate.sha1),
            named("SHA-256", &certificate.sha256),
        ];
        let days = certificate.days_left.map(|days| days.to_string());
        rows.add_row([
            certificate.purpose.clone(),
            state(certificate, lang).to_owned(),
            certificate.subject.clone(),
            digests.into_iter().flatten().collect::<Vec<_>>().join("\n"),
            [&certificate.not_before, &certificate.not_after].map(|at| at.as_deref().unwrap_or("")).join("\n"),
            days.unwrap_or_default(),
            certificate.listed.map_or("", |listed| yes(lang, listed)).to_owned(),
            certificate.at.clone(),
        ]);
    }
    rows.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(state: &str) -> Certificate {
        Certificate {
            purpose: "signing".into(),
            subject: "O=Gestore".into(),
            issuer: None,
            serial: Some("01".into()),
            sha1: Some("AB".into()),
            sha256: None,
            not_before: None,
            not_after: Some("2027-01-01".into()),
            days_left: Some(3),
            at: "signing.certificate".into(),
            listed: Some(true),
            state: state.into(),
        }
    }

    #[test]
    fn what_has_to_be_seen_to_is_seen() {
        assert_eq!(brief(&certificate("fine"), Lang::It), "signing: O=Gestore (SHA-1 AB) → 2027-01-01");
        assert!(brief(&certificate("urgent"), Lang::It).ends_with("; STA PER SCADERE"));
        assert!(brief(&certificate("unlisted"), Lang::En).ends_with("; NOT IN THE INDEX"));
        assert!(!certificate("future").is_alarming() && certificate("expired").is_alarming());
    }

    #[test]
    fn a_roll_says_what_it_did_or_what_is_missing() {
        let mut roll = Roll { from: certificate("fine"), to: Some(certificate("fine")), missing: Vec::new() };
        assert!(told(&roll, true, Lang::It).contains("da adesso firma il nuovo"));
        assert!(told(&roll, false, Lang::En).contains("--yes does it"));
        roll.missing.push("l'indice non lo ha".into());
        let text = told(&roll, false, Lang::It);
        assert!(text.contains("manca: l'indice non lo ha") && text.ends_with("non si può ancora"), "{text}");
    }
}
