//! SMTP over the engine: submission by a user, reception from another provider.

use data_encoding::BASE64;
use sigillo_engine::{Engine, Obstacle, Peer, front};
use sigillo_smtp::server::Role;
use sigillo_tests::fixtures::address;
use sigillo_tests::street::{Street, message};

use sigillo_tests::wire::{Wire, engine_with_password};

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";

fn submission(street: &Street) -> Wire {
    let anna = address(ANNA);
    let engine = engine_with_password(street.house(&anna), &anna, "una frase lunga");
    let mut wire =
        Wire::new(front::smtp(engine, Role::SubmissionTls, Peer::LOCAL, true, Default::default()), street.now);
    assert!(wire.hear().starts_with(b"220 mx.pec.alfa.example"));
    let hello = wire.say("EHLO pc-anna\r\n");
    assert!(hello.contains("AUTH") && !hello.contains("8BITMIME"), "{hello}");
    wire
}

fn plain(password: &str) -> String {
    format!("AUTH PLAIN {}\r\n", BASE64.encode(format!("\0{ANNA}\0{password}").as_bytes()))
}

#[test]
fn a_user_logs_in_and_his_message_is_accepted() {
    let mut street = Street::new(1);
    let mut wire = submission(&street);
    let refused = wire.say(format!("MAIL FROM:<{ANNA}>\r\n"));
    assert!(refused.starts_with("530"), "without login: {refused}");
    assert_eq!(wire.say(plain("sbagliata")), "", "a wrong password is not answered at once");
    assert!(wire.wait().starts_with("535"));
    let answer = wire.say(plain("una frase lunga"));
    assert!(answer.starts_with("235"), "{answer}");
    let other = wire.say("MAIL FROM:<bruno@comune-alfa.example>\r\n");
    assert!(other.starts_with("553 5.7.1"), "{other}");
    let bytes = message(&address(ANNA), &[address(BRUNO)], "").replace("Testo.", "..punto in testa");
    let answer = wire.say(format!("MAIL FROM:<{ANNA}>\r\nRCPT TO:<{BRUNO}>\r\nDATA\r\n"));
    assert!(answer.ends_with('\n') && answer.lines().last().is_some_and(|l| l.starts_with("354")), "{answer}");
    let answer = wire.say(format!("{bytes}.\r\n"));
    assert!(answer.starts_with("250 2.0.0 Accettato, identificativo sg"), "{answer}");
    let id = answer.trim().rsplit(' ').next().expect("an identifier").to_owned();
    street.run();
    assert_eq!(street.kinds(&address(ANNA)), ["accettazione", "avvenuta-consegna"]);
    let envelope = street.inbox(&address(BRUNO)).remove(0).evidence;
    assert_eq!(envelope.message_id, id);
    let original = String::from_utf8(envelope.original.expect("the original")).expect("ASCII");
    assert!(original.ends_with("\r\n\r\n.punto in testa\r\n"), "{original}");
    assert!(original.contains("from pc-anna ([127.0.0.1])") && original.contains("with ESMTPSA"), "{original}");
    assert!(wire.say("QUIT\r\n").starts_with("221") && wire.closed);
}

/// A spool on a disk that is full.
struct Full;

impl sigillo_engine::Spool for Full {
    fn open(&self) -> std::io::Result<Box<dyn sigillo_engine::Spooled>> {
        Err(std::io::ErrorKind::StorageFull.into())
    }
}

