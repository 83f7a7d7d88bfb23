//! The original of a brief receipt: attachments replaced by their hashes (RFC 6109 §3.3.2.2; pec rule 2.3.6).
//!
//! The result refers to the source for everything that stays, so structure, order and boundaries are the original's.

use std::ops::Range;

use sigillo_mime::{Composed, Header, Part};

use crate::Error;

/// The original at `range` of `source` with every attachment replaced by a text/plain part holding the SHA-1 of its
/// body as transmitted (still encoded, without the line end that belongs to the boundary), in lower hex.
///
/// # Errors
/// [`Error::Message`] when the original cannot be read.
pub(super) fn brief(source: &[u8], range: Range<usize>) -> Result<Composed, Error> {
    let base = range.start;
    let original = source.get(range.clone()).ok_or(Error::Range)?;
    let root = sigillo_mime::parse(original)?;
    let mut replaced = Vec::new();
    if root.is("multipart/signed") {
        // Only inside the signed part; the signature stays, and no longer verifies: that is accepted (rule 4).
        root.children.first().into_iter().for_each(|signed| collect(signed, &mut replaced));
    } else if !(root.is("application/pkcs7-mime") || root.is("application/x-pkcs7-mime")) {
        collect(&root, &mut replaced);
    }
    let mut out = Composed::default();
    let mut done = 0;
    for part in replaced {
        out.source(base + done..base + part.header.start);
        out.own(substitute(original, part));
        done = part.body.end;
    }
    out.source(base + done..base + original.len());
    Ok(out)
}

/// Attachments in the order of the message: parts with a file name, and enclosed messages as a whole.
fn collect<'p>(part: &'p Part, out: &mut Vec<&'p Part>) {
    if part.content_type.kind == "multipart" {
        part.children.iter().for_each(|child| collect(child, out));
    } else if part.file_name().is_some() || part.is("message/rfc822") {
        out.push(part);
    }
}

/// The part's own header but for what described the content, and the hash.
fn substitute(original: &[u8], part: &Part) -> Vec<u8> {
    let name = format!("{}.hash", part.file_name().unwrap_or("messaggio.eml"));
    let mut out = Vec::new();
    let header = &original[part.header.start..part.body.start];
    if let Ok(header) = Header::parse(header) {
        let describes = ["content-type", "content-transfer-encoding", "content-disposition", "content-md5"];
        for field in header.fields() {
            if !describes.iter().any(|d| header.name(field).eq_ignore_ascii_case(d)) {
                out.extend_from_slice(&original[part.header.start..][field.whole.clone()]);
            }
        }
    }
    let hash = data_encoding::HEXLOWER.encode(&sigillo_smime::sha1(&original[part.body.clone()]));
    out.extend_from_slice(
        format!(
            "Content-Type: text/plain; charset=us-ascii;\r\n\t{}\r\n\
             Content-Transfer-Encoding: 7bit\r\n\
             Content-Disposition: attachment;\r\n\t{}\r\n\
             \r\n\
             {hash}",
            parameter("name", &name),
            parameter("filename", &name)
        )
        .as_bytes(),
    );
    out
}

/// A parameter: quoted when it is printable ASCII, by RFC 2231 otherwise; a long one in numbered pieces.
fn parameter(key: &str, value: &str) -> String {
    const PIECE: usize = 60;
    if value.len() <= PIECE && value.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return format!("{key}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    }
    let mut pieces = vec![String::from("UTF-8''")];
    for b in value.bytes() {
        let encoded = if b.is_ascii_alphanumeric() || b"-._".contains(&b) {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        };
        match pieces.last_mut() {
            Some(last) if last.len() + encoded.len() <= PIECE => last.push_str(&encoded),
            _ => pieces.push(encoded),
        }
    }
    if let [only] = pieces.as_slice() {
        return format!("{key}*={only}");
    }
    let numbered: Vec<String> = pieces.iter().enumerate().map(|(i, piece)| format!("{key}*{i}*={piece}")).collect();
    numbered.join(";\r\n\t")
}
