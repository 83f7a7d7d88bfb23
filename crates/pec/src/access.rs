//! The access point (*punto di accesso*): may a message enter certified mail? (RFC 6109 §3.1.1; pec rule 1.4)
//!
//! The secure channel, authentication and the account's right to its MAIL FROM (steps 1 and 2) are the protocol's
//! business and come before; the malware scan (step 10) is the engine's. Here are steps 3 to 9, as pure functions of
//! the message's bytes.

mod defect;
mod original;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use sigillo_base::{Address, PecId};
use sigillo_mime::{Header, Mailbox};

pub use defect::Defect;
pub use original::accepted_original;

use crate::{Facts, ReceiptKind, Recipient, RecipientClass, texts};

/// The provider's limits (pec rule 1.4.9). DM 12 demands at least 50 recipients and 30 MB for size × recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Largest message, in bytes as submitted.
    pub max_message: u64,
    /// Most recipients of one message.
    pub max_recipients: usize,
    /// Largest product of size and recipients, in bytes; `None` for no such limit.
    pub size_times_recipients: Option<u64>,
    /// Whether an address in To or Cc that is no recipient is a defect too ("coincide", RFC 6109 §3.1.1; the wording
    /// leaves it open, pec rule 16.7).
    pub header_recipients_must_be_rcpt: bool,
    /// Whether a recipient whose domain is not certified is a defect: an administration may inhibit the exchange with
    /// ordinary mail (PEC-06).
    pub certified_only: bool,
}

/// What a client submitted.
#[derive(Debug, Clone, Copy)]
pub struct Submission<'a> {
    /// MAIL FROM.
    pub from: &'a Address,
    /// RCPT TO, in order. They are what the formal checks look for in To and Cc, distribution lists too.
    pub to: &'a [Address],
    /// The distribution lists among `to`. Certified and counted are their members, not they.
    pub lists: &'a [List],
    /// The message, without the dot of SMTP, ends of line CRLF.
    pub message: &'a [u8],
}

/// A distribution list of the provider's. Members are mailboxes: whoever keeps lists inside lists resolves them first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The list's own address.
    pub address: Address,
    /// Its members. A list without any is a defect, and its address stands in the facts for the refusal to name.
    pub members: Vec<Address>,
}

/// The outcome. Facts are as complete as the message allows, because a refusal certifies them too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// What certification data will say.
    pub facts: Facts,
    /// The delivery receipt to ask for: `X-TipoRicevuta`, or complete.
    pub receipt: ReceiptKind,
    /// The same as the sender wrote it: `None` when the field is absent or holds another word, so that a provider's
    /// or customer's own default can apply.
    pub requested: Option<ReceiptKind>,
    /// Why the message must be refused, in the order of the checks; empty when it may enter.
    pub defects: Vec<Defect>,
}

impl Examined {
    /// Whether the message may enter certified mail.
    pub fn is_accepted(&self) -> bool {
        self.defects.is_empty()
    }

    /// All reasons in one Italian text for the notice and `errore-esteso`; long lists are cut and counted.
    pub fn reasons(&self) -> String {
        const SHOWN: usize = 10;
        let mut reasons: Vec<String> = self.defects.iter().take(SHOWN).map(Defect::to_string).collect();
        if let Some(more) = self.defects.len().checked_sub(SHOWN).filter(|n| *n > 0) {
            reasons.push(texts::refused::and_others(more));
        }
        reasons.join("; ")
    }
}

