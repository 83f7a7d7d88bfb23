//! From a draft to a signed message. The two types are the rule that nothing leaves unsigned (RFC 6109 §2.1).

use std::sync::OnceLock;

use sigillo_base::{Address, PecId, Timestamp};
use sigillo_mime::{Composed, write};
use sigillo_smime::{Hasher, Identity, Signer};

use crate::{Certification, Error, Kind};

/// A system message that is complete but for its signature. It cannot be sent: its content is private, and only
/// [`Draft::seal`] gives a [`Signed`] for it.
///
/// Content refers to ranges of one *source* buffer (the original, or the received envelope): whoever signs or sends
/// gives the same buffer again.
#[derive(Debug)]
pub struct Draft {
    /// What it is.
    pub kind: Kind,
    /// Its own Message-ID; for a transport envelope that is the certified identifier.
    pub message_id: PecId,
    /// MAIL FROM; `None` is `<>`, which only the anomaly envelope of a bounce has.
    pub mail_from: Option<Address>,
    /// RCPT TO.
    pub rcpt_to: Vec<Address>,
    /// Whether bytes above 127 are inside, so that the next server must offer 8BITMIME.
    pub eight_bit: bool,
    pub(crate) certification: Option<Certification>,
    /// Header fields, without those of MIME.
    pub(crate) header: Vec<u8>,
    /// The multipart/mixed entity: exactly the bytes that are signed.
    pub(crate) entity: Composed,
    /// Boundary of multipart/signed; occurs nowhere in `entity`.
    pub(crate) boundary: String,
    /// SHA-256 of `entity`, once [`Draft::to_be_signed`] has computed it.
    pub(crate) digest: OnceLock<[u8; 32]>,
}

/// A system message as it goes out.
#[derive(Debug)]
pub struct Signed {
    /// What it is.
    pub kind: Kind,
    /// Its own Message-ID.
    pub message_id: PecId,
    /// MAIL FROM; `None` is `<>`.
    pub mail_from: Option<Address>,
    /// RCPT TO.
    pub rcpt_to: Vec<Address>,
    /// Whether bytes above 127 are inside.
    pub eight_bit: bool,
    /// The data certified in it, for the legal log; none in an anomaly envelope.
    pub certification: Option<Certification>,
    /// The whole message, CRLF; refers to the same source as its draft.
    pub content: Composed,
}

impl Draft {
    /// The data certified in it; none in an anomaly envelope.
    pub fn certification(&self) -> Option<&Certification> {
        self.certification.as_ref()
    }

    /// The CMS signed attributes over this draft: what the key must sign. `at` is the transaction's one time.
    pub fn to_be_signed(&self, source: &[u8], at: Timestamp, identity: &Identity) -> Vec<u8> {
        let digest = self.digest.get_or_init(|| {
            let mut hasher = Hasher::new();
            self.entity.for_each(source, |bytes| hasher.update(bytes));
            hasher.finish()
        });
        sigillo_smime::signed_attributes(digest, at, &identity.certificate)
    }

    /// Puts the signature over [`Draft::to_be_signed`] in place.
    ///
    /// # Errors
    /// [`Error::ForeignSignature`] when the attributes are not this draft's, so that signatures made in a batch cannot
    /// be mixed up; [`Error::Smime`] when the signature structure cannot be built.
    pub fn seal(self, attributes: &[u8], signature: &[u8], identity: &Identity) -> Result<Signed, Error> {
        let digest = self.digest.get().ok_or(Error::ForeignSignature)?;
        if memchr::memmem::find(attributes, digest).is_none() {
            return Err(Error::ForeignSignature);
        }
        let cms = sigillo_smime::detached(identity, attributes, signature)?;
        let boundary = &self.boundary;
        let mut content = Composed::default();
        let mut head = self.header;
        head.extend_from_slice(
            format!(
                "MIME-Version: 1.0\r\n\
                 Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n\
                 \tmicalg=sha-256; boundary=\"{boundary}\"\r\n"
            )
            .as_bytes(),
        );
        if self.eight_bit {
            head.extend_from_slice(b"Content-Transfer-Encoding: 8bit\r\n");
        }
        head.extend_from_slice(format!("\r\n{PREAMBLE}\r\n\r\n--{boundary}\r\n").as_bytes());
        content.own(head);
        content.append(self.entity);
        content.own(format!(
            "\r\n--{boundary}\r\n\
             Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n\
             Content-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment; filename=\"smime.p7s\"\r\n\
             \r\n\
             {}\
             --{boundary}--\r\n",
            write::base64_lines(&cms)
        ));
        Ok(Signed {
            kind: self.kind,
            message_id: self.message_id,
            mail_from: self.mail_from,
            rcpt_to: self.rcpt_to,
            eight_bit: self.eight_bit,
            certification: self.certification,
            content,
        })
    }

    /// [`Draft::to_be_signed`], the signature and [`Draft::seal`] in one. May block: the signer may be another process.
    ///
    /// # Errors
    /// [`Error::Sign`] from the signer, which may be temporary; [`Error::Smime`].
    pub fn sign(self, source: &[u8], at: Timestamp, identity: &Identity, signer: &dyn Signer) -> Result<Signed, Error> {
        let attributes = self.to_be_signed(source, at, identity);
        let signature = signer.sign(&attributes)?;
        self.seal(&attributes, &signature, identity)
    }
}

/// Free text for clients that know no MIME (pec rule 2.1).
const PREAMBLE: &str = "This is an S/MIME signed message";
