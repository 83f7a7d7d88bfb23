//! Envelopes signed as other providers sign them: by openssl, with every digest, in DER and in BER, under the old and the
//! new name of the protocol, the digest's name in every spelling (pec rules 0.13, 0.14 and 4.1).

use sigillo_mime::write;
use sigillo_pec::incoming::{Judgement, judge};
use sigillo_tests::fixtures::{self, Fixture, NOW, address};

use crate::oracle::Bench;
use crate::set;

/// Alfa's envelope with another signature over the same bytes.
fn signed_anew(bench: &Bench, alfa: &Fixture, options: &[&str], micalg: &str, protocol: &str) -> (Vec<u8>, Vec<u8>) {
    let golden = &set::named("busta-trasporto").bytes;
    let tree = sigillo_mime::parse_outer(golden).expect("our own envelope");
    let [content, signature] = tree.children.as_slice() else { panic!("content and signature") };
    let pem = alfa.identity.certificate.to_pem();
    let cms = bench.sign(&golden[content.whole()], &pem, alfa.key_pem(), options);
    let head = String::from_utf8_lossy(&golden[..content.header.start]).replace("micalg=sha-256", micalg);
    let mut message = head.replace("application/pkcs7-signature", protocol).into_bytes();
    message.extend_from_slice(&golden[content.header.start..signature.header.start]);
    let header = String::from_utf8_lossy(&golden[signature.header.clone()]);
    message.extend(header.replace("application/pkcs7-signature", protocol).into_bytes());
    message.extend(write::base64_lines(&cms).into_bytes());
    message.extend_from_slice(&golden[signature.body.end..]);
    (message, cms)
}

fn judged(message: &[u8]) -> Judgement {
    let (from, to) = (address("anna@comune-alfa.example"), [address("bruno@ente-beta.example")]);
    judge(message, Some(&from), &to, &fixtures::index(), &fixtures::trust(), NOW)
}

#[test]
fn row_every_digest_and_encoding_of_other_providers_is_read() {
    let (bench, alfa) = (Bench::new(), fixtures::alfa());
    let (new, old) = ("application/pkcs7-signature", "application/x-pkcs7-signature");
    for (options, micalg, protocol, ber) in [
        (&["-md", "sha1"][..], "micalg=\"sha1\"", old, false),
        (&["-md", "sha1"], "micalg=sha1", new, false),
        (&["-md", "sha256"], "micalg=sha-256", new, false),
        (&["-md", "sha256"], "micalg=\"sha256\"", old, false),
        (&["-md", "sha512"], "micalg=sha-512", new, false),
        (&["-md", "sha512"], "micalg=\"sha512\"", new, false),
        (&["-md", "sha256", "-stream"], "micalg=sha-256", new, true),
        (&["-md", "sha1", "-stream"], "micalg=\"sha1\"", old, true),
        (&["-md", "sha256", "-cades"], "micalg=sha-256", new, false),
        (&["-md", "sha256", "-keyid"], "micalg=sha-256", new, false),
    ] {
        let what = format!("{options:?} {micalg} {protocol}");
        let (message, cms) = signed_anew(&bench, &alfa, options, micalg, protocol);
        assert_eq!(cms.starts_with(&[0x30, 0x80]), ber, "{what}: indefinite length");
        let judgement = judged(&message);
        assert!(matches!(judgement, Judgement::Envelope(_)), "{what}: {judgement:?}");
        let mut altered = message.clone();
        let at = altered.windows(9).position(|w| w == b"Il giorno").expect("the readable part");
        altered[at] = b'i';
        assert!(matches!(judged(&altered), Judgement::Ordinary { .. }), "{what}: altered");
    }
}
