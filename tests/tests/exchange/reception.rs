//! The incoming point: what other servers hand over, and what is made of it.

use std::sync::Arc;
use std::time::Duration;

use sigillo_base::{Address, PecId, Timestamp};
use sigillo_engine::{Arrived, Obstacle, Received, Rejected, Submitted};
use sigillo_pec::index::Index;
use sigillo_pec::{Facts, ReceiptKind, Signed, compose};
use sigillo_smime::authority::Revoked;
use sigillo_smime::{Crl, Identity, Trust};
use sigillo_smtp::Reply;
use sigillo_store::tag;
use sigillo_tests::fixtures::{self, Fixture, NOW, address};
use sigillo_tests::house::{House, arrived};
use sigillo_tests::street::{Street, message};

use super::rows;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";
const ALFA: &str = "posta-certificata@pec.alfa.example";
const HOUR: Duration = Duration::from_secs(3600);

fn refusal(answer: Result<Received, Rejected>) -> Reply {
    match answer {
        Err(Rejected::Refused(reply)) => reply,
        other => panic!("not refused: {other:?}"),
    }
}

/// An envelope of Alfa's to Bruno, on its way: its submission's identifier and what the network carries.
fn on_its_way(street: &Street) -> (PecId, Arrived) {
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    let Ok(Submitted::Accepted(id)) = street.submit(&anna, std::slice::from_ref(&bruno), "") else { panic!("refused") };
    let engine = street.house(&anna).engine();
    let dispatch = engine.due(street.now, 1).expect("the queue").remove(0);
    let bytes = engine.read_all(&dispatch.message).expect("the envelope");
    engine.defer(&dispatch, "the test carries it", street.now).expect("given back");
    (id, arrived(dispatch.from.as_ref(), &dispatch.rcpts, bytes, "mx.pec.alfa.example", false))
}

fn beta(street: &Street) -> &House {
    &street.houses[1]
}

/// Bytes with `from` replaced by `to`, which must occur.
fn altered(mail: &Arrived, from: &str, to: &str) -> Arrived {
    let at = mail.bytes.windows(from.len()).position(|w| w == from.as_bytes()).expect("the text is in the message");
    let mut bytes = mail.bytes.clone();
    bytes.splice(at..at + from.len(), to.bytes());
    Arrived { bytes, ..mail.clone() }
}

fn facts(sender: &Address, rcpt: &Address, id: &PecId) -> Facts {
    let recipients =
        vec![sigillo_pec::Recipient { address: rcpt.clone(), class: sigillo_pec::RecipientClass::Certified }];
    Facts {
        sender: sender.clone(),
        recipients,
        reply_to: sender.to_string(),
        subject: Some("Convocazione".into()),
        id: id.clone(),
        msgid: None,
    }
}

/// A delivery receipt about Bruno, by whoever signs it.
fn receipt_of(who: &Fixture, id: &PecId, number: u128) -> Signed {
    let (p, bruno) = (&who.provider, address(BRUNO));
    let own = PecId::new(number, p.service_address.domain());
    let concise = ReceiptKind::Concise;
    let facts = facts(&address(ANNA), &bruno, id);
    let draft = compose::delivery(p, &facts, NOW, own, &bruno, concise, concise, &[], 0..0).expect("a draft");
    draft.sign(&[], NOW, &who.identity, &who.signer()).expect("it is signed")
}

fn carried(signed: &Signed, to: &Address) -> Arrived {
    arrived(signed.mail_from.as_ref(), std::slice::from_ref(to), signed.content.to_bytes(&[]), "mx", false)
}

#[test]
fn take_charge_goes_into_the_service_mailbox_and_nowhere_else() {
    let mut street = Street::new(1);
    let (id, _) = on_its_way(&street);
    let (alfa, who) = (&street.houses[0], &beta(&street).fixture);
    let (anna, bruno, service) = (address(ANNA), address(BRUNO), address(ALFA));
    let own = PecId::new(9, who.provider.service_address.domain());
    let facts = facts(&anna, &bruno, &id);
    let draft = compose::take_charge(&who.provider, &facts, NOW, own, &service, std::slice::from_ref(&bruno));
    let taken = draft.sign(&[], NOW, &who.identity, &who.signer()).expect("it is signed");
    let before = rows::facts(&alfa.store);
    for to in [anna.clone(), address("nessuno@comune-alfa.example")] {
        assert_eq!(refusal(alfa.engine().receive(&carried(&taken, &to), NOW)).code, 550, "{to}");
    }
    let both =
        arrived(taken.mail_from.as_ref(), &[service.clone(), anna.clone()], taken.content.to_bytes(&[]), "mx", false);
    assert_eq!(refusal(alfa.engine().receive(&both, NOW)).code, 550, "not beside the service mailbox either");
    assert_eq!(rows::facts(&alfa.store), before, "nothing was stored, nothing moved");
    assert!(matches!(alfa.engine().receive(&carried(&taken, &service), NOW), Ok(Received::Receipt(_))));
    assert_eq!(street.kinds(&service), ["presa-in-carico"]);
    street.run();
    for user in [&anna, &bruno] {
        assert!(!street.kinds(user).contains(&"presa-in-carico".to_owned()), "{user}");
    }
}

