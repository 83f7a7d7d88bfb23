use super::*;
use proptest::prelude::*;

fn decoded(text: &str) -> String {
    decode_words(text.as_bytes())
}

#[test]
fn words_of_rfc_2047() {
    for (text, expected) in [
        ("=?ISO-8859-1?Q?a?=", "a"),
        ("=?ISO-8859-1?Q?a?= b", "a b"),
        ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
        ("=?ISO-8859-1?Q?a?=  \t =?ISO-8859-2?Q?_b?=", "a b"),
        ("x =?US-ASCII*en?Q?Keith_Moore?=", "x Keith Moore"),
        ("=?iso-8859-1?q?perch=e9?=", "perché"),
        ("=?UTF-8?B?w6g=?= =?utf-8?b?w6k=?=", "èé"),
        ("=?UTF-8?B?w6jD?= =?utf-8?Q?=A9?=", "èé"),
        ("=?gb2312?B?xOM=?=", "你"),
        ("=?utf-7?Q?+AOg-?= =?utf-7?Q?+AOg-?=", "èè"),
        ("=?x-unknown?Q?=C3=A8?=", "è"),
        ("Re:=?utf-8?Q?=C3=A8?=.", "Re:è."),
        ("=?utf-8?Q?no end", "=?utf-8?Q?no end"),
        ("=?utf-8?X?a?=", "=?utf-8?X?a?="),
        ("=??Q?a?=", "=??Q?a?="),
        ("=?=?utf-8?Q?a?=", "=?a"),
        ("=?utf-8?Q?a b?=", "a b"),
        ("=?utf-8?Q??= x", " x"),
        ("", ""),
    ] {
        assert_eq!(decoded(text), expected, "{text:?}");
    }
    assert_eq!(decode_words(b"perch\xe9"), "perché", "no charset, no UTF-8: windows-1252");
}

#[test]
fn no_word_decodes_to_a_line_end() {
    for text in [
        "=?utf-8?Q?a=0D=0ABcc:_x?=",
        "=?utf-8?B?YQ0KQmNjOiB4?=",
        "=?utf-7?Q?a+AA0ACg-Bcc:_x?=",
        "=?utf-16be?B?AGEADQAKAEIAYwBjADoAIAB4?=",
    ] {
        assert_eq!(decoded(text), "a  Bcc: x", "{text:?}");
    }
    assert_eq!(decoded("=?utf-8?Q?a=C2=85b=E2=80=A8c=00d=1Be?="), "a b c d e");
}

#[test]
fn folds_go_and_blanks_stay() {
    assert_eq!(unfold(b" a\r\n  b\r\n\tc "), b" a  b\tc ");
    assert_eq!(unfold(b"a\rb\nc\r\nd\n e\r\n"), b"a b c d e ");
}

#[test]
fn every_charset_bears_any_octets() {
    let charsets = "utf-7 utf-16 utf-16be utf-16le big5 shift_jis euc-jp euc-kr gb18030 gbk iso-2022-jp iso-2022-kr hz-gb-2312 \
                    koi8-r windows-1258 macintosh iso-8859-8 tis-620 ibm850 x";
    let mut seed = 1u32;
    for charset in charsets.split(' ') {
        for len in 0..200 {
            let mut next = || {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            };
            let bytes: Vec<u8> = (0..len).map(|_| next()).collect();
            let text = convert(charset.as_bytes(), &bytes);
            assert!(text.len() <= bytes.len() * 4 + 4, "{charset} grows");
        }
        convert(charset.as_bytes(), &[0xff]);
        convert(charset.as_bytes(), &[0x81, 0x30, 0x81]);
        convert(charset.as_bytes(), b"\x1b$B\x1b");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn nothing_that_is_decoded_controls(text in "(=\\?|\\?=|\\?|utf-8|utf-7|\\?[QqBb]\\?|=[0-9A-F]{2}|[ -~]|\\PC|[\u{0}-\u{1f}]){0,60}") {
        prop_assert!(!decoded(&text).chars().any(char::is_control));
    }

    #[test]
    fn any_octets(raw in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!decode_words(&raw).chars().any(char::is_control));
        prop_assert!(!unfold(&raw).iter().any(|b| matches!(b, b'\r' | b'\n')));
        for at in 0..raw.len() {
            if let Some(end) = word_end(&raw, at) {
                prop_assert!(end > at && end <= raw.len());
            }
        }
    }
}
