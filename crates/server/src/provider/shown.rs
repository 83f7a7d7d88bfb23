//! What the status tells about keys.

use sigillo_admin::api::CertificateStatus;
use sigillo_smime::Certificate;

use crate::config::Config;
use crate::material::Material;

/// Computed when material is loaded, told when asked.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Signing and TLS certificates.
    pub certificates: Vec<CertificateStatus>,
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
        if let Some(leaf) = tls.and_then(|pem| Certificate::from_pem(&pem).ok()?.into_iter().next()) {
            certificates.push(show("tls", &leaf));
        }
        Self { certificates }
    }
}
