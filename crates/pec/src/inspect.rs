//! A message in somebody's hands: is it genuine, what does it certify, and what does that prove? (RFC 6109 §2.2.2, §6;
//! pec rules 1.5 and 4.3)
//!
//! The incoming point must decide at once, and stops at the first fault; here a stored copy is looked at, perhaps years
//! later, perhaps damaged, and every check is told apart. What SMTP said is gone, so nothing is compared with it. The
//! checks themselves are those of [`incoming`](crate::incoming).

mod checks;
mod says;
mod stored;

#[cfg(test)]
mod tests;

use sigillo_base::{Said, Timestamp};
use sigillo_mime::{Header, Part};
use sigillo_smime::{Certificate, Trust};

use crate::incoming::{form, signature};
use crate::index::Index;
use crate::{Certification, Error, Kind, Tipo};

pub use checks::{Check, Checks};

/// What a message is, or what it says it is when it is not genuine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// An envelope, a receipt or a notice: the `tipo` of its certification data, or, when these cannot be read, the one
    /// that its header announces.
    Certified(Tipo),
    /// *Busta di anomalia*: a provider wraps what it cannot certify.
    Anomaly,
    /// Anything else.
    Ordinary,
}

impl Nature {
    /// The word of the DTD, `busta-anomalia` or `ordinary`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Certified(tipo) => tipo.as_str(),
            Self::Anomaly => Kind::AnomalyEnvelope.as_str(),
            Self::Ordinary => "ordinary",
        }
    }
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Report {
    /// What it is, or says it is.
    pub nature: Nature,
    /// Each check, on its own.
    pub checks: Checks,
    /// The content of `daticert.xml`, as far as it can be read: certified only when the message is genuine.
    pub certification: Option<Certification>,
    /// Whether `postacert.eml` is enclosed.
    pub encloses: bool,
    /// The certificate that signed, or says it did.
    pub signer: Option<Certificate>,
    /// The signer's name in the directory.
    pub listed: Option<String>,
    /// When the signer says it was signed: a claim, not a proof.
    pub signed_at: Option<Timestamp>,
    /// The instant at which the certificate was judged.
    pub judged_at: Option<Timestamp>,
    /// What has to be known besides: a copy that was repaired, a revocation that nobody could look up.
    pub notes: Vec<Said>,
}

impl Report {
    /// Whether every check passed: a provider of the directory issued exactly this.
    pub fn genuine(&self) -> bool {
        self.checks.all().iter().all(|check| check.is_ok())
    }

    /// Who issued it: the directory's name for the signer, or else what `daticert.xml` says.
    pub fn provider(&self) -> Option<&str> {
        self.listed.as_deref().or(self.certification.as_ref().map(|c| c.issuer.as_str()))
    }

    /// The name of its kind.
    pub fn label(&self) -> Said {
        says::label(self)
    }

    /// What it proves and what not, in whole sentences.
    pub fn says(&self) -> Said {
        says::sentence(self)
    }

    fn new(nature: Nature, checks: Checks) -> Self {
        Self {
            nature,
            checks,
            certification: None,
            encloses: false,
            signer: None,
            listed: None,
            signed_at: None,
            judged_at: None,
            notes: Vec::new(),
        }
    }
}

/// Inspects a stored message. Pure and total: any bytes give a report, in time about linear in their number.
///
/// Without `trust` validity stays unknown, without `index` origin does. The certificate is judged at `at`, or else at
/// the signing time that the signature states. A byte order mark and an mbox separator before the message are passed
/// over; a copy with LF for CRLF is repaired first, so is one from an mbox with `>From ` for `From `, and notes say so.
pub fn inspect(message: &[u8], trust: Option<&Trust>, index: Option<&Index>, at: Option<Timestamp>) -> Report {
    let look = |message: &[u8]| repaired(message, trust, index, at);
    let (message, from_mbox) = stored::unwrapped(message);
    let report = look(message);
    if report.checks.signature.is_ok() || !from_mbox {
        return report;
    }
    let Some(unquoted) = stored::unquoted(message) else { return report };
    let mut again = look(&unquoted);
    if !again.checks.signature.is_ok() {
        return report;
    }
    again.notes.push(says::from_lines());
    again
}

/// Looks at a copy whose line ends may have been changed.
fn repaired(message: &[u8], trust: Option<&Trust>, index: Option<&Index>, at: Option<Timestamp>) -> Report {
    let look = |message: &[u8]| look(message, trust, index, at);
    let Some(repaired) = stored::with_crlf(message) else { return look(message) };
    let mut report = look(&repaired);
    if !report.checks.signature.is_ok() {
        // A bare LF may be part of a binary original: then the copy was good as it stood.
        let untouched = look(message);
        if untouched.checks.signature.is_ok() {
            return untouched;
        }
    }
    if report.signer.is_some() {
        report.notes.push(says::line_ends());
    }
    report
}

