//! What an exchange of SASL asks and ends with, whatever the protocol around it.

use std::sync::Arc;

use sigillo_accounts::LoginName;
use sigillo_base::{Said, Secret, Timestamp};
use sigillo_store::Store;
use sigillo_wire::sasl::{Claim, Query, ScramKeys};

use crate::{Engine, Error, Login, LoginError};

/// Whose tokens are good (OAUTHBEARER): an identity provider, behind the program.
pub trait Tokens: Send + Sync {
    /// The mailbox address that a token was given for; `None` when it is not good, or not good for mail.
    ///
    /// # Errors
    /// [`NoAnswer`] when nobody can tell now: the client is asked to come again.
    fn owner(&self, token: &Secret) -> Result<Option<String>, NoAnswer>;
}

/// The identity provider does not answer. The text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("identity provider: {0}")]
pub struct NoAnswer(pub String);

/// The answer to a [`Query`].
pub(crate) enum Found {
    /// Keys, and a nonce of ours.
    Keys(ScramKeys, String),
    /// Whose token it is.
    Token(Option<String>),
}

impl<S: Store> Engine<S> {
    /// Takes an identity provider, or none: new connections offer OAUTHBEARER or no longer.
    pub fn replace_tokens(&self, tokens: Option<Arc<dyn Tokens>>) {
        *self.tokens.write() = tokens;
    }

    pub(crate) fn takes_tokens(&self) -> bool {
        self.tokens.read().is_some()
    }

    /// Finds out what an exchange needs to know.
    pub(crate) fn found(&self, query: &Query) -> Result<Found, LoginError> {
        match query {
            Query::Keys(user) => Ok(Found::Keys(self.scram(user)?, format!("{:032x}", self.ids.next_id()))),
            Query::Token { user, token } => {
                let Some(tokens) = self.tokens.read().clone() else { return Ok(Found::Token(None)) };
                let owner = tokens.owner(token).map_err(|e| Error::Invalid(Said::verbatim(e.to_string())))?;
                // Nobody acts for another with his own token.
                let same = |owner: &String| user.as_ref().is_none_or(|user| user.eq_ignore_ascii_case(owner));
                Ok(Found::Token(owner.filter(same)))
            }
        }
    }

    /// Lets in whom his claim proves.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub(crate) fn judge_claim(&self, claim: &Claim, now: Timestamp) -> Result<Login, LoginError> {
        match claim {
            Claim::Password(credentials) => self.authenticate(&credentials.user, &credentials.password, now),
            Claim::Proven(user, keys) => self.scram_login(user, keys, now),
            Claim::Token(owner) | Claim::Certificate(owner) => self.owner_login(owner, now),
            Claim::Refuted(_) | Claim::BadToken { .. } => Err(LoginError::Credentials),
        }
    }

    /// A token or a certificate stands for the mailbox's owner, never for one of its other credentials.
    fn owner_login(&self, owner: &str, now: Timestamp) -> Result<Login, LoginError> {
        let owner = LoginName::parse(owner).filter(|name| name.credential.is_owner());
        let owner = owner.ok_or(LoginError::Credentials)?.address;
        match self.claimed(owner.as_str())? {
            Some((mailbox, name, credential)) => self.let_in(mailbox, name, &credential, now),
            None => Err(LoginError::Credentials),
        }
    }
}
