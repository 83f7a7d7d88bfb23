//! The English translation, where the provider wants it.

use super::*;

/// Both readable forms, decoded.
fn forms(draft: &Draft, source: &[u8]) -> (String, String) {
    let entity = draft.entity.to_bytes(source);
    let tree = sigillo_mime::parse(&entity).unwrap();
    let html = tree.walk().find(|p| p.is("text/html")).unwrap().decoded(&entity, 1 << 20).unwrap();
    let html: String = html.iter().map(|b| char::from(*b)).collect();
    (text_of(&entity, &tree).replace("\r\n", "\n"), html.replace("\r\n", "\n"))
}

#[test]
fn the_english_stands_below_a_dashed_line_in_both_forms() {
    let source = original();
    let with = Provider { english: true, ..receiver() };
    let italian = every_kind(&receiver(), &facts(), "Eicar", &source);
    for (both, italian) in every_kind(&with, &facts(), "Eicar", &source).into_iter().zip(italian) {
        let kind = both.kind;
        let ((plain, html), (plain_it, html_it)) = (forms(&both, &source), forms(&italian, &source));
        let english =
            plain.strip_prefix(&plain_it).unwrap_or_else(|| panic!("{kind}: the Italian comes first, as it is"));
        let english = english.strip_prefix("\n-- ").unwrap_or_else(|| panic!("{kind}: a dashed line: {english:?}"));
        let (title, lines) = english.split_once(" --\n").unwrap();
        assert!(title.is_ascii() && !title.is_empty(), "{title}");

        let end = "</body>\n</html>\n";
        let below = html.strip_prefix(html_it.strip_suffix(end).unwrap()).unwrap().strip_suffix(end).unwrap();
        let inner = below.strip_prefix("<div lang=\"en\">\n<h3>-- ").unwrap().strip_suffix("</p>\n</div>\n").unwrap();
        let (html_title, html_lines) = inner.split_once(" --</h3>\n<p>").unwrap();
        let unescaped = html_lines.replace("&quot;", "\"").replace("&#39;", "'").replace("<br>\n", "\n");
        assert_eq!((html_title, unescaped.replace("&amp;", "&") + "\n"), (title, lines.to_owned()), "{kind}");

        // Nothing but the readable part differs.
        assert_eq!((both.header, both.certification), (italian.header, italian.certification), "{kind}");
    }
}

#[test]
fn an_acceptance_in_english() {
    let with = Provider { english: true, ..sender() };
    let draft = acceptance(&with, &facts(), now(), id("a1@pec.mittente-prov.example"));
    let (plain, _) = forms(&draft, b"");
    let (_, english) = plain.split_once("\n\n").unwrap();
    assert_eq!(
        english,
        "-- Acceptance receipt --\n\
         On 12/03/2026 at 10:15:01 (+0100) the message\n\
         \"Preventivo n. 12 - perché sì & altro\" originating from \"mario@studio.example\"\n\
         and addressed to:\n\
         anna@ente.example (\"certified mail\")\n\
         ufficio@ente.example (\"certified mail\")\n\
         bruno@posta.example (\"ordinary mail\")\n\
         was accepted by the system and forwarded.\n\
         Message identifier: 20260312101501.4a7c31.01@pec.mittente-prov.example\n"
    );
}
