use super::*;
use proptest::prelude::*;
use sigillo_base::AddressError;

fn read(text: &str) -> Vec<(Option<String>, String, bool)> {
    let all = parse_address_list(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
    all.into_iter().map(|m| (m.name, m.address.as_str().to_owned(), m.in_group)).collect()
}

fn one(text: &str) -> (Option<String>, String) {
    let mut all = read(text);
    assert_eq!(all.len(), 1, "{text:?}");
    let (name, address, in_group) = all.remove(0);
    assert!(!in_group);
    (name, address)
}

fn refused(text: &str) -> ListFault {
    match parse_address_list(text) {
        Err(Error::Addresses { at, fault }) => {
            assert!(at <= text.len());
            fault
        }
        other => panic!("{text:?}: {other:?}"),
    }
}

#[test]
fn single_addresses() {
    for (text, name, address) in [
        ("a@x.example", None, "a@x.example"),
        (" <a@x.example> ", None, "a@x.example"),
        ("Anna Rossi <a@x.example>", Some("Anna Rossi"), "a@x.example"),
        ("\"Rossi, Anna\" <a@x.example>", Some("Rossi, Anna"), "a@x.example"),
        ("\"Per conto di: u@c.example\" <p@x.example>", Some("Per conto di: u@c.example"), "p@x.example"),
        ("Joe Q. Public <a@x.example>", Some("Joe Q. Public"), "a@x.example"),
        ("\"a \\\"b\\\" \\\\\" <a@x.example>", Some("a \"b\" \\"), "a@x.example"),
        ("\"\" <a@x.example>", None, "a@x.example"),
        ("(no, b@y.example) a (x(y\\)z)) @ (w) x.example (Anna)", None, "a@x.example"),
        ("\"a, b\"@x.example", None, "\"a, b\"@x.example"),
        ("=?utf-8?Q?Nicol=C3=B2?= Verdi <a@x.example>", Some("Nicolò Verdi"), "a@x.example"),
        ("=?utf-8?Q?a?= =?utf-8?Q?b?= <a@x.example>", Some("ab"), "a@x.example"),
        ("=?utf-8?Q?Per_conto_di:_u@c.example?= <p@x.example>", Some("Per conto di: u@c.example"), "p@x.example"),
        ("\"=?utf-8?Q?=C3=A8?=\" <a@x.example>", Some("è"), "a@x.example"),
        ("Nicolò <a@x.example>", Some("Nicolò"), "a@x.example"),
        ("Anna\r\n Rossi\r\n\t<a@x.example>", Some("Anna Rossi"), "a@x.example"),
        ("a.b-c+d=e'f@sub.X.example", None, "a.b-c+d=e'f@sub.X.example"),
    ] {
        assert_eq!(one(text), (name.map(str::to_owned), address.to_owned()), "{text:?}");
    }
}

#[test]
fn lists_and_groups() {
    let all = read("a@x.example, \"b, c\" <d@x.example> ,(e@x.example)f@x.example");
    assert_eq!(all.iter().map(|a| a.1.as_str()).collect::<Vec<_>>(), ["a@x.example", "d@x.example", "f@x.example"]);
    assert!(read("undisclosed-recipients:;").is_empty());
    assert!(read("a b: (nobody) ;").is_empty());
    let all = read("Amici: a@x.example, B <b@x.example>; , c@x.example, \"g\":d@x.example;");
    let flags: Vec<_> = all.iter().map(|a| (a.1.as_str(), a.2)).collect();
    assert_eq!(flags, [("a@x.example", true), ("b@x.example", true), ("c@x.example", false), ("d@x.example", true)]);
}

#[test]
fn what_is_no_list() {
    for (text, fault) in [
        ("", ListFault::Missing),
        ("  (nobody) ", ListFault::Missing),
        (",", ListFault::Missing),
        ("a@x.example,", ListFault::Missing),
        ("a@x.example,,b@x.example", ListFault::Missing),
        ("g:a@x.example,;", ListFault::Missing),
        ("<>", ListFault::Missing),
        ("anna", ListFault::NoAt),
        ("anna rossi, b@x.example", ListFault::NoAt),
        ("<anna>", ListFault::NoAt),
        ("a@x.example b@x.example", ListFault::Unexpected),
        ("<a@x.example> b", ListFault::Unexpected),
        ("a@x.example; b@x.example", ListFault::Unexpected),
        ("a@b@x.example", ListFault::Unexpected),
        ("a b@x.example", ListFault::Unexpected),
        ("a . b@x.example", ListFault::Unexpected),
        ("\"a\".b@x.example", ListFault::Unexpected),
        ("a <<b@x.example>>", ListFault::Unexpected),
        ("a)", ListFault::Unexpected),
        (":a@x.example;", ListFault::Unexpected),
        ("@x.example", ListFault::Unexpected),
        ("<@a.example,@b.example:c@x.example>", ListFault::Route),
        ("<,@a.example:c@x.example>", ListFault::Route),
        ("g:h:a@x.example;;", ListFault::Group),
        ("g:a@x.example", ListFault::Group),
        ("(a@x.example", ListFault::Unclosed),
        ("(a\\", ListFault::Unclosed),
        ("\"a <b@x.example>", ListFault::Unclosed),
        ("\"a\\", ListFault::Unclosed),
        ("<a@x.example", ListFault::Unclosed),
        ("a\u{1}@x.example", ListFault::Control),
        ("\"a\0\" <b@x.example>", ListFault::Control),
        ("(a\u{7f}) b@x.example", ListFault::Control),
        ("a@x.example,\r\nb@x.example", ListFault::Control),
        ("a@x.example,\n b@x.example", ListFault::Control),
        ("a@x.example,\r b@x.example", ListFault::Control),
        ("a@[127.0.0.1]", ListFault::Address(AddressError::Domain)),
        ("a@", ListFault::Address(AddressError::Domain)),
        ("a@-x.example", ListFault::Address(AddressError::Domain)),
        ("a..b@x.example", ListFault::Address(AddressError::Local)),
        (".a@x.example", ListFault::Address(AddressError::Local)),
        ("nicolò@x.example", ListFault::Address(AddressError::Local)),
        ("a@città.example", ListFault::Address(AddressError::Domain)),
    ] {
        assert_eq!(refused(text), fault, "{text:?}");
    }
}

#[test]
fn names_hide_no_line_end() {
    let (name, _) = one("=?utf-8?Q?a=0D=0ABcc:_x?= <a@x.example>");
    assert_eq!(name.as_deref(), Some("a  Bcc: x"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text(text in "(a|b\\.c|@|x\\.example|<|>|,|:|;|\"|\\\\|\\(|\\)| |\r\n |=\\?utf-8\\?Q\\?|\\?=|\\PC|[\u{0}-\u{20}]){0,30}") {
        if let Ok(all) = parse_address_list(&text) {
            for m in all {
                prop_assert!(text.contains(m.address.domain().as_str()) || !text.is_ascii() || text.contains("\r\n") || text.contains(|c: char| c.is_ascii_uppercase()));
                prop_assert!(m.name.is_none_or(|n| !n.is_empty() && !n.chars().any(char::is_control)));
            }
        }
    }

    #[test]
    fn what_is_written_is_read(list in prop::collection::vec(("[a-z]{1,5}(\\.[a-z]{1,3})?", prop::option::of("[ -~]{0,20}"), "[ ]?(\\([a-z ,@<>\\\\\"]{0,0}\\))?"), 1..6)) {
        let text: Vec<String> = list.iter().map(|(local, name, blank)| match name {
            Some(name) => format!("{blank}{}{blank}<{blank}{local}@x.example>", crate::write::phrase(name)),
            None => format!("{local}{blank}@x.example{blank}"),
        }).collect();
        let all = parse_address_list(&text.join(",")).unwrap();
        prop_assert_eq!(all.len(), list.len());
        for (m, (local, name, _)) in all.iter().zip(&list) {
            prop_assert_eq!(m.address.local(), local);
            let name = name.as_ref().map(|n| n.trim().to_owned()).filter(|n| !n.is_empty());
            prop_assert_eq!(&m.name, &name);
        }
    }
}
