//! Ports: asked for, kept from the last time, or free ones below the range that outgoing connections use.

use std::fs;
use std::net::{SocketAddr, TcpListener as Probe};
use std::path::Path;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use sigillo_base::{Complaint, said};
use tokio::net::TcpListener;

use crate::complaint::Context as _;
use crate::config::Role;
use crate::ids::random;
use crate::{files, net};

/// The ports of one provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ports {
    pub smtp: u16,
    pub submission: u16,
    pub submissions: u16,
    pub imap: u16,
    pub imaps: u16,
    pub pop3: u16,
    pub pop3s: u16,
}

impl Ports {
    fn from(base: u16) -> Self {
        Self {
            smtp: base,
            submission: base + 1,
            submissions: base + 2,
            imap: base + 3,
            imaps: base + 4,
            pop3: base + 5,
            pop3s: base + 6,
        }
    }

    /// Where figures are shown: after the last of the others.
    pub(super) fn metrics(&self) -> SocketAddr {
        at(self.pop3s + 1)
    }

    pub(super) fn of(&self, role: Role) -> u16 {
        match role {
            Role::Smtp => self.smtp,
            Role::Submission => self.submission,
            Role::Submissions => self.submissions,
            Role::Imap => self.imap,
            Role::Imaps => self.imaps,
            Role::Pop3 => self.pop3,
            Role::Pop3s => self.pop3s,
        }
    }
}

/// Beta's ports are so far above Alfa's.
const STEP: u16 = 10;
/// Free ports are looked for here: above what services use, below Linux's 32768 for outgoing connections, so that a
/// demonstration killed and started again finds its ports free.
const FREE: std::ops::Range<u16> = 20_000..32_000;

/// The address of a port.
pub(super) fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// The ports of Alfa and Beta.
pub(super) fn choose(base: Option<u16>, kept: &Path) -> Result<[Ports; 2]> {
    if let Some(base) = base {
        return Ok([Ports::from(base), Ports::from(base + STEP)]);
    }
    if kept.exists() {
        return serde_json::from_slice(&fs::read(kept)?)
            .told(|| said!("{}: illeggibile", "{}: it cannot be read", kept.display()));
    }
    for _ in 0..200 {
        let base = FREE.start + u16::from_be_bytes(random()) % (FREE.end - FREE.start - 20);
        let free = |port: u16| Probe::bind(at(port)).is_ok();
        if (base..base + 8).chain(base + STEP..base + STEP + 8).all(free) {
            return Ok([Ports::from(base), Ports::from(base + STEP)]);
        }
    }
    bail!(Complaint(said!(
        "non si trovano porte libere fra {} e {}: usare --base-port",
        "no free ports are found between {} and {}: use --base-port",
        FREE.start,
        FREE.end
    )))
}

/// Writes the ports down for the next start.
pub(super) fn keep(ports: &[Ports; 2], kept: &Path) -> Result<()> {
    Ok(files::write(kept, &serde_json::to_vec(ports)?)?)
}

/// Listens on all of a provider's ports.
pub(super) async fn bind(ports: &Ports) -> Result<Vec<(Role, TcpListener)>> {
    let mut listeners = Vec::new();
    for role in Role::ALL {
        let listener = net::bind(at(ports.of(role))).await.told(|| said!("porta {}", "port {}", role.name()))?;
        listeners.push((role, listener));
    }
    Ok(listeners)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn numbered_from_the_base_and_an_occupied_port_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("ports.json");
        let [alfa, beta] = choose(Some(30_100), &kept).unwrap();
        assert_eq!(
            (alfa.smtp, alfa.imaps, alfa.pop3s, beta.smtp, beta.pop3s),
            (30_100, 30_104, 30_106, 30_110, 30_116)
        );
        let free = choose(None, &kept).unwrap();
        keep(&free, &kept).unwrap();
        assert_eq!(choose(None, &kept).unwrap(), free);
        let _taken = Probe::bind(at(free[0].imap)).unwrap();
        let error = format!("{:#}", bind(&free[0]).await.unwrap_err());
        assert!(error.contains(&free[0].imap.to_string()) && error.contains("occupata"), "{error}");
    }
}
