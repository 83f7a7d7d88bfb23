//! SASL on the server's side, a file a mechanism: PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256 with and without channel binding
//! (RFC 5802, 7677), OAUTHBEARER (RFC 7628) and XOAUTH2 before it, EXTERNAL (RFC 4422). One exchange serves every protocol; only its framing differs.

mod bearer;
mod binding;
mod external;
mod keys;
mod plain;
mod scram;

use data_encoding::BASE64;
use sigillo_base::{Address, Secret};

use bearer::Form;
pub use binding::Binding;
pub use keys::ScramKeys;
use scram::Scram;

/// What a connection offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offer {
    /// What SCRAM-SHA-256-PLUS can bind to; nothing, and it is not offered.
    pub binding: Binding,
    /// OAUTHBEARER and XOAUTH2, where an identity provider is configured.
    pub bearer: bool,
    /// Addresses in the certificate that the client has shown: EXTERNAL; none, and it is not offered.
    pub shown: Vec<Address>,
}

/// A user and his password. Checking it is the engine's work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The identity whose password is given (authentication identity).
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// What an exchange needs to know before it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// The keys of this user, for [`Exchange::keys`]; of a user who does not exist, [`ScramKeys::of_nobody`].
    Keys(String),
    /// Whose token this is, for [`Exchange::token`].
    Token {
        /// Who the client says it is for.
        user: Option<String>,
        /// The token.
        token: Secret,
    },
}

/// How an exchange ended: what the client claims, to be judged by the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// A password, to be checked.
    Password(Credentials),
    /// The user has proven to know the secret of these keys.
    Proven(String, ScramKeys),
    /// A token of this user was found good.
    Token(String),
    /// A certificate of this address was shown, and found good by the handshake.
    Certificate(String),
    /// Nothing was proven: a failed login of this user.
    Refuted(String),
    /// Who was told that his token is no good ended the exchange. The login failed when the token was judged, and is to be
    /// counted then, since a client may go without a word: here only the answer is missing.
    BadToken {
        /// Who he said he was; nothing, where he did not say it.
        user: String,
        /// What his last words are refused for, where they are not those that RFC 7628 §3.2.3 asks for.
        error: Option<SaslError>,
    },
}

impl Claim {
    /// Who the client says it is.
    pub fn user(&self) -> &str {
        match self {
            Self::Password(credentials) => &credentials.user,
            Self::Proven(user, _) | Self::Token(user) | Self::Certificate(user) | Self::Refuted(user) => user,
            Self::BadToken { user, .. } => user,
        }
    }

    /// What the protocol answers in place of the refusal: `*` and what is no base64 have answers of their own, also when
    /// the login had failed before.
    pub const fn error(&self) -> Option<SaslError> {
        if let Self::BadToken { error, .. } = self { *error } else { None }
    }
}

/// Why an exchange ended without a claim.
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
    /// A channel binding that is not offered, or none because somebody on the way hid the offer (RFC 5802 §6).
    #[error("channel binding refused")]
    Binding,
    /// No such mechanism is offered.
    #[error("unknown SASL mechanism")]
    Mechanism,
}

/// What the exchange needs next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this challenge (already base64) and feed the next line.
    Challenge(String),
    /// Find this out, and answer by the method that it names.
    Ask(Query),
    /// Finished.
    Done(Claim),
}

/// One exchange in progress.
#[derive(Debug)]
pub struct Exchange(State);

#[derive(Debug)]
enum State {
    Plain,
    LoginUser,
    LoginPassword(String),
    Scram(Box<Scram>),
    Bearer(Form),
    External(Vec<Address>),
    /// The token's verdict is awaited.
    Token(Form, Option<String>),
    /// The client was told that its token is no good, and may say one thing more.
    BadToken(Option<String>),
    Over,
}

/// No response longer than this is decoded.
const MAX_RESPONSE: usize = 4096;
/// Tokens are longer: a signed one holds what its issuer pleases.
const MAX_BEARER: usize = 8000;

impl Offer {
    /// Names of mechanisms, in order of preference.
    pub fn mechanisms(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        names.extend((!self.binding.is_empty()).then_some("SCRAM-SHA-256-PLUS"));
        names.extend(["SCRAM-SHA-256", "PLAIN", "LOGIN"]);
        names.extend((!self.shown.is_empty()).then_some("EXTERNAL"));
        names.extend(self.bearer.then_some(["OAUTHBEARER", "XOAUTH2"]).into_iter().flatten());
        names
    }
}

