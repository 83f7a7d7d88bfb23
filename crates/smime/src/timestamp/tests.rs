//! Tokens put together here, right and wrong in every part. What `openssl ts` makes is in `tests/openssl/stamps.rs`.

use const_oid::db::rfc6268::{ID_CONTENT_TYPE, ID_MESSAGE_DIGEST};
use der::asn1::Any;
use der::{Decode, Encode};
use proptest::prelude::*;
use std::sync::LazyLock;

use super::*;
use crate::asn1::{GENERALIZED_TIME, OCTET_STRING, SEQUENCE, SignedDataSyntax, integer, oid, set_of, tlv};
use crate::authority::{Authority, Issued, Revoked};
use crate::compose::SIGNING_CERTIFICATE_V2;
use crate::fixtures::{before, clean, later, other_key, provider, root, tsa};
use crate::{Crl, Identity, PathError, Signer, attached, sha1, sha256};

const DATA: &[u8] = b"2026-03-13: il registro di un giorno";
const NONCE: u64 = 0xfedc_ba98_7654_3210;
const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.76.16.6");
/// A day after T0, with a fraction.
const WHEN: &str = "20260313091501.25Z";

fn digest() -> [u8; 32] {
    sha256(DATA)
}

/// The SEQUENCE of these parts.
fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, parts)
}

fn imprint() -> Vec<u8> {
    let algorithm = seq(&[&oid(&const_oid::db::rfc5912::ID_SHA_256), &[5, 0]]);
    seq(&[&algorithm, &tlv(OCTET_STRING, &[&digest()])])
}

/// A TSTInfo with this genTime and these parts after it.
fn info(time: &str, more: &[&[u8]]) -> Vec<u8> {
    let time = tlv(GENERALIZED_TIME, &[time.as_bytes()]);
    let head = [integer(&[1]), oid(&POLICY), imprint(), integer(&[0xab, 0x01]), time];
    seq(&[&head.concat(), &more.concat()])
}

fn attribute(id: &ObjectIdentifier, value: Vec<u8>) -> Vec<u8> {
    seq(&[&oid(id), &set_of(vec![value])])
}

/// signingCertificate (version 1) or signingCertificateV2 of this hash.
fn names(version: u8, hash: &[u8]) -> Vec<u8> {
    let v1 = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.12");
    let id = if version == 1 { v1 } else { SIGNING_CERTIFICATE_V2 };
    attribute(&id, seq(&[&seq(&[&seq(&[&tlv(OCTET_STRING, &[hash])])])]))
}

/// `info` signed under `signer`, with the attributes that must be there and one more.
fn signed(info: &[u8], kind: &ObjectIdentifier, signer: &Issued, more: Vec<u8>) -> Vec<u8> {
    let digest = attribute(&ID_MESSAGE_DIGEST, tlv(OCTET_STRING, &[&sha256(info)]));
    let attributes = set_of(vec![attribute(&ID_CONTENT_TYPE, oid(kind)), digest, more]);
    let signature = signer.signer().unwrap().sign(&attributes).unwrap();
    let identity = Identity { certificate: signer.certificate(), chain: vec![] };
    let data = attached(&identity, info, &attributes, &signature).unwrap();
    let mut outer = cms::content_info::ContentInfo::from_der(&data).unwrap();
    let mut inner = SignedDataSyntax::from_der(&outer.content.to_der().unwrap()).unwrap();
    inner.encap_content_info.econtent_type = *kind;
    outer.content = Any::from_der(&inner.to_der().unwrap()).unwrap();
    outer.to_der().unwrap()
}

/// `info` as a token of `signer`.
fn token(info: &[u8], signer: &Issued) -> Vec<u8> {
    signed(info, &TST_INFO, signer, names(2, &signer.certificate().sha256()))
}

/// A good token with everything in it.
fn sample() -> &'static [u8] {
    static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        // seconds 1, millis [0] 500, micros [1] 20
        let accuracy = seq(&[&integer(&[1]), &[0x80, 2, 0x01, 0xf4], &[0x81, 1, 20]]);
        let nonce = integer(&NONCE.to_be_bytes());
        token(&info(WHEN, &[&accuracy, &[1, 1, 0xff], &nonce]), tsa())
    });
    &SAMPLE
}

fn trust() -> Trust {
    Trust::new(vec![root().certificate()], vec![])
}

