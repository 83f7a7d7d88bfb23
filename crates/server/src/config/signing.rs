//! Where the signing key is: `signing.key`.

use std::path::{Path, PathBuf};

use sigillo_base::{Said, said};
use toml::Spanned;

use super::located::{Located, Reader};
use crate::pkcs11::Uri;

/// The signing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SigningKey {
    /// In a file.
    File(PathBuf),
    /// In a device, with the file of its PIN.
    Token(Uri),
}

impl SigningKey {
    /// The file of the key, where it is in one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Token(_) => None,
        }
    }

    /// The file whose content must stay a secret: the key's, or the PIN's.
    pub fn secret(&self) -> &PathBuf {
        match self {
            Self::File(path) => path,
            Self::Token(uri) => &uri.pin,
        }
    }
}

impl Reader<'_> {
    pub(super) fn signing_key(&mut self, key: &str, raw: Spanned<String>) -> Option<Located<SigningKey>> {
        if !Uri::is(raw.get_ref()) {
            let Located { value, key, line } = self.path(key, raw)?;
            return Some(Located { value: SigningKey::File(value), key, line });
        }
        let folder = self.file().parent().unwrap_or_else(|| Path::new("")).to_owned();
        let remedy = said!(
            "\"pkcs11:token=…;object=…?module-path=…&pin-source=…\" (RFC 7512)",
            "\"pkcs11:token=…;object=…?module-path=…&pin-source=…\" (RFC 7512)"
        );
        self.check(key, raw, remedy, |text| {
            let uri = Uri::parse(text).map_err(|(it, en)| Said::new(it, en))?;
            Ok(SigningKey::Token(Uri { pin: folder.join(&uri.pin), ..uri }))
        })
    }
}
