//! What programs do to the copies that they keep, taken back as far as it can be.

use memchr::{memchr, memchr_iter};

/// The message without what was put before it: a UTF-8 byte order mark, the separator line of an mbox file; and whether
/// there was such a line.
pub(super) fn unwrapped(file: &[u8]) -> (&[u8], bool) {
    let text = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    match memchr(b'\n', text) {
        Some(end) if text.starts_with(b"From ") => (&text[end + 1..], true),
        _ => (text, false),
    }
}

/// The message with `From ` for each `>From ` at the beginning of a line, as it was before it came into an mbox file (one
/// `>` less where there are several); `None` when there is none.
pub(super) fn unquoted(message: &[u8]) -> Option<Vec<u8>> {
    let quoted = |line: &&[u8]| {
        let rest = line.iter().position(|b| *b != b'>').filter(|n| *n > 0).and_then(|n| line.get(n..));
        rest.is_some_and(|rest| rest.starts_with(b"From "))
    };
    let lines = || message.split_inclusive(|b| *b == b'\n');
    lines()
        .any(|line| quoted(&line))
        .then(|| lines().flat_map(|line| if quoted(&line) { &line[1..] } else { line }).copied().collect())
}

/// The message with CRLF for every bare LF, as it was signed (RFC 8551 §3.1.1); `None` when there is none.
pub(super) fn with_crlf(message: &[u8]) -> Option<Vec<u8>> {
    let bare = |at: &usize| *at == 0 || message[*at - 1] != b'\r';
    let count = memchr_iter(b'\n', message).filter(bare).count();
    if count == 0 {
        return None;
    }
    let mut out = Vec::with_capacity(message.len() + count);
    let mut done = 0;
    for at in memchr_iter(b'\n', message).filter(bare) {
        out.extend_from_slice(&message[done..at]);
        out.push(b'\r');
        done = at;
    }
    out.extend_from_slice(&message[done..]);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_line_ends_are_replaced() {
        assert_eq!(with_crlf(b"a\r\nb\r\n"), None);
        assert_eq!(with_crlf(b"\na\nb\r\nc\rd\n\n").unwrap(), b"\r\na\r\nb\r\nc\rd\r\n\r\n");
        assert_eq!(with_crlf(b""), None);
    }

    #[test]
    fn what_was_put_before_it_goes() {
        assert_eq!(unwrapped(b"From a@b Thu Mar 12\nFrom: c"), (b"From: c".as_slice(), true));
        assert_eq!(unwrapped(b"\xef\xbb\xbfFrom: c"), (b"From: c".as_slice(), false));
        assert_eq!(unwrapped(b"\xef\xbb\xbfFrom x\r\nTo: c"), (b"To: c".as_slice(), true));
        assert_eq!(unwrapped(b"From "), (b"From ".as_slice(), false));
    }

    #[test]
    fn lines_quoted_for_an_mbox_lose_one_mark() {
        assert_eq!(unquoted(b"a >From b\n>Fromage\n"), None);
        assert_eq!(unquoted(b">From a\r\n>>From b\n> From c\n").unwrap(), b"From a\r\n>From b\n> From c\n");
    }
}
