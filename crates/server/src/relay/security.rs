//! What a connection must show before mail goes over it, and the judge of certificates that sees to it.

use std::io;
use std::sync::{Arc, OnceLock};

use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{Resumption, WebPkiServerVerifier};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::dane;
use super::report::Trouble;
use crate::dns::Tlsa;
use crate::tls;

/// What is demanded of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Security {
    /// TLS where it can be had, with any certificate; else in clear (RFC 7435).
    Opportunistic,
    /// TLS, with any certificate.
    Encrypted,
    /// TLS, with a certificate of our roots that names the server.
    Verified,
    /// TLS, with a certificate that these records name (RFC 7672).
    Dane(Arc<[Tlsa]>),
}

impl Security {
    /// Whether nothing goes in clear.
    pub fn needs_tls(&self) -> bool {
        *self != Self::Opportunistic
    }

    /// The stricter one; DANE is the domain's own word and stays.
    #[must_use]
    pub fn or_more(self, floor: &Self) -> Self {
        let rank = |s: &Self| match s {
            Self::Opportunistic => 0,
            Self::Encrypted => 1,
            Self::Verified => 2,
            Self::Dane(_) => 3,
        };
        if rank(&self) < rank(floor) { floor.clone() } else { self }
    }
}

/// Judges one handshake.
#[derive(Debug)]
pub(super) struct Judge {
    security: Security,
    webpki: Arc<WebPkiServerVerifier>,
    /// Names that a certificate of DANE-TA may have.
    names: Vec<ServerName<'static>>,
    /// What is wrong with a certificate that was taken all the same.
    overlooked: OnceLock<Trouble>,
}

impl Judge {
    pub(super) fn new(security: Security, webpki: Arc<WebPkiServerVerifier>, names: &[String]) -> Arc<Self> {
        let names = names.iter().filter_map(|n| ServerName::try_from(n.clone()).ok()).collect();
        Arc::new(Self { security, webpki, names, overlooked: OnceLock::new() })
    }

    /// What is wrong with a certificate that was taken all the same.
    pub(super) fn overlooked(&self) -> Option<Trouble> {
        self.overlooked.get().copied()
    }

    /// The TLS of a client that asks this judge. Nothing of it outlives the connection: what one judge took is no
    /// session for another one to resume.
    ///
    /// # Errors
    /// No version of TLS is left to speak.
    pub(super) fn config(self: &Arc<Self>) -> Result<ClientConfig, Error> {
        let builder = ClientConfig::builder_with_provider(Arc::new(tls::provider()));
        let judged = builder.with_safe_default_protocol_versions()?.dangerous();
        let judge = Arc::clone(self) as Arc<dyn ServerCertVerifier>;
        let mut config = judged.with_custom_certificate_verifier(judge).with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = match &self.security {
            Security::Dane(records) => dane::verify(records, server, chain, &self.names, now),
            _ => self.webpki.verify_server_cert(server, chain, name, ocsp, now).map(drop),
        };
        match (verdict, &self.security) {
            (Err(error), Security::Opportunistic | Security::Encrypted) => {
                self.overlooked.get_or_init(|| trouble(&error));
            }
            (Err(error), _) => return Err(error),
            (Ok(()), _) => {}
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

/// What a failed handshake is called in reports.
pub(super) fn handshake_trouble(error: &io::Error) -> Trouble {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    inner.map_or(Trouble::ValidationFailure, trouble)
}

fn trouble(error: &Error) -> Trouble {
    use CertificateError as C;
    match error {
        Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => Trouble::CertificateExpired,
        Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => {
            Trouble::CertificateHostMismatch
        }
        Error::InvalidCertificate(C::UnknownIssuer | C::BadSignature | C::Revoked) => Trouble::CertificateNotTrusted,
        Error::InvalidCertificate(C::ApplicationVerificationFailure) => Trouble::TlsaInvalid,
        _ => Trouble::ValidationFailure,
    }
}
