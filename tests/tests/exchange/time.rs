//! One transaction, one time (RFC 6109 §4.1; DM 2-11-2005 art. 9): everything that a point says of an event says the same
//! instant.

use std::time::Duration;

use sigillo_base::{Address, Timestamp};
use sigillo_engine::Submitted;
use sigillo_mime::Header;
use sigillo_pec::CertifiedTime;
use sigillo_pec::log::{Entry, Record};
use sigillo_smime::SignedData;
use sigillo_tests::fixtures::{NOW, address};
use sigillo_tests::log::entries;
use sigillo_tests::street::{Letter, Street};

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";

/// Every time that a message of ours says, against the one of its transaction.
fn says(letter: &Letter, at: Timestamp) {
    let kind = &letter.evidence.kind;
    let header = Header::parse(&letter.bytes).expect("a header");
    assert_eq!(header.unfolded("Date"), Some(at.rfc5322()), "{kind}: Date");
    let c = letter.evidence.certification.as_ref().expect("certification data");
    assert_eq!(c.time, CertifiedTime::of(at), "{kind}: daticert.xml");
    let words = format!("Il giorno {} alle ore {} ({}) ", c.time.day, c.time.time, c.time.zone);
    assert!(String::from_utf8_lossy(&letter.bytes).contains(&words), "{kind}: the readable part says {words}");
    let tree = sigillo_mime::parse(&letter.bytes).expect("parts");
    let p7s = tree.children[1].decoded(&letter.bytes, 1 << 20).expect("the signature");
    let signed = SignedData::parse(&p7s).expect("a signature").signing_time().expect("signingTime");
    assert_eq!(signed.as_secs(), at.as_secs(), "{kind}: the signature");
}

/// The rows of the legal log about one message.
fn records(street: &Street, house: usize) -> Vec<Record> {
    let all = entries(street.houses[house].engine(), street.now).expect("the log");
    let event = |e: Entry| if let Entry::Event(record) = e { Some(*record) } else { None };
    all.into_iter().filter_map(event).collect()
}

#[test]
fn every_transaction_says_one_time_everywhere() {
    let mut street = Street::new(1);
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    // Handed in with a fraction of a second, taken charge of and delivered half an hour later.
    let accepted = NOW.plus(Duration::from_millis(789));
    let taken = accepted.plus(Duration::from_millis(1_800_321));
    street.now = accepted;
    assert!(matches!(street.submit(&anna, std::slice::from_ref(&bruno), ""), Ok(Submitted::Accepted(_))));
    street.now = taken;
    street.run();
    let at_anna = street.inbox(&anna);
    let [acceptance, delivery] = at_anna.as_slice() else { panic!("{:?}", street.kinds(&anna)) };
    let envelope = street.inbox(&bruno).remove(0);
    let take_charge = street.inbox(&address("posta-certificata@pec.alfa.example")).remove(0);
    for (letter, at) in [(acceptance, accepted), (&envelope, accepted), (&take_charge, taken), (delivery, taken)] {
        says(letter, at);
    }
    let received = |letter: &Letter, by: &str| {
        let header = Header::parse(&letter.bytes).expect("a header");
        let lines: Vec<String> =
            header.all("Received").map(|f| String::from_utf8_lossy(header.raw(f)).into()).collect();
        lines.into_iter().find(|l| l.contains(by)).expect("its line")
    };
    assert!(received(&envelope, "by mx.pec.alfa.example").ends_with(&accepted.rfc5322()), "Alfa's trace");
    assert!(received(&envelope, "by mx.pec.beta.example").ends_with(&taken.rfc5322()), "Beta's trace");
    assert_eq!((acceptance.at, envelope.at, delivery.at), (accepted, taken, taken), "the mailboxes");
    let (alfa, beta) = (records(&street, 0), records(&street, 1));
    let times = |all: &[Record], class: &str| -> Vec<Timestamp> {
        all.iter().filter(|r| r.kind.class() == class).map(|r| r.at).collect()
    };
    for class in ["Accettazione", "BustaTrasporto"] {
        assert_eq!(times(&alfa, class), [accepted], "Alfa: {class}");
    }
    for class in ["BustaTrasporto", "PresaInCarico", "Consegna"] {
        assert_eq!(times(&beta, class), [taken], "Beta: {class}");
    }
}

/// A notice says when it was issued, in the offset of that day.
#[test]
fn a_notice_of_the_other_season_says_its_own_offset() {
    // 2026-03-28 20:00 +0100: twelve hours later it is summer.
    let evening = Timestamp::from_millis(1_774_724_400_000);
    let mut street = Street::with(2, sigillo_tests::house::Known::fixtures(), evening);
    street.network(|c| match c.kind.as_str() {
        "posta-certificata" => sigillo_tests::street::Fate::Held,
        _ => sigillo_tests::street::Fate::Arrives,
    });
    let to: [Address; 1] = [address(BRUNO)];
    assert!(matches!(street.submit(&address(ANNA), &to, ""), Ok(Submitted::Accepted(_))));
    street.pass(Duration::from_secs(13 * 3600));
    let letters = street.inbox(&address(ANNA));
    let [acceptance, notice] = letters.as_slice() else { panic!("{letters:?}") };
    says(acceptance, evening);
    says(notice, evening.plus(Duration::from_secs(12 * 3600)));
    let zone = |l: &Letter| l.evidence.certification.as_ref().map(|c| c.time.zone.clone());
    assert_eq!((zone(acceptance), zone(notice)), (Some("+0100".into()), Some("+0200".into())));
}