/// Examines a submission. Never fails: whatever can be read goes into the facts, and what cannot is a defect.
/// `classify` tells certified from external recipients by the directory; `id` is the fresh certified identifier,
/// needed also for a refusal (pec rule 2.1).
pub fn examine(
    s: &Submission<'_>,
    classify: &dyn Fn(&Address) -> RecipientClass,
    policy: &Policy,
    id: PecId,
) -> Examined {
    let mut defects = Vec::new();
    let recipients = recipients(s, classify);
    let mut facts =
        Facts { sender: s.from.clone(), recipients, reply_to: s.from.to_string(), subject: None, id, msgid: None };
    let mut requested = None;
    match Header::parse(s.message) {
        Err(e) => defects.push(Defect::Unreadable(e.to_string())),
        Ok(header) => {
            facts.subject = header.text("Subject").map(|t| texts::line(&t));
            facts.msgid = client_msgid(&header);
            requested = header.unfolded("X-TipoRicevuta").and_then(|t| ReceiptKind::parse(&t));
            if let Some(reply_to) = reply_to(&header) {
                facts.reply_to = reply_to;
            }
            form(&header, &mut defects);
            addresses(&header, s, policy, &mut defects);
        }
    }
    limits(s.message.len() as u64, facts.recipients.len(), policy, &mut defects);
    if policy.certified_only {
        let external = facts.recipients.iter().filter(|r| r.class == RecipientClass::External);
        defects.extend(external.map(|r| Defect::Inhibited(r.address.clone())));
    }
    Examined { facts, receipt: requested.unwrap_or(ReceiptKind::Complete), requested, defects }
}

/// Who gets the message: every RCPT TO, a list replaced by its members in its place, each once.
fn recipients(s: &Submission<'_>, classify: &dyn Fn(&Address) -> RecipientClass) -> Vec<Recipient> {
    let lists: HashMap<String, &List> = s.lists.iter().map(|l| (l.address.key(), l)).collect();
    let mut seen = HashSet::new();
    let mut out = Vec::with_capacity(s.to.len());
    for to in s.to {
        let members = lists.get(&to.key()).map(|l| l.members.as_slice()).filter(|m| !m.is_empty());
        for address in members.unwrap_or(std::slice::from_ref(to)) {
            if seen.insert(address.key()) {
                out.push(Recipient { address: address.clone(), class: classify(address) });
            }
        }
    }
    out
}

/// The client's Message-ID as it stands, on one line of printable ASCII; `None` when absent or empty.
pub fn client_msgid(header: &Header<'_>) -> Option<String> {
    let raw = header.unfolded("Message-ID")?;
    let clean: String = texts::line(&raw).chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
    Some(clean.trim().to_owned()).filter(|t| !t.is_empty())
}

/// The addresses of every Reply-To field, bare and joined by commas (pec rule 3.2).
fn reply_to(header: &Header<'_>) -> Option<String> {
    let all = mailboxes(header, "Reply-To").ok()?;
    let joined = all.iter().map(|m| m.address.as_str()).collect::<Vec<_>>().join(", ");
    Some(joined).filter(|t| !t.is_empty())
}

/// Step 3: RFC 5322 beyond what [`Header::parse`] demands. Several Reply-To fields are let through and kept. Bytes above
/// 127 are a defect in any field: RFC 5322 §2.2 has none, RFC 6532 lets them in only where SMTPUTF8 was agreed, and
/// certified mail does not offer it (pec rule 2.1); To and Cc go out again in the envelope's header as they are.
fn form(header: &Header<'_>, defects: &mut Vec<Defect>) {
    if header.end() > MAX_ORIGINAL_HEADER {
        let line = header.fields().iter().take_while(|f| f.whole.end <= MAX_ORIGINAL_HEADER).last();
        let line = line.map_or(1, |f| header.line(f));
        let error = sigillo_mime::Error::HeaderTooLarge { line, limit: MAX_ORIGINAL_HEADER };
        defects.push(Defect::Unreadable(error.to_string()));
    }
    for field in header.fields() {
        let name = || header.name(field).to_owned();
        let raw = header.raw(field);
        if !raw.is_ascii() {
            defects.push(Defect::NotAscii(name()));
        }
        let limit = if name().eq_ignore_ascii_case("Message-ID") { MAX_MSGID } else { MAX_LINE };
        let before = header.name(field).len() + 1;
        let long = |(i, line): (usize, &[u8])| {
            line.strip_suffix(b"\r").unwrap_or(line).len() + if i == 0 { before } else { 0 } > limit
        };
        if raw.split(|b| *b == b'\n').enumerate().any(long) {
            defects.push(Defect::LongLine(name()));
        }
    }
    for name in ["From", "Sender", "To", "Cc", "Bcc", "Message-ID", "Subject", "Date"] {
        if header.all(name).count() > 1 {
            defects.push(Defect::Repeated(name.to_owned()));
        }
    }
    for name in ["From", "Sender", "Reply-To", "To", "Cc"] {
        if let Err(e) = mailboxes(header, name) {
            defects.push(Defect::BadAddresses { field: name.to_owned(), why: e.to_string() });
        }
    }
}