/// What speaks to users does not go between providers.
#[test]
fn no_other_receipt_enters_the_service_mailbox() {
    let street = Street::new(14);
    let (id, _) = on_its_way(&street);
    let (alfa, service) = (&street.houses[0], address(ALFA));
    let signed = receipt_of(&fixtures::beta(), &id, 3);
    let before = rows::facts(&alfa.store);
    assert_eq!(refusal(alfa.engine().receive(&carried(&signed, &service), NOW)).code, 550);
    let both = arrived(
        signed.mail_from.as_ref(),
        &[address(ANNA), service.clone()],
        signed.content.to_bytes(&[]),
        "mx",
        false,
    );
    assert_eq!(refusal(alfa.engine().receive(&both, NOW)).code, 550, "not beside a user either");
    assert_eq!(rows::facts(&alfa.store), before, "nothing was stored, nothing moved");
    assert!(matches!(alfa.engine().receive(&carried(&signed, &address(ANNA)), NOW), Ok(Received::Receipt(_))));
    assert!(street.inbox(&service).is_empty());
}

#[test]
fn a_receipt_of_somebody_elses_recipient_moves_nothing() {
    let street = Street::new(2);
    let (id, _) = on_its_way(&street);
    let (alfa, anna) = (&street.houses[0], address(ANNA));
    let state = || (rows::of(&alfa.store, tag::DISPATCH), rows::of(&alfa.store, tag::TIMER_DUE));
    let before = state();
    let forged = receipt_of(&fixtures::gamma(), &id, 1);
    let answer = alfa.engine().receive(&carried(&forged, &anna), NOW);
    assert!(matches!(answer, Ok(Received::Receipt(_))), "{answer:?}");
    assert_eq!(state(), before, "no outcome, and the timer runs on");
    // The right provider's receipt does move it.
    let good = receipt_of(&fixtures::beta(), &id, 2);
    assert!(matches!(alfa.engine().receive(&carried(&good, &anna), NOW), Ok(Received::Receipt(_))));
    assert!(rows::of(&alfa.store, tag::TIMER_DUE).is_empty());
    assert_ne!(state().0, before.0);
}

#[test]
fn a_receipt_about_an_unknown_message_is_forwarded_all_the_same() {
    let street = Street::new(3);
    let id = PecId::parse("mai-visto@pec.alfa.example").expect("an identifier");
    let signed = receipt_of(&fixtures::beta(), &id, 1);
    let alfa = &street.houses[0];
    assert!(matches!(alfa.engine().receive(&carried(&signed, &address(ANNA)), NOW), Ok(Received::Receipt(_))));
    assert_eq!(street.kinds(&address(ANNA)), ["avvenuta-consegna"]);
    assert!(rows::of(&alfa.store, tag::DISPATCH).is_empty());
    // A receipt is never answered by a notice: an unknown mailbox is refused.
    let nobody = address("nessuno@comune-alfa.example");
    assert_eq!(refusal(alfa.engine().receive(&carried(&signed, &nobody), NOW)).code, 550);
    assert!(rows::at_rest(&alfa.store));
}

#[test]
fn ordinary_mail_is_refused() {
    let street = Street::new(4);
    let (dora, bruno) = (address("dora@posta.example"), address(BRUNO));
    let bytes = message(&dora, std::slice::from_ref(&bruno), "").into_bytes();
    let before = rows::facts(&beta(&street).store);
    let mail = arrived(Some(&dora), std::slice::from_ref(&bruno), bytes.clone(), "mx", false);
    let reply = refusal(beta(&street).engine().receive(&mail, NOW));
    assert_eq!((reply.code, reply.enhanced), (554, Some((5, 7, 1))));
    assert!(reply.to_string().contains("posta non certificata"), "{reply}");
    let bounce = arrived(None, std::slice::from_ref(&bruno), bytes, "mx", false);
    assert_eq!(refusal(beta(&street).engine().receive(&bounce, NOW)).code, 554, "a bounce to a user is ordinary mail");
    assert_eq!(rows::facts(&beta(&street).store), before);
    let other = beta(&street).engine().may_receive(Some(&dora), &address(ANNA));
    assert!(matches!(other, Err(Rejected::Refused(reply)) if reply.code == 550), "nothing is relayed");
}

