//! What reads signatures and time-stamps.

use std::sync::OnceLock;

use sigillo_smime::timestamp::{self, Token};
use sigillo_smime::{Certificate, Error, SignedData, Trust, sha256};

/// What the seeds of `signed_data` and `timestamp` sign and stamp.
pub const SIGNED: &[u8] = b"Content-Type: text/plain\r\n\r\nBuongiorno.\r\n";

/// What reads as a signature reads from its DER as the same, and is of one content only.
pub fn signed_data(data: &[u8]) {
    let Ok(signed) = SignedData::parse(data) else { return };
    let again = SignedData::parse(signed.der()).expect("what was read is there in DER");
    assert_eq!(again.der(), signed.der());
    assert_eq!(again.content(), signed.content());
    assert_eq!(again.certificates(), signed.certificates());
    assert_eq!((again.signer(), again.signing_time()), (signed.signer(), signed.signing_time()));
    let content = signed.content().unwrap_or(SIGNED);
    let verdict = signed.verify(content);
    assert_eq!(again.verify(content), verdict);
    if verdict.is_ok() {
        assert!(signed.verify(&[content, b"."].concat()).is_err(), "a signature of two contents");
    }
}

/// The nonce of the request that the seeds of `timestamp` answer.
pub const NONCE: u64 = 0x5161_1105_e1f1_2026;

/// A time-stamp reads from its DER as the same; an answer is of the data that was asked for; a token that is believed
/// was made while its certificate was valid.
pub fn timestamp(data: &[u8]) {
    let answered = timestamp::response(data, &sha256(SIGNED), NONCE);
    assert!(answered.as_ref().map_or(true, |token| *token.digest() == sha256(SIGNED)));
    for token in [answered, Token::parse(data)].into_iter().flatten() {
        let says =
            |t: &Token| (t.der().to_vec(), t.time(), t.accuracy(), t.serial_hex(), t.policy(), t.digest().to_owned());
        let again = Token::parse(token.der()).expect("what was read is there in DER");
        assert_eq!(says(&again), says(&token));
        if let Ok(signer) = believed(&token) {
            assert_eq!(*token.digest(), sha256(SIGNED));
            assert!(signer.not_before() <= token.time() && token.time() < signer.not_after());
        }
    }
}

/// Whether a token is a time-stamp of [`SIGNED`] under the authority of the seeds.
pub fn believed(token: &Token) -> Result<Certificate, Error> {
    static TRUST: OnceLock<Trust> = OnceLock::new();
    let trust = TRUST.get_or_init(|| {
        let anchors =
            Certificate::from_pem(include_bytes!("../../fixtures/tsa-ca.pem")).expect("their authority reads");
        Trust::new(anchors, Vec::new())
    });
    token.verify(&sha256(SIGNED), trust)
}