/// A header may be no larger than this at the access point, in bytes: the envelope's repeats To, Cc and more of it, adds
/// what is its own, and must stay within what everybody reads.
const MAX_ORIGINAL_HEADER: usize = sigillo_base::limits::MAX_HEADER / 4 * 3;

/// RFC 5322 §2.1.1, without the CRLF.
const MAX_LINE: usize = 998;

/// The client's Message-ID goes into a field with a longer name, where it must fit as well.
const MAX_MSGID: usize = 900;

/// The addresses of every field of a name. Blank fields are read as none: a missing To is a missing To, and an empty
/// Cc harms nobody.
fn mailboxes(header: &Header<'_>, name: &str) -> Result<Vec<Mailbox>, sigillo_mime::Error> {
    let blank = header.all(name).all(|f| header.raw(f).iter().all(u8::is_ascii_whitespace));
    if blank { Ok(Vec::new()) } else { header.mailboxes(name) }
}

/// Steps 4 to 8.
fn addresses(header: &Header<'_>, s: &Submission<'_>, policy: &Policy, defects: &mut Vec<Defect>) {
    // A field that cannot be read is a defect already; nothing more is said about it.
    if let Ok(from) = mailboxes(header, "From") {
        check_from(&from, s.from, defects);
    }
    let (to, cc) = (mailboxes(header, "To"), mailboxes(header, "Cc"));
    if to.as_ref().is_ok_and(Vec::is_empty) {
        defects.push(Defect::NoTo);
    }
    if s.to.is_empty() {
        defects.push(Defect::NoRecipient);
    }
    defects.extend(s.lists.iter().filter(|l| l.members.is_empty()).map(|l| Defect::EmptyList(l.address.clone())));
    if let (Ok(to), Ok(cc)) = (to, cc) {
        let named: Vec<Address> = to.into_iter().chain(cc).map(|m: Mailbox| m.address).collect();
        let mut known: HashSet<String> = named.iter().map(Address::key).collect();
        for address in s.to.iter().filter(|a| known.insert(a.key())) {
            defects.push(Defect::NotInHeader(address.clone()));
        }
        if policy.header_recipients_must_be_rcpt {
            let mut known: HashSet<String> = s.to.iter().map(Address::key).collect();
            for address in named {
                if known.insert(address.key()) {
                    defects.push(Defect::NotRecipient(address));
                }
            }
        }
    }
    let bcc = header.all("Bcc").any(|f| header.raw(f).iter().any(|b| !b.is_ascii_whitespace()));
    if bcc {
        defects.push(Defect::Bcc);
    }
}

/// Steps 4 and 6: exactly one mailbox, outside a group, the same as MAIL FROM without case and display name.
fn check_from(from: &[Mailbox], mail_from: &Address, defects: &mut Vec<Defect>) {
    match from {
        [] => defects.push(Defect::NoFrom),
        [one] if one.in_group => defects.push(Defect::GroupFrom),
        [one] if one.address != *mail_from => {
            defects.push(Defect::FromDiffers { from: one.address.clone(), mail_from: mail_from.clone() });
        }
        [_] => {}
        many => defects.push(Defect::ManyFrom(many.len())),
    }
}

/// Step 9.
fn limits(size: u64, recipients: usize, policy: &Policy, defects: &mut Vec<Defect>) {
    if size > policy.max_message {
        defects.push(Defect::TooLarge { size, limit: policy.max_message });
    }
    if recipients > policy.max_recipients {
        defects.push(Defect::TooManyRecipients { count: recipients, limit: policy.max_recipients });
    }
    let product = size.saturating_mul(recipients as u64);
    if let Some(limit) = policy.size_times_recipients.filter(|limit| product > *limit) {
        defects.push(Defect::TooMuch { product, limit });
    }
}
