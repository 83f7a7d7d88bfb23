//! One piece of evidence: verified from the outside, as any reader could do it who trusts the authority.

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use sigillo_base::{Complaint, Said, Timestamp, said};
use sigillo_mime::Header;
use sigillo_pec::{Certification, Kind, deadline};
use sigillo_smime::{Certificate, SignedData, Trust};

use super::exchange::Outcome;
use super::layout::Layout;
use crate::complaint::{self, Context as _};
use crate::files;

/// Parts decoded here are our own demonstration's: small.
pub(super) const LIMIT: usize = 8 << 20;

/// What a piece must be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'e> {
    pub kind: Kind,
    /// The provider that must have signed it.
    pub signer: &'e str,
    /// Its service address, From of the piece.
    pub service: &'e str,
    pub from: &'e str,
    pub to: &'e str,
    pub message_id: &'e str,
    /// The demonstration message as it was sent.
    pub text: &'e str,
    /// Where it was read.
    pub mailbox: &'e str,
}

/// What a piece is.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    pub kind: Kind,
    pub bytes: Vec<u8>,
    /// Who signed, as the certificate says.
    pub signer: String,
    pub mailbox: String,
    /// Legal time as the certification data have it: `12/03/2026 10:15:01 (+0100)`.
    pub legal: String,
    /// The same.
    pub at: Timestamp,
    pub identificativo: String,
    /// The original as the piece carries it.
    pub original: Option<Vec<u8>>,
    /// What is false about it.
    pub defects: Vec<Said>,
}

/// Takes a piece apart and checks all of it.
pub(super) fn examine(bytes: Vec<u8>, expected: &Expected<'_>, trust: &Trust) -> Evidence {
    let mut evidence = Evidence {
        kind: expected.kind,
        bytes: Vec::new(),
        signer: String::new(),
        mailbox: expected.mailbox.to_owned(),
        legal: String::new(),
        at: Timestamp::default(),
        identificativo: String::new(),
        original: None,
        defects: Vec::new(),
    };
    if let Err(defect) = look(&bytes, expected, trust, &mut evidence) {
        evidence.defects.push(complaint::of(&defect));
    }
    evidence.bytes = bytes;
    evidence
}

fn look(bytes: &[u8], expected: &Expected<'_>, trust: &Trust, evidence: &mut Evidence) -> Result<()> {
    let root = sigillo_mime::parse(bytes)?;
    ensure!(root.is("multipart/signed"), Complaint(said!("non è multipart/signed", "it is not multipart/signed")));
    let [signed, signature] = &root.children[..] else {
        bail!(Complaint(said!(
            "non ha le due parti di un messaggio firmato",
            "it has not the two parts of a signed message"
        )))
    };
    let data = SignedData::parse(&signature.decoded(bytes, LIMIT)?).told(|| said!("firma", "signature"))?;
    data.verify(&bytes[signed.whole()]).told(|| said!("firma", "signature"))?;
    let signer =
        data.signer().told(|| said!("senza certificato del firmatario", "without the signer's certificate"))?;
    evidence.signer = name_of(signer);

    let parts: Vec<_> = signed.walk().collect();
    let find = |name: &str| parts.iter().find(|p| p.file_name() == Some(name));
    let xml =
        find("daticert.xml").told(|| said!("senza daticert.xml", "without daticert.xml"))?.decoded(bytes, LIMIT)?;
    let certified = Certification::parse(&xml).context("daticert.xml")?;
    let time = &certified.time;
    let at =
        time.instant().told(|| said!("ora illeggibile in daticert.xml", "time in daticert.xml that cannot be read"))?;
    evidence.legal = format!("{} {} ({})", time.day, time.time, time.zone);
    evidence.at = at;
    evidence.identificativo = certified.facts.id.as_str().to_owned();
    if let Some(part) = find("postacert.eml") {
        let original = &bytes[part.body.clone()];
        ensure!(
            body(original) == body(expected.text.as_bytes()),
            Complaint(said!(
                "il messaggio trasportato non è quello spedito",
                "the message carried is not the one sent"
            ))
        );
        evidence.original = Some(original.to_vec());
    }

    trust
        .verify(signer, data.certificates(), at)
        .told(|| said!("certificato del firmatario", "the signer's certificate"))?;
    ensure!(evidence.signer == expected.signer, Complaint(said!("firmata da {}", "signed by {}", evidence.signer)));
    let header = Header::parse(bytes)?;
    let from = header.mailboxes("From")?;
    ensure!(
        from.iter().any(|m| m.address.as_str() == expected.service),
        Complaint(said!("From non è {}", "From is not {}", expected.service))
    );
    ensure!(
        signer.emails().iter().any(|e| e == expected.service),
        Complaint(said!("il certificato non è di {}", "the certificate is not of {}", expected.service))
    );
    facts(&certified, expected)
}

