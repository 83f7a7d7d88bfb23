//! Content-Type and Content-Disposition as BODYSTRUCTURE shows them: continuations joined, and otherwise as written, not
//! decoded.

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
    Value { token, params: joined(&params) }
}

/// `name*0` and `name*1` are `name`; where one of them is encoded they are `name*`, encoded as one (RFC 2231 §3, §4.1).
/// What has no beginning stays as it is.
fn joined(params: &[(Vec<u8>, Vec<u8>)]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pieces = |base: &[u8]| {
        let find = move |number: usize| {
            params.iter().find_map(|(name, value)| match piece(name) {
                Some((b, n, encoded)) if n == number && b.eq_ignore_ascii_case(base) => Some((value, encoded)),
                _ => None,
            })
        };
        (0..MAX_PARAMS).map_while(find).collect::<Vec<_>>()
    };
    let mut out = Vec::with_capacity(params.len());
    for (name, value) in params {
        let Some((base, number, _)) = piece(name) else {
            out.push((name.clone(), value.clone()));
            continue;
        };
        let pieces = pieces(base);
        if number >= pieces.len() {
            out.push((name.clone(), value.clone()));
        } else if number == 0 && std::ptr::eq(pieces[0].0, value) {
            let encoded = pieces.iter().any(|(_, encoded)| *encoded);
            let octets =
                |(value, done): (&Vec<u8>, bool)| if encoded && !done { escaped(value) } else { value.clone() };
            let name = if encoded { [base, b"*"].concat() } else { base.to_vec() };
            out.push((name, pieces.into_iter().flat_map(octets).collect()));
        }
    }
    out
}

/// The name, the number and whether the value is encoded: `name*1*`.
fn piece(name: &[u8]) -> Option<(&[u8], usize, bool)> {
    let (name, encoded) = name.strip_suffix(b"*").map_or((name, false), |name| (name, true));
    let star = name.iter().rposition(|b| *b == b'*').filter(|star| *star > 0)?;
    let digits = std::str::from_utf8(&name[star + 1..]).ok().filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    Some((&name[..star], digits.parse().ok()?, encoded))
}

/// With percent signs for what cannot stand in an encoded value.
fn escaped(value: &[u8]) -> Vec<u8> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"!#$&+-.^_`{|}~".contains(&b);
    value.iter().flat_map(|b| if plain(*b) { vec![*b] } else { format!("%{b:02X}").into_bytes() }).collect()
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

    #[test]
    fn continuations_are_one_parameter() {
        let shown = |value: &str| {
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            let params = parse(format!("x/y; {value}").as_bytes()).params;
            params.into_iter().map(|(n, v)| format!("{}={}", text(n), text(v))).collect::<Vec<_>>().join(";")
        };
        for (value, expected) in [
            ("Name*1=b; a=z; name*0=\"a \"; name*2=c", "a=z;name=a bc"),
            ("f*0*=utf-8''perch%C3%A9; f*1=\" no'.pdf\"; f*2*=%20x", "f*=utf-8''perch%C3%A9%20no%27.pdf%20x"),
            ("f*=utf-8''%C3%A9", "f*=utf-8''%C3%A9"),
            ("f*0=a; f*2=c", "f=a;f*2=c"),
            ("f*1=a; *0=b; f*x=c; f*0=d; f*0=e", "*0=b;f*x=c;f=da"),
        ] {
            assert_eq!(shown(value), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            parse(&bytes);
        }
    }
}
