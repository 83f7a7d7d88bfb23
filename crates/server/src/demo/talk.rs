//! A line-based conversation with one of our own servers, over TLS: what the small mail clients here stand on.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sigillo_base::{Complaint, said};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::ports::at;
use crate::complaint::Context as _;
use crate::net::Stream;

const PATIENCE: Duration = Duration::from_secs(30);
const LINE: usize = 64 * 1024;

pub(super) struct Talk {
    stream: Stream,
    held: Vec<u8>,
}

impl Talk {
    pub(super) async fn connect(port: u16) -> Result<Self> {
        let tcp = TcpStream::connect(at(port)).await.with_context(|| at(port).to_string())?;
        tcp.set_nodelay(true)?;
        Ok(Self { stream: Stream::Plain(tcp), held: Vec::new() })
    }

    /// The TLS handshake; the certificate must be for localhost and from `client`'s roots.
    pub(super) async fn start_tls(mut self, client: Arc<ClientConfig>) -> Result<Self> {
        if !self.held.is_empty() {
            bail!(Complaint(said!("il server ha parlato prima di TLS", "the server spoke before TLS")));
        }
        let Stream::Plain(tcp) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            bail!(Complaint(said!("TLS c'è già", "TLS is there already")))
        };
        let name = ServerName::try_from("localhost").context("localhost")?;
        let tls = tokio::time::timeout(PATIENCE, TlsConnector::from(client).connect(name, tcp)).await??;
        Ok(Self { stream: Stream::Tls(std::boxed::Box::new(tls.into())), held: Vec::new() })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(tokio::time::timeout(PATIENCE, self.stream.write_all(bytes)).await??)
    }

    /// A line without its CRLF.
    pub(super) async fn line(&mut self) -> Result<String> {
        loop {
            if let Some(end) = self.held.windows(2).position(|w| w == b"\r\n") {
                let line = String::from_utf8_lossy(&self.held[..end]).into_owned();
                self.held.drain(..end + 2);
                return Ok(line);
            }
            if self.held.len() > LINE {
                bail!(Complaint(said!("riga troppo lunga", "line too long")));
            }
            self.fill().await?;
        }
    }

    /// So many bytes.
    pub(super) async fn take(&mut self, count: usize) -> Result<Vec<u8>> {
        while self.held.len() < count {
            self.fill().await?;
        }
        let rest = self.held.split_off(count);
        Ok(std::mem::replace(&mut self.held, rest))
    }

    async fn fill(&mut self) -> Result<()> {
        let mut buffer = [0; 16 * 1024];
        match tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer))
            .await
            .told(|| said!("nessuna risposta", "no answer"))??
        {
            0 => bail!(Complaint(said!("connessione chiusa dal server", "connection closed by the server"))),
            read => self.held.extend_from_slice(&buffer[..read]),
        }
        Ok(())
    }
}
