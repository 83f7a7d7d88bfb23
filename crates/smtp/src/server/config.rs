//! What an operator can set of a server session.

use sigillo_base::limits;

/// Which door the session stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Port 587: mail of our users, AUTH only after STARTTLS (RFC 6409, RFC 6109 §5.3).
    Submission,
    /// Port 465: the same with TLS from the first byte (RFC 8314 §3.3).
    SubmissionTls,
    /// Port 25: mail of other servers; TLS offered, not demanded.
    Reception,
}

impl Role {
    /// Whether users hand in mail here.
    pub fn is_submission(self) -> bool {
        self != Self::Reception
    }
}

/// Settings of a session.
#[derive(Debug, Clone)]
pub struct Config {
    /// The door.
    pub role: Role,
    /// Our name in the greeting and in the answer to EHLO; `<postmaster>` is a mailbox at this domain.
    pub host: String,
    /// The rest of the greeting's line.
    pub greeting: String,
    /// The largest message taken, in octets; announced by SIZE.
    pub size_limit: u64,
    /// Recipients accepted in one transaction; the next are told to come again (452 4.5.3).
    pub max_recipients: usize,
    /// How long a client may take to send a whole command line, in milliseconds (RFC 5321 §4.5.3.2.7).
    pub command_timeout_ms: u64,
    /// How long a message may stand still, in milliseconds (RFC 5321 §4.5.3.2.5).
    pub data_timeout_ms: u64,
    /// How long a message may take altogether, in milliseconds.
    pub message_timeout_ms: u64,
    /// OAUTHBEARER is offered: there is an identity provider to ask.
    pub bearer: bool,
    /// Failed logins after which the connection is closed.
    pub auth_attempts: u32,
    /// Senseless commands that are answered without a message being taken in between; the next closes the connection.
    pub bad_commands: u32,
}

impl Config {
    /// The usual settings for a door of the server of this name.
    pub fn new(role: Role, host: impl Into<String>) -> Self {
        Self {
            role,
            host: host.into(),
            greeting: "Sigillo".into(),
            size_limit: if role.is_submission() { limits::SUBMISSION_HARD_LIMIT } else { limits::RECEPTION_LIMIT },
            max_recipients: limits::MAX_RECIPIENTS,
            command_timeout_ms: 300_000,
            data_timeout_ms: 180_000,
            message_timeout_ms: 2 * 3_600_000,
            bearer: false,
            auth_attempts: 3,
            bad_commands: 10,
        }
    }
}