#[test]
fn a_bounce_to_the_service_address_is_swallowed() {
    let street = Street::new(5);
    let service = address("posta-certificata@pec.beta.example");
    let bytes =
        b"From: MAILER-DAEMON@posta.example\r\nTo: x@y.example\r\nSubject: Undelivered\r\n\r\nSorry.\r\n".to_vec();
    let before = rows::facts(&beta(&street).store);
    let mail = arrived(None, std::slice::from_ref(&service), bytes.clone(), "mx", false);
    assert!(matches!(beta(&street).engine().receive(&mail, NOW), Ok(Received::Swallowed)));
    assert_eq!(rows::facts(&beta(&street).store), before, "nothing is kept, nothing is answered");
    let mail = arrived(Some(&address("x@posta.example")), std::slice::from_ref(&service), bytes, "mx", false);
    assert_eq!(refusal(beta(&street).engine().receive(&mail, NOW)).code, 554, "with a sender it is ordinary mail");
}

#[test]
fn an_altered_envelope_is_ordinary_mail() {
    let street = Street::new(6);
    let (_, envelope) = on_its_way(&street);
    for (from, to) in [("Testo.", "Testo!"), ("Il giorno", "Il Giorno"), ("daticert.xml", "daticert.XML")] {
        let reply = refusal(beta(&street).engine().receive(&altered(&envelope, from, to), NOW));
        assert_eq!(reply.code, 554);
        assert!(reply.to_string().contains("alterato"), "{reply}");
    }
    assert!(rows::at_rest(&beta(&street).store));
    assert!(
        matches!(beta(&street).engine().receive(&envelope, NOW), Ok(Received::TakenCharge(_))),
        "untouched, it is good"
    );
}

/// What a provider signed and somebody made malformed goes on, but never as certified mail.
#[test]
fn a_malformed_envelope_of_a_provider_goes_on_in_an_anomaly_envelope() {
    let mut street = Street::new(7);
    let (_, envelope) = on_its_way(&street);
    let bruno = address(BRUNO);
    let wrong = [
        altered(&envelope, "X-Trasporto: posta-certificata", "X-Trasporto: altro"),
        altered(&envelope, "Message-ID: <", "Message-ID: <x"),
        Arrived { from: Some(address("carla@comune-alfa.example")), ..envelope.clone() },
    ];
    for (n, mail) in (1..).zip(&wrong) {
        assert!(matches!(beta(&street).engine().receive(mail, NOW), Ok(Received::Anomaly)), "case {n}");
        assert!(matches!(beta(&street).engine().receive(mail, NOW), Ok(Received::Again)), "case {n}: once");
        let letter = &street.inbox(&bruno)[n - 1];
        assert_eq!((letter.evidence.kind.as_str(), letter.evidence.certification.is_none()), ("errore", true));
        assert_eq!(letter.evidence.signer.emails(), ["posta-certificata@pec.beta.example"]);
        assert_eq!(letter.evidence.original.as_ref(), Some(&mail.bytes), "all that was received, to the byte");
    }
    assert!(rows::at_rest(&beta(&street).store), "no take-charge, no receipt");
    street.network(|carried| panic!("nothing is answered: {carried:?}"));
    let carla = address("carla@ente-beta.example");
    let repeated = Arrived { to: vec![bruno.clone(), carla.clone()], ..wrong[0].clone() };
    assert!(matches!(beta(&street).engine().receive(&repeated, NOW), Ok(Received::Anomaly)));
    assert_eq!((street.inbox(&bruno).len(), street.inbox(&carla).len()), (3, 1), "no second copy for who had it");
    let nobody = address("nessuno@ente-beta.example");
    let unknown = Arrived { to: vec![nobody], ..wrong[0].clone() };
    assert_eq!(refusal(beta(&street).engine().receive(&unknown, NOW)).code, 550);
}

/// Alfa with a certificate that ends at `until`, and the directory that lists it.
fn short_lived(until: Timestamp) -> (Fixture, Index) {
    let ca = fixtures::authority();
    let key = include_str!("../../fixtures/alfa.key.pem");
    let mut alfa = fixtures::alfa();
    let service = alfa.provider.service_address.clone();
    let issued =
        ca.issue_pec_with_key(key, &alfa.provider.name, &service, fixtures::FROM, until).expect("a certificate");
    alfa.identity = Identity { certificate: issued.certificate(), chain: vec![ca.certificate()] };
    let index = Index::new([&alfa, &fixtures::beta(), &fixtures::gamma()].map(Fixture::entry).to_vec());
    (alfa, index)
}