fn judge(token: &[u8]) -> Result<Certificate, Error> {
    Token::parse(token)?.verify(&digest(), &trust())
}

/// A TimeStampResp.
fn answer(status: u8, more: &[&[u8]], token: &[u8]) -> Vec<u8> {
    seq(&[&seq(&[&[2, 1, status], &more.concat()[..]]), token])
}

#[test]
fn read_as_written() {
    let token = Token::parse(sample()).unwrap();
    assert_eq!(token.time(), later(1).plus(Duration::from_millis(250)));
    assert_eq!(token.accuracy(), Some(Duration::from_micros(1_500_020)));
    assert_eq!((token.serial_hex().as_str(), token.policy().as_str()), ("AB01", "1.3.76.16.6"));
    assert_eq!((token.digest(), token.der()), (&digest(), sample()));
    assert_eq!(token.verify(&digest(), &trust()), Ok(tsa().certificate()));
    let bare = Token::parse(&self::token(&info(WHEN, &[]), tsa())).unwrap();
    assert_eq!(bare.accuracy(), None);
    assert_eq!(bare.verify(&digest(), &trust()), Ok(tsa().certificate()));
}

#[test]
fn a_time_with_or_without_a_fraction_is_read_and_no_other() {
    let time = |text: &str| Token::parse(&token(&info(text, &[]), tsa())).map(|t| t.time().as_millis()).ok();
    let noon = 1_773_403_200_000;
    for (fraction, millis) in [("", 0), (".5", 500), (".05", 50), (".123456789", 123), (".9999", 999), (".10", 100)] {
        assert_eq!(time(&format!("20260313120000{fraction}Z")), Some(noon + millis), "{fraction}");
    }
    for wrong in [
        "20260313120000",
        "20260313120000+0100",
        "20260313120000.Z",
        "20260313120000,5Z",
        "20260313120000.5.5Z",
        "20260313120000.-5Z",
        "202603131200Z",
        "20260332120000Z",
        "19691231235959Z",
        "Z",
        "",
    ] {
        assert_eq!(time(wrong), None, "{wrong}");
    }
}

#[test]
fn an_answer_to_another_request_is_refused() {
    let granted = answer(0, &[], sample());
    assert_eq!(response(&granted, &digest(), NONCE).unwrap().der(), sample());
    assert!(response(&answer(1, &[], sample()), &digest(), NONCE).is_ok(), "granted with modifications");
    assert_eq!(response(&granted, &sha256(b"altro"), NONCE).unwrap_err(), Error::Imprint);
    assert_eq!(response(&granted, &digest(), NONCE ^ 1).unwrap_err(), Error::Nonce);
    let without = token(&info(WHEN, &[]), tsa());
    assert_eq!(response(&answer(0, &[], &without), &digest(), NONCE).unwrap_err(), Error::Nonce);
    // -1 has the octets of 255.
    let negative = token(&info(WHEN, &[&[2, 1, 0xff]]), tsa());
    assert_eq!(response(&answer(0, &[], &negative), &digest(), 255).unwrap_err(), Error::Nonce);
}

#[test]
fn a_refusal_tells_status_reason_and_words() {
    let texts = ["impronta\r\nnon ammessa", "riprovare"].map(|t| tlv(0x0c, &[t.as_bytes()])).concat();
    let refused = answer(2, &[&seq(&[&texts]), &[3, 2, 7, 0x80]], &[]);
    let Err(Error::Refused(refusal)) = response(&refused, &digest(), NONCE) else { panic!("granted") };
    assert_eq!((refusal.status, refusal.failure), (2, 1));
    assert_eq!(refusal.text, "impronta  non ammessa; riprovare");
    let shown = Error::Refused(refusal).to_string();
    assert!(shown.ends_with(
        "richiesta respinta (status 2), algoritmo non riconosciuto o non ammesso (badAlg): «impronta  non ammessa; riprovare»"
    ), "{shown}");
    // timeNotAvailable and systemFailure, bits 14 and 25, and no words.
    let busy = answer(3, &[&[3, 5, 6, 0, 2, 0, 0x40]], &[]);
    let Err(Error::Refused(refusal)) = response(&busy, &digest(), NONCE) else { panic!("granted") };
    assert_eq!(refusal.failure, 1 << 14 | 1 << 25);
    let shown = refusal.to_string();
    assert!(shown.contains("in attesa (status 3)") && shown.ends_with("guasto del sistema (systemFailure)"), "{shown}");
    let long = answer(9, &[&seq(&[&tlv(0x0c, &[&[b'x'; 900]])])], sample());
    let Err(Error::Refused(refusal)) = response(&long, &digest(), NONCE) else { panic!("status 9 grants nothing") };
    assert_eq!(refusal.text.len(), 300);
}

