//! The outbox of notices: each is told once where nothing breaks, at least once where something does, and never after its time.

use std::time::Duration;

use sigillo_accounts::{Channel, Concern, NoticeKind};
use sigillo_base::{Secret, Timestamp};
use sigillo_engine::{Kept, Notice, Told};
use sigillo_store::tag;
use sigillo_tests::fixtures::NOW;
use sigillo_tests::street::Street;

use super::check::assert_clean;
use super::rows;

const HOUR: Duration = Duration::from_secs(3600);
const SMS: &str = "sms:+393331234567";
const MAIL: &str = "mailto:carla@casa.example";

pub(super) fn notice(kind: NoticeKind, to: &str, text: &str, not_after: Timestamp) -> Notice {
    Notice {
        kind,
        to: to.parse().expect("well"),
        about: Concern::Service,
        subject: "Perché scriviamo".into(),
        text: Secret::new(text.into()),
        not_after,
    }
}

fn register(street: &Street) -> Vec<Told> {
    street.houses[0].engine().notices_told((NOW, street.now.plus(HOUR)), None, 1_000).expect("well")
}

#[test]
fn a_short_message_is_taken_once_sent_and_then_in_the_register_alone() {
    let street = Street::new(1);
    let engine = street.houses[0].engine();
    for (n, text) in ["testo uno", "testo due", "testo tre"].into_iter().enumerate() {
        let at = NOW.plus(Duration::from_secs(n as u64));
        engine.tell(&notice(NoticeKind::Alert, SMS, text, at.plus(HOUR)), at).unwrap();
    }
    assert_clean(&street.houses[0].store, "with notices");
    let now = NOW.plus(Duration::from_secs(10));
    let taken = engine.take_texts(now, 2).unwrap();
    assert_eq!(taken.iter().map(|t| t.text.expose()).collect::<Vec<_>>(), ["testo uno", "testo due"], "in their order");
    assert_eq!(engine.take_texts(now, 9).unwrap().len(), 1, "what is taken nobody else takes");
    engine.text_sent(&taken[0], now).unwrap();
    engine.text_failed(&taken[1], "nessuna connessione", now).unwrap();
    let told = register(&street);
    assert_eq!(told[0].end, Some((now, None)));
    assert_eq!((told[1].end.as_ref(), told[1].failures, told[1].last_error.as_str()), (None, 1, "nessuna connessione"));
    assert_eq!(rows::of(&street.houses[0].store, tag::NOTICE).len(), 2);
    let values = street.houses[0].store.rows().into_iter().map(|(_, value)| value);
    assert!(!values.into_iter().any(|v| v.windows(9).any(|w| w == b"testo uno")), "its text is gone");
    assert!(!format!("{taken:?}").contains("testo due"), "no log shows a text: {taken:?}");
}

/// Who is killed between the gateway's answer and the commit sends it again, and does not lose it.
#[test]
fn what_was_in_hand_is_due_again_after_its_hold_and_pauses_grow() {
    let street = Street::new(2);
    let engine = street.houses[0].engine();
    engine.tell(&notice(NoticeKind::Alert, SMS, "uno", NOW.plus(HOUR * 48)), NOW).unwrap();
    assert_eq!(engine.take_texts(NOW, 9).unwrap().len(), 1);
    assert_eq!(engine.take_texts(NOW.plus(Duration::from_secs(60)), 9).unwrap().len(), 0);
    let (mut now, mut pauses) = (NOW, Vec::new());
    for _ in 0..8 {
        let next = engine.next_text().unwrap().unwrap();
        pauses.push(next.since(now).as_secs());
        now = next;
        let taken = engine.take_texts(now, 9).unwrap();
        engine.text_failed(&taken[0], "503", now).unwrap();
    }
    assert!(pauses[1..].windows(2).all(|p| p[1] * 4 >= p[0] * 3) && *pauses.last().unwrap() >= 600, "{pauses:?}");
    assert!(pauses.iter().all(|p| *p <= 900), "{pauses:?}");
}

