//! The signature of a domain over ordinary mail of ours: `[dkim]`.

use std::path::PathBuf;

use sigillo_base::{Domain, said};
use toml::Spanned;

use super::located::{Located, Reader};
use super::raw;

/// Whose signature ordinary mail of ours carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dkim {
    /// The domain: that of `provider.host`, or one above it.
    pub domain: Domain,
    /// The name of the key there.
    pub selector: Domain,
    /// The file of the key.
    pub key: Located<PathBuf>,
}

impl Reader<'_> {
    pub(super) fn dkim(&mut self, raw: raw::Dkim, host: &str) -> Option<Dkim> {
        let at = Spanned::new(raw.domain.span(), raw.domain.get_ref().clone());
        let domain = self.domain("dkim.domain", raw.domain);
        let selector = self.domain("dkim.selector", raw.selector);
        let (domain, selector) = (domain?, selector?);
        let above = host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        if !above {
            // Reports come from this host: the signature of another domain would not count for them (DMARC).
            let what = said!("{host} non è in {domain}", "{host} is not in {domain}");
            let remedy = said!("scrivere il dominio di provider.host", "write the domain of provider.host");
            return self.wrong("dkim.domain", &at, what, remedy);
        }
        Some(Dkim { domain, selector, key: self.path("dkim.key", raw.key)? })
    }
}
