//! Signatures: the bare operation by key length, on all cores, and a whole signed envelope.

use std::path::Path;
use std::time::Duration;

use openssl::hash::MessageDigest;
use openssl::pkcs7::{Pkcs7, Pkcs7Flags};
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::stack::Stack;
use openssl::x509::X509;
use sigillo_smime::{KeySigner, Signer};

use crate::Arguments;
use crate::compose::{COLUMNS, row};
use crate::machine::cores;
use crate::material::{ALFA_KEY, Certified, SIZES};
use crate::measure::{Figures, Pair, Plain, Prepared, pair, together};
use crate::table::Table;

/// The baseline: the same signature by openssl, its key decoded once too.
pub struct Openssl(PKey<Private>);

impl Openssl {
    /// Takes a key in PEM.
    pub fn new(pem: &str) -> Self {
        Self(PKey::private_key_from_pem(pem.as_bytes()).expect("a key"))
    }

    /// RSA PKCS#1 v1.5 with SHA-256.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let mut signer = openssl::sign::Signer::new(MessageDigest::sha256(), &self.0).expect("a signer");
        signer.sign_oneshot_to_vec(bytes).expect("a signature")
    }
}

const WINDOW: Duration = Duration::from_millis(400);
const RUNS_TOGETHER: usize = 5;

/// All of it.
pub fn run(arguments: &Arguments, _: &Path) -> Option<Table> {
    let note = "CPU time of one thread; of all cores together: wall time divided by signatures. Baseline: openssl, \
                the same bytes and key; of an envelope: its Pkcs7::sign and to_smime. Ratio: baseline over ours, more \
                is better.";
    let mut table = Table::new("Signatures", &COLUMNS, note);
    for bits in [2048, 3072, 4096] {
        let one = arguments.wants(&format!("sign/rsa{bits}"));
        let all = bits == 2048 && arguments.wants("sign/all-cores");
        if one || all {
            let pem = Rsa::generate(bits).expect("a key").private_key_to_pem().expect("its PEM");
            let pem = String::from_utf8(pem).expect("PEM is text");
            let (ours, baseline) = (KeySigner::from_pem(pem.as_bytes()).expect("a key"), Openssl::new(&pem));
            let bytes = [7; 180];
            assert_eq!(ours.sign(&bytes).expect("a signature"), baseline.sign(&bytes), "one signature, by both");
            if one {
                let pair = pair(arguments, Plain(|| ours.sign(&bytes)), Plain(|| baseline.sign(&bytes)));
                row(&mut table, &format!("RSA-{bits}, one thread"), "–", &pair);
            }
            if all {
                let pair = on_all_cores(arguments, &ours, &baseline);
                row(&mut table, &format!("RSA-{bits}, {} threads", cores()), "–", &pair);
            }
        }
    }
    for size in SIZES {
        if arguments.wants(&format!("sign/envelope/{}", size.name)) {
            row(&mut table, "envelope signed, written out", size.name, &whole(arguments, &Certified::new(size)));
        }
    }
    table.filled()
}

fn on_all_cores(arguments: &Arguments, ours: &KeySigner, baseline: &Openssl) -> Pair {
    let bytes = [7; 180];
    let mut pair = Pair { ours: Figures::default(), baseline: Figures::default() };
    for _ in 0..arguments.runs(RUNS_TOGETHER) {
        let ours = together(cores(), WINDOW, |_| || drop(ours.sign(&bytes).expect("a signature")));
        let theirs = together(cores(), WINDOW, |_| || drop(baseline.sign(&bytes)));
        pair.ours.push(1e6 / ours.per_second);
        pair.baseline.push(1e6 / theirs.per_second);
    }
    pair
}

/// From the draft to the bytes of the message.
fn whole(arguments: &Arguments, certified: &Certified) -> Pair {
    let ours = Prepared(
        || certified.transport_envelope(),
        |draft| certified.sign_envelope(draft).content.to_bytes(&certified.original),
    );
    let entity = certified.signed_entity();
    let key = PKey::private_key_from_pem(ALFA_KEY.as_bytes()).expect("a key");
    let der = |c: &sigillo_smime::Certificate| X509::from_der(c.der()).expect("a certificate");
    let certificate = der(&certified.alfa.identity.certificate);
    let mut chain = Stack::new().expect("a stack");
    for issuer in &certified.alfa.identity.chain {
        chain.push(der(issuer)).expect("room");
    }
    let flags = Pkcs7Flags::DETACHED | Pkcs7Flags::BINARY;
    let baseline = Plain(|| {
        let signed = Pkcs7::sign(&certificate, &key, &chain, &entity, flags).expect("a signature");
        signed.to_smime(&entity, flags).expect("a message")
    });
    pair(arguments, ours, baseline)
}
