//! The original of a brief receipt: attachments replaced by their hashes (RFC 6109 §3.3.2.2; pec rule 2.3.6).
//!
//! The result refers to the source for everything that stays, so structure, order and boundaries are the original's.

#[cfg(test)]
mod tests;

use std::ops::Range;

use sigillo_mime::{Composed, Header, Part, write};

use crate::Error;

/// Characters of a file name that are kept; no file system takes more. Written out, a name may take eighteen times its
/// size, and a message may be made of names.
const MAX_NAME: usize = 255;

/// The original at `range` of `source` with every attachment replaced by a text/plain part holding the SHA-1 of its
/// body as transmitted (still encoded, without the line end that belongs to the boundary), in lower hex.
///
/// Of an original whose type is `multipart/signed` only the signed part is looked into: its signature stays, and no
/// longer verifies (rule 4). One that is `application/pkcs7-mime` stays whole (rule 5), and so does one that cannot be
/// read: no attachment can be told in it, which is the reason the rules give for the other. Both rules are about the
/// original's own type: what is signed inside is a part like any other, and its signature, when it has a name, an
/// attachment.
///
/// # Errors
/// [`Error::Range`] when the range lies outside the source.
pub(super) fn brief(source: &[u8], range: Range<usize>) -> Result<Composed, Error> {
    let base = range.start;
    let original = source.get(range).ok_or(Error::Range)?;
    let root = sigillo_mime::parse(original).ok();
    let looked_into = match &root {
        None => None,
        Some(root) if root.is("application/pkcs7-mime") || root.is("application/x-pkcs7-mime") => None,
        Some(root) if root.is("multipart/signed") => root.children.first(),
        whole => whole.as_ref(),
    };
    let mut replaced = Vec::new();
    looked_into.into_iter().for_each(|part| collect(part, &mut replaced));
    let mut out = Composed::default();
    let mut done = 0;
    for part in replaced {
        out.source(base + done..base + part.header.start);
        // A part of a digest without header and body lies before the line end of the boundary line above it.
        if !(part.header.start == 0 || original[..part.header.start].ends_with(b"\n")) {
            out.own("\r\n");
        }
        out.own(substitute(original, part));
        done = part.body.end;
    }
    out.source(base + done..base + original.len());
    Ok(out)
}

/// Attachments in the order of the message: enclosed messages as a whole, and parts with a file name. A multipart is
/// structure, which must not change (rule 2), so that a name does not make it an attachment; one without parts is none.
fn collect<'p>(part: &'p Part, out: &mut Vec<&'p Part>) {
    if part.content_type.kind == "multipart" && !part.children.is_empty() {
        part.children.iter().for_each(|child| collect(child, out));
    } else if part.file_name().is_some() || part.is("message/rfc822") {
        out.push(part);
    }
}

/// The part's own header but for what described the content, and the hash.
fn substitute(original: &[u8], part: &Part) -> Vec<u8> {
    const DESCRIBES: [&str; 4] = ["content-type", "content-transfer-encoding", "content-disposition", "content-md5"];
    let bytes = &original[part.header.clone()];
    let header = Header::parse_tolerant(bytes);
    let mut out = Vec::new();
    let mut done = 0;
    for field in header.fields().iter().filter(|f| DESCRIBES.iter().any(|d| header.name(f).eq_ignore_ascii_case(d))) {
        out.extend_from_slice(&bytes[done..field.whole.start]);
        done = field.whole.end;
    }
    out.extend_from_slice(&bytes[done..header.end()]);
    if !(out.is_empty() || out.ends_with(b"\n")) {
        out.extend_from_slice(b"\r\n");
    }
    let name: String = part.file_name().unwrap_or("messaggio.eml").chars().take(MAX_NAME).collect();
    let name = name + ".hash";
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

/// A parameter on a line of its own; the sections of a long one each on theirs.
fn parameter(key: &str, value: &str) -> String {
    let written = write::parameter(key, value);
    // Only a quoted value can hold a blank.
    if written.contains('"') { written } else { written.replace("; ", ";\r\n\t") }
}
