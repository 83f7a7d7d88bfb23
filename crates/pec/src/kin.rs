//! What certified mail knows of a conversation: an envelope, its receipts, and the answers to it name the same messages,
//! each in its own way.

use std::ops::Range;

use sigillo_base::limits::MAX_HEADER;
use sigillo_mime::{Header, Part, Source};

use crate::incoming::form;

/// Octets of identifiers that are taken from one message.
const MOST: usize = 16 * 1024;

/// Octets of `daticert.xml` as it is transmitted, at the most: the largest one in base64 stays below.
const CERTIFICATION: usize = 6 << 20;

/// Message identifiers, in their angle brackets, that a message of these parts shares with those of its conversation beside the ones that
/// its own header names as any mail does: the client's own (*X-Riferimento-Message-ID*), the *identificativo* and the
/// *msgid* of `daticert.xml`, and those of the original. Nothing is proven by it: who says that he belongs to a
/// conversation is shown with it.
///
/// # Errors
/// Those of the source.
pub fn kin<S: Source>(source: &mut S, tree: &Part) -> Result<Vec<String>, S::Error> {
    let section = source.read(tree.header.clone())?;
    let header = Header::parse_tolerant(&section);
    let mut kin: Vec<String> = header.unfolded("X-Riferimento-Message-ID").into_iter().collect();
    if header.first("X-Ricevuta").is_some() || header.first("X-Trasporto").is_some() {
        kin.extend(inside(source, tree)?);
    }
    let mut left = MOST;
    kin.retain(|text| {
        let fits = !text.is_empty() && text.len() <= left;
        left -= if fits { text.len() } else { 0 };
        fits
    });
    Ok(kin)
}

/// As much of a message as a header section may be.
fn beginning(message: Range<usize>) -> Range<usize> {
    message.start..message.end.min(message.start + MAX_HEADER)
}

/// What is certified, and what the original says.
fn inside<S: Source>(source: &mut S, tree: &Part) -> Result<Vec<String>, S::Error> {
    let content = tree.children.first().filter(|_| tree.is("multipart/signed")).unwrap_or(tree);
    let mut kin = Vec::new();
    for part in content.children.iter().filter(|p| form::is_certification(p) && p.body.len() <= CERTIFICATION) {
        if let Ok(certification) = form::read_body(part, &source.read(part.body.clone())?) {
            kin.push(format!("<{}>", certification.facts.id.as_str()));
            kin.extend(certification.facts.msgid);
            break;
        }
    }
    if let Some(original) = content.children.iter().find(|part| form::is_original(part)) {
        let section = source.read(beginning(original.body.clone()))?;
        let header = Header::parse_tolerant(&section);
        let names = ["Message-ID", "X-Riferimento-Message-ID", "In-Reply-To", "References"];
        kin.extend(names.into_iter().filter_map(|name| header.unfolded(name)));
    }
    Ok(kin)
}
