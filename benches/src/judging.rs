//! Envelopes judged: structure, signature, path and revocation, certification data.

use std::path::Path;

use openssl::pkcs7::{Pkcs7, Pkcs7Flags};
use openssl::stack::Stack;
use openssl::x509::X509;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyParam;
use sigillo_pec::incoming::{Judgement, judge};
use sigillo_tests::fixtures::{self, NOW};

use crate::Arguments;
use crate::compose::{COLUMNS, row};
use crate::material::{Certified, SIZES, forgetful};
use crate::measure::{Pair, Plain, Prepared, pair};
use crate::table::Table;

/// With the path's verdict remembered, and for the first time.
pub fn run(arguments: &Arguments, _: &Path) -> Option<Table> {
    let note = "CPU time of one thread. Ours begins with the message and reads structure, signature, path, revocation \
                lists and certification data. Baseline: openssl's Pkcs7::verify with the path but without revocation \
                lists, given the signature and the signed bytes cut out already. Ratio: baseline over ours, more is \
                better.";
    let mut table = Table::new("Envelopes judged", &COLUMNS, note);
    for size in SIZES {
        let wanted = |kind: &str| arguments.wants(&format!("judge/{kind}/{}", size.name));
        for (kind, what) in [("cached", "path verdict remembered"), ("first", "path judged anew")] {
            if wanted(kind) {
                let pair = one(arguments, &Certified::new(size), kind == "cached");
                row(&mut table, what, size.name, &pair);
            }
        }
    }
    table.filled()
}

fn one(arguments: &Arguments, certified: &Certified, remembered: bool) -> Pair {
    let (index, trust) = (fixtures::index(), fixtures::trust());
    let (from, to) = (Some(&certified.facts.sender), [certified.rcpt.clone()]);
    let judged = |trust: &sigillo_smime::Trust| {
        let judgement = judge(&certified.envelope, from, &to, &index, trust, NOW);
        assert!(matches!(judgement, Judgement::Envelope(_)), "{judgement:?}");
        judgement
    };
    let store = store();
    let (signature, content) = (certified.signature(), certified.signed_entity());
    let baseline = Plain(|| by_openssl(&signature, &content, &store));
    judged(&trust);
    if remembered {
        pair(arguments, Plain(|| judged(&trust)), baseline)
    } else {
        let ours = Prepared(
            || forgetful(&trust),
            |trust| {
                let judgement = judged(&trust);
                (judgement, trust)
            },
        );
        pair(arguments, ours, baseline)
    }
}

fn store() -> X509Store {
    let mut store = X509StoreBuilder::new().expect("a store");
    store.add_cert(X509::from_pem(fixtures::ca_pem().as_bytes()).expect("the anchor")).expect("room");
    let mut param = X509VerifyParam::new().expect("parameters");
    param.set_time(NOW.as_secs());
    store.set_param(&param).expect("parameters");
    store.build()
}

fn by_openssl(signature: &[u8], content: &[u8], store: &X509Store) -> Vec<u8> {
    let signed = Pkcs7::from_der(signature).expect("a signature structure");
    let mut out = Vec::new();
    let none = Stack::new().expect("a stack");
    signed
        .verify(&none, store, Some(content), Some(&mut out), Pkcs7Flags::BINARY)
        .expect("openssl is content with our envelope");
    out
}
