//! The arguments of MAIL and RCPT: a path in angle brackets, then parameters (RFC 5321 §4.1.2, §4.1.1.11).

use sigillo_base::{Address, Domain};

/// Where mail comes from or goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Path {
    /// `<>`: nobody, so that no notice can loop.
    Null,
    /// `<postmaster>` without a domain (RFC 5321 §4.5.1).
    Postmaster,
    /// A mailbox; a source route before it was dropped (RFC 5321 appendix F.2).
    Mailbox(Address),
}

/// Not a path as the grammar wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PathError;

/// Reads `<path>` and gives the text after it, blanks trimmed. Whether an address outside ASCII may stand is for the
/// parameters to say (RFC 6531 §3.4).
pub(crate) fn parse(text: &str) -> Result<(Path, &str), PathError> {
    // Some programs put a blank after the colon; nothing is ambiguous about it.
    let inner = text.trim_start_matches(' ').strip_prefix('<').ok_or(PathError)?;
    let end = closing(inner).ok_or(PathError)?;
    let (path, rest) = (&inner[..end], &inner[end + 1..]);
    if !rest.is_empty() && !rest.starts_with(' ') {
        return Err(PathError);
    }
    Ok((mailbox(path)?, rest.trim_matches(' ')))
}

/// The `>` that is not inside a quoted string.
fn closing(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (i, b) in text.bytes().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(i),
            _ => {}
        }
    }
    None
}

fn mailbox(path: &str) -> Result<Path, PathError> {
    if path.is_empty() {
        return Ok(Path::Null);
    }
    if path.eq_ignore_ascii_case("postmaster") {
        return Ok(Path::Postmaster);
    }
    let address = if path.starts_with('@') {
        let (route, address) = path.split_once(':').ok_or(PathError)?;
        let hop = |h: &str| h.strip_prefix('@').is_some_and(|d| Domain::parse(d).is_ok());
        if !route.split(',').all(hop) {
            return Err(PathError);
        }
        address
    } else {
        path
    };
    Address::parse_utf8(address).map(Path::Mailbox).map_err(|_| PathError)
}

/// `KEY[=VALUE]`, keys in upper case, none twice; `None` when the text is not of that form.
pub(crate) fn parameters(text: &str) -> Option<Vec<(String, Option<&str>)>> {
    let mut out: Vec<(String, Option<&str>)> = Vec::new();
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        let (key, value) = word.split_once('=').map_or((word, None), |(k, v)| (k, Some(v)));
        let fine = !key.is_empty()
            && !key.starts_with('-')
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && value.is_none_or(|v| !v.is_empty() && v.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'='));
        let key = key.to_ascii_uppercase();
        if !fine || out.iter().any(|(k, _)| *k == key) {
            return None;
        }
        out.push((key, value));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> String {
        match parse(text) {
            Ok((Path::Mailbox(a), "")) => a.to_string(),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn paths() {
        assert_eq!(address("<a@x.example>"), "a@x.example");
        assert_eq!(address(" <a@x.example> "), "a@x.example");
        assert_eq!(address("<è@x.example>"), "è@x.example");
        assert_eq!(address("<@r1.example,@r2.example:a@x.example>"), "a@x.example");
        assert_eq!(address("<\"a >b\\\"@c\"@x.example>"), "\"a >b\\\"@c\"@x.example");
        assert_eq!(parse("<> SIZE=3").unwrap(), (Path::Null, "SIZE=3"));
        assert_eq!(parse("<PostMaster>").unwrap().0, Path::Postmaster);
    }

    #[test]
    fn what_is_no_path() {
        for bad in [
            "",
            "a@x.example",
            "<a@x.example",
            "<a@x.example>SIZE=1",
            "<a>",
            "<a@[127.0.0.1]>",
            "<\"a@x.example>",
            "<@r1.example:>",
            "<@r1.example,r2.example:a@x>",
            "<@a@x.example>",
            "< >",
            "<a b@x.example>",
        ] {
            assert_eq!(parse(bad).unwrap_err(), PathError, "{bad:?}");
        }
    }

    #[test]
    fn parameters_are_words() {
        assert_eq!(
            parameters("size=5  Body=8BITMIME X").unwrap(),
            [("SIZE".to_owned(), Some("5")), ("BODY".to_owned(), Some("8BITMIME")), ("X".to_owned(), None)]
        );
        for bad in ["A=", "=1", "A=1 a=2", "A=1=2", "A_B=1", "A=\t"] {
            assert_eq!(parameters(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[<>@:,\"\\\\a. é=-]{0,40}") {
            if let Ok((_, rest)) = parse(&text) {
                let _unused = parameters(rest);
            }
        }
    }
}
