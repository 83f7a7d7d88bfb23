//! What the status tells about keys.

use sigillo_admin::api::CertificateStatus;
use sigillo_base::Timestamp;
use sigillo_smime::Certificate;

use crate::config::Config;
use crate::material::Material;

/// Computed when material is loaded, told when asked.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Signing and TLS certificates.
    pub certificates: Vec<CertificateStatus>,
    /// From when and until when the signing certificate is valid.
    pub signing: (Timestamp, Timestamp),
    /// Until when the certificate of the listeners is.
    pub tls_ends: Option<Timestamp>,
}

impl Shown {
    pub(super) fn of(config: &Config, material: &Material) -> Self {
        let show = |purpose: &str, c: &Certificate| CertificateStatus {
            purpose: purpose.to_owned(),
            subject: c.subject(),
            not_after: c.not_after().to_string(),
        };
        let mut certificates = vec![show("signing", &material.identity.certificate)];
        let tls = std::fs::read(&config.tls_certificate.value).ok();
        let leaf = tls.and_then(|pem| Certificate::from_pem(&pem).ok()?.into_iter().next());
        certificates.extend(leaf.as_ref().map(|leaf| show("tls", leaf)));
        let signing = &material.identity.certificate;
        let signing = (signing.not_before(), signing.not_after());
        Self { certificates, signing, tls_ends: leaf.map(|leaf| leaf.not_after()) }
    }
}
