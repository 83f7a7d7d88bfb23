//! The demonstration message, and the wait for its evidence.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Error, Result};
use sigillo_base::{Complaint, Lang, Said, said};
use sigillo_pec::{Certification, Kind, deadline};
use sigillo_smime::Trust;
use tokio_rustls::rustls::ClientConfig;

use super::Running;
use super::evidence::{Evidence, Expected, LIMIT, examine};
use super::plan::{Box, Short};
use super::reader::Reader;
use super::sender::submit;
use crate::clock::ServiceClock;
use crate::complaint::{self, Context as _};
use crate::ids::random;

/// How long evidence that comes at once may take, in real time.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the overdue notices may take, in real time: a slower service clock is not waited for.
const LONG_PATIENCE: Duration = Duration::from_secs(15 * 60);
const LOOK: Duration = Duration::from_millis(100);

/// What came of the exchange.
pub(super) struct Outcome {
    /// Message-ID of the demonstration message.
    pub message_id: String,
    /// What came, in the order of the procedure.
    pub evidence: Vec<Evidence>,
    /// What did not come.
    pub missing: Vec<Kind>,
    /// What is missing or false, for a person.
    pub complaints: Vec<Said>,
}

impl Outcome {
    /// All came, and all is true.
    pub(super) fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.is_true()
    }

    /// Something came, and all that came is true.
    pub(super) fn is_true(&self) -> bool {
        !self.evidence.is_empty() && self.evidence.iter().all(|e| e.defects.is_empty())
    }
}

/// One piece of evidence to wait for: where it arrives, what it must be.
struct Awaited<'r> {
    at: &'r Running,
    mailbox: &'r Box,
    expected: Expected<'r>,
}

/// Sends one message from the first provider's first user and gathers the evidence.
pub(super) async fn run(
    up: &[Running],
    clock: &ServiceClock,
    client: Arc<ClientConfig>,
    trust: Trust,
    without: Option<Short>,
) -> Outcome {
    let id: String = random::<8>().iter().map(|b| format!("{b:02x}")).collect();
    let mut outcome =
        Outcome { message_id: String::new(), evidence: Vec::new(), missing: Vec::new(), complaints: Vec::new() };
    let Some((sender_at, from)) = up.first().and_then(|r| Some((r, r.boxes.get(1)?))) else {
        outcome.complaints.push(said!("nessun gestore attivo", "no provider is up"));
        return outcome;
    };
    outcome.message_id = format!("<demo-{id}@{}>", from.address.domain());
    let to = match without {
        Some(Short::Alfa) => "anna@comune-alfa.example",
        _ => "bruno@ente-beta.example",
    };
    let message = message(from.address.as_str(), to, &outcome.message_id, clock);
    tracing::info!(message_id = outcome.message_id, from = %from.address, to, "demonstration message");
    let sent = submit(sender_at.ports.submission, Arc::clone(&client), from, to, message.as_bytes()).await;
    if let Err(error) = sent {
        let Said { it, en } = complaint::of(&error);
        outcome.complaints.push(said!(
            "il messaggio non è stato accettato dal gestore del mittente: {it}",
            "the message was not accepted by the sender's provider: {en}"
        ));
        outcome.missing = chain(without).to_vec();
        return outcome;
    }
    let sent = Sent { id: &outcome.message_id.clone(), from: from.address.as_str(), to, text: &message };
    for &kind in chain(without) {
        let found = match (awaited(kind, up, &sent), patience(kind, clock)) {
            (Some(awaited), Some(patience)) => {
                let came = wait(&awaited, &sent, &client, patience).await;
                came.map(|bytes| bytes.map(|bytes| examine(bytes, &awaited.expected, &trust)))
            }
            (None, _) => Ok(None),
            (_, None) => Err(Error::new(Complaint(said!(
                "arriva dopo ore di servizio: per vederlo serve --speed 3600 (un'ora al secondo)",
                "it comes after hours of service: to see it, --speed 3600 is needed (an hour in a second)"
            )))),
        };
        match found {
            Ok(Some(evidence)) => outcome.evidence.push(evidence),
            Ok(None) => outcome.missing.push(kind),
            Err(error) => {
                outcome.complaints.push(complaint::of(&error).about(kind.label_it()));
                outcome.missing.push(kind);
            }
        }
    }
    super::evidence::compare(&mut outcome.evidence);
    for kind in &outcome.missing {
        outcome.complaints.push(said!("manca: {}", "missing: {}", kind.label_it()));
    }
    for evidence in outcome.evidence.iter().filter(|e| !e.defects.is_empty()) {
        let told = |lang| evidence.defects.iter().map(|why| why.pick(lang)).collect::<Vec<_>>().join("; ");
        let (it, en) = (told(Lang::It), told(Lang::En));
        outcome.complaints.push(said!("falsa: {}: {it}", "false: {}: {en}", evidence.kind.label_it()));
    }
    outcome
}

