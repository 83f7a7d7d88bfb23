//! PLAIN (RFC 4616).

use sigillo_base::Secret;

use super::{Credentials, SaslError};

/// `[authorization] NUL user NUL password`
pub(super) fn read(text: &str) -> Result<Credentials, SaslError> {
    let mut parts = text.split('\0');
    let (Some(authorization), Some(user), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(SaslError::Malformed);
    };
    if user.is_empty() || password.is_empty() {
        return Err(SaslError::Malformed);
    }
    if !authorization.is_empty() && !authorization.eq_ignore_ascii_case(user) {
        return Err(SaslError::Authorization);
    }
    Ok(Credentials { user: user.into(), password: Secret::new(password.into()) })
}