#[test]
fn what_is_no_answer_and_no_token() {
    let unreadable = |bytes: &[u8]| matches!(response(bytes, &digest(), NONCE), Err(Error::TimeStamp(_)));
    assert!(unreadable(b"") && unreadable(b"<html>503</html>") && unreadable(&seq(&[])));
    assert!(unreadable(&[answer(0, &[], sample()), vec![0]].concat()), "trailing byte");
    assert!(unreadable(&vec![0x30; MAX_BYTES + 1]));
    assert!(matches!(response(&answer(0, &[], &[]), &digest(), NONCE), Err(Error::Malformed(_))), "no token");
    let more = [sample(), b"altro"].concat();
    let first = response(&answer(0, &[], &more), &digest(), NONCE).unwrap();
    assert_eq!(first.der(), sample(), "openssl's reader passes over what follows: it is not kept");
    let wrong = |bytes: &[u8]| matches!(Token::parse(bytes), Err(Error::TimeStamp(_)));
    let esses = || names(2, &tsa().certificate().sha256());
    assert!(wrong(&signed(&info(WHEN, &[]), &const_oid::db::rfc6268::ID_DATA, tsa(), esses())), "of plain data");
    assert!(wrong(&token(b"testo", tsa())) && wrong(&token(&[info(WHEN, &[]), vec![5, 0]].concat(), tsa())));
    assert!(wrong(&vec![0x30; MAX_BYTES + 1]));
    // extensions [1]: one that nobody knows, critical; then the same not critical.
    let extension = |flag: &[u8]| tlv(0xa1, &[&seq(&[&oid(&POLICY), flag, &tlv(OCTET_STRING, &[&[5, 0]])])]);
    assert!(wrong(&token(&info(WHEN, &[&extension(&[1, 1, 0xff])]), tsa())));
    assert_eq!(judge(&token(&info(WHEN, &[&extension(&[])]), tsa())), Ok(tsa().certificate()));
    // Millis go from 1 to 999.
    assert!(wrong(&token(&info(WHEN, &[&seq(&[&[0x80, 2, 3, 0xe8]])]), tsa())));
    assert!(wrong(&token(&info(WHEN, &[&seq(&[&[0x80, 1, 0]])]), tsa())));
}

#[test]
fn a_token_of_other_data_is_refused() {
    let token = Token::parse(sample()).unwrap();
    for i in 0..32 {
        let mut other = digest();
        other[i] ^= 1;
        assert_eq!(token.verify(&other, &trust()), Err(Error::Imprint));
    }
}

#[test]
fn an_altered_byte_of_a_token_is_seen() {
    let find = |part: &[u8]| sample().windows(part.len()).position(|w| w == part).unwrap();
    let info = Token::parse(sample()).unwrap().signed.content().unwrap().to_vec();
    let parts = [&info[..], tsa().certificate().der(), &sample()[sample().len() - 256..]].map(|p| (find(p), p.len()));
    for at in parts.into_iter().flat_map(|(start, len)| start..start + len) {
        let mut altered = sample().to_vec();
        altered[at] ^= 1;
        assert!(judge(&altered).is_err(), "byte {at}");
    }
}

#[test]
fn the_signing_certificate_is_named() {
    let (info, certificate) = (info(WHEN, &[]), tsa().certificate());
    let with = |more| judge(&signed(&info, &TST_INFO, tsa(), more));
    assert_eq!(with(names(2, &certificate.sha256())), Ok(certificate.clone()));
    assert_eq!(with(names(1, &sha1(certificate.der()))), Ok(certificate.clone()), "RFC 3161's own attribute");
    assert!(matches!(with(names(2, &root().certificate().sha256())), Err(Error::Attributes(_))));
    assert!(matches!(with(names(1, &sha1(b""))), Err(Error::Attributes(_))));
    let time = attribute(&const_oid::db::rfc6268::ID_SIGNING_TIME, asn1::time(later(1)));
    assert_eq!(with(time), Err(Error::Attributes("manca signingCertificate")));
}

