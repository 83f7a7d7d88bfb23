//! How a service is reached: its socket on this machine, or its port under TLS.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use hyper::Uri;
use sigillo_base::{Said, said};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::Error;

/// Authorities that the system trusts.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Where the service is.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// Its socket.
    Socket(PathBuf),
    /// Its port.
    Server {
        /// `https://host:port`.
        url: String,
        /// A PEM file of authorities; the system's when none is named.
        ca: Option<PathBuf>,
        /// What is trusted, once it was read.
        trust: Arc<OnceLock<Arc<ClientConfig>>>,
    },
}

/// A connection, with TLS or without.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

impl Way {
    /// What the request calls the host.
    pub(super) fn host(&self) -> String {
        match self {
            Self::Socket(_) => "sigillo".to_owned(),
            Self::Server { url, .. } => {
                url.parse::<Uri>().ok().and_then(|uri| Some(uri.authority()?.to_string())).unwrap_or_default()
            }
        }
    }

    pub(super) async fn connect(&self) -> Result<Box<dyn Wire>, Error> {
        match self {
            Self::Socket(path) => match UnixStream::connect(path).await {
                Ok(stream) => Ok(Box::new(stream)),
                Err(source) => Err(Error::Connect { path: path.clone(), source }),
            },
            Self::Server { url, ca, trust } => {
                let failed = |why: Said| Error::Server { url: url.clone(), why };
                let (host, port) = parts(url)
                    .ok_or_else(|| failed(said!("non è https://host:porta", "it is not https://host:port")))?;
                let config = match trust.get() {
                    Some(config) => Arc::clone(config),
                    None => Arc::clone(trust.get_or_init({
                        let read = trusting(ca.clone().unwrap_or_else(|| SYSTEM_ROOTS.into()))?;
                        || read
                    })),
                };
                let name = ServerName::try_from(host.clone()).map_err(|e| failed(Said::verbatim(e)))?;
                let tcp = TcpStream::connect((host.as_str(), port)).await.map_err(|e| failed(Said::verbatim(e)))?;
                let tls = TlsConnector::from(config).connect(name, tcp).await.map_err(|e| {
                    failed(said!(
                        "{e}; se l'autorità del certificato non è fra quelle del sistema va indicata con --ca-file",
                        "{e}; an authority of the certificate that is not among the system's is named by --ca-file"
                    ))
                })?;
                Ok(Box::new(tls))
            }
        }
    }
}

/// Host and port of `https://host:port`.
fn parts(url: &str) -> Option<(String, u16)> {
    let uri: Uri = url.parse().ok()?;
    let plain = uri.scheme_str() == Some("https") && matches!(uri.path(), "" | "/") && uri.query().is_none();
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
    plain.then(|| (host, uri.port_u16().unwrap_or(443)))
}

fn trusting(ca: PathBuf) -> Result<Arc<ClientConfig>, Error> {
    let wrong = |why: Said| Error::Token { path: ca.clone(), why };
    let pem = std::fs::read(&ca).map_err(|e: io::Error| wrong(Said::verbatim(e)))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let mut roots = RootCertStore::empty();
    let (taken, _) =
        roots.add_parsable_certificates(found.map_err(|e| wrong(said!("non è PEM: {e}", "it is not PEM: {e}")))?);
    if taken == 0 {
        return Err(wrong(said!("non contiene certificati PEM", "it holds no PEM certificate")));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(Said::verbatim(e)))?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_a_host_and_a_port_and_nothing_else() {
        assert_eq!(parts("https://pec.example:8443"), Some(("pec.example".to_owned(), 8443)));
        assert_eq!(parts("https://pec.example/"), Some(("pec.example".to_owned(), 443)));
        assert_eq!(parts("https://[::1]:8443"), Some(("::1".to_owned(), 8443)));
        for bad in ["http://pec.example", "pec.example:8443", "https://pec.example/v1", "https://pec.example/?a", ""] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }
}
