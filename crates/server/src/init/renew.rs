//! A new key and the request for its certificate, for a provider that has some already.

use std::path::Path;

use sigillo_base::{Said, said};
use sigillo_smime::authority::request as csr;

use super::site::{Site, of_file};
use crate::config::Config;
use crate::files;

/// What a certificate is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// To sign receipts and envelopes (RFC 6109 §5.5).
    Signing,
    /// To be shown by doors.
    Tls,
}

impl Wanted {
    /// A key for it, PEM.
    fn key(self) -> Result<String, sigillo_smime::Error> {
        match self {
            Self::Signing => csr::rsa_key(),
            Self::Tls => csr::server_key(),
        }
    }

    /// The request with this key, for the provider of a configuration.
    pub(super) fn request(self, config: &Config, key_pem: &str) -> Result<String, Said> {
        let made = match self {
            Self::Signing => csr::pec(key_pem, &config.name.value, &config.service_address.value),
            Self::Tls => csr::tls(key_pem, std::slice::from_ref(&config.host.value)),
        };
        made.map_err(|error| Said::verbatim(error.to_string()))
    }
}

/// Makes a key in a new file of mode 0600, and its request in another new file.
///
/// # Errors
/// One of the files is there already: neither is replaced, and nothing is written.
pub fn request(config: &Config, wanted: Wanted, key: &Path, out: &Path) -> Result<(), Said> {
    for path in [key, out] {
        if path.exists() {
            let path = path.display();
            return Err(said!(
                "{path} c'è già e non si sostituisce: indicare un altro file",
                "{path} is there already and is not replaced: name another file"
            ));
        }
    }
    let mut site = Site::new(true);
    let pem = site.secret(key, || wanted.key())?;
    let text = wanted.request(config, &pem)?;
    files::write(out, text.as_bytes()).map_err(|error| of_file(out, &error))
}
