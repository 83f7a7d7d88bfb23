//! Where an account is: `imaps://user@host:port/`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use sigillo_base::{Complaint, said};

use crate::api::unescaped;

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first octet: `imaps:`.
    Implicit,
    /// STARTTLS before anything is told: `imap:`.
    StartTls,
}

/// An account of another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// How it is reached.
    pub security: Security,
    /// Who logs in there.
    pub user: String,
    /// A name, or an address without brackets.
    pub host: String,
    /// 993 or 143 unless it is named.
    pub port: u16,
}

impl Account {
    /// Whether a text is meant to be one.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with("imaps:") || text.starts_with("imap:")
    }

    /// Whether the host is this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}", self.user, self.host, self.port)
    }
}

impl FromStr for Account {
    type Err = Complaint;

    fn from_str(text: &str) -> Result<Self, Complaint> {
        let form = || {
            Complaint(said!(
                "imaps://UTENTE@HOST[:PORTA]/, oppure imap:// per STARTTLS",
                "imaps://USER@HOST[:PORT]/, or imap:// for STARTTLS"
            ))
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(form)?;
        let (security, standard) = match scheme {
            "imaps" => (Security::Implicit, 993),
            "imap" => (Security::StartTls, 143),
            _ => return Err(form()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // The user's name may have an @ of its own, written as it is.
        let (user, at) = rest.rsplit_once('@').ok_or_else(form)?;
        if user.contains(':') {
            return Err(Complaint(said!(
                "la password non sta nell'indirizzo: va in --password-file (un «:» nel nome è %3A)",
                "a password is no part of the address: it belongs into --password-file (a “:” in the name is %3A)"
            )));
        }
        if at.contains('/') {
            return Err(Complaint(said!(
                "dopo l'host non c'è altro: una sola cartella si sceglie con --folder",
                "nothing follows the host: a single folder is chosen by --folder"
            )));
        }
        let (host, port) = match at.strip_prefix('[').and_then(|v6| v6.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => at.split_once(':').map_or((at, None), |(host, port)| (host, Some(port))),
        };
        let port = match port {
            Some(port) => {
                let bad = || Complaint(said!("«{port}» non è una porta", "“{port}” is no port"));
                port.parse().ok().filter(|p| *p > 0).ok_or_else(bad)?
            }
            None => standard,
        };
        let user = unescaped(user).ok_or_else(form)?;
        if user.is_empty() || host.is_empty() || user.contains('\0') {
            return Err(form());
        }
        Ok(Self { security, user, host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts() {
        for (text, told) in [
            ("imaps://anna@posta.example", "anna@posta.example:993"),
            ("imaps://anna%40ente.example@posta.example:1993/", "anna@ente.example@posta.example:1993"),
            ("imap://anna@ente.example@[::1]/", "anna@ente.example@::1:143"),
        ] {
            assert_eq!(text.parse::<Account>().unwrap().to_string(), told);
        }
        assert!("imap://a@127.0.0.2".parse::<Account>().unwrap().is_loopback());
        assert!(!"imap://a@posta.example".parse::<Account>().unwrap().is_loopback());
        for bad in [
            "imaps://posta.example",
            "imaps://a:b@c",
            "imaps://a@b/INBOX",
            "imaps://a@b:x",
            "pop3://a@b",
            "imaps://@b",
            "imaps://%zz@b",
        ] {
            assert!(bad.parse::<Account>().is_err(), "{bad}");
        }
    }
}
