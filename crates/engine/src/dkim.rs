//! The port to the signature of the provider's domain over ordinary mail of its own (DKIM, RFC 6376).

use sigillo_mime::Composed;
use sigillo_store::Store;

use crate::Engine;

/// Who signs ordinary mail of the provider's own: reports and notifications. Certified mail is never given to it.
pub trait Dkim: Send + Sync {
    /// The `DKIM-Signature` field over a message, its CRLF included.
    ///
    /// # Errors
    /// Why there is none, for the operator.
    fn field(&self, message: &[u8]) -> Result<String, String>;
}

impl<S: Store> Engine<S> {
    /// The message under the signature of the provider's domain, where it has one. Unsigned it goes out as well: who
    /// believes signed mail only does not believe it then.
    pub(crate) fn under_dkim(&self, content: Composed, source: &[u8]) -> Composed {
        let Some(dkim) = &self.dkim else { return content };
        match dkim.field(&content.to_bytes(source)) {
            Ok(field) => {
                let mut signed = Composed::default();
                signed.own(field);
                signed.append(content);
                signed
            }
            Err(error) => {
                tracing::error!(error, "a message of ours goes without the signature of its domain");
                content
            }
        }
    }
}
