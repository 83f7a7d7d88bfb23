//! Every notice and envelope to the byte, with fixed time, identifiers and keys; each then read by programs that are
//! not ours: openssl verifies the signature, Python's email package reads the parts, xmllint holds daticert.xml against
//! the DTD of RFC 6109 §4.4. `UPDATE=1 cargo test -p sigillo-tests --test goldens` writes the files anew.

#![allow(clippy::expect_used, reason = "a test: what cannot be read is a failure")]

#[path = "goldens/brief.rs"]
mod brief;
#[path = "goldens/daticert.rs"]
mod daticert;
#[path = "goldens/dsn.rs"]
mod dsn;
#[path = "goldens/foreign.rs"]
mod foreign;
#[path = "goldens/oracle.rs"]
mod oracle;
#[path = "goldens/set.rs"]
mod set;

use std::path::PathBuf;

use sigillo_mime::Header;
use sigillo_pec::Kind;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("goldens")
}

/// Compares raw bytes with the golden of this name; the error shows the first difference.
fn compare(name: &str, got: &[u8]) -> Result<(), String> {
    let path = folder().join(format!("{name}.eml"));
    if std::env::var_os("UPDATE").is_some_and(|v| v == "1") {
        std::fs::write(&path, got).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    let want = std::fs::read(&path).map_err(|e| format!("{}: {e} (UPDATE=1 writes it)", path.display()))?;
    if want == got {
        return Ok(());
    }
    let at = want.iter().zip(got).take_while(|(a, b)| a == b).count();
    let around = |bytes: &[u8]| {
        let (from, to) = (at.saturating_sub(60), (at + 60).min(bytes.len()));
        String::from_utf8_lossy(bytes.get(from..to).unwrap_or_default()).escape_debug().to_string()
    };
    let line = 1 + want[..at].iter().filter(|b| **b == b'\n').count();
    let sizes = format!("{} bytes, golden has {}", got.len(), want.len());
    Err(format!(
        "{name}: differs at byte {at}, line {line} ({sizes})\n  golden: {}\n  now:    {}",
        around(&want),
        around(got)
    ))
}

#[test]
fn every_message_is_its_golden() {
    let wrong: Vec<String> = set::all().iter().filter_map(|g| compare(g.name, &g.bytes).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_golden_is_left_over() {
    let names: Vec<String> = set::all().iter().map(|g| format!("{}.eml", g.name)).collect();
    for entry in std::fs::read_dir(folder()).expect("the goldens are there") {
        let file = entry.expect("an entry").file_name().into_string().expect("a name");
        assert!(!file.ends_with(".eml") || names.contains(&file), "{file} is nobody's golden");
    }
}

#[test]
fn every_kind_has_its_golden() {
    for kind in Kind::ALL {
        assert!(set::all().iter().any(|g| g.name.starts_with(kind.as_str())), "{kind} has none");
        let english = format!("inglese-{kind}");
        assert!(set::all().iter().any(|g| g.name == english), "{kind} has none in English");
    }
}

#[test]
fn a_difference_is_shown_with_its_place() {
    let golden = &set::all()[0];
    let mut other = golden.bytes.clone();
    other[100] ^= 1;
    // With UPDATE=1 the altered bytes would be written: then there is nothing to see here.
    if std::env::var_os("UPDATE").is_none() {
        let error = compare(golden.name, &other).expect_err("a byte differs");
        assert!(error.contains("differs at byte 100") && error.contains("golden:"), "{error}");
    }
}

#[test]
fn openssl_verifies_every_signature() {
    let bench = oracle::Bench::new();
    for golden in set::all() {
        let verified = bench.verify(&golden.bytes).unwrap_or_else(|e| panic!("{}: {e}", golden.name));
        assert_eq!(verified.signer_email, golden.service, "{}", golden.name);
        let at = position(&golden.bytes, &verified.content);
        assert!(at.is_some(), "{}: openssl saw other content than the message holds", golden.name);
    }
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len().max(1)).position(|w| w == needle)
}

/// The signature covers text, certification data and original, each; what stands outside of it may change.
#[test]
fn an_altered_byte_makes_openssl_fail() {
    let bench = oracle::Bench::new();
    for name in ["busta-trasporto", "avvenuta-consegna-breve", "mancata-consegna-24h"] {
        let golden = set::named(name);
        let places =
            ["Il giorno", "Content-Transfer-Encoding: base64\r\n\r\n", "message/rfc822", "Convocazione del consiglio"];
        let mut altered = 0;
        let content = position(&golden.bytes, b"multipart/mixed").expect("signed content");
        for place in places {
            let Some(at) = position(&golden.bytes[content..], place.as_bytes()) else { continue };
            let mut bytes = golden.bytes.clone();
            let at = content + at + place.len() - 1;
            bytes[at] = if bytes[at] == b'\n' { b' ' } else { bytes[at] ^ 0x01 };
            assert!(bench.verify(&bytes).is_err(), "{name}: byte {at} ({place}) altered, and openssl is content");
            altered += 1;
        }
        assert!(altered >= 3, "{name}: only {altered} places tried");
        let mut outside = golden.bytes.clone();
        outside.splice(0..0, *b"X-Altro: aggiunto per via\r\n");
        bench.verify(&outside).unwrap_or_else(|e| panic!("{name}: a trace line on top must not matter: {e}"));
    }
}

#[test]
fn python_reads_structure_subjects_and_names() {
    let bench = oracle::Bench::new();
    let goldens = set::all();
    let files: Vec<(&str, &[u8])> = goldens.iter().map(|g| (g.name, g.bytes.as_slice())).collect();
    for (golden, read) in goldens.iter().zip(bench.python(&files)) {
        let name = golden.name;
        assert_eq!(read.defects, Vec::<String>::new(), "{name}");
        assert_eq!(read.subject, golden.subject, "{name}");
        assert_eq!(read.structure, golden.structure, "{name}");
        assert_eq!(read.names, golden.names, "{name}");
        assert_eq!(read.from, golden.service, "{name}");
        assert!(read.plain.contains(golden.says), "{name}: {}", read.plain);
        assert_eq!(
            read.plain.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" "),
            read.plain_of_html,
            "{name}: both forms say the same"
        );
        assert_eq!(read.enclosed_message_id, golden.enclosed_id, "{name}");
    }
}

/// The English is below the Italian, which is what it is without the option, and names the same addresses.
#[test]
fn the_english_is_below_the_italian_where_it_is_wanted() {
    let bench = oracle::Bench::new();
    let goldens = set::all();
    let files: Vec<(&str, &[u8])> = goldens.iter().map(|g| (g.name, g.bytes.as_slice())).collect();
    let read = bench.python(&files);
    let italian: Vec<&str> = read.iter().map(|r| r.plain.as_str()).collect();
    let mut seen = 0;
    for (golden, read) in goldens.iter().zip(&read) {
        let Some((above, below)) = read.plain.split_once("\n-- ").filter(|_| golden.name.starts_with("inglese-"))
        else {
            assert!(!read.plain.contains("-- ") && !read.plain_of_html.contains("-- "), "{}", golden.name);
            continue;
        };
        assert!(italian.contains(&above), "{}: {above}", golden.name);
        let addresses = |text: &str| {
            let word = |c: char| c.is_alphanumeric() || "@.-".contains(c);
            let words = text.split(|c: char| !word(c)).filter(|w| w.contains('@'));
            words.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(addresses(above), addresses(below), "{}", golden.name);
        seen += 1;
    }
    assert_eq!(seen, Kind::ALL.len());
}

#[test]
fn certification_data_are_valid_by_the_dtd() {
    let bench = oracle::Bench::new();
    let goldens = set::all();
    let files: Vec<(&str, &[u8])> = goldens.iter().map(|g| (g.name, g.bytes.as_slice())).collect();
    let mut checked = 0;
    for (golden, read) in goldens.iter().zip(bench.python(&files)) {
        assert_eq!(read.daticert.is_some(), golden.names.contains(&"daticert.xml"), "{}", golden.name);
        if let Some(xml) = read.daticert {
            bench.validate(&xml).unwrap_or_else(|e| panic!("{}: {e}\n{xml}", golden.name));
            checked += 1;
        }
    }
    assert!(checked > 15);
    // A validator that says yes to everything would prove nothing.
    let broken = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><postacert tipo=\"posta\"><dati/></postacert>";
    assert!(bench.validate(broken).is_err());
}

/// 8-bit bytes of an original stay as they are, and the parts say so.
#[test]
fn an_eight_bit_original_is_labelled_and_kept() {
    let golden = set::named("caso-8bit-busta");
    assert!(!golden.bytes.is_ascii());
    assert!(position(&golden.bytes, "perché già sì".as_bytes()).is_some());
    let header = Header::parse(&golden.bytes).expect("a header");
    assert_eq!(header.unfolded("Content-Transfer-Encoding").as_deref(), Some("8bit"));
    assert!(set::named("caso-8bit-accettazione").bytes.is_ascii());
}