#[test]
fn an_expired_certificate_certifies_nothing_any_more() {
    let street = Street::new(8);
    let (alfa, index) = short_lived(NOW.plus(HOUR));
    let index = Arc::new(index);
    street.houses.iter().for_each(|h| h.engine().replace_index(Arc::clone(&index)));
    street.houses[0].engine().replace_identity(alfa.identity.clone(), Arc::new(alfa.signer()));
    let (_, envelope) = on_its_way(&street);
    let late = refusal(beta(&street).engine().receive(&envelope, NOW.plus(26 * HOUR)));
    assert_eq!(late.code, 554);
    assert!(late.to_string().contains("scaduto"), "{late}");
    // It was valid when it signed, and was only a few hours on its way.
    let soon = beta(&street).engine().receive(&envelope, NOW.plus(2 * HOUR));
    assert!(matches!(soon, Ok(Received::TakenCharge(_))), "{soon:?}");
}

fn trust_with(revoked: &[Revoked], next_update: Timestamp) -> Arc<Trust> {
    let ca = fixtures::authority();
    let crl = ca.crl(revoked, fixtures::FROM, next_update, 2).expect("a list");
    Arc::new(Trust::new(vec![ca.certificate()], vec![Crl::from_der(&crl).expect("a list")]))
}

#[test]
fn a_revoked_certificate_certifies_nothing() {
    let street = Street::new(9);
    let (_, envelope) = on_its_way(&street);
    let serial_hex = street.houses[0].fixture.identity.certificate.serial_hex();
    beta(&street).engine().replace_trust(trust_with(&[Revoked { serial_hex, at: fixtures::FROM }], fixtures::UNTIL));
    let reply = refusal(beta(&street).engine().receive(&envelope, NOW));
    assert_eq!(reply.code, 554);
    assert!(reply.to_string().contains("revocato"), "{reply}");
}

#[test]
fn without_a_current_revocation_list_the_peer_must_come_again() {
    let street = Street::new(10);
    let (_, envelope) = on_its_way(&street);
    beta(&street).engine().replace_trust(trust_with(&[], NOW.plus(HOUR)));
    let before = rows::facts(&beta(&street).store);
    let reply = refusal(beta(&street).engine().receive(&envelope, NOW.plus(2 * HOUR)));
    assert_eq!((reply.code, reply.enhanced), (451, Some((4, 7, 5))));
    assert_eq!(rows::facts(&beta(&street).store), before);
    beta(&street).engine().replace_trust(trust_with(&[], fixtures::UNTIL));
    assert!(matches!(beta(&street).engine().receive(&envelope, NOW.plus(2 * HOUR)), Ok(Received::TakenCharge(_))));
}

#[test]
fn who_is_not_in_the_directory_is_no_provider() {
    let street = Street::new(11);
    let (_, envelope) = on_its_way(&street);
    let others = [fixtures::beta(), fixtures::gamma()].iter().map(Fixture::entry).collect();
    beta(&street).engine().replace_index(Arc::new(Index::new(others)));
    let reply = refusal(beta(&street).engine().receive(&envelope, NOW));
    assert_eq!(reply.code, 554);
    assert!(reply.to_string().contains("non presente nell'indice"), "{reply}");
}

#[test]
fn our_own_certificate_without_the_service_address_is_refused_at_the_start() {
    let mut odd = fixtures::alfa();
    odd.provider.service_address = address("posta-certificata@altrove.example");
    let setup = |fixture: &Fixture| sigillo_engine::Setup {
        provider: fixture.provider.clone(),
        host: "mx".into(),
        identity: fixture.identity.clone(),
        signer: Arc::new(fixture.signer()),
        trust: Arc::new(fixtures::trust()),
        index: Arc::new(fixtures::index()),
        ids: fixtures::Numbers::new(1),
        bell: Arc::new(()),
        meter: Arc::new(()),
        local_domains: fixture.domains.clone(),
        antivirus: None,
        screener: None,
        dkim: None,
        rules: Default::default(),
        doors: Default::default(),
        profiles: Default::default(),
    };
    let open =
        |fixture: &Fixture| sigillo_engine::Engine::open(sigillo_store::MemoryStore::new(), setup(fixture)).map(|_| ());
    assert!(open(&fixtures::alfa()).is_ok());
    let error = open(&odd).expect_err("nobody would believe it").to_string();
    assert!(error.contains("posta-certificata@altrove.example"), "{error}");
}

