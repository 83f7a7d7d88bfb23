//! What we made, altered in every way. What others made is in `tests/openssl.rs`.

use super::*;
use crate::fixtures::{T0, address, identity, later, other_key, provider, root};
use crate::{Identity, KeySigner, Signer, attached, detached, sha256, signed_attributes};
use proptest::prelude::*;

const CONTENT: &[u8] = b"Content-Type: text/plain\r\n\r\nAi sensi di legge\r\n";

struct Made {
    attributes: Vec<u8>,
    signature: Vec<u8>,
    p7s: Vec<u8>,
}

fn made() -> Made {
    let attributes = signed_attributes(&sha256(CONTENT), T0, &identity().certificate);
    let signature = provider().signer().unwrap().sign(&attributes).unwrap();
    let p7s = detached(&identity(), &attributes, &signature).unwrap();
    Made { attributes, signature, p7s }
}

fn judge(p7s: &[u8]) -> Result<(), Error> {
    SignedData::parse(p7s)?.verify(CONTENT)
}

fn find(all: &[u8], part: &[u8]) -> usize {
    all.windows(part.len()).position(|w| w == part).unwrap()
}

#[test]
fn read_as_written() {
    let signed = SignedData::parse(&made().p7s).unwrap();
    assert_eq!(signed.verify(CONTENT), Ok(()));
    assert_eq!(signed.signer(), Some(&provider().certificate()));
    assert_eq!(signed.signing_time(), Some(T0));
    assert_eq!(signed.content(), None);
    let made = made();
    let p7m = attached(&identity(), CONTENT, &made.attributes, &made.signature).unwrap();
    let signed = SignedData::parse(&p7m).unwrap();
    assert_eq!(signed.verify(signed.content().unwrap()), Ok(()));
    assert_eq!(signed.content(), Some(CONTENT));
}

#[test]
fn issuers_come_along_once() {
    let chain = vec![root().certificate(), provider().certificate(), root().certificate()];
    let made = made();
    let with = Identity { certificate: provider().certificate(), chain };
    let p7s = detached(&with, &made.attributes, &made.signature).unwrap();
    let signed = SignedData::parse(&p7s).unwrap();
    assert_eq!(signed.certificates().len(), 2);
    assert!(signed.certificates().contains(&root().certificate()));
    assert_eq!(signed.verify(CONTENT), Ok(()));
}

#[test]
fn an_altered_byte_is_seen() {
    let made = made();
    let signed = SignedData::parse(&made.p7s).unwrap();
    for i in 0..CONTENT.len() {
        let mut content = CONTENT.to_vec();
        content[i] ^= 1;
        assert_eq!(signed.verify(&content), Err(Error::Digest), "content byte {i}");
    }
    assert_eq!(signed.verify(&CONTENT[1..]), Err(Error::Digest));
    // The attributes stand under another tag; skip it and the length.
    let parts = [&made.attributes[4..], &made.signature, provider().certificate().der()].map(<[u8]>::to_vec);
    for part in parts {
        let start = find(&made.p7s, &part);
        for i in start..start + part.len() {
            let mut p7s = made.p7s.clone();
            p7s[i] ^= 1;
            assert!(judge(&p7s).is_err(), "byte {i}");
        }
    }
}

#[test]
fn a_wrong_signer() {
    let made = made();
    let stranger = KeySigner::from_pem(other_key().as_bytes()).unwrap().sign(&made.attributes).unwrap();
    assert_eq!(judge(&detached(&identity(), &made.attributes, &stranger).unwrap()), Err(Error::Signature));
    // Another certificate of the same key is not the one that signed (RFC 5035).
    let twin = root().issue_pec_with_key(&provider().key_pem, "Gemello", &address(), T0, later(9)).unwrap();
    let twin = Identity { certificate: twin.certificate(), chain: vec![] };
    let p7s = detached(&twin, &made.attributes, &made.signature).unwrap();
    assert!(matches!(judge(&p7s), Err(Error::Attributes(_))));
    // Another key's certificate.
    let other = root().issue_pec_with_key(other_key(), "Altro", &address(), T0, later(9)).unwrap();
    let other = Identity { certificate: other.certificate(), chain: vec![] };
    let attributes = signed_attributes(&sha256(CONTENT), T0, &other.certificate);
    let signature = provider().signer().unwrap().sign(&attributes).unwrap();
    assert_eq!(judge(&detached(&other, &attributes, &signature).unwrap()), Err(Error::Signature));
}