#[test]
fn a_large_message_waits_outside_the_memory_and_a_full_disk_is_452_with_nothing_lost() {
    let mut street = Street::new(7);
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    let text = message(&anna, std::slice::from_ref(&bruno), "") + &"Una riga fra tante.\r\n".repeat(60_000);
    let transaction = format!("MAIL FROM:<{ANNA}>\r\nRCPT TO:<{BRUNO}>\r\nDATA\r\n");
    let mut wire = submission(&street);
    wire.say(plain("una frase lunga"));
    assert!(wire.say(&transaction).contains("354"));
    let answer = wire.say(format!("{text}.\r\n"));
    assert!(answer.starts_with("250 2.0.0 Accettato"), "{answer}");
    street.run();
    let original = street.inbox(&bruno).remove(0).evidence.original.expect("the original");
    assert!(String::from_utf8(original).expect("ASCII").ends_with(text.split_once("\r\n\r\n").expect("a body").1));

    let house = street.house(&anna);
    let doors = sigillo_engine::Doors { spool: std::sync::Arc::new(Full), ..Default::default() };
    let setup = sigillo_engine::Setup { doors, ..house.setup() };
    let engine = std::sync::Arc::new(Engine::open(house.store.clone(), setup).expect("the provider starts"));
    let mut wire =
        Wire::new(front::smtp(engine, Role::SubmissionTls, Peer::LOCAL, true, Default::default()), street.now);
    wire.hear();
    wire.say(format!("EHLO pc\r\n{}", plain("una frase lunga")));
    assert!(wire.say(&transaction).contains("354"));
    let answer = wire.say(format!("{text}.\r\n"));
    assert!(answer.starts_with("452 4.3.1"), "{answer}");
    assert!(wire.say(&transaction).contains("354"));
    let small = message(&anna, std::slice::from_ref(&bruno), "");
    let answer = wire.say(format!("{small}.\r\n"));
    assert!(answer.starts_with("250 2.0.0 Accettato"), "what needs no spool still passes: {answer}");
    assert_eq!(street.kinds(&anna), ["accettazione", "avvenuta-consegna", "accettazione"], "nothing was half done");
}

#[test]
fn a_defect_is_told_in_the_answer_and_by_the_notice() {
    let street = Street::new(2);
    let mut wire = submission(&street);
    wire.say(plain("una frase lunga"));
    let bytes = message(&address(ANNA), &[address(BRUNO)], "Bcc: x@y.example\r\n");
    let answer = wire.say(format!("MAIL FROM:<{ANNA}>\r\nRCPT TO:<{BRUNO}>\r\nDATA\r\n"));
    assert!(answer.contains("354"), "{answer}");
    let answer = wire.say(format!("{bytes}.\r\n"));
    assert!(answer.starts_with("250 2.0.0 Non accettato, avviso nella casella"), "{answer}");
    assert_eq!(street.kinds(&address(ANNA)), ["non-accettazione"]);
}

#[test]
fn the_limit_is_told_at_mail_with_its_figure() {
    let street = Street::new(3);
    for _ in 0..50 {
        assert!(street.submit(&address(ANNA), &[address(BRUNO)], "Bcc: x@y.example\r\n").is_ok());
    }
    let mut wire = submission(&street);
    wire.say(plain("una frase lunga"));
    let answer = wire.say(format!("MAIL FROM:<{ANNA}>\r\n"));
    assert!(answer.starts_with("450 4.7.1") && answer.contains("50 messaggi al minuto"), "{answer}");
    assert!(answer.contains("2026-03-12T10:16:01"), "{answer}");
}

#[test]
fn another_provider_hands_over_an_envelope_and_ordinary_mail_is_refused() {
    let street = Street::new(4);
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    assert!(street.submit(&anna, std::slice::from_ref(&bruno), "").is_ok());
    let alfa = street.house(&anna).engine();
    let dispatch = alfa.due(street.now, 1).expect("the queue").remove(0);
    assert!(dispatch.require_tls, "to a certified domain only over TLS");
    let envelope = String::from_utf8(alfa.read_all(&dispatch.message).expect("bytes")).expect("ASCII");
    let beta = std::sync::Arc::clone(street.house(&bruno).engine());
    let mut wire = Wire::new(front::smtp(beta, Role::Reception, Peer::LOCAL, false, Default::default()), street.now);
    assert!(wire.hear().starts_with(b"220"));
    let hello = wire.say("EHLO mx.pec.alfa.example\r\n");
    assert!(!hello.contains("AUTH") && hello.contains("8BITMIME") && hello.contains("STARTTLS"), "{hello}");
    wire.say(format!("MAIL FROM:<{ANNA}>\r\n"));
    let relay = wire.say(format!("RCPT TO:<{ANNA}>\r\n"));
    assert!(relay.starts_with("550 5.7.1"), "nothing is relayed: {relay}");
    let answer = wire.say(format!("RCPT TO:<{BRUNO}>\r\nDATA\r\n"));
    assert!(answer.starts_with("250") && answer.contains("354"), "{answer}");
    let stuffed = envelope.replace("\r\n.", "\r\n..");
    let answer = wire.say(format!("{stuffed}.\r\n"));
    assert!(answer.starts_with("250 2.0.0 Preso in carico, identificativo sg"), "{answer}");
    // A certified sender's name alone certifies nothing; who has none hears it before the message.
    let ordinary = message(&anna, std::slice::from_ref(&bruno), "");
    wire.say(format!("MAIL FROM:<{ANNA}>\r\nRCPT TO:<{BRUNO}>\r\nDATA\r\n"));
    let answer = wire.say(format!("{ordinary}.\r\n"));
    assert!(answer.starts_with("554 5.7.1") && answer.contains("firma S/MIME assente"), "{answer}");
    wire.say("MAIL FROM:<dora@posta.example>\r\n");
    let answer = wire.say(format!("RCPT TO:<{BRUNO}>\r\n"));
    assert!(answer.starts_with("554 5.7.1"), "{answer}");
}

