//! A token of an identity provider, in the two forms that mail programs give it: OAUTHBEARER (RFC 7628), and the XOAUTH2 that was
//! before it and that some have alone.

use sigillo_base::Secret;

use super::{SaslError, scram};

/// How the token is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `n,[a=user],^A` and then `key=value^A` each, one more `^A` at the end.
    Standard,
    /// `user=name^Aauth=Bearer token^A^A`.
    Older,
}

impl Form {
    /// What a client hears whose token is no good (RFC 7628 §3.2.2), in words of its mechanism.
    pub(super) fn refusal(self) -> &'static [u8] {
        match self {
            Self::Standard => br#"{"status":"invalid_token"}"#,
            Self::Older => br#"{"status":"401","schemes":"bearer","scope":""}"#,
        }
    }

    /// Who it is for, and the token.
    pub(super) fn read(self, text: &str) -> Result<(Option<String>, Secret), SaslError> {
        let (head, rest) = text.split_once('\u{1}').ok_or(SaslError::Malformed)?;
        let user = match self {
            Self::Standard => standard_user(head)?,
            Self::Older => Some(head.strip_prefix("user=").ok_or(SaslError::Malformed)?.to_owned()),
        };
        Ok((user, token(rest.strip_suffix("\u{1}\u{1}").ok_or(SaslError::Malformed)?)?))
    }
}

fn standard_user(head: &str) -> Result<Option<String>, SaslError> {
    let (flag, user) = head.strip_suffix(',').and_then(|h| h.split_once(',')).ok_or(SaslError::Malformed)?;
    let user = match user {
        "" => None,
        user => Some(scram::name(user.strip_prefix("a=").ok_or(SaslError::Malformed)?)?),
    };
    if matches!(flag, "n" | "y") { Ok(user) } else { Err(SaslError::Binding) }
}

fn token(pairs: &str) -> Result<Secret, SaslError> {
    let mut token = None;
    for pair in pairs.split('\u{1}') {
        let (key, value) = pair.split_once('=').ok_or(SaslError::Malformed)?;
        if key == "auth" && token.replace(value).is_some() {
            return Err(SaslError::Malformed);
        }
    }
    let (scheme, token) = token.and_then(|t| t.split_once(' ')).ok_or(SaslError::Malformed)?;
    let token = token.trim_start_matches(' ');
    // RFC 6750 §2.1: what may stand in a token.
    let fine = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if !scheme.eq_ignore_ascii_case("Bearer") || token.is_empty() || !token.bytes().all(fine) {
        return Err(SaslError::Malformed);
    }
    Ok(Secret::new(token.into()))
}