fn facts(certified: &Certification, expected: &Expected<'_>) -> Result<()> {
    let facts = &certified.facts;
    let kind = Kind::of(certified);
    ensure!(
        kind == expected.kind,
        Complaint(said!("daticert.xml parla di {}", "daticert.xml is about {}", kind.label_it()))
    );
    ensure!(
        facts.sender.as_str() == expected.from,
        Complaint(said!("il mittente è {}", "the sender is {}", facts.sender))
    );
    ensure!(
        facts.recipients.iter().any(|r| r.address.as_str() == expected.to),
        Complaint(said!("manca il destinatario", "the recipient is missing"))
    );
    ensure!(
        facts.msgid.as_deref() == Some(expected.message_id),
        Complaint(said!("msgid è {:?}", "msgid is {:?}", facts.msgid))
    );
    let issuer = if expected.kind == Kind::TransportEnvelope { None } else { Some(expected.signer) };
    ensure!(
        issuer.is_none_or(|i| certified.issuer == i),
        Complaint(said!("gestore-emittente è {}", "gestore-emittente is {}", certified.issuer))
    );
    Ok(())
}

/// What follows the header.
fn body(message: &[u8]) -> &[u8] {
    Header::parse(message).map_or(&[], |header| &message[header.body()..])
}

fn name_of(certificate: &Certificate) -> String {
    certificate.organization().or_else(|| certificate.common_name()).unwrap_or_else(|| certificate.subject())
}

/// Compares the pieces with each other: one identifier, one original, and overdue notices inside their windows of
/// service time (DM 2-11-2005 art. 13).
pub(super) fn compare(evidence: &mut [Evidence]) {
    let accepted = evidence.first().map(|e| e.at).unwrap_or_default();
    let first = evidence.first().map(|e| e.identificativo.clone()).unwrap_or_default();
    let original = evidence.iter().find(|e| e.kind == Kind::TransportEnvelope).and_then(|e| e.original.clone());
    for piece in evidence {
        if piece.defects.is_empty() && piece.identificativo != first {
            piece.defects.push(said!("identificativo diverso: {}", "another identificativo: {}", piece.identificativo));
        }
        let after = piece.at.since(accepted);
        let in_time = match piece.kind {
            Kind::Overdue12h => (deadline::FIRST..deadline::SECOND_NOT_BEFORE).contains(&after),
            Kind::Overdue24h => (deadline::SECOND_NOT_BEFORE..=deadline::SECOND_BY).contains(&after),
            _ => true,
        };
        if piece.defects.is_empty() && !in_time {
            piece.defects.push(said!(
                "emesso {} minuti dopo l'accettazione, fuori dai suoi termini",
                "issued {} minutes after the acceptance, outside of its terms",
                after.as_secs() / 60
            ));
        }
        let carries = matches!(piece.kind, Kind::TransportEnvelope | Kind::Delivery);
        if carries && piece.defects.is_empty() && (piece.original.is_none() || piece.original != original) {
            piece.defects.push(said!(
                "il messaggio originale manca o è diverso da quello nella busta",
                "the original message is missing, or another than in the envelope"
            ));
        }
    }
}

/// Writes every piece into a file of its own, and a list of them.
pub(super) fn write(layout: &Layout, outcome: &Outcome) -> Result<()> {
    let folder = layout.evidence();
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    files::folder(&folder)?;
    let mut list = Vec::new();
    for (i, piece) in outcome.evidence.iter().enumerate() {
        let file = folder.join(format!("{:02}-{}.eml", i + 1, piece.kind.as_str()));
        files::write(&file, &piece.bytes)?;
        list.push(json!({
            "file": file,
            "kind": piece.kind.as_str(),
            "signer": piece.signer,
            "time": piece.at.to_string(),
            "identificativo": piece.identificativo,
            "verified": piece.defects.is_empty(),
        }));
    }
    Ok(files::write(&layout.evidence_json(), &serde_json::to_vec_pretty(&list)?)?)
}