/// The evidence to come, in order: of the whole procedure (RFC 6109 §3.4), or, with the recipient's provider dark, of
/// the deadlines (§3.1.6).
fn chain(without: Option<Short>) -> &'static [Kind] {
    match without {
        None => &[Kind::Acceptance, Kind::TransportEnvelope, Kind::TakeCharge, Kind::Delivery],
        Some(_) => &[Kind::Acceptance, Kind::Overdue12h, Kind::Overdue24h],
    }
}

/// How long a piece may take, in real time; `None` when its hour is too far away on this clock.
fn patience(kind: Kind, clock: &ServiceClock) -> Option<Duration> {
    let due = match kind {
        Kind::Overdue12h => deadline::FIRST,
        Kind::Overdue24h => deadline::SECOND,
        _ => return Some(PATIENCE),
    };
    let due = clock.until(clock.now().plus(due));
    (due <= LONG_PATIENCE).then_some(due + PATIENCE)
}

struct Sent<'s> {
    id: &'s str,
    from: &'s str,
    to: &'s str,
    text: &'s str,
}

/// Where a piece arrives and who signs it. The service mailbox comes first among the boxes.
fn awaited<'r>(kind: Kind, up: &'r [Running], sent: &Sent<'r>) -> Option<Awaited<'r>> {
    let (sender, recipient) = (up.first(), up.get(1));
    let (at, mailbox, signer) = match kind {
        Kind::TransportEnvelope => (recipient?, 1, sender?),
        Kind::TakeCharge => (sender?, 0, recipient?),
        Kind::Delivery => (sender?, 1, recipient?),
        _ => (sender?, 1, sender?),
    };
    let mailbox = at.boxes.get(mailbox)?;
    let expected = Expected {
        kind,
        signer: signer.house.name,
        service: signer.house.service,
        from: sent.from,
        to: sent.to,
        message_id: sent.id,
        text: sent.text,
        mailbox: mailbox.address.as_str(),
    };
    Some(Awaited { at, mailbox, expected })
}

async fn wait(
    awaited: &Awaited<'_>,
    sent: &Sent<'_>,
    client: &Arc<ClientConfig>,
    patience: Duration,
) -> Result<Option<Vec<u8>>> {
    let until = Instant::now() + patience;
    let port = awaited.at.ports.imaps;
    let mut reader = Reader::open(port, Arc::clone(client), awaited.mailbox)
        .await
        .told(|| said!("lettura con IMAP", "reading by IMAP"))?;
    let found = loop {
        let messages = reader.find("X-Riferimento-Message-ID", sent.id).await?;
        if let Some(message) = messages.into_iter().find(|m| kind_of(m) == Some(awaited.expected.kind)) {
            break Some(message);
        }
        if Instant::now() > until {
            break None;
        }
        tokio::time::sleep(LOOK).await;
    };
    reader.close().await?;
    Ok(found)
}

/// What a message in a mailbox is, by its certification data.
fn kind_of(message: &[u8]) -> Option<Kind> {
    let root = sigillo_mime::parse(message).ok()?;
    let xml = root.walk().find(|p| p.file_name() == Some("daticert.xml"))?.decoded(message, LIMIT).ok()?;
    Certification::parse(&xml).ok().map(|c| Kind::of(&c))
}

fn message(from: &str, to: &str, id: &str, clock: &ServiceClock) -> String {
    let now = clock.now();
    let day = now.legal().day;
    format!(
        "From: <{from}>\r\nTo: <{to}>\r\nSubject: Messaggio dimostrativo del {day}\r\nDate: {}\r\n\
         Message-ID: {id}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\
         Content-Transfer-Encoding: 7bit\r\n\r\n\
         Questo messaggio certificato mostra lo scambio fra due gestori:\r\n\
         accettazione, trasporto, presa in carico, consegna.\r\n\r\n\
         Identita' del messaggio: {id}\r\n",
        now.rfc5322()
    )
}