/// Reads the directory's file for [`inspect`]: LDIF, or the signed file around it (`.p7m`), whose signer is judged under
/// `trust` at `at` or else at its own signing time. Plain LDIF, and a signed file without `trust`, are taken as they
/// are: [`Index::is_verified`] is false then.
///
/// # Errors
/// As [`Index::open`] and [`Index::parse_ldif`].
pub fn directory(file: &[u8], trust: Option<&Trust>, at: Option<Timestamp>) -> Result<Index, Error> {
    // No LDIF begins with the tag of an ASN.1 sequence.
    if file.first() != Some(&0x30) {
        return Index::parse_ldif(file);
    }
    Index::open_if(file, |signer, signed| match trust {
        None => Ok(false),
        Some(trust) => {
            let at = at.or(signed.signing_time()).unwrap_or_default();
            checks::path(trust, signer, signed.certificates(), at).map(|_| true)
        }
    })
}

fn look(message: &[u8], trust: Option<&Trust>, index: Option<&Index>, at: Option<Timestamp>) -> Report {
    // What the original holds is not looked into, however many parts it has: as at the incoming point.
    let Ok(tree) = sigillo_mime::parse_outer(message) else {
        return Report::new(Nature::Ordinary, Checks::unreadable());
    };
    let (content, signed) = match signature::parts(&tree) {
        Some((content, part)) => (content, Some(signature::read(message, part))),
        None => (unsigned(&tree), None),
    };
    let cms = signed.as_ref().and_then(Option::as_ref);
    let signer = cms.and_then(|cms| cms.signer());
    let listed = signer.and_then(|s| index?.by_certificate(s, None)).map(|entry| entry.name.clone());
    let judged_at = at.or(cms.and_then(|cms| cms.signing_time()));
    let (validity, revocation) = checks::validity(cms, trust, judged_at);
    let seen = seen(message, content, signer, index.filter(|_| listed.is_some()));
    let checks = Checks {
        signature: checks::signature(signed.as_ref().map(Option::as_ref), &message[content.whole()]),
        origin: checks::origin(signer, index, listed.is_some(), judged_at),
        validity,
        form: seen.form,
    };
    let unverified = index.filter(|index| listed.is_some() && !index.is_verified()).map(|_| says::plain_index());
    Report {
        certification: seen.certification,
        encloses: content.children.iter().any(form::is_original),
        signer: signer.cloned(),
        listed,
        signed_at: cms.and_then(|cms| cms.signing_time()),
        judged_at,
        notes: revocation.into_iter().chain(unverified).collect(),
        ..Report::new(seen.nature, checks)
    }
}

/// What would have been signed: the first part of a multipart/signed that lost the second, or the whole.
fn unsigned(tree: &Part) -> &Part {
    tree.children.first().filter(|_| tree.is("multipart/signed")).unwrap_or(tree)
}

/// Header and content, whoever signed them.
struct Seen {
    nature: Nature,
    certification: Option<Certification>,
    form: Check,
}

/// `index` is given only when it lists the signer: that it does not is no matter of form.
fn seen(message: &[u8], content: &Part, signer: Option<&Certificate>, index: Option<&Index>) -> Seen {
    let strict = Header::parse(message);
    let header = strict.clone().unwrap_or_else(|_| Header::parse_tolerant(message));
    let certified = form::certified(message, &header, content);
    let declared = match &certified {
        Ok(certified) => Some(certified.certification.clone()),
        Err(_) => form::declared(message, content),
    };
    let nature = match (&declared, form::announced(&header)) {
        (Some(certification), _) => Nature::Certified(certification.kind),
        (None, Ok(tipo)) => Nature::Certified(tipo),
        (None, Err(_)) if announces_anomaly(&header) => Nature::Anomaly,
        (None, Err(_)) => Nature::Ordinary,
    };
    let form = match nature {
        Nature::Anomaly => anomaly(&header, content),
        _ => certified.and_then(|certified| match (signer, index) {
            (Some(signer), Some(index)) => form::check_parties(&certified.certification, signer, index),
            _ => Ok(()),
        }),
    };
    let from = signer.map_or(Ok(()), |signer| form::check_from(&header, signer, index));
    let form = match strict {
        Err(error) => Check::Fail(says::unreadable(&error)),
        // In the order of the incoming point.
        Ok(_) => from.and(form).map_or_else(|reason| Check::Fail(says::form(&reason)), |()| Check::Ok),
    };
    Seen { nature, certification: declared, form }
}

fn announces_anomaly(header: &Header<'_>) -> bool {
    header.unfolded("X-Trasporto").is_some_and(|value| value.eq_ignore_ascii_case("errore"))
}

/// The form of an anomaly envelope: text, the entire received message, and nothing else (RFC 6109 §3.2.2).
fn anomaly(header: &Header<'_>, content: &Part) -> Result<(), String> {
    if header.all("X-Ricevuta").count() + header.all("X-Trasporto").count() > 1 {
        return Err(crate::texts::odd::BOTH_HEADERS.into());
    }
    form::text_first(content)?;
    match content.children.as_slice() {
        [_, original] if form::is_original(original) => form::enclosed(original).map(drop),
        parts if parts.iter().any(form::is_original) => Err(says::ANOMALY_PARTS.into()),
        _ => Err(crate::texts::odd::NO_ORIGINAL.into()),
    }
}
