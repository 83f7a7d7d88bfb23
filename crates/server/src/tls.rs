//! TLS: server configurations that can be renewed while running, and the client configurations of relay
//! and [`crate::fetch`].
//! One crypto provider (aws-lc-rs) serves the whole program and is named wherever one is taken.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, bail};
use arc_swap::ArcSwap;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::x509::X509;
use sigillo_base::{Complaint, said};
use sigillo_wire::sasl::Binding;
use tokio_rustls::rustls::client::{WantsClientCert, WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use tokio_rustls::rustls::{
    ClientConfig, ConfigBuilder, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection,
};

use crate::complaint::Context as _;

/// The crypto provider of this program, with the hybrid post-quantum key exchange first: it costs little, and mail is
/// kept for years by whoever records it.
pub fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups.retain(|group| group.name() != aws_lc_rs::kx_group::X25519MLKEM768.name());
    provider.kx_groups.insert(0, aws_lc_rs::kx_group::X25519MLKEM768);
    provider
}

/// Makes [`provider`] the default of the process, for libraries that ask for one. Once is enough; twice is harmless.
pub fn install() {
    if provider().install_default().is_err() {
        tracing::trace!("the crypto provider stands already");
    }
}

/// The certificate and key that listeners show, renewed by [`ServerTls::renew`].
pub struct ServerTls {
    current: ArcSwap<Shown>,
}

/// What a connection shows of us, and can be bound to.
pub struct Shown {
    /// Its TLS.
    pub config: Arc<ServerConfig>,
    /// `tls-server-end-point` (RFC 5929 §4).
    end_point: Option<Vec<u8>>,
}

impl Shown {
    /// What ties a login to a connection whose handshake was made with this.
    pub fn binding(&self, tls: &ServerConnection) -> Binding {
        // RFC 9266 §4.2: before 1.3 an export is unique only with an extension that nobody must speak.
        let exporter = tls
            .protocol_version()
            .filter(|v| *v == ProtocolVersion::TLSv1_3)
            .and_then(|_| tls.export_keying_material(vec![0; 32], b"EXPORTER-Channel-Binding", Some(b"")).ok());
        Binding { exporter, end_point: self.end_point.clone() }
    }
}

impl ServerTls {
    /// Loads a certificate chain and its key, PEM files both. The error names the file.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self> {
        let (mut config, end_point) = shown(certificate, key, WebPkiClientVerifier::no_client_auth())?;
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        Ok(Self::of(config, end_point))
    }

    /// The same for listeners that ask who the client is: it may show a certificate of `anchors`, or none. One that is
    /// foreign, expired or revoked ends the handshake, and so does a revocation list that is out of date. Nothing is
    /// resumed, so that each connection is judged anew.
    pub fn asking(certificate: &Path, key: &Path, anchors: &[PathBuf], crls: &[PathBuf]) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for file in anchors {
            for anchor in certificates(file)? {
                roots.add(anchor).told(|| said!("{}: non è una radice", "{}: it is no root", file.display()))?;
            }
        }
        let lists = crls.iter().map(|file| revocation_lists(file)).collect::<Result<Vec<_>>>()?.into_iter().flatten();
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider()))
            .with_crls(lists)
            .enforce_revocation_expiration()
            .allow_unauthenticated()
            .build()
            .told(|| {
                said!(
                    "radici o liste di revoca dei client non utilizzabili",
                    "anchors or revocation lists of the clients cannot be used"
                )
            })?;
        let (mut config, end_point) = shown(certificate, key, clients)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self::of(config, end_point))
    }

    fn of(config: ServerConfig, end_point: Option<Vec<u8>>) -> Self {
        Self { current: ArcSwap::new(Arc::new(Shown { config: Arc::new(config), end_point })) }
    }

    /// What a new connection uses.
    pub fn current(&self) -> Arc<Shown> {
        self.current.load_full()
    }

    /// Takes what `fresh` has; connections already open keep what they have.
    pub fn renew(&self, fresh: &Self) {
        self.current.store(fresh.current());
    }
}

