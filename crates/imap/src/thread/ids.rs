//! Message identifiers in header fields, normalised (RFC 5256 §3: what differs only in quoting is the same).

use crate::fetch::header::Header;

/// Every valid identifier in a field.
pub fn all(field: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut rest = field;
    std::iter::from_fn(move || {
        loop {
            let open = memchr::memchr(b'<', rest)?;
            let (id, after) = one(&rest[open + 1..]);
            rest = after;
            if let Some(id) = id {
                return Some(id);
            }
        }
    })
}

/// The first of them.
pub fn first(field: &[u8]) -> Option<Vec<u8>> {
    all(field).next()
}

/// What a message answers, the oldest first: its References, or else the first identifier of its In-Reply-To.
pub fn answered(header: &Header<'_>) -> Vec<Vec<u8>> {
    let references: Vec<Vec<u8>> = all(&header.first("References").unwrap_or_default()).collect();
    if references.is_empty() {
        first(&header.first("In-Reply-To").unwrap_or_default()).into_iter().collect()
    } else {
        references
    }
}

/// Every message that it names.
pub fn named(header: &Header<'_>) -> Vec<Vec<u8>> {
    ["References", "In-Reply-To"]
        .iter()
        .flat_map(|name| all(&header.first(name).unwrap_or_default()).collect::<Vec<_>>())
        .collect()
}

/// What follows a `<` up to its `>`, without quotes; nothing when it is no identifier. And where to look on.
fn one(text: &[u8]) -> (Option<Vec<u8>>, &[u8]) {
    let (mut id, mut quoted, mut at_sign) = (Vec::new(), false, None);
    let mut octets = text.iter().enumerate();
    while let Some((at, &octet)) = octets.next() {
        match octet {
            b'"' => quoted = !quoted,
            b'\\' if quoted => id.extend(octets.next().map(|(_, escaped)| *escaped)),
            b'>' if !quoted => {
                let fine = at_sign.is_some_and(|at: usize| at > 0 && at + 1 < id.len());
                return (Some(id).filter(|_| fine), &text[at + 1..]);
            }
            // Another begins: this one had no end.
            b'<' if !quoted => return (None, &text[at..]),
            b' ' | b'\t' if !quoted => return (None, &text[at..]),
            other => {
                if other == b'@' && !quoted {
                    at_sign = Some(id.len());
                }
                id.push(other);
            }
        }
    }
    (None, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        for (field, expected) in [
            ("<a@b> <c@d>", &["a@b", "c@d"][..]),
            ("testo di <a@b>\t(commento) <c@d", &["a@b"]),
            ("<\"a\\\"b\"@c>", &["a\"b@c"]),
            ("<\"a\"@c> <a@c>", &["a@c", "a@c"]),
            ("<> <@> <a@> <@b> <a b@c> <x<a@b>", &["a@b"]),
            ("<\"@\">", &[]),
            ("<\"a", &[]),
            ("nulla", &[]),
            ("", &[]),
        ] {
            let found: Vec<String> = all(field.as_bytes()).map(|id| String::from_utf8(id).unwrap()).collect();
            assert_eq!(found, expected, "{field}");
        }
        // An open quote is no reason to look at the rest again and again.
        all("<\"".repeat(200_000).as_bytes()).count();
        all("<a".repeat(200_000).as_bytes()).count();
    }
}
