//! Brief delivery receipts read by Python: it walks the original and the receipt's copy side by side, hashes every
//! attachment of the original itself, and says where the copy is not what the rules ask for (RFC 6109 §3.3.2.2; pec rule
//! 2.3.6).

use serde::Deserialize;
use sigillo_pec::{ReceiptKind, compose};
use sigillo_tests::fixtures::{NOW, Numbers, address};

use crate::oracle::Bench;
use crate::set::{Desk, EVERYBODY, id};

/// What Python found in one pair.
#[derive(Debug, Deserialize)]
struct Compared {
    /// Attachments replaced as they should be.
    hashed: usize,
    /// Everything that differs from what it should be.
    wrong: Vec<String>,
}

const SCRIPT: &str = r#"
import email, email.generator, email.header, email.policy, hashlib, io, json, sys

def load(path):
    with open(path, "rb") as f:
        return email.message_from_bytes(f.read())

def raw(part):
    """The body as transmitted, without the line end before the next boundary."""
    if part.get_content_maintype() == "message" and part.is_multipart():
        out = io.BytesIO()
        policy = email.policy.compat32.clone(linesep="\r\n")
        email.generator.BytesGenerator(out, mangle_from_=False, maxheaderlen=0, policy=policy).flatten(part.get_payload(0))
        return out.getvalue()
    return part._payload.encode("ascii", "surrogateescape")

def name(part):
    found = part.get_filename()
    if found is None:
        return None
    return str(email.header.make_header(email.header.decode_header(found)))

def many(part):
    return part.get_content_maintype() == "multipart" and part.is_multipart()

def fields(part):
    describing = ("content-type", "content-transfer-encoding", "content-disposition", "content-md5")
    return [(k, v) for k, v in part.items() if k.lower() not in describing]

def compare(old, new, look, out, where):
    wrong = out["wrong"].append
    if look and not many(old) and (name(old) is not None or old.get_content_type() == "message/rfc822"):
        digest = hashlib.sha1(raw(old)).hexdigest()
        expected = (name(old) or "messaggio.eml") + ".hash"
        if new.get_content_type() != "text/plain": wrong(where + ": type " + new.get_content_type())
        if name(new) != expected: wrong("%s: name %r, not %r" % (where, name(new), expected))
        if raw(new) != digest.encode(): wrong("%s: %r, not %s" % (where, raw(new), digest))
        if fields(new) != fields(old): wrong(where + ": other fields differ")
        out["hashed"] += 1
        return
    if old.items() != new.items(): wrong(where + ": fields differ")
    if not many(old):
        if many(new): wrong(where + ": became a multipart")
        elif raw(old) != raw(new): wrong(where + ": content differs")
        return
    if (old.preamble, old.epilogue) != (new.preamble, new.epilogue): wrong(where + ": text around the parts differs")
    a, b = old.get_payload(), new.get_payload()
    if len(a) != len(b): return wrong("%s: %d parts, not %d" % (where, len(b), len(a)))
    for i, (x, y) in enumerate(zip(a, b)):
        inside = look and not (where == "/" and old.get_content_type() == "multipart/signed" and i > 0)
        compare(x, y, inside, out, where + str(i) + "/")

def pair(original, receipt):
    out = {"hashed": 0, "wrong": []}
    old = load(original)
    enclosed = [p for p in load(receipt).walk() if p.get_filename() == "postacert.eml"]
    if len(enclosed) != 1: out["wrong"].append("%d times postacert.eml" % len(enclosed))
    opaque = old.get_content_type() in ("application/pkcs7-mime", "application/x-pkcs7-mime")
    compare(old, enclosed[0].get_payload(0), not opaque, out, "/")
    return out

files = sys.argv[1:]
json.dump([pair(a, b) for a, b in zip(files[::2], files[1::2])], sys.stdout)
"#;

/// The receipts that Beta issues about these originals, compared with them.
fn compared(originals: &[String]) -> Vec<Compared> {
    let desk = Desk::new();
    let beta = &desk.beta;
    let mut files = Vec::new();
    for (number, submitted) in (1u128..).zip(originals) {
        let sent = desk.submit(number, &EVERYBODY[..1], submitted);
        assert_eq!(sent.examined.defects, [], "{submitted}");
        let (facts, original) = (&sent.examined.facts, sent.original);
        let (bruno, brief, whole) = (address(EVERYBODY[0]), ReceiptKind::Brief, 0..original.len());
        let notice = id(&beta.provider, number);
        let draft = compose::delivery(&beta.provider, facts, NOW, notice, &bruno, brief, brief, &original, whole);
        let signed = draft.expect("a draft").sign(&original, NOW, &beta.identity, &beta.signer()).expect("a signature");
        let receipt = signed.content.to_bytes(&original);
        files.extend([(format!("{number}-original"), original), (format!("{number}-receipt"), receipt)]);
    }
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    Bench::new().script(SCRIPT, &files)
}

const HEAD: &str = "From: anna@comune-alfa.example\r\nTo: bruno@ente-beta.example\r\nSubject: Prova\r\n\
     Date: Thu, 12 Mar 2026 10:14:58 +0100\r\nMessage-ID: <x@pc-anna.comune-alfa.example>\r\nMIME-Version: 1.0\r\n";