fn untrusted(result: Result<Certificate, Error>, why: &str) {
    match result {
        Err(Error::Path(PathError::Untrusted(text))) => assert!(text.contains(why), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_an_authority_for_time_stamps_is_believed() {
    untrusted(judge(&token(&info(WHEN, &[]), provider())), "extendedKeyUsage");
    let name = root().certificate().common_name().unwrap();
    let stranger = Authority::with_key(&name, other_key(), before(1000), later(1000)).unwrap();
    let theirs = stranger.issue_tsa("Marche di prova", before(9), later(9)).unwrap();
    assert!(matches!(judge(&token(&info(WHEN, &[]), &theirs)), Err(Error::Path(PathError::Untrusted(_)))));
    let nobody = Trust::new(vec![], vec![]);
    let verdict = Token::parse(sample()).unwrap().verify(&digest(), &nobody);
    untrusted(verdict, "non riconosciuta");
}

#[test]
fn the_certificate_is_judged_at_the_time_of_the_stamp() {
    let at = |time: &str| judge(&token(&info(time, &[]), tsa()));
    assert_eq!(at("20260312091501Z"), Ok(tsa().certificate()), "the first instant");
    assert_eq!(at("20260312091500.999Z"), Err(Error::Path(PathError::NotYetValid)));
    assert_eq!(at("20270106091500Z"), Ok(tsa().certificate()), "the last one");
    assert_eq!(at("20270106091501Z"), Err(Error::Path(PathError::Expired)));
}

#[test]
fn whatever_list_there_is_the_date_of_the_revocation_decides() {
    let serial_hex = tsa().certificate().serial_hex();
    let list = |from: u32, until: u32, revoked: &[Revoked]| {
        Crl::from_der(&root().crl(revoked, later(from), later(until), 2).unwrap()).unwrap()
    };
    let gone = [Revoked { serial_hex: serial_hex.clone(), at: later(0) }];
    let gone_since = [Revoked { serial_hex, at: later(2) }];
    let with = |lists: Vec<Crl>| {
        let trust = Trust::new(vec![root().certificate()], lists);
        Token::parse(sample()).unwrap().verify(&digest(), &trust).map(|_| ())
    };
    assert_eq!(with(vec![]), Ok(()), "none is at hand");
    assert_eq!(with(vec![clean(root())]), Ok(()));
    assert_eq!(with(vec![list(0, 5, &gone)]), Err(Error::Path(PathError::Revoked)));
    assert_eq!(with(vec![list(3, 5, &gone)]), Err(Error::Path(PathError::Revoked)), "a later list says it as well");
    assert_eq!(
        with(vec![clean(root()), list(3, 5, &gone)]),
        Err(Error::Path(PathError::Revoked)),
        "whatever others say"
    );
    assert_eq!(with(vec![list(3, 5, &gone_since)]), Ok(()), "revoked after the stamp");
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Token::parse(&bytes).is_err());
        prop_assert!(response(&bytes, &digest(), NONCE).is_err());
        prop_assert!(Info::read(&bytes).is_err());
    }

    #[test]
    fn altered_tokens_never_panic_nor_say_another_time(
        cuts in proptest::collection::vec((0usize..2200, any::<u8>()), 1..5),
        status in any::<[u8; 4]>(),
    ) {
        drop(response(&answer(0, &[&status], sample()), &digest(), NONCE));
        let mut bytes = answer(0, &[], sample());
        for (at, to) in cuts {
            if let Some(b) = bytes.get_mut(at) { *b = to; }
        }
        if let Ok(token) = response(&bytes, &digest(), NONCE) {
            drop(format!("{token:?} {:?} {}", token.accuracy(), token.policy()));
            if token.verify(&digest(), &trust()).is_ok() {
                prop_assert_eq!(token.time(), later(1).plus(Duration::from_millis(250)));
            }
        }
    }
}

#[test]
fn an_answer_around_a_token_gives_it_back() {
    let kept = super::answer(sample());
    assert_eq!(kept, answer(0, &[], sample()));
    assert_eq!(answered(&kept).unwrap().der(), sample());
    assert!(matches!(answered(&answer(2, &[], &[])), Err(Error::Refused(_))));
    assert!(answered(sample()).is_err(), "a token alone is no answer");
}
