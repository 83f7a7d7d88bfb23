//! What an operator can set of a client session.

use sigillo_base::Secret;

/// How long to wait, in milliseconds (RFC 5321 §4.5.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the greeting.
    pub greeting_ms: u64,
    /// For the replies to EHLO, STARTTLS, AUTH, MAIL, RCPT, RSET and QUIT, each.
    pub command_ms: u64,
    /// For the TLS handshake.
    pub tls_ms: u64,
    /// For the 354 to DATA.
    pub data_start_ms: u64,
    /// For one write of the message to go out; the driver keeps it.
    pub data_block_ms: u64,
    /// For the reply to the final dot.
    pub data_end_ms: u64,
    /// For all of a transaction, but never between the final dot and its reply: a server that answers slowly enough
    /// could otherwise hold a connection for days.
    pub transaction_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            greeting_ms: 300_000,
            command_ms: 300_000,
            tls_ms: 120_000,
            data_start_ms: 120_000,
            data_block_ms: 180_000,
            data_end_ms: 600_000,
            transaction_ms: 2 * 3_600_000,
        }
    }
}

/// Settings of a session.
#[derive(Debug, Clone)]
pub struct Config {
    /// Our name for EHLO.
    pub host: String,
    /// Nothing is sent in clear: a server without TLS is a temporary failure (RFC 6109 §5.3 between providers).
    pub require_tls: bool,
    /// Use STARTTLS where it is offered. False only to try again in clear a server whose TLS is broken.
    pub try_tls: bool,
    /// The connection is under TLS from its first byte (RFC 8314 §3.3).
    pub under_tls: bool,
    /// Who we are for a server that asks (AUTH PLAIN, RFC 4616); told under TLS only.
    pub login: Option<Login>,
    /// How long to wait.
    pub timeouts: Timeouts,
}

/// A name and its password.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

impl Config {
    /// The usual settings: TLS where it is offered, not demanded.
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            require_tls: false,
            try_tls: true,
            under_tls: false,
            login: None,
            timeouts: Timeouts::default(),
        }
    }
}
