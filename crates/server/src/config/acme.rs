//! A TLS certificate that renews itself (RFC 8555): `[tls.acme]`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use sigillo_base::{Domain, said};
use toml::Spanned;

use super::located::{Located, Reader};
use super::raw;
use crate::fetch::Url;

/// Where certificates come from, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acme {
    /// The directory of the authority.
    pub directory: Located<Url>,
    /// Who is told by the authority, `mailto:…`; nobody, if it is empty.
    pub contact: Option<String>,
    /// The names of the certificate: `provider.host` first, then those that holders use.
    pub names: Vec<Domain>,
    /// Where the authority asks for the answers to its challenges: its port 80 has to lead here.
    pub listen: Vec<Located<SocketAddr>>,
    /// TLS roots of the authority's own server.
    pub roots: Located<PathBuf>,
    /// The folder of account and certificate.
    pub folder: PathBuf,
    /// The certificate and key of the configuration, if it names some: shown until the first of the authority is there.
    pub before: Option<(PathBuf, PathBuf)>,
}

impl Acme {
    /// Key and certificate in one file, so that a renewal is one rename and neither is ever there without the other.
    pub fn pair(&self) -> PathBuf {
        self.folder.join("tls.pem")
    }
}

/// The pair that listeners show, and how it renews itself.
pub(super) struct Tls {
    pub certificate: Located<PathBuf>,
    pub key: Located<PathBuf>,
    pub acme: Option<Acme>,
}

impl Reader<'_> {
    /// `host` is the name of this host, `roots` those of the relay, `store` the folder of the store.
    pub(super) fn tls(
        &mut self,
        raw: (Option<Spanned<String>>, Option<Spanned<String>>, Option<raw::Acme>),
        host: &str,
        roots: &Located<PathBuf>,
        store: &Path,
    ) -> Option<Tls> {
        let (certificate, key, acme) = raw;
        let pair = match (certificate, key) {
            (Some(certificate), Some(key)) => {
                let (certificate, key) = (self.path("tls.certificate", certificate), self.path("tls.key", key));
                Some((certificate?, key?))
            }
            (Some(alone), None) => return self.alone("tls.certificate", &alone, "tls.key"),
            (None, Some(alone)) => return self.alone("tls.key", &alone, "tls.certificate"),
            (None, None) => None,
        };
        let Some(acme) = acme else {
            let Some((certificate, key)) = pair else {
                let at = Located { value: (), key: "tls.certificate".to_owned(), line: 0 };
                let remedy = said!(
                    "scrivere tls.certificate e tls.key, oppure la sezione [tls.acme]",
                    "write tls.certificate and tls.key, or the section [tls.acme]"
                );
                self.tell(&at, said!("manca", "missing"), remedy);
                return None;
            };
            return Some(Tls { certificate, key, acme: None });
        };
        let before = pair.map(|(certificate, key)| (certificate.value, key.value));
        let acme = Acme { before, ..self.acme(acme, host, roots, store)? };
        let at = Located { value: acme.pair(), key: "tls.acme".to_owned(), line: acme.directory.line };
        Some(Tls { certificate: at.clone(), key: at, acme: Some(acme) })
    }

    fn acme(&mut self, raw: raw::Acme, host: &str, roots: &Located<PathBuf>, store: &Path) -> Option<Acme> {
        let directory = self.url("tls.acme.directory", raw.directory)?;
        if !directory.value.is_https() {
            let what = said!("si parla con l'autorità solo per HTTPS (RFC 8555 §6.1)", "HTTPS only (RFC 8555 §6.1)");
            self.tell(&directory, what, said!("scrivere https://…", "write https://…"));
            return None;
        }
        if !*raw.agree.get_ref() {
            let what = said!("le condizioni dell'autorità non sono accettate", "its terms are not agreed to");
            let remedy = said!("leggerle, poi agree = true", "read them, then agree = true");
            return self.wrong("tls.acme.agree", &raw.agree, what, remedy);
        }
        let contact = match raw.contact {
            Some(contact) => Some(format!("mailto:{}", self.address("tls.acme.contact", contact)?.value)),
            None => None,
        };
        let mut names = vec![Domain::parse(host).ok()?];
        for name in raw.names.into_iter().filter_map(|name| self.domain("tls.acme.names", name)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let listen = raw.listen.into_iter().filter_map(|at| self.socket_address("tls.acme.listen", at)).collect();
        let roots = match raw.roots {
            Some(roots) => self.path("tls.acme.roots", roots)?,
            None => roots.clone(),
        };
        Some(Acme { directory, contact, names, listen, roots, folder: store.join("acme"), before: None })
    }
}
