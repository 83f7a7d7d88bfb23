//! A web server on loopback that answers with the very bytes it is told to, and TLS certificates for both sides.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::fetch::Url;
use crate::tls;

/// An answer with a length and a media type.
pub(crate) fn ok(content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

type Answers = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// The server. It ends with the test's runtime.
pub(crate) struct Peer {
    scheme: &'static str,
    port: u16,
    answers: Answers,
    /// Heads and bodies of the requests, as they came.
    pub requests: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    pub(crate) async fn plain() -> Self {
        Self::start(None).await
    }

    pub(crate) async fn tls(config: Arc<ServerConfig>) -> Self {
        Self::start(Some(TlsAcceptor::from(config))).await
    }

    /// Answers requests for `path` with these bytes from now on, whole or not.
    pub(crate) fn answer(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.answers.lock().insert(0, (path.to_owned(), bytes.into()));
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        format!("{}://localhost:{}{path}", self.scheme, self.port).parse().unwrap()
    }

    async fn start(acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let port = listener.local_addr().unwrap().port();
        let peer = Self { scheme, port, answers: Answers::default(), requests: Arc::default() };
        let (answers, requests) = (Arc::clone(&peer.answers), Arc::clone(&peer.requests));
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (answers, requests, acceptor) = (Arc::clone(&answers), Arc::clone(&requests), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(tcp, &answers, &requests).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(tcp).await {
                                serve(stream, &answers, &requests).await;
                            }
                        }
                    }
                });
            }
        });
        peer
    }
}

/// One request. A path without an answer is never answered.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answers: &Answers, requests: &Mutex<Vec<String>>) {
    let mut heard = Vec::new();
    let text = loop {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(n) => heard.extend_from_slice(&buffer[..n]),
        }
        let text = String::from_utf8_lossy(&heard).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            break text;
        }
    };
    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
    requests.lock().push(text);
    let answer = answers.lock().iter().find(|(at, _)| *at == path).map(|(_, bytes)| bytes.clone());
    let Some(answer) = answer else { return std::future::pending().await };
    // The client may have gone because it has heard enough.
    if stream.write_all(&answer).await.is_ok() && stream.shutdown().await.is_ok() {
        drop(stream.read(&mut [0; 16]).await);
    }
}

/// An authority with a server's certificate for localhost and a client's; files in a folder.
pub(crate) struct Certificates {
    pub folder: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "CA del web");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let made = Self { folder: tempfile::tempdir().unwrap(), issuer };
        std::fs::write(made.ca(), made.issuer.pem()).unwrap();
        made.issue("server", ExtendedKeyUsagePurpose::ServerAuth);
        made.issue("client", ExtendedKeyUsagePurpose::ClientAuth);
        made
    }

    fn issue(&self, name: &str, usage: ExtendedKeyUsagePurpose) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(self.path(name, "pem"), certificate.pem()).unwrap();
        std::fs::write(self.path(name, "key"), key.serialize_pem()).unwrap();
    }

    pub(crate) fn path(&self, name: &str, kind: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.{kind}"))
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.path("ca", "pem")
    }

    /// A server that lets only this authority's clients in.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(tls::provider());
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(tls::certificates(&self.ca()).unwrap());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(
                tls::certificates(&self.path("server", "pem")).unwrap(),
                key(&self.path("server", "key")),
            );
        Arc::new(config.unwrap())
    }
}

fn key(file: &Path) -> tokio_rustls::rustls::pki_types::PrivateKeyDer<'static> {
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    tokio_rustls::rustls::pki_types::PrivateKeyDer::from_pem_file(file).unwrap()
}
