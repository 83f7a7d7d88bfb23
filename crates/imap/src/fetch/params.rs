//! Content-Type and Content-Disposition as BODYSTRUCTURE shows them: parameters as written, not decoded.

/// A value and its parameters: `text/plain; charset=utf-8`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Value {
    /// Before the first `;`, trimmed, without comments.
    pub token: Vec<u8>,
    /// Names and values in order, values unquoted.
    pub params: Vec<(Vec<u8>, Vec<u8>)>,
}

/// More parameters than this are not shown.
const MAX_PARAMS: usize = 100;

/// Reads an unfolded field value; what cannot be read is passed over.
pub fn parse(value: &[u8]) -> Value {
    let mut parts = split(value).into_iter();
    let token = parts.next().unwrap_or_default();
    let mut params = Vec::new();
    for part in parts.take(MAX_PARAMS) {
        if let Some(eq) = part.iter().position(|b| *b == b'=') {
            let name = part[..eq].trim_ascii();
            if !name.is_empty() {
                params.push((name.to_vec(), unquoted(part[eq + 1..].trim_ascii())));
            }
        }
    }
    Value { token, params }
}

/// Parts between semicolons outside quotes, trimmed, comments dropped.
fn split(value: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = vec![Vec::new()];
    let (mut quoted, mut escaped, mut depth) = (false, false, 0usize);
    for &b in value {
        let keep = match b {
            _ if escaped => {
                escaped = false;
                depth == 0
            }
            b'\\' if quoted || depth > 0 => {
                escaped = true;
                depth == 0
            }
            b'"' if depth == 0 => {
                quoted = !quoted;
                true
            }
            b'(' if !quoted => {
                depth += 1;
                false
            }
            b')' if depth > 0 => {
                depth -= 1;
                false
            }
            b';' if !quoted && depth == 0 => {
                parts.push(Vec::new());
                false
            }
            _ => depth == 0,
        };
        if let (true, Some(last)) = (keep, parts.last_mut()) {
            last.push(b);
        }
    }
    parts.into_iter().map(|p| p.trim_ascii().to_vec()).collect()
}

fn unquoted(text: &[u8]) -> Vec<u8> {
    let Some(inner) = text.strip_prefix(b"\"") else { return text.to_vec() };
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(b) = bytes.next() {
        match b {
            b'"' => break,
            b'\\' => out.extend(bytes.next()),
            b => out.push(*b),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values() {
        let v = parse(b"multipart/signed (x;y); protocol=\"a;\\\"b\"; micalg=sha-256;; boundary = q ");
        assert_eq!(v.token, b"multipart/signed");
        let params: Vec<(&str, &str)> =
            v.params.iter().map(|(n, v)| (std::str::from_utf8(n).unwrap(), std::str::from_utf8(v).unwrap())).collect();
        assert_eq!(params, [("protocol", "a;\"b"), ("micalg", "sha-256"), ("boundary", "q")]);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            parse(&bytes);
        }
    }
}