#[test]
fn what_is_too_late_is_given_up_and_said_so() {
    let street = Street::new(3);
    let engine = street.houses[0].engine();
    for to in [SMS, MAIL] {
        engine.tell(&notice(NoticeKind::Reset, to, "il codice è 123456", NOW.plus(HOUR)), NOW).unwrap();
    }
    assert!(engine.take_texts(NOW.plus(HOUR), 9).unwrap().is_empty());
    engine.post_letters(NOW.plus(HOUR), 9).unwrap();
    for told in register(&street) {
        assert!(told.end.is_some_and(|(at, why)| at == NOW.plus(HOUR) && why.is_some()));
    }
    let store = &street.houses[0].store;
    assert_eq!((rows::of(store, tag::NOTICE).len(), rows::of(store, tag::QUEUE_ITEM).len()), (0, 0));
    assert_eq!((engine.next_text().unwrap(), engine.next_letter().unwrap()), (None, None));
}

#[test]
fn a_mail_goes_through_the_queue_from_nobody_and_its_end_is_in_the_register() {
    let mut street = Street::new(4);
    let engine = street.houses[0].engine().clone();
    engine.tell(&notice(NoticeKind::Certificate, MAIL, "Perché:\nuna riga", NOW.plus(HOUR)), NOW).unwrap();
    engine.post_letters(NOW, 9).unwrap();
    let waiting = register(&street);
    assert!(waiting[0].end.is_none(), "the queue has it, nobody else");
    let dispatch = engine.due(NOW, 9).unwrap().remove(0);
    let text = String::from_utf8(engine.read_all(&dispatch.message).unwrap()).unwrap();
    assert_eq!((dispatch.from, dispatch.rcpts[0].as_str()), (None, "carla@casa.example"));
    for field in [
        "Auto-Submitted: auto-generated\r\n",
        "From: ",
        "@mx.",
        "Subject: =?UTF-8?Q?Perch",
        "To: carla@casa.example\r\n",
    ] {
        assert!(text.contains(field), "{field}: {text}");
    }
    street.pass(HOUR);
    assert!(matches!(register(&street)[0].end, Some((_, None))), "the other server has it");
}

#[test]
fn a_mail_that_nobody_takes_is_given_up_with_the_reason() {
    let mut street = Street::new(5);
    let engine = street.houses[0].engine().clone();
    engine.tell(&notice(NoticeKind::Alert, MAIL, "x", NOW.plus(HOUR)), NOW).unwrap();
    engine.post_letters(NOW, 9).unwrap();
    street.network(|_| sigillo_tests::street::Fate::Refused);
    street.run();
    let told = register(&street).remove(0);
    assert!(told.end.unwrap().1.unwrap().contains("utente sconosciuto"));
}

#[test]
fn the_register_forgets_alerts_and_keeps_what_the_contract_wants_shown() {
    let street = Street::new(6);
    let engine = street.houses[0].engine();
    for kind in NoticeKind::ALL {
        engine.tell(&notice(kind, SMS, "x", NOW.plus(HOUR)), NOW).unwrap();
    }
    let later = NOW.plus(HOUR * 1_000);
    let kept = Kept { archive: None, records: later, accesses: later, counts: later };
    let mut from = None;
    loop {
        from = engine.expire(&kept, from.as_deref(), 2, later).unwrap().next;
        if from.is_none() {
            break;
        }
    }
    let mut left: Vec<NoticeKind> = register(&street).iter().map(|told| told.kind).collect();
    left.sort_by_key(|kind| kind.as_str());
    assert_eq!(left, NoticeKind::ALL.into_iter().filter(|kind| kind.stays()).collect::<Vec<_>>());
}

#[test]
fn what_breaks_a_mail_or_is_too_long_is_refused() {
    let street = Street::new(7);
    let engine = street.houses[0].engine();
    let good = notice(NoticeKind::Alert, MAIL, "x", NOW.plus(HOUR));
    let subject = |text: &str| Notice { subject: text.into(), ..good.clone() };
    assert!(engine.tell(&subject("a\r\nBcc: altri@x.example"), NOW).is_err());
    assert!(engine.tell(&subject(&"x".repeat(201)), NOW).is_err());
    assert!(engine.tell(&Notice { text: Secret::new("x".repeat(20_000)), ..good.clone() }, NOW).is_err());
    assert!(matches!(good.to, Channel::Mail(_)) && engine.tell(&good, NOW).is_ok());
}