/// The certificates of a PEM file; the error names the file.
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let pem = fs::read(file).told(|| said!("{}: non si legge", "{}: it cannot be read", file.display()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.told(|| said!("{}: non è PEM", "{}: it is not PEM", file.display()))?;
    if found.is_empty() {
        bail!(Complaint(said!("{}: non contiene certificati PEM", "{}: it holds no PEM certificate", file.display())));
    }
    Ok(found)
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>> {
    let pem = fs::read(file).told(|| said!("{}: non si legge", "{}: it cannot be read", file.display()))?;
    PrivateKeyDer::from_pem_slice(&pem)
        .told(|| said!("{}: non contiene una chiave privata PEM", "{}: it holds no private PEM key", file.display()))
}

/// The revocation lists of a file, DER or PEM; the error names the file.
fn revocation_lists(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    let bytes = fs::read(file).told(|| said!("{}: non si legge", "{}: it cannot be read", file.display()))?;
    if !bytes.starts_with(b"-----BEGIN") {
        return Ok(vec![bytes.into()]);
    }
    let found: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
    found.told(|| said!("{}: non è PEM", "{}: it is not PEM", file.display()))
}

/// What a listener shows, and the hash of its certificate for channel binding.
fn shown(
    certificate: &Path,
    key: &Path,
    clients: Arc<dyn ClientCertVerifier>,
) -> Result<(ServerConfig, Option<Vec<u8>>)> {
    let (chain, secret) = (certificates(certificate)?, private_key(key)?);
    let end_point = chain.first().and_then(|leaf| end_point(leaf));
    let config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, secret)
        .told(|| {
            said!(
                "{}: la chiave non va con {}",
                "{}: the key does not belong to {}",
                key.display(),
                certificate.display()
            )
        })?;
    Ok((config, end_point))
}

/// The hash of a certificate by the function of its own signature, or by SHA-256 where that one is weaker (RFC 5929 §4.1);
/// `None` where the signature has none.
fn end_point(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let x509 = X509::from_der(certificate).ok()?;
    let digest = match x509.signature_algorithm().object().nid().signature_algorithms()?.digest {
        Nid::UNDEF => return None,
        Nid::MD5 | Nid::SHA1 => MessageDigest::sha256(),
        other => MessageDigest::from_nid(other)?,
    };
    Some(x509.digest(digest).ok()?.to_vec())
}

/// Whether a certificate (DER) names this host.
pub fn is_for(certificate: &[u8], host: &str) -> bool {
    let der = CertificateDer::from(certificate);
    let (parsed, name) = (ParsedCertificate::try_from(&der), ServerName::try_from(host));
    matches!((parsed, name), (Ok(parsed), Ok(name)) if verify_server_name(&parsed, &name).is_ok())
}

/// The client's side: server certificates must lead to one of `roots` and name the host we wanted.
pub fn client_config(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Result<Arc<ClientConfig>> {
    Ok(Arc::new(trusting(roots)?.with_no_client_auth()))
}

/// The judge of server certificates that [`client_config`] has, for who wants to hear its verdict.
pub fn verifier(roots: impl IntoIterator<Item = CertificateDer<'static>>) -> Result<Arc<WebPkiServerVerifier>> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots);
    Ok(WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::new(provider())).build()?)
}

/// The same for a client that shows who it is: a certificate chain and its key, PEM files both.
pub fn known_client_config(
    roots: impl IntoIterator<Item = CertificateDer<'static>>,
    certificate: &Path,
    key: &Path,
) -> Result<Arc<ClientConfig>> {
    let (chain, secret) = (certificates(certificate)?, private_key(key)?);
    let config = trusting(roots)?.with_client_auth_cert(chain, secret);
    let config = config.told(|| {
        said!("{}: la chiave non va con {}", "{}: the key does not belong to {}", key.display(), certificate.display())
    })?;
    Ok(Arc::new(config))
}

fn trusting(
    roots: impl IntoIterator<Item = CertificateDer<'static>>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>> {
    let mut store = RootCertStore::empty();
    let (taken, ignored) = store.add_parsable_certificates(roots);
    if taken == 0 {
        bail!(Complaint(said!(
            "nessuna radice TLS utilizzabile ({ignored} non leggibili)",
            "no usable TLS root ({ignored} cannot be read)"
        )));
    }
    Ok(ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let (certificate, key) = (folder.join("c.pem"), folder.join("k.pem"));
        fs::write(&certificate, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        (certificate, key)
    }

    #[test]
    fn a_renewal_serves_new_connections_and_an_error_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = pair(folder.path(), "a.example");
        let tls = ServerTls::open(&certificate, &key).unwrap();
        let first = tls.current();
        pair(folder.path(), "b.example");
        tls.renew(&ServerTls::open(&certificate, &key).unwrap());
        let second = tls.current();
        assert!(!Arc::ptr_eq(&first, &second));
        fs::write(&key, "x").unwrap();
        let error = format!("{:#}", ServerTls::open(&certificate, &key).err().unwrap());
        assert!(error.contains("k.pem"), "{error}");
        assert!(Arc::ptr_eq(&second, &tls.current()));
    }

    #[test]
    fn post_quantum_first() {
        assert_eq!(provider().kx_groups[0].name(), aws_lc_rs::kx_group::X25519MLKEM768.name());
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, _) = pair(folder.path(), "a.example");
        let other = tempfile::tempdir().unwrap();
        let (_, key) = pair(other.path(), "b.example");
        assert!(ServerTls::open(&certificate, &key).is_err());
        assert!(client_config(Vec::new()).is_err());
        let error = known_client_config(certificates(&certificate).unwrap(), &certificate, &key).unwrap_err();
        assert!(format!("{error:#}").contains("la chiave non va con"), "{error:#}");
    }
}
