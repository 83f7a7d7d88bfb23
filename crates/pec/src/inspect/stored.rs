//! What programs do to the copies that they keep, taken back as far as it can be.

use memchr::{memchr, memchr_iter};

/// The message without what was put before it: a UTF-8 byte order mark, the separator line of an mbox file.
pub(super) fn unwrapped(file: &[u8]) -> &[u8] {
    let text = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    match memchr(b'\n', text) {
        Some(end) if text.starts_with(b"From ") => &text[end + 1..],
        _ => text,
    }
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
        assert_eq!(unwrapped(b"From a@b Thu Mar 12\nFrom: c"), b"From: c");
        assert_eq!(unwrapped(b"\xef\xbb\xbfFrom: c"), b"From: c");
        assert_eq!(unwrapped(b"\xef\xbb\xbfFrom x\r\nTo: c"), b"To: c");
        assert_eq!(unwrapped(b"From "), b"From ");
    }
}
