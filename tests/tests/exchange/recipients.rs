//! Who a message is for: classes of recipients, domains of one provider, transactions, and to whom evidence goes.

use sigillo_base::Address;
use sigillo_engine::{Dispatch, Received, Rejected, Submitted};
use sigillo_mime::Header;
use sigillo_pec::RecipientClass;
use sigillo_store::tag;
use sigillo_tests::fixtures::address;
use sigillo_tests::house::{House, arrived};
use sigillo_tests::street::{Street, message};

use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const CARLA: &str = "carla@ente-beta.example";
const DORA: &str = "dora@posta.example";
const ALFA: &str = "posta-certificata@pec.alfa.example";

/// What waits at a house to be handed over, given back at once.
fn waiting(house: &House, street: &Street) -> Vec<Dispatch> {
    let dispatches = house.engine().due(street.now, 8).expect("the queue");
    dispatches.iter().for_each(|d| house.engine().defer(d, "the test carries it", street.now).expect("given back"));
    dispatches
}

/// The spelling of a domain does not decide whether it is certified, and what SMTP said is what is certified.
#[test]
fn a_recipient_is_classed_by_the_index_whatever_its_spelling() {
    let mut street = Street::new(1);
    let shouted = address("Bruno@ENTE-Beta.EXAMPLE");
    let below = address("bruno@uffici.ente-beta.example");
    let bytes = message(&address(ANNA), &[address(BRUNO), below.clone()], "").into_bytes();
    let answer = street.submit_bytes(&address(ANNA), &[shouted.clone(), below.clone()], bytes);
    assert!(matches!(answer, Ok(Submitted::Accepted(_))), "{answer:?}");
    street.run();
    let facts = street.inbox(&address(ANNA)).remove(0).evidence.certification.expect("certification data").facts;
    let classes: Vec<_> = facts.recipients.iter().map(|r| (r.address.as_str(), r.class)).collect();
    let external = RecipientClass::External;
    assert_eq!(
        classes,
        [(shouted.as_str(), RecipientClass::Certified), (below.as_str(), external)],
        "a domain below a certified one is another domain"
    );
    assert_eq!(street.kinds(&address(BRUNO)), ["posta-certificata"]);
}

/// One message to certified and ordinary mail: one envelope for all, receipts and deadlines for the certified only.
#[test]
fn certified_and_ordinary_recipients_get_the_same_envelope() {
    let mut street = Street::new(2);
    let (anna, to) = (address(ANNA), [address(BRUNO), address(DORA)]);
    assert!(matches!(street.submit(&anna, &to, ""), Ok(Submitted::Accepted(_))));
    let alfa = street.house(&anna);
    let dispatches = waiting(alfa, &street);
    let read = |d: &Dispatch| alfa.engine().read_all(&d.message).expect("the envelope");
    let [one, other] = dispatches.as_slice() else { panic!("one for each domain: {dispatches:?}") };
    assert_eq!(read(one), read(other), "to the byte");
    assert!([one, other].iter().all(|d| d.from.as_ref() == Some(&anna)), "MAIL FROM is the sender, unaltered");
    let told = |d: &Dispatch| (d.to.to_string(), d.rcpts.clone(), d.require_tls);
    let mut told = [told(one), told(other)];
    told.sort();
    let [bruno, dora] = to.clone();
    assert_eq!(told, [("ente-beta.example".into(), vec![bruno], true), ("posta.example".into(), vec![dora], false)]);
    let acceptance = &street.inbox(&anna)[0];
    let text = String::from_utf8_lossy(&acceptance.bytes);
    assert!(text.contains(&format!("{BRUNO} (\"posta certificata\")\r\n{DORA} (\"posta ordinaria\")\r\n")), "{text}");
    street.pass(std::time::Duration::from_secs(48 * 3600));
    assert_eq!(street.kinds(&anna), ["accettazione", "avvenuta-consegna"], "nothing is certified about ordinary mail");
    assert_eq!(street.kinds(&address(ALFA)), ["presa-in-carico"]);
    assert!(street.houses.iter().all(|h| rows::at_rest(&h.store)));
}

#[test]
fn two_domains_of_one_provider_are_not_one_domain() {
    let mut street = Street::new(3);
    let (anna, mario) = (address(ANNA), address("mario@studio.example"));
    street.houses[0].add(&mario, sigillo_accounts::Profile::Standard, street.now);
    street.network(|carried| panic!("nothing leaves the house: {carried:?}"));
    assert!(matches!(street.submit(&anna, std::slice::from_ref(&mario), ""), Ok(Submitted::Accepted(_))));
    assert!(matches!(street.submit(&mario, std::slice::from_ref(&anna), ""), Ok(Submitted::Accepted(_))));
    street.pass(std::time::Duration::from_secs(48 * 3600));
    let mut kinds = street.kinds(&anna);
    kinds.sort();
    assert_eq!(kinds, ["accettazione", "avvenuta-consegna", "posta-certificata"]);
    assert_eq!(street.kinds(&mario).len(), 3, "the same for him, and no overdue notice for either");
    assert_eq!(street.kinds(&address(ALFA)), ["presa-in-carico", "presa-in-carico"]);
}