impl Exchange {
    /// Begins an exchange, with the initial response if the client sent one (`=` is the empty one).
    pub fn start(offer: &Offer, mechanism: &str, initial: Option<&[u8]>) -> Result<(Self, Step), SaslError> {
        let name = mechanism.to_ascii_uppercase();
        if !offer.mechanisms().contains(&name.as_str()) {
            return Err(SaslError::Mechanism);
        }
        let (state, first) = match name.as_str() {
            "PLAIN" => (State::Plain, ""),
            "LOGIN" => (State::LoginUser, "VXNlcm5hbWU6"), // "Username:"
            "OAUTHBEARER" => (State::Bearer(Form::Standard), ""),
            "XOAUTH2" => (State::Bearer(Form::Older), ""),
            "EXTERNAL" => (State::External(offer.shown.clone()), ""),
            plus => (State::Scram(Box::new(Scram::new(offer.binding.clone(), plus.ends_with("-PLUS")))), ""),
        };
        let mut exchange = Self(state);
        let step = match initial {
            Some(b"=") => exchange.decoded(Vec::new())?,
            Some(response) => exchange.respond(response)?,
            None => Step::Challenge(first.into()),
        };
        Ok((exchange, step))
    }

    /// Takes a response line, base64 without line end.
    pub fn respond(&mut self, line: &[u8]) -> Result<Step, SaslError> {
        self.read(line).or_else(|error| self.broken(error))
    }

    /// Takes note that the client's line is none, for this reason. It ends the exchange; who had been told that his token is
    /// no good has failed whatever he says, so that nobody tries tokens by never ending an exchange well.
    pub fn broken(&mut self, error: SaslError) -> Result<Step, SaslError> {
        match std::mem::replace(&mut self.0, State::Over) {
            State::BadToken(user) => Ok(bad_token(user, Some(error))),
            _ => Err(error),
        }
    }

    fn read(&mut self, line: &[u8]) -> Result<Step, SaslError> {
        if line == b"*" {
            return Err(SaslError::Cancelled);
        }
        let limit = if matches!(self.0, State::Bearer(_)) { MAX_BEARER } else { MAX_RESPONSE };
        if line.len() > limit {
            return Err(SaslError::Malformed);
        }
        self.decoded(BASE64.decode(line).map_err(|_| SaslError::Malformed)?)
    }

    /// Answers [`Query::Keys`]; `nonce` is fresh and random, in letters and digits.
    pub fn keys(&mut self, keys: ScramKeys, nonce: &str) -> Result<Step, SaslError> {
        match &mut self.0 {
            State::Scram(scram) => scram.keys(keys, nonce),
            _ => Err(SaslError::Malformed),
        }
    }

    /// Answers [`Query::Token`]: whose it is, if it is good.
    pub fn token(&mut self, owner: Option<String>) -> Result<Step, SaslError> {
        match (std::mem::replace(&mut self.0, State::Over), owner) {
            (State::Token(..), Some(owner)) => Ok(Step::Done(Claim::Token(owner))),
            (State::Token(form, user), None) => {
                self.0 = State::BadToken(user);
                Ok(Step::Challenge(BASE64.encode(form.refusal())))
            }
            _ => Err(SaslError::Malformed),
        }
    }

    fn decoded(&mut self, bytes: Vec<u8>) -> Result<Step, SaslError> {
        let text = String::from_utf8(bytes).map_err(|_| SaslError::Malformed)?;
        match std::mem::replace(&mut self.0, State::Over) {
            State::Plain => Ok(Step::Done(Claim::Password(plain::read(&text)?))),
            State::LoginUser if text.is_empty() => Err(SaslError::Malformed),
            State::LoginUser => {
                self.0 = State::LoginPassword(text);
                Ok(Step::Challenge("UGFzc3dvcmQ6".into())) // "Password:"
            }
            State::LoginPassword(user) => {
                Ok(Step::Done(Claim::Password(Credentials { user, password: Secret::new(text) })))
            }
            State::Scram(mut scram) => {
                let step = scram.respond(&text)?;
                self.0 = State::Scram(scram);
                Ok(step)
            }
            State::Bearer(form) => {
                let (user, token) = form.read(&text)?;
                self.0 = State::Token(form, user.clone());
                Ok(Step::Ask(Query::Token { user, token }))
            }
            State::External(shown) => Ok(Step::Done(external::read(&text, &shown))),
            State::BadToken(user) => Ok(bad_token(user, None)),
            State::Token(..) | State::Over => Err(SaslError::Malformed),
        }
    }
}

fn bad_token(user: Option<String>, error: Option<SaslError>) -> Step {
    Step::Done(Claim::BadToken { user: user.unwrap_or_default(), error })
}

#[cfg(test)]
mod tests;