const TEXT: &str = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nEcco perché.\r\n";
const PDF: &str = "Content-Type: application/pdf; name=\"fattura.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\
     Content-Disposition: attachment; filename=\"fattura.pdf\"\r\n\r\nJVBERi0xLjQK\r\nJSVFT0YK";
const PNG: &str = "Content-Type: image/png; name=logo.png\r\nContent-ID: <logo@x>\r\nContent-Disposition: inline\r\n\
     Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n";
const SIGNATURE: &str = "Content-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\n\
     Content-Transfer-Encoding: base64\r\n\r\nMIIB\r\n";
const MESSAGE: &str = "Content-Type: message/rfc822\r\n\r\nFrom: carla@posta.example\r\nSubject: dentro\r\n\
     MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=dentro\r\n\r\n--dentro\r\n\r\nuno\r\n--dentro\r\n\
     Content-Type: a/b; name=c\r\n\r\ndue\r\n--dentro--\r\n";

fn multipart(kind: &str, boundary: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|p| format!("--{boundary}\r\n{p}\r\n")).collect();
    format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\r\n\r\n{parts}--{boundary}--\r\n")
}

#[test]
fn python_finds_every_attachment_hashed_and_everything_else_as_it_was() {
    let related = multipart("related", "r", &["Content-Type: text/html\r\n\r\n<img src=\"cid:logo@x\">\r\n", PNG]);
    let named = MESSAGE.replacen("message/rfc822", "message/rfc822; name=\"inoltrato.eml\"", 1);
    let signed = multipart("signed", "s", &[&multipart("mixed", "m", &[TEXT, PDF]), SIGNATURE]);
    let odd_names = [
        "Content-Type: a/b; name*=utf-8''perch%C3%A9%20no.pdf\r\n\r\nx",
        "Content-Type: a/b\r\nContent-Disposition: attachment; filename*0*=utf-8''perch%C3%A9; filename*1=\" due.pdf\"\r\n\r\nx",
        "Content-Type: a/b; name=\"=?utf-8?Q?perch=C3=A9=2Epdf?=\"\r\n\r\nx",
        "Content-Type: a/b; name=\"con \\\"virgolette\\\"; e altro.pdf\"\r\n\r\nx",
        "Content-Disposition: attachment; filename=solo-qui.bin\r\n\r\n",
    ];
    let around = multipart("mixed", "m", &[TEXT, PDF]).replacen("\r\n\r\n", "\r\n\r\nprologo\r\n", 1) + "epilogo\r\n";
    let cases = [
        (multipart("mixed", "m", &[TEXT, PDF]), 1),
        (multipart("mixed", "m", &[&multipart("alternative", "a", &[TEXT, &related]), PDF, MESSAGE]), 3),
        (multipart("mixed", "m", &[TEXT, MESSAGE, &named]), 2),
        (multipart("digest", "m", &["\r\nSubject: uno\r\n\r\nx\r\n", "\r\nSubject: due\r\n\r\ny\r\n"]), 2),
        (signed.clone(), 1),
        (multipart("mixed", "m2", &[TEXT, &signed]), 2),
        (
            "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=\"smime.p7m\"\r\n\
          Content-Transfer-Encoding: base64\r\n\r\nMIIB\r\n"
                .into(),
            0,
        ),
        (PDF.to_owned() + "\r\n", 1),
        (multipart("mixed", "m", &odd_names), 5),
        (
            multipart(
                "mixed",
                "m",
                &["Content-Type: text/plain; name=corpo.txt\r\n\r\nx", "Content-Type: a/b\r\n\r\ny"],
            ),
            1,
        ),
        (multipart("mixed", "m", &["Content-Type: a/b; name=vuoto\r\n"]), 1),
        (around, 1),
        (
            multipart(
                "mixed",
                "m",
                &[
                    TEXT,
                    "Content-Type: text/csv; name=a.csv\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=3D=E8=\r\nb\r\n",
                ],
            ),
            1,
        ),
        (TEXT.into(), 0),
    ];
    let originals: Vec<String> = cases.iter().map(|(mime, _)| format!("{HEAD}{mime}")).collect();
    for ((original, (_, hashed)), found) in originals.iter().zip(&cases).zip(compared(&originals)) {
        assert_eq!((found.wrong, found.hashed), (Vec::new(), *hashed), "{original}");
    }
}

/// A message of parts in parts, by chance.
fn random(numbers: &Numbers, depth: u64, boundaries: &mut usize) -> String {
    let leaf = [TEXT, PDF, PNG, SIGNATURE, MESSAGE];
    if depth == 0 || numbers.below(3) == 0 {
        return leaf[numbers.below(5) as usize].into();
    }
    *boundaries += 1;
    let boundary = format!("=_{boundaries:04}_=");
    let parts: Vec<String> = (0..=numbers.below(3)).map(|_| random(numbers, depth - 1, boundaries)).collect();
    let kind = ["mixed", "alternative", "related", "signed"][numbers.below(4) as usize];
    multipart(kind, &boundary, &parts.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn python_agrees_on_messages_nested_by_chance() {
    let numbers = Numbers::new(33_22);
    let originals: Vec<String> = (0..120).map(|_| format!("{HEAD}{}", random(&numbers, 5, &mut 0))).collect();
    let found = compared(&originals);
    for (original, found) in originals.iter().zip(&found) {
        assert_eq!(found.wrong, Vec::<String>::new(), "{original}");
    }
    assert!(found.iter().map(|f| f.hashed).sum::<usize>() > 100, "there is something to compare");
}
