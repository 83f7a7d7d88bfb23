//! `sigillo message inspect`: whether a stored message is genuine, what it certifies, and what that proves. No server
//! is asked.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use comfy_table::{Table, presets};
use serde::Serialize;
use sigillo_admin::Lang;
use sigillo_base::limits::MB;
use sigillo_base::{Address, Complaint, Said, Timestamp, said};
use sigillo_pec::RecipientClass;
use sigillo_pec::inspect::{self, Check, Nature, Report};
use sigillo_smime::{Certificate, Crl, Trust};

use super::{Exit, complain};
use crate::complaint;
use crate::out::say;

/// No message of certified mail, no certificate file and no directory is larger.
const LIMIT: u64 = 128 * MB;

#[derive(Debug, Clone, clap::Subcommand)]
pub(super) enum Verb {
    /// Dice se un messaggio salvato è posta certificata autentica, che cosa certifica e che cosa prova
    ///
    /// Esce con 0 se è autentico, 1 se non lo è, 2 se un file non si legge, 64 se gli argomenti sono sbagliati.
    Inspect(Inspect),
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Inspect {
    /// Il messaggio (.eml), oppure - per leggerlo dall'ingresso standard
    file: PathBuf,
    /// Certificati dell'autorità in PEM, anche con le sue liste di revoca (CRL); senza, la validità resta ignota
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Indice dei gestori, LDIF o firmato (.p7m); senza, l'origine resta ignota
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,
    /// Istante a cui giudicare il certificato, in ISO 8601; senza, quello dichiarato dalla firma
    #[arg(long, value_name = "ISTANTE", value_parser = instant)]
    at: Option<Timestamp>,
    /// Risponde in JSON
    #[arg(long)]
    json: bool,
}

fn instant(text: &str) -> Result<Timestamp, Complaint> {
    let needed = || {
        Complaint(said!(
            "serve una data, 2026-03-12, o un istante, 2026-03-12T10:15:01+01:00 (ISO 8601)",
            "a date is needed, 2026-03-12, or an instant, 2026-03-12T10:15:01+01:00 (ISO 8601)"
        ))
    };
    Timestamp::from_iso(text).ok_or_else(needed)
}

pub(super) fn run(verb: &Verb, lang: Lang) -> Exit {
    let Verb::Inspect(args) = verb;
    match report(args) {
        Ok(report) if args.json => answer(json(&report, lang), &report, lang),
        Ok(report) => answer(Ok(page(&report, lang)), &report, lang),
        Err(problem) => complain(problem, lang, Exit::Usage),
    }
}

fn answer(text: serde_json::Result<String>, report: &Report, lang: Lang) -> Exit {
    match text {
        Ok(text) => say(text),
        Err(error) => return complain(Said::verbatim(error), lang, Exit::False),
    }
    if report.genuine() { Exit::Fine } else { Exit::False }
}

/// An error is a sentence that names the file and says what to do.
fn report(args: &Inspect) -> Result<Report, Said> {
    let needed = |path: &Path, error: &(dyn std::error::Error + 'static), what: Said| {
        let (why, path) = (complaint::alone(error), path.display());
        Said {
            it: format!("{path}: {}; serve {}", why.it, what.it),
            en: format!("{path}: {}; needed: {}", why.en, what.en),
        }
    };
    let ca = args.ca.as_deref().map(|path| {
        trust(&read(path)?).map_err(|error| {
            let what = said!(
                "un file PEM con i certificati dell'autorità, e se ci sono le sue CRL",
                "a PEM file with the authority's certificates, and its CRLs if there are any"
            );
            needed(path, &error, what)
        })
    });
    let ca = ca.transpose()?;
    let index = args.index.as_deref().map(|path| {
        inspect::directory(&read(path)?, ca.as_ref(), args.at).map_err(|error| {
            let what = said!(
                "l'indice dei gestori: LDIF, o il file firmato (.p7m) con in --ca l'autorità di chi lo firma",
                "the directory of providers: LDIF, or the signed file (.p7m) with its signer's authority in --ca"
            );
            needed(path, &error, what)
        })
    });
    let index = index.transpose()?;
    let message = read(&args.file)?;
    Ok(inspect::inspect(&message, ca.as_ref(), index.as_ref(), args.at))
}

fn trust(pem: &[u8]) -> Result<Trust, sigillo_smime::Error> {
    let has_lists = String::from_utf8_lossy(pem).contains("-----BEGIN X509 CRL-----");
    let crls = if has_lists { Crl::from_pem(pem)? } else { Vec::new() };
    Ok(Trust::new(Certificate::from_pem(pem)?, crls))
}

/// A whole file, or standard input for `-`.
fn read(path: &Path) -> Result<Vec<u8>, Said> {
    let mut bytes = Vec::new();
    let got = if path == Path::new("-") {
        io::stdin().lock().take(LIMIT + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes))
    };
    let what = match got {
        Ok(_) if bytes.len() as u64 <= LIMIT => return Ok(bytes),
        Ok(_) => said!(
            "supera 128 MB: nessun messaggio di posta certificata è così grande; indicare un solo messaggio",
            "larger than 128 MB: no certified message is; name a single message"
        ),
        Err(e) if e.kind() == io::ErrorKind::IsADirectory => {
            said!("è una cartella: indicare un file", "is a folder: name a file")
        }
        Err(e) => said!(
            "non si legge ({e}): controllare il percorso e i permessi",
            "cannot be read ({e}): check the path and the permissions"
        ),
    };
    Err(what.about(path.display()))
}

