//! PREVIEW (RFC 8970): how a message's text begins.

use sigillo_mime::{Part, Source};

/// Characters of a preview (RFC 8970 §3.1 recommends 200).
const MOST: usize = 200;
/// Octets of a body that are looked at; a page of HTML begins with much that is no text.
const LOOKED_AT: usize = 16 * 1024;

/// The beginning of the first text that is not an attachment: words between single blanks. Empty when there is none.
pub fn of<S: Source>(source: &mut S, tree: &Part) -> Result<String, S::Error> {
    let text = |part: &&Part| {
        let attached = part.disposition.as_ref().is_some_and(|d| d.kind == "attachment");
        part.content_type.kind == "text" && !attached && part.children.is_empty()
    };
    let Some(part) = tree.walk().find(text) else { return Ok(String::new()) };
    let first = part.body.start..part.body.end.min(part.body.start + LOOKED_AT);
    let text = part.text_start(&source.read(first)?);
    Ok(if part.is("text/html") { words(&without_markup(&text)) } else { words(&text) })
}

/// Words between single blanks, without control characters, as many characters as a preview has.
fn words(text: &str) -> String {
    let mut out = String::new();
    let mut left = MOST;
    for c in text.split_whitespace().flat_map(|word| std::iter::once(' ').chain(word.chars())) {
        if left == 0 {
            break;
        }
        if c.is_control() || (c == ' ' && out.is_empty()) {
            continue;
        }
        out.push(c);
        left -= 1;
    }
    out.truncate(out.trim_end().len());
    out
}

/// What stands outside of tags, comments, scripts and styles; the commonest entities as what they mean.
fn without_markup(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        out.push(' ');
        rest = &rest[open..];
        let hidden = [("<!--", "-->"), ("<style", "</style"), ("<script", "</script"), ("<head", "</head")];
        let starts = |tag: &str| rest.get(..tag.len()).is_some_and(|t| t.eq_ignore_ascii_case(tag));
        let skipped = hidden.iter().find(|(tag, _)| starts(tag));
        let from = skipped.and_then(|(_, end)| find_in_any_case(rest, end)).unwrap_or(0);
        match rest[from..].find('>') {
            Some(close) => rest = &rest[from + close + 1..],
            None => return entities(&out),
        }
    }
    out.push_str(rest);
    entities(&out)
}

fn find_in_any_case(text: &str, tag: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr::memchr2_iter(b'<', b'-', bytes)
        .find(|i| bytes[*i..].get(..tag.len()).is_some_and(|t| t.eq_ignore_ascii_case(tag.as_bytes())))
}

fn entities(text: &str) -> String {
    const KNOWN: [(&str, &str); 6] =
        [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    KNOWN.iter().fold(text.to_owned(), |text, (entity, means)| text.replace(entity, means))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn preview(message: &str) -> String {
        let Ok(preview) = of(&mut message.as_bytes(), &sigillo_mime::parse(message.as_bytes()).unwrap());
        preview
    }

    #[test]
    fn previews() {
        assert_eq!(
            preview("Subject: x\r\n\r\n  Gentile\r\n signora,\tbuongiorno.\r\n"),
            "Gentile signora, buongiorno."
        );
        let html = "Content-Type: text/html; charset=utf-8\r\n\r\n<html><HEAD><title>no</title></HEAD><style>p {}</style>\
            <p>Perch\u{e9} <b>no</b>&nbsp;&amp; s\u{ec}<!-- <p>mai --> fine";
        assert_eq!(preview(html), "Perch\u{e9} no & s\u{ec} fine");
        let parts = "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: image/png\r\n\r\nPNG\r\n--x\r\n\
            Content-Disposition: attachment\r\n\r\nallegato\r\n--x\r\nContent-Transfer-Encoding: base64\r\n\r\nY2lhbw==\r\n--x--\r\n";
        assert_eq!(preview(parts), "ciao");
        assert_eq!(preview("Content-Type: image/png\r\n\r\nPNG"), "");
        let long = preview(&format!("\r\n{}", "\u{e8}\u{e9} ".repeat(500)));
        assert_eq!(long.chars().count(), MOST, "and no more");
    }

    proptest! {
        #[test]
        fn is_short_and_one_line(text in "(<|>|<style|</style>|<!--|-->|&lt;|[a-z \r\n\u{e8}\u{1}-]){0,300}") {
            for html in [false, true] {
                let made = if html { words(&without_markup(&text)) } else { words(&text) };
                prop_assert!(made.chars().count() <= MOST && !made.chars().any(char::is_control));
            }
        }
    }
}
