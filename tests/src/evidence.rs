//! Reads a stored system message and proves its signature, independently of `pec::incoming`.

use sigillo_base::Timestamp;
use sigillo_mime::{Header, Part};
use sigillo_pec::Certification;
use sigillo_smime::{Certificate, SignedData, Trust};

/// A system message that verified.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// `X-Ricevuta: …` or `X-Trasporto: …`.
    pub kind: String,
    /// Its own Message-ID, without brackets.
    pub message_id: String,
    /// What it certifies; an anomaly envelope certifies nothing.
    pub certification: Option<Certification>,
    /// Who signed.
    pub signer: Certificate,
    /// The bytes of postacert.eml.
    pub original: Option<Vec<u8>>,
}

/// Reads and verifies; the error says what is wrong.
pub fn read(message: &[u8], trust: &Trust, now: Timestamp) -> Result<Evidence, String> {
    let header = Header::parse(message).map_err(|e| e.to_string())?;
    let kind =
        header.text("X-Ricevuta").or_else(|| header.text("X-Trasporto")).ok_or("neither X-Ricevuta nor X-Trasporto")?;
    let message_id = header.unfolded("Message-ID").unwrap_or_default().trim_matches(['<', '>']).to_owned();
    let part = sigillo_mime::parse(message).map_err(|e| e.to_string())?;
    let [signed, signature] = part.children.as_slice() else { return Err("not multipart/signed of two parts".into()) };
    let p7s = signature.decoded(message, 1 << 20).map_err(|e| e.to_string())?;
    let cms = SignedData::parse(&p7s).map_err(|e| e.to_string())?;
    cms.verify(&message[signed.whole()]).map_err(|e| e.to_string())?;
    let signer = cms.signer().ok_or("no signer certificate")?.clone();
    trust.verify(&signer, cms.certificates(), now).map_err(|e| e.to_string())?;
    // Parts of the signed entity only: what is enclosed may hold parts of the same names.
    let named = |name: &str| signed.children.iter().find(|p: &&Part| p.file_name() == Some(name));
    let certification = match named("daticert.xml") {
        Some(p) => {
            let xml = p.decoded(message, 1 << 24).map_err(|e| e.to_string())?;
            Some(Certification::parse(&xml).map_err(|e| e.to_string())?)
        }
        None => None,
    };
    let original = named("postacert.eml").map(|p| message[p.body.clone()].to_vec());
    Ok(Evidence { kind, message_id, certification, signer, original })
}