/// A provider that hands the same envelope over recipient by recipient hears of each, and nobody gets it twice.
#[test]
fn recipients_in_two_transactions_are_taken_charge_of_apart() {
    let mut street = Street::new(4);
    let (anna, to) = (address(ANNA), [address(BRUNO), address(CARLA)]);
    assert!(matches!(street.submit(&anna, &to, ""), Ok(Submitted::Accepted(_))));
    let alfa = street.house(&anna);
    let dispatch = waiting(alfa, &street).remove(0);
    let bytes = alfa.engine().read_all(&dispatch.message).expect("the envelope");
    for rcpt in &to {
        let mail = arrived(Some(&anna), std::slice::from_ref(rcpt), bytes.clone(), "mx", false);
        let answer = street.house(rcpt).engine().receive(&mail, street.now);
        assert!(matches!(answer, Ok(Received::TakenCharge(_))), "{answer:?}");
    }
    // Alfa itself still has the item, and hands it over to both once more.
    street.pass(std::time::Duration::from_secs(3600));
    let mut taken: Vec<Vec<Address>> = street
        .inbox(&address(ALFA))
        .into_iter()
        .map(|l| l.evidence.certification.expect("certification data"))
        .inspect(|c| assert_eq!(c.facts.recipients.len(), 2, "each lists every recipient of the message"))
        .map(|c| c.taken)
        .collect();
    taken.sort_by_key(|rcpts| rcpts[0].key());
    assert_eq!(taken, [vec![to[0].clone()], vec![to[1].clone()]]);
    assert_eq!(street.kinds(&anna), ["accettazione", "avvenuta-consegna", "avvenuta-consegna"]);
    assert!(to.iter().all(|rcpt| street.kinds(rcpt) == ["posta-certificata"]));
    assert!(street.houses.iter().all(|h| rows::at_rest(&h.store)));
}

/// Evidence goes to the reverse path, whatever Reply-To says; who answers the envelope answers Reply-To.
#[test]
fn evidence_goes_to_the_sender_and_never_to_reply_to() {
    let mut street = Street::new(5);
    let (anna, other) = (address(ANNA), address("bruno@comune-alfa.example"));
    let to = [address(BRUNO), address("nessuno@ente-beta.example")];
    let answer = street.submit(&anna, &to, &format!("Reply-To: <{other}>\r\n"));
    assert!(matches!(answer, Ok(Submitted::Accepted(_))), "{answer:?}");
    street.run();
    let letters = street.inbox(&anna);
    assert_eq!(letters.len(), 3, "{:?}", street.kinds(&anna));
    for letter in &letters {
        let header = Header::parse(&letter.bytes).expect("a header");
        assert_eq!(header.unfolded("To").as_deref(), Some(ANNA), "{}", letter.evidence.kind);
        assert_eq!(header.unfolded("Reply-To"), None);
        let c = letter.evidence.certification.as_ref().expect("certification data");
        assert_eq!((c.facts.sender.as_str(), c.facts.reply_to.as_str()), (ANNA, other.as_str()));
    }
    assert!(street.inbox(&other).is_empty());
    let envelope = street.inbox(&to[0]).remove(0).bytes;
    let header = Header::parse(&envelope).expect("a header");
    assert_eq!(header.unfolded("Reply-To"), Some(format!("<{other}>")));
}

/// What one commit of a submission comes to grows with its recipients (BOX-01): a thousand fit, whatever their names.
#[test]
fn a_message_to_a_thousand_recipients_is_taken_in_one_commit() {
    let street = Street::new(90);
    let to: Vec<Address> = (0..1000).map(|n| address(&format!("{}{n:04}@ente-beta.example", "n".repeat(60)))).collect();
    let answer = street.submit(&address(ANNA), &to, "");
    assert!(matches!(answer, Ok(Submitted::Accepted(_))), "{answer:?}");
    let count = |t| rows::of(&street.houses[0].store, t).len();
    assert_eq!((count(tag::DISPATCH), count(tag::TIMER_DUE), count(tag::QUEUE_ITEM)), (1001, 1000, 10));
    super::check::assert_clean(&street.houses[0].store, "after a thousand recipients");
}

#[test]
fn recipients_that_do_not_fit_into_one_commit_are_refused_for_good() {
    let street = Street::new(91);
    let label = "d".repeat(44);
    let to: Vec<Address> =
        (0..1000).map(|n| address(&format!("{}@{label}.{label}.{label}{n}.example", "n".repeat(40)))).collect();
    let answer = street.submit(&address(ANNA), &to, "");
    let Err(Rejected::Refused(reply)) = answer else { panic!("{answer:?}") };
    assert!(reply.code == 554 && reply.to_string().contains("5.5.3 Troppi destinatari"), "{reply}");
    assert!(rows::of(&street.houses[0].store, tag::MESSAGE).is_empty());
}
