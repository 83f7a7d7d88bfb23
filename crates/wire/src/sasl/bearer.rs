//! OAUTHBEARER (RFC 7628): a token of an identity provider.

use sigillo_base::Secret;

use super::{SaslError, scram};

/// What a client hears whose token is no good (RFC 7628 §3.2.2).
pub(super) const REFUSAL: &[u8] = br#"{"status":"invalid_token"}"#;

/// `n,[a=user],^A` and then `key=value^A` each, one more `^A` at the end; who it is for, and the token.
pub(super) fn read(text: &str) -> Result<(Option<String>, Secret), SaslError> {
    let (head, rest) = text.split_once('\u{1}').ok_or(SaslError::Malformed)?;
    let (flag, user) = head.strip_suffix(',').and_then(|h| h.split_once(',')).ok_or(SaslError::Malformed)?;
    let user = match user {
        "" => None,
        user => Some(scram::name(user.strip_prefix("a=").ok_or(SaslError::Malformed)?)?),
    };
    let pairs = rest.strip_suffix("\u{1}\u{1}").ok_or(SaslError::Malformed)?;
    if !matches!(flag, "n" | "y") {
        return Err(SaslError::Binding);
    }
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
    Ok((user, Secret::new(token.into())))
}