#[derive(Serialize)]
struct Json<'r> {
    kind: &'static str,
    genuine: bool,
    checks: JsonChecks,
    sender: Option<&'r str>,
    recipients: Vec<JsonRecipient<'r>>,
    subject: Option<&'r str>,
    time: Option<String>,
    identificativo: Option<&'r str>,
    msgid: Option<&'r str>,
    provider: Option<&'r str>,
    error: Option<&'static str>,
    error_detail: Option<&'r str>,
    says: &'r str,
    /// What `says` ends with, one by one.
    notes: Vec<&'r str>,
}

#[derive(Serialize)]
struct JsonChecks {
    signature: &'static str,
    origin: &'static str,
    validity: &'static str,
    form: &'static str,
}

#[derive(Serialize)]
struct JsonRecipient<'r> {
    address: &'r str,
    r#type: &'static str,
}

fn json(report: &Report, lang: Lang) -> serde_json::Result<String> {
    let (data, checks, says) = (report.certification.as_ref(), &report.checks, report.says());
    let facts = data.map(|c| &c.facts);
    let recipients = facts.into_iter().flat_map(|f| &f.recipients);
    serde_json::to_string_pretty(&Json {
        kind: report.nature.as_str(),
        genuine: report.genuine(),
        checks: JsonChecks {
            signature: checks.signature.as_str(),
            origin: checks.origin.as_str(),
            validity: checks.validity.as_str(),
            form: checks.form.as_str(),
        },
        sender: facts.map(|f| f.sender.as_str()),
        recipients: recipients
            .map(|r| JsonRecipient { address: r.address.as_str(), r#type: r.class.as_str() })
            .collect(),
        subject: facts.and_then(|f| f.subject.as_deref()),
        time: data.and_then(|c| c.time.iso()),
        identificativo: facts.map(|f| f.id.as_str()),
        msgid: facts.and_then(|f| f.msgid.as_deref()),
        provider: report.provider(),
        error: data.map(|c| c.error.as_str()),
        error_detail: data.and_then(|c| c.extended_error.as_deref()),
        says: says.pick(lang),
        notes: report.notes.iter().map(|note| note.pick(lang)).collect(),
    })
}

/// What a person reads.
fn page(report: &Report, lang: Lang) -> String {
    let verdict = match report.nature {
        _ if report.genuine() => lang.pick("autentico", "genuine"),
        Nature::Ordinary => lang.pick("non è posta certificata", "not certified mail"),
        _ if report.checks.all().iter().any(|c| matches!(c, Check::Fail(_))) => {
            lang.pick("NON AUTENTICO", "NOT GENUINE")
        }
        _ => lang.pick("non verificato", "not verified"),
    };
    let mut text = format!("{}: {verdict}\n{}\n", report.label().pick(lang), checks(report, lang));
    if report.certification.is_some() {
        let title = if report.genuine() {
            lang.pick("Dati di certificazione", "Certification data")
        } else {
            lang.pick("Dati dichiarati, non certificati", "Data as stated, not certified")
        };
        text += &format!("{title}\n{}\n", data(report, lang));
    }
    text += report.says().pick(lang);
    text
}

fn checks(report: &Report, lang: Lang) -> Table {
    let mut rows = table();
    let checks = &report.checks;
    for (check, name, passed) in [
        (&checks.signature, lang.pick("firma", "signature"), lang.pick("integra", "intact")),
        (&checks.origin, lang.pick("origine", "origin"), report.listed.as_deref().unwrap_or_default()),
        (&checks.validity, lang.pick("validità", "validity"), &judged(report, lang)),
        (&checks.form, lang.pick("forma", "form"), lang.pick("quella del suo tipo", "that of its kind")),
    ] {
        let mark = match check {
            Check::Ok => "✓",
            Check::Fail(_) => "✗",
            Check::Unknown(_) => "?",
        };
        let why = check.why().map_or(passed, |why| why.pick(lang));
        rows.add_row([mark, name, &plain(why)]);
    }
    rows
}

/// `certificato valido il 12/03/2026 alle 10:15:01`
fn judged(report: &Report, lang: Lang) -> String {
    let at = report.judged_at.unwrap_or_default().legal();
    let (valid, time) = (lang.pick("certificato valido il", "certificate valid on"), lang.pick("alle", "at"));
    format!("{valid} {} {time} {}", at.day, at.time)
}

fn data(report: &Report, lang: Lang) -> Table {
    let mut rows = table();
    let mut row = |it: &str, en: &str, value: &str| {
        if !value.is_empty() {
            rows.add_row([lang.pick(it, en), &plain(value)]);
        }
    };
    if let Some(c) = &report.certification {
        row("mittente", "sender", c.facts.sender.as_str());
        for recipient in &c.facts.recipients {
            let class = match recipient.class {
                RecipientClass::Certified => lang.pick("posta certificata", "certified mail"),
                RecipientClass::External => lang.pick("posta ordinaria", "ordinary mail"),
            };
            row("destinatario", "recipient", &format!("{} ({class})", recipient.address));
        }
        row("risposte a", "replies to", &c.facts.reply_to);
        row("oggetto", "subject", c.facts.subject.as_deref().unwrap_or_default());
        row("data", "time", &format!("{} {} ({})", c.time.day, c.time.time, c.time.zone));
        row("identificativo", "identificativo", c.facts.id.as_str());
        row("msgid", "msgid", c.facts.msgid.as_deref().unwrap_or_default());
        row("gestore emittente", "issuing provider", &c.issuer);
        row("ricevuta", "receipt", c.receipt.map_or("", |kind| kind.as_str()));
        row("consegna", "delivery", c.delivered.as_ref().map_or("", Address::as_str));
        for taken in &c.taken {
            row("ricezione", "taken charge of", taken.as_str());
        }
        row("errore", "error", c.error.as_str());
        row("errore esteso", "error detail", c.extended_error.as_deref().unwrap_or_default());
    }
    if let Some(signer) = &report.signer {
        row("firmatario", "signer", &signer.subject());
    }
    if let Some(at) = report.signed_at {
        row("data di firma dichiarata", "stated time of signing", &at.to_string());
    }
    rows
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY);
    table
}

/// For a terminal: control characters, which a stranger may have written, become blanks.
fn plain(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) { text.replace(char::is_control, " ").into() } else { text.into() }
}
