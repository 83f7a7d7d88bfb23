//! The readable part: text/plain and text/html with the same information (RFC 6109 §4.3).

use sigillo_mime::write;

use crate::Provider;
use crate::texts::{Body, Line};

/// Both forms, not yet encoded.
pub(super) struct Readable {
    plain: String,
    html: String,
}

impl Readable {
    /// The Italian; below a dashed line, where the provider wants it, the English.
    pub fn new(body: &Body, p: &Provider) -> Self {
        let (title, lines) = (&body.title.it, texts(body, |l| &l.it));
        let mut plain = format!("{title}\n{}\n", lines.join("\n"));
        let mut html = paragraph(title, &lines);
        if p.english {
            let (title, lines) = (format!("-- {} --", body.title.en), texts(body, |l| &l.en));
            plain.push_str(&format!("\n{title}\n{}\n", lines.join("\n")));
            html.push_str(&format!("<div lang=\"en\">\n{}</div>\n", paragraph(&title, &lines)));
        }
        let head = format!("<!DOCTYPE html>\n<html lang=\"it\">\n<head><title>{}</title></head>\n", escape(title));
        Self { plain, html: format!("{head}<body>\n{html}</body>\n</html>\n") }
    }

    /// The multipart/alternative, its header included; it ends in a line end.
    pub fn alternative(&self, boundary: &str) -> String {
        let part = |kind: &str, text: &str| {
            format!(
                "--{boundary}\r\n\
                 Content-Type: text/{kind}; charset=\"iso-8859-1\"\r\n\
                 Content-Disposition: inline\r\n\
                 Content-Transfer-Encoding: quoted-printable\r\n\
                 \r\n\
                 {}\r\n",
                write::quoted_printable(&write::latin1(text))
            )
        };
        format!(
            "Content-Type: multipart/alternative; boundary=\"{boundary}\"\r\n\r\n{}{}--{boundary}--\r\n",
            part("plain", &self.plain),
            part("html", &self.html),
        )
    }
}

fn texts(body: &Body, language: fn(&Line) -> &String) -> Vec<&str> {
    body.lines.iter().map(|l| language(l).as_str()).collect()
}

/// No reference to anything outside, nothing active (RFC 6109 §4.3); everything escaped.
fn paragraph(title: &str, lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().map(|l| escape(l)).collect();
    format!("<h3>{}</h3>\n<p>{}</p>\n", escape(title), lines.join("<br>\n"))
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}