#[test]
fn while_nothing_is_accepted_users_and_providers_hear_451_and_what_was_taken_goes_on() {
    let mut street = Street::new(5);
    let (anna, bruno) = (address(ANNA), address(BRUNO));
    assert!(street.submit(&anna, std::slice::from_ref(&bruno), "").is_ok());
    let engine = |street: &Street, who| std::sync::Arc::clone(street.house(who).engine());
    let (alfa, beta) = (engine(&street, &anna), engine(&street, &bruno));
    let mut user = submission(&street);
    user.say(plain("una frase lunga"));
    let mut peer =
        Wire::new(front::smtp(beta.clone(), Role::Reception, Peer::LOCAL, false, Default::default()), street.now);
    peer.hear();
    peer.say("EHLO mx.pec.alfa.example\r\nMAIL FROM:<x@comune-alfa.example>\r\n");
    for engine in [&alfa, &beta] {
        engine.set_accepting(Obstacle::Clock, Err("Orologio fuori tolleranza".into()));
    }
    let answer = user.say(format!("MAIL FROM:<{ANNA}>\r\n"));
    assert_eq!(answer, "451 4.3.2 Orologio fuori tolleranza\r\n");
    let answer = peer.say(format!("RCPT TO:<{BRUNO}>\r\n"));
    assert_eq!(answer, "451 4.3.2 Orologio fuori tolleranza\r\n");
    assert!(street.submit(&anna, std::slice::from_ref(&bruno), "").is_err(), "nor a message that is on its way in");
    for engine in [&alfa, &beta] {
        engine.set_accepting(Obstacle::Clock, Ok(()));
    }
    assert!(user.say(format!("MAIL FROM:<{ANNA}>\r\n")).starts_with("250"));
    assert!(peer.say(format!("RCPT TO:<{BRUNO}>\r\n")).starts_with("250"));
    street.run();
    assert_eq!(street.kinds(&anna), ["accettazione", "avvenuta-consegna"]);
}

/// Each obstacle is its owner's: a clock that comes back does not make room on a disk.
#[test]
fn obstacles_are_told_apart_and_the_first_is_what_a_peer_hears() {
    let street = Street::new(6);
    let engine = street.house(&address(ANNA)).engine();
    let mut user = submission(&street);
    user.say(plain("una frase lunga"));
    let mut heard = || {
        let answer = user.say(format!("MAIL FROM:<{ANNA}>\r\n"));
        user.say("RSET\r\n");
        answer[..9].to_owned()
    };
    let stop = |obstacle| engine.set_accepting(obstacle, Err("Non ora".into()));
    let pass = |obstacle| engine.set_accepting(obstacle, Ok(()));
    stop(Obstacle::Clock);
    assert_eq!(heard(), "451 4.3.2");
    stop(Obstacle::Store);
    assert_eq!(heard(), "451 4.3.0");
    stop(Obstacle::Disk);
    assert_eq!(heard(), "452 4.3.1");
    pass(Obstacle::Clock);
    assert_eq!(heard(), "452 4.3.1", "what the clock does says nothing about the disk");
    pass(Obstacle::Disk);
    assert_eq!(heard(), "451 4.3.0");
    pass(Obstacle::Store);
    assert_eq!(heard(), "250 2.1.0");
}
