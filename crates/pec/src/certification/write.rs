//! Writing `daticert.xml`. By hand: the form is fixed to the byte, and every text passes through one escape.

use crate::{Certification, texts};

pub(super) fn document(c: &Certification) -> String {
    let mut x = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut put = |line: String| {
        x.push_str(&line);
        x.push('\n');
    };
    put(format!("<postacert tipo=\"{}\" errore=\"{}\">", c.kind, c.error));
    put("    <intestazione>".into());
    put(element(2, "mittente", c.facts.sender.as_str()));
    for r in &c.facts.recipients {
        let class = r.class.as_str();
        put(format!("        <destinatari tipo=\"{class}\">{}</destinatari>", escape(r.address.as_str())));
    }
    put(element(2, "risposte", &c.facts.reply_to));
    if let Some(subject) = &c.facts.subject {
        put(element(2, "oggetto", subject));
    }
    put("    </intestazione>".into());
    put("    <dati>".into());
    put(element(2, "gestore-emittente", &c.issuer));
    put(format!("        <data zona=\"{}\">", escape(&c.time.zone)));
    put(element(3, "giorno", &c.time.day));
    put(element(3, "ora", &c.time.time));
    put("        </data>".into());
    put(element(2, "identificativo", c.facts.id.as_str()));
    if let Some(msgid) = &c.facts.msgid {
        put(element(2, "msgid", msgid));
    }
    if let Some(kind) = c.receipt {
        put(format!("        <ricevuta tipo=\"{kind}\"/>"));
    }
    if let Some(address) = &c.delivered {
        put(element(2, "consegna", address.as_str()));
    }
    for address in &c.taken {
        put(element(2, "ricezione", address.as_str()));
    }
    if let Some(text) = &c.extended_error {
        put(element(2, "errore-esteso", text));
    }
    put("    </dati>".into());
    put("</postacert>".into());
    x
}

fn element(depth: usize, name: &str, text: &str) -> String {
    format!("{:indent$}<{name}>{}</{name}>", "", escape(text), indent = depth * 4)
}

/// Markup, and everything that XML 1.0 §2.2 does not allow as a character. U+FFFE and U+FFFF are
/// characters to Rust and none to XML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in texts::line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}
