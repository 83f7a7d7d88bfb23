//! ENVELOPE (RFC 3501 §7.4.2).

use crate::fetch::address;
use crate::fetch::header::Header;
use crate::text::nstring;

/// Writes the envelope of a header section.
pub fn write(out: &mut Vec<u8>, section: &[u8]) {
    let header = Header::of(section);
    let from = addresses(&header, "From");
    let or_from = |name| Some(addresses(&header, name)).filter(|a| !a.is_empty()).unwrap_or_else(|| from.clone());
    out.push(b'(');
    nstring(out, header.first("Date").as_deref());
    out.push(b' ');
    nstring(out, header.first("Subject").as_deref());
    let (sender, reply_to) = (or_from("Sender"), or_from("Reply-To"));
    for list in [&from, &sender, &reply_to] {
        out.push(b' ');
        address::write(out, list);
    }
    for name in ["To", "Cc", "Bcc"] {
        out.push(b' ');
        address::write(out, &addresses(&header, name));
    }
    for name in ["In-Reply-To", "Message-ID"] {
        out.push(b' ');
        nstring(out, header.first(name).as_deref());
    }
    out.push(b')');
}

/// The addresses of every field of this name.
fn addresses(header: &Header<'_>, name: &str) -> Vec<address::Entry> {
    header.all(name).iter().flat_map(|value| address::parse(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(header: &str) -> String {
        let mut out = Vec::new();
        write(&mut out, header.as_bytes());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_envelope() {
        let header = "Date: Thu, 12 Mar 2026\r\n 10:15:01 +0100\r\nSubject: POSTA CERTIFICATA: =?utf-8?Q?=C3=A8?=\r\n\
            From: \"Per conto di: a@x\" <posta@alfa>\r\nReply-To: a@x\r\nTo: b@y\r\nTo: c@z\r\nMessage-ID: <1@alfa>\r\n\r\n";
        assert_eq!(
            written(header),
            "(\"Thu, 12 Mar 2026 10:15:01 +0100\" \"POSTA CERTIFICATA: =?utf-8?Q?=C3=A8?=\" \
             ((\"Per conto di: a@x\" NIL \"posta\" \"alfa\")) ((\"Per conto di: a@x\" NIL \"posta\" \"alfa\")) \
             ((NIL NIL \"a\" \"x\")) ((NIL NIL \"b\" \"y\")(NIL NIL \"c\" \"z\")) NIL NIL NIL \"<1@alfa>\")"
        );
        assert_eq!(written(""), "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    }

    #[test]
    fn eight_bits_are_literals() {
        assert!(written("Subject: è\r\n\r\n").starts_with("(NIL {2}\r\nè NIL"));
    }
}
