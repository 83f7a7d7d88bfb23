//! SASL on the server's side: PLAIN (RFC 4616) and LOGIN, as mail clients use them.

mod keys;
mod plain;

use data_encoding::BASE64;
use sigillo_base::Secret;

pub use keys::ScramKeys;

/// What a client claims to be. Checking it is the engine's work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The identity whose password is given (authentication identity).
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// Why an exchange ended without credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SaslError {
    /// Not base64, not UTF-8, not of the mechanism's form, or over the limit.
    #[error("malformed SASL response")]
    Malformed,
    /// The client sent `*`.
    #[error("SASL exchange cancelled")]
    Cancelled,
    /// The client asks to act as somebody else, which nobody here may.
    #[error("authorization identity refused")]
    Authorization,
    /// No such mechanism is offered.
    #[error("unknown SASL mechanism")]
    Mechanism,
}

/// What the exchange needs next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this challenge (already base64) and feed the next line.
    Challenge(String),
    /// Finished.
    Done(Credentials),
}

/// One exchange in progress.
#[derive(Debug)]
pub enum Exchange {
    /// PLAIN, waiting for its only response.
    Plain,
    /// LOGIN, waiting for the user name.
    LoginUser,
    /// LOGIN, waiting for the password of this user.
    LoginPassword(String),
}

/// Names offered, in order of preference.
pub const MECHANISMS: [&str; 2] = ["PLAIN", "LOGIN"];

/// No response longer than this is decoded.
const MAX_RESPONSE: usize = 4096;

impl Exchange {
    /// Begins an exchange, with the initial response if the client sent one (`=` is the empty one).
    pub fn start(mechanism: &str, initial: Option<&[u8]>) -> Result<(Self, Step), SaslError> {
        let (mut exchange, first) = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => (Self::Plain, ""),
            "LOGIN" => (Self::LoginUser, "VXNlcm5hbWU6"), // "Username:"
            _ => return Err(SaslError::Mechanism),
        };
        let step = match initial {
            Some(b"=") => exchange.decoded(Vec::new())?,
            Some(response) => exchange.respond(response)?,
            None => Step::Challenge(first.into()),
        };
        Ok((exchange, step))
    }

    /// Takes a response line, base64 without line end.
    pub fn respond(&mut self, line: &[u8]) -> Result<Step, SaslError> {
        if line == b"*" {
            return Err(SaslError::Cancelled);
        }
        if line.len() > MAX_RESPONSE {
            return Err(SaslError::Malformed);
        }
        self.decoded(BASE64.decode(line).map_err(|_| SaslError::Malformed)?)
    }

    fn decoded(&mut self, bytes: Vec<u8>) -> Result<Step, SaslError> {
        let text = String::from_utf8(bytes).map_err(|_| SaslError::Malformed)?;
        match std::mem::replace(self, Self::Plain) {
            Self::Plain => plain::read(&text).map(Step::Done),
            Self::LoginUser if text.is_empty() => Err(SaslError::Malformed),
            Self::LoginUser => {
                *self = Self::LoginPassword(text);
                Ok(Step::Challenge("UGFzc3dvcmQ6".into())) // "Password:"
            }
            Self::LoginPassword(user) => Ok(Step::Done(Credentials { user, password: Secret::new(text) })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(step: Step) -> (String, String) {
        match step {
            Step::Done(c) => (c.user, c.password.expose().into()),
            Step::Challenge(c) => panic!("challenge {c}"),
        }
    }

    #[test]
    fn plain_with_and_without_initial_response() {
        let response = BASE64.encode(b"\0anna@x\0pw");
        let (_, step) = Exchange::start("plain", Some(response.as_bytes())).unwrap();
        assert_eq!(done(step), ("anna@x".into(), "pw".into()));
        let (mut e, step) = Exchange::start("PLAIN", None).unwrap();
        assert_eq!(step, Step::Challenge(String::new()));
        assert_eq!(done(e.respond(response.as_bytes()).unwrap()).0, "anna@x");
    }

    #[test]
    fn login_asks_twice() {
        let (mut e, step) = Exchange::start("LOGIN", None).unwrap();
        assert_eq!(step, Step::Challenge("VXNlcm5hbWU6".into()));
        assert_eq!(e.respond(b"YW5uYQ==").unwrap(), Step::Challenge("UGFzc3dvcmQ6".into()));
        assert_eq!(done(e.respond(b"cHc=").unwrap()), ("anna".into(), "pw".into()));
    }

    #[test]
    fn what_is_refused() {
        let b64 = |b: &[u8]| BASE64.encode(b);
        let refuse = |m, r: &[u8]| Exchange::start(m, Some(r)).unwrap_err();
        assert_eq!(refuse("CRAM-MD5", b"="), SaslError::Mechanism);
        assert_eq!(refuse("PLAIN", b"!!"), SaslError::Malformed);
        assert_eq!(refuse("PLAIN", b"*"), SaslError::Cancelled);
        assert_eq!(refuse("PLAIN", b64(b"boss\0anna\0pw").as_bytes()), SaslError::Authorization);
        assert_eq!(refuse("PLAIN", b64(b"\0anna").as_bytes()), SaslError::Malformed);
        assert_eq!(refuse("PLAIN", b64(b"\0anna\0").as_bytes()), SaslError::Malformed);
        assert_eq!(refuse("PLAIN", &[b'A'; MAX_RESPONSE + 4]), SaslError::Malformed);
    }
}
