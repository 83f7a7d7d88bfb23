//! What certified mail knows of a conversation: an envelope, its receipts, and the answers to it name the same messages,
//! each in its own way.

use sigillo_mime::{Header, parse_outer};

use crate::incoming::form;

/// Octets of identifiers that are taken from one message.
const MOST: usize = 16 * 1024;

/// Message identifiers, in their angle brackets, that a message shares with those of its conversation beside the ones that
/// its own header names as any mail does: the client's own (*X-Riferimento-Message-ID*), the *identificativo* and the
/// *msgid* of `daticert.xml`, and those of the original. Nothing is proven by it: who says that he belongs to a
/// conversation is shown with it.
pub fn kin(message: &[u8]) -> Vec<String> {
    let header = Header::parse_tolerant(message);
    let mut kin: Vec<String> = header.unfolded("X-Riferimento-Message-ID").into_iter().collect();
    if header.first("X-Ricevuta").is_some() || header.first("X-Trasporto").is_some() {
        kin.extend(inside(message));
    }
    let mut left = MOST;
    kin.retain(|text| {
        let fits = !text.is_empty() && text.len() <= left;
        left -= if fits { text.len() } else { 0 };
        fits
    });
    kin
}

/// What is certified, and what the original says.
fn inside(message: &[u8]) -> Vec<String> {
    let Ok(tree) = parse_outer(message) else { return Vec::new() };
    let content = tree.children.first().filter(|_| tree.is("multipart/signed")).unwrap_or(&tree);
    let mut kin = Vec::new();
    if let Some(certification) = form::declared(message, content) {
        kin.push(format!("<{}>", certification.facts.id.as_str()));
        kin.extend(certification.facts.msgid);
    }
    if let Some(original) = content.children.iter().find(|part| form::is_original(part)) {
        let header = Header::parse_tolerant(&message[original.body.clone()]);
        let names = ["Message-ID", "X-Riferimento-Message-ID", "In-Reply-To", "References"];
        kin.extend(names.into_iter().filter_map(|name| header.unfolded(name)));
    }
    kin
}