/// The same signature with its inner structure rewritten.
fn rebuilt(change: impl FnOnce(&mut SignedDataSyntax)) -> Vec<u8> {
    let outer = ContentInfo::from_der(&made().p7s).unwrap();
    let mut signed = SignedDataSyntax::from_der(&outer.content.to_der().unwrap()).unwrap();
    change(&mut signed);
    let content = der::asn1::Any::from_der(&signed.to_der().unwrap()).unwrap();
    ContentInfo { content_type: outer.content_type, content }.to_der().unwrap()
}

#[test]
fn none_or_two_signers_and_no_certificate() {
    assert_eq!(judge(&rebuilt(|_| ())), Ok(()));
    let none = rebuilt(|s| s.signer_infos = der::asn1::Any::new(Tag::Set, []).unwrap());
    assert_eq!(judge(&none), Err(Error::SignerCount(0)));
    let two = rebuilt(|s| {
        let one = s.signer_infos.value().to_vec();
        s.signer_infos = der::asn1::Any::new(Tag::Set, [one.as_slice(), &one].concat()).unwrap();
    });
    assert_eq!(judge(&two), Err(Error::SignerCount(2)));
    assert_eq!(judge(&rebuilt(|s| s.certificates = None)), Err(Error::NoSignerCertificate));
    let another = rebuilt(|s| {
        s.certificates = Some(vec![der::asn1::Any::from_der(root().certificate().der()).unwrap()]);
    });
    assert_eq!(judge(&another), Err(Error::NoSignerCertificate));
}

/// A signature over `attributes`, whatever they are.
fn over(attributes: Vec<Vec<u8>>) -> Result<(), Error> {
    let set = asn1::set_of(attributes);
    let signature = provider().signer().unwrap().sign(&set).unwrap();
    judge(&detached(&identity(), &set, &signature).unwrap())
}

#[test]
fn attributes_must_be_complete_and_single() {
    let set = der::asn1::Any::from_der(&made().attributes).unwrap();
    let good: Vec<Vec<u8>> = asn1::elements(set.value()).unwrap().iter().map(|a| a.to_der().unwrap()).collect();
    assert_eq!(over(good.clone()), Ok(()));
    let holds = |a: &[u8], id: ObjectIdentifier| a.windows(id.as_bytes().len()).any(|w| w == id.as_bytes());
    let without = |id| good.iter().filter(|a| !holds(a, id)).cloned().collect::<Vec<_>>();
    use const_oid::db::rfc6268::{ID_CONTENT_TYPE, ID_MESSAGE_DIGEST, ID_SIGNING_TIME};
    assert!(matches!(over(without(ID_CONTENT_TYPE)), Err(Error::Attributes(_))));
    assert!(matches!(over(without(ID_MESSAGE_DIGEST)), Err(Error::Attributes(_))));
    assert_eq!(over(without(ID_SIGNING_TIME)), Ok(()), "not every sender tells the time");
    assert_eq!(over(without(crate::compose::SIGNING_CERTIFICATE_V2)), Ok(()), "most providers do not send it");
    let digest = good.iter().find(|a| holds(a, ID_MESSAGE_DIGEST)).unwrap().clone();
    assert!(matches!(over([good.clone(), vec![digest]].concat()), Err(Error::Attributes(_))));
}

#[test]
fn what_is_no_signed_data() {
    assert!(matches!(SignedData::parse(b""), Err(Error::Malformed(_))));
    assert!(matches!(SignedData::parse(provider().certificate().der()), Err(Error::Malformed(_))));
    let p7s = made().p7s;
    assert!(matches!(SignedData::parse(&p7s[..p7s.len() - 1]), Err(Error::Malformed(_))));
    assert!(matches!(detached(&identity(), b"0\0", b"x"), Err(Error::Compose(_))), "attributes are a SET");
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(SignedData::parse(&bytes).is_err());
    }

    #[test]
    fn altered_signatures_never_panic(cuts in proptest::collection::vec((0usize..1600, any::<u8>()), 1..6)) {
        let mut p7s = SAMPLE.clone();
        for (at, to) in cuts {
            if let Some(b) = p7s.get_mut(at) { *b = to; }
        }
        if let Ok(signed) = SignedData::parse(&p7s) {
            drop((signed.signing_time(), format!("{signed:?}")));
            if signed.verify(CONTENT).is_ok() {
                prop_assert_eq!(signed.signer(), Some(&provider().certificate()));
                prop_assert_eq!(signed.signing_time(), Some(T0));
            }
        }
    }
}

static SAMPLE: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| made().p7s);
