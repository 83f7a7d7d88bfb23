//! EXTERNAL (RFC 4422 appendix A): the client is who the certificate says that it showed in the TLS handshake.

use sigillo_base::Address;

use super::Claim;

/// The identity that the client asks for; without one, the only one that its certificate has.
pub(super) fn read(asked: &str, shown: &[Address]) -> Claim {
    let found = match shown {
        [only] if asked.is_empty() => Some(only),
        shown => Address::parse(asked).ok().and_then(|asked| shown.iter().find(|s| s.key() == asked.key())),
    };
    match found {
        Some(address) => Claim::Certificate(address.as_str().to_owned()),
        None => Claim::Refuted(asked.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_speaks_for_its_own_addresses_only() {
        let address = |text: &str| Address::parse(text).unwrap();
        let (one, two) = ([address("app@x.example")], [address("app@x.example"), address("due@x.example")]);
        let is = |user: &str| Claim::Certificate(user.to_owned());
        assert_eq!(read("", &one), is("app@x.example"));
        assert_eq!(read("APP@X.example", &one), is("app@x.example"));
        assert_eq!(read("due@x.example", &two), is("due@x.example"));
        assert_eq!(read("", &two), Claim::Refuted(String::new()), "which one?");
        assert_eq!(read("anna@x.example", &two), Claim::Refuted("anna@x.example".into()));
        assert_eq!(read("app", &one), Claim::Refuted("app".into()));
        assert_eq!(read("", &[]), Claim::Refuted(String::new()));
    }
}
