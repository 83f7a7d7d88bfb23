//! DANE for SMTP (RFC 7672): a server is who its TLSA records say.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{CertificateError, Error, RootCertStore};

use crate::dns::Tlsa;
use crate::tls;

/// DANE-TA: an authority of their own.
const AUTHORITY: u8 = 2;
/// DANE-EE: the server's own certificate.
const SERVER: u8 = 3;

/// Whether a record can be used here (RFC 7672 §3.1): usages 0 and 1 mean nothing between mail servers.
pub(super) fn is_usable(record: &Tlsa) -> bool {
    let sound = match record.matching {
        0 => !record.data.is_empty(),
        1 => record.data.len() == 32,
        2 => record.data.len() == 64,
        _ => false,
    };
    sound && matches!(record.usage, AUTHORITY | SERVER) && record.selector <= 1
}

/// Whether a chain is what one of the records says. For the server's own certificate neither name nor dates count
/// (RFC 7672 §3.1.1); an authority's must name one of `names`.
///
/// # Errors
/// What TLS tells the other side; the records do not match.
pub(super) fn verify(
    records: &[Tlsa],
    server: &CertificateDer<'_>,
    chain: &[CertificateDer<'_>],
    names: &[ServerName<'_>],
    now: UnixTime,
) -> Result<(), Error> {
    if records.iter().any(|r| r.usage == SERVER && matches(r, server)) {
        return Ok(());
    }
    let authorities = records.iter().filter(|r| r.usage == AUTHORITY);
    let whole = authorities.clone().filter(|r| (r.selector, r.matching) == (0, 0)).map(|r| r.data.clone().into());
    let shown = chain.iter().filter(|c| authorities.clone().any(|r| matches(r, c))).map(|c| c.clone().into_owned());
    let mut roots = RootCertStore::empty();
    if roots.add_parsable_certificates(shown.chain(whole)).0 == 0 {
        return Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure));
    }
    let judge = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(tls::provider()));
    let judge = judge.build().map_err(|e| Error::General(e.to_string()))?;
    let mut verdict = Err(Error::InvalidCertificate(CertificateError::NotValidForName));
    for name in names {
        verdict = judge.verify_server_cert(server, chain, name, &[], now).map(drop);
        if verdict.is_ok() {
            break;
        }
    }
    verdict
}

fn matches(record: &Tlsa, certificate: &CertificateDer<'_>) -> bool {
    let key;
    let selected: &[u8] = match record.selector {
        0 => certificate,
        _ => match ParsedCertificate::try_from(certificate) {
            Ok(parsed) => {
                key = parsed.subject_public_key_info();
                &key
            }
            Err(_) => return false,
        },
    };
    match record.matching {
        0 => selected == record.data,
        1 => digest(&SHA256, selected).as_ref() == record.data,
        _ => digest(&SHA512, selected).as_ref() == record.data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use std::time::Duration;

    struct Chain {
        authority: CertificateDer<'static>,
        server: CertificateDer<'static>,
    }

    fn chain() -> Chain {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let server = CertificateParams::new(vec!["mx.beta.example".to_owned()]).unwrap();
        let server = server.signed_by(&KeyPair::generate().unwrap(), &authority).unwrap();
        Chain { authority: authority.der().clone(), server: server.der().clone() }
    }

    fn record(usage: u8, selector: u8, matching: u8, certificate: &CertificateDer<'_>) -> Tlsa {
        let key = ParsedCertificate::try_from(certificate).unwrap().subject_public_key_info();
        let selected: &[u8] = if selector == 0 { certificate } else { &key };
        let data = match matching {
            0 => selected.to_vec(),
            1 => digest(&SHA256, selected).as_ref().to_vec(),
            _ => digest(&SHA512, selected).as_ref().to_vec(),
        };
        Tlsa { usage, selector, matching, data }
    }

    fn judge(records: &[Tlsa], server: &CertificateDer<'_>, chain: &[CertificateDer<'_>], name: &str) -> bool {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
        verify(records, server, chain, &[ServerName::try_from(name).unwrap()], now).is_ok()
    }

    #[test]
    fn the_servers_own_certificate_by_every_selector_and_digest() {
        let (ours, other) = (chain(), chain());
        for (selector, matching) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
            let record = record(3, selector, matching, &ours.server);
            assert!(is_usable(&record));
            let records = std::slice::from_ref(&record);
            assert!(judge(records, &ours.server, &[], "anything.example"), "{selector} {matching}: names do not count");
            assert!(!judge(records, &other.server, &[], "mx.beta.example"), "{selector} {matching}: somebody else's");
        }
    }

    #[test]
    fn an_authority_of_their_own_vouches_for_the_name_only() {
        let (ours, other) = (chain(), chain());
        for (selector, matching) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
            let records = [record(2, selector, matching, &ours.authority)];
            let shown = [ours.authority.clone()];
            assert!(judge(&records, &ours.server, &shown, "mx.beta.example"), "{selector} {matching}");
            assert!(!judge(&records, &ours.server, &shown, "mx.gamma.example"), "another name");
            assert!(!judge(&records, &other.server, &shown, "mx.beta.example"), "not signed by it");
            assert!(
                !judge(&records, &other.server, std::slice::from_ref(&other.authority), "mx.beta.example"),
                "another authority"
            );
            // Only the whole certificate in the DNS can do without the server showing it.
            let alone = judge(&records, &ours.server, &[], "mx.beta.example");
            assert_eq!(alone, (selector, matching) == (0, 0));
        }
    }

    #[test]
    fn records_that_mean_nothing_here_are_not_used() {
        let server = chain().server;
        for (usage, selector, matching) in [(0, 1, 1), (1, 1, 1), (4, 1, 1), (255, 0, 0), (3, 2, 1), (3, 1, 3)] {
            assert!(!is_usable(&Tlsa { usage, selector, matching, ..record(3, 1, 1, &server) }), "{usage} {selector}");
        }
        assert!(!is_usable(&Tlsa { usage: 3, selector: 1, matching: 1, data: vec![0; 31] }), "a digest cut short");
        assert!(!is_usable(&Tlsa { usage: 3, selector: 1, matching: 0, data: vec![] }));
    }
}