/// An envelope signed by this provider about these facts, handed over to Beta for Bruno.
fn enveloped(by: &Fixture, facts: &Facts) -> Arrived {
    let original = message(&facts.sender, &[address(BRUNO)], "").into_bytes();
    let original = sigillo_pec::access::accepted_original(&original, &facts.id, "").expect("an original");
    let facts = Facts { msgid: Some("<uno@client.example>".into()), ..facts.clone() };
    let draft = compose::transport_envelope(&by.provider, &facts, NOW, ReceiptKind::Complete, &original);
    let signed = draft.expect("composed").sign(&original, NOW, &by.identity, &by.signer()).expect("signed");
    let bytes = signed.content.to_bytes(&original);
    arrived(Some(&facts.sender), &[address(BRUNO)], bytes, "mx", false)
}

#[test]
fn a_provider_cannot_send_in_the_name_of_anothers_user_nor_under_anothers_identifier() {
    let mut street = Street::new(20);
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    let (gamma, alfa) = (fixtures::gamma(), fixtures::alfa());
    // Gamma says that Anna, who is Alfa's, wrote to Bruno.
    let id = PecId::new(1, gamma.provider.service_address.domain());
    let forged = enveloped(&gamma, &facts(&anna, &bruno, &id));
    assert!(matches!(beta(&street).engine().receive(&forged, NOW), Ok(Received::Anomaly)));
    // Alfa writes for its own Anna, but under an identifier that only Beta gives.
    let id = PecId::new(2, fixtures::beta().provider.service_address.domain());
    let borrowed = enveloped(&alfa, &facts(&anna, &bruno, &id));
    assert!(matches!(beta(&street).engine().receive(&borrowed, NOW), Ok(Received::Anomaly)));
    street.run();
    assert_eq!(street.kinds(&bruno), ["errore", "errore"], "in anomaly envelopes: nothing is certified");
    assert!(street.inbox(&anna).is_empty(), "and nobody is sent a receipt");
    let id = PecId::new(3, alfa.provider.service_address.domain());
    let good = enveloped(&alfa, &facts(&anna, &bruno, &id));
    assert!(matches!(beta(&street).engine().receive(&good, NOW), Ok(Received::TakenCharge(_))));
}

#[test]
fn a_malformed_message_of_a_provider_goes_to_everybody_it_can_go_to() {
    let street = Street::new(21);
    let (_, envelope) = on_its_way(&street);
    let bent = altered(&envelope, "X-Trasporto: posta-certificata", "X-Trasporto: altro");
    let nobody = address("nessuno@ente-beta.example");
    let both = Arrived { to: vec![address(BRUNO), nobody.clone()], ..bent.clone() };
    assert!(matches!(beta(&street).engine().receive(&both, NOW), Ok(Received::Anomaly)));
    assert_eq!(street.kinds(&address(BRUNO)), ["errore"]);
    let alone = Arrived { to: vec![nobody], ..bent };
    assert_eq!(refusal(beta(&street).engine().receive(&alone, NOW)).code, 550, "to nobody it cannot");
}

#[test]
fn the_same_envelope_by_another_way_is_the_same() {
    let street = Street::new(22);
    let (id, envelope) = on_its_way(&street);
    let engine = beta(&street).engine();
    assert!(matches!(engine.receive(&envelope, NOW), Ok(Received::TakenCharge(i)) if i == id));
    let mut bytes = b"Received: from mx2.pec.alfa.example by relay.pec.alfa.example; Thu, 12 Mar 2026\r\n".to_vec();
    bytes.extend_from_slice(&envelope.bytes);
    let detour = Arrived { bytes, ..envelope };
    assert!(matches!(engine.receive(&detour, NOW), Ok(Received::Again)), "trace lines do not make another message");
}

#[test]
fn nothing_is_taken_in_while_nothing_is_accepted() {
    let street = Street::new(23);
    let (_, envelope) = on_its_way(&street);
    beta(&street).engine().set_accepting(Obstacle::Clock, Err("fuori servizio".into()));
    let reply = refusal(beta(&street).engine().receive(&envelope, NOW));
    assert_eq!((reply.code, reply.enhanced), (451, Some((4, 3, 2))));
    beta(&street).engine().set_accepting(Obstacle::Clock, Ok(()));
    assert!(matches!(beta(&street).engine().receive(&envelope, NOW), Ok(Received::TakenCharge(_))));
}
