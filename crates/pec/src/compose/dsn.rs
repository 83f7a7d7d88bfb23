//! Delivery status notifications (RFC 3464) for ordinary mail: multipart/report of a text for people, a part for programs
//! and what is returned of the message. They certify nothing and are not signed; certified recipients get notices.

use sigillo_base::{Address, PecId, Timestamp};
use sigillo_mime::{Composed, Header, write};

use super::frame::{Fields, token};
use super::readable::Readable;
use crate::{Provider, texts};

/// What became of a message, to be told to who sent it. What others said (a reply, an identifier) may be any text: it
/// stays in its field.
#[derive(Debug, Clone)]
pub struct Report {
    /// Who is told: MAIL FROM of the message.
    pub to: Address,
    /// The notification's own identifier.
    pub message_id: PecId,
    /// Its one time.
    pub at: Timestamp,
    /// Reporting-MTA: this server's name in SMTP.
    pub host: String,
    /// ENVID of the message (RFC 3461 §4.4), decoded from xtext.
    pub envelope_id: Option<String>,
    /// When the message came to this server.
    pub arrived: Timestamp,
    /// One for each recipient that is spoken of.
    pub fates: Vec<Fate>,
    /// How much of the message goes back.
    pub returned: Returned,
}

/// What became of a message for one recipient.
#[derive(Debug, Clone)]
pub struct Fate {
    /// Final-Recipient.
    pub recipient: Address,
    /// ORCPT (RFC 3461 §4.2), `rfc822;bruno@posta.example`, decoded from xtext.
    pub original: Option<String>,
    /// What happened.
    pub action: Action,
    /// The enhanced status code (RFC 3463): `5.1.1`.
    pub status: String,
    /// The name of the server that answered.
    pub remote: Option<String>,
    /// Its reply on one line: `550 5.1.1 no such user`. Without `remote`, our own words.
    pub diagnostic: Option<String>,
    /// When it was last tried.
    pub last_attempt: Option<Timestamp>,
    /// Until when it is tried again; only with [`Action::Delayed`].
    pub until: Option<Timestamp>,
}

/// The Action of RFC 3464 §2.3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Given up.
    Failed,
    /// Not yet, and still tried.
    Delayed,
    /// In the mailbox.
    Delivered,
    /// Handed over to a server that sends no notification of success.
    Relayed,
}

impl Action {
    fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
        }
    }
}

/// RET of RFC 3461 §4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// The header only.
    Header,
    /// The whole message.
    Whole,
}

/// A notification as it goes out: from the null reverse-path, so that nobody answers it.
#[derive(Debug)]
pub struct Dsn {
    /// RCPT TO.
    pub to: Address,
    /// Whether bytes above 127 are inside.
    pub eight_bit: bool,
    /// The whole message, CRLF; refers to the source it was composed over.
    pub content: Composed,
}

/// Octets of a foreign text in a field: a longer one is cut.
const LONGEST: usize = 800;

/// A notification about the message `source`. A header that does not read is returned up to its empty line all the
/// same, as far as there is one.
pub fn dsn(p: &Provider, report: &Report, source: &[u8]) -> Dsn {
    let header = Header::parse(source).ok();
    let subject = header.as_ref().and_then(|h| h.text("Subject"));
    let head = memchr::memmem::find(source, b"\r\n\r\n").map_or(source.len(), |end| end + 2);
    let mut returned = Composed::default();
    returned.source(0..if report.returned == Returned::Whole { source.len() } else { head });
    // A header in UTF-8 may not stand in message/rfc822 (RFC 6532 §3.7).
    let kind = match (report.returned, source[..head].is_ascii()) {
        (Returned::Header, true) => "text/rfc822-headers",
        (Returned::Header, false) => "message/global-headers",
        (Returned::Whole, true) => "message/rfc822",
        (Returned::Whole, false) => "message/global",
    };
    let mut eight_bit = false;
    returned.for_each(source, |bytes| eight_bit |= !bytes.is_ascii());
    let coding = if eight_bit { "Content-Transfer-Encoding: 8bit\r\n" } else { "" };
    let body = texts::delivery_status(report, subject.as_deref().unwrap_or_default());
    let token = token(&report.message_id, Some((source, &returned)));
    let (boundary, alternative) = (format!("=_{token}.r"), format!("=_{token}.a"));

    let mut fields = Fields::default();
    let from = write::phrase(&format!("Sistema di posta di {}", p.name));
    fields.put("From", &format!("{from} <MAILER-DAEMON@{}>", report.host));
    fields.put("To", report.to.as_str());
    fields.text("Subject", &body.title.it);
    fields.put("Date", &report.at.rfc5322());
    fields.put("Message-ID", &report.message_id.bracketed());
    fields.put("Auto-Submitted", "auto-replied");
    fields.put("MIME-Version", "1.0");
    fields.put("Content-Type", &format!("multipart/report; report-type=delivery-status; boundary=\"{boundary}\""));
    let mut content = Composed::default();
    content.own(fields.into_bytes());
    content.own(format!("{coding}\r\n--{boundary}\r\n"));
    content.own(Readable::new(&body, p).alternative(&alternative));
    content.own(format!("\r\n--{boundary}\r\nContent-Type: message/delivery-status\r\n\r\n"));
    content.own(status(report));
    content.own(format!("\r\n--{boundary}\r\nContent-Type: {kind}\r\n{coding}\r\n"));
    content.append(returned);
    content.own(format!("\r\n--{boundary}--\r\n"));
    Dsn { to: report.to.clone(), eight_bit, content }
}

/// The part for programs: a group of fields about the message, then one for each recipient (RFC 3464 §2.1).
fn status(report: &Report) -> Vec<u8> {
    let mut fields = Fields::default();
    let foreign = |fields: &mut Fields, name: &str, kind: &str, value: &Option<String>| {
        if let Some(value) = value {
            fields.put(name, &format!("{kind}{}", value.chars().take(LONGEST).collect::<String>()));
        }
    };
    foreign(&mut fields, "Original-Envelope-Id", "", &report.envelope_id);
    fields.put("Reporting-MTA", &format!("dns; {}", report.host));
    fields.put("Arrival-Date", &report.arrived.rfc5322());
    for fate in &report.fates {
        fields.blank();
        foreign(&mut fields, "Original-Recipient", "", &fate.original);
        fields.put("Final-Recipient", &format!("rfc822; {}", fate.recipient));
        fields.put("Action", fate.action.as_str());
        fields.put("Status", &fate.status);
        foreign(&mut fields, "Remote-MTA", "dns; ", &fate.remote);
        // What no server said is no SMTP reply.
        let kind = if fate.remote.is_some() { "smtp; " } else { "x-sigillo; " };
        foreign(&mut fields, "Diagnostic-Code", kind, &fate.diagnostic);
        for (name, time) in [("Last-Attempt-Date", fate.last_attempt), ("Will-Retry-Until", fate.until)] {
            if let Some(time) = time {
                fields.put(name, &time.rfc5322());
            }
        }
    }
    fields.into_bytes()
}
