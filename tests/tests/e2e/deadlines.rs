//! The 12 and 24 hour notices of RFC 6109 §3.1.6, with an hour of service time in each three seconds.

use std::time::{Duration, Instant};

use sigillo_tests::demo::{Demo, Piece};

use crate::judges::judge_piece;

const ANNA: &str = "anna@comune-alfa.example";

/// Seconds since the epoch of the certified time.
fn at(piece: &Piece) -> i64 {
    let (day, clock) = (piece.datum("giorno").expect("giorno"), piece.datum("ora").expect("ora"));
    let xml = piece.daticert.as_deref().expect("daticert.xml");
    let zone = xml.split("zona=\"").nth(1).and_then(|z| z.split('"').next()).expect("zona");
    let number = |text: &str| text.parse::<i64>().unwrap_or_else(|e| panic!("{text}: {e}"));
    let parts: Vec<i64> = day.split('/').chain(clock.split(':')).map(number).collect();
    let [d, m, y, hour, minute, second] = parts[..] else { panic!("{day} {clock}") };
    // Days from the civil calendar, years beginning in March.
    let (y, m) = if m <= 2 { (y - 1, m + 9) } else { (y, m - 3) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + d - 1 - 719_468;
    let offset = number(&zone[1..3]) * 3600 + number(&zone[3..5]) * 60;
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    days * 86_400 + hour * 3600 + minute * 60 + second - sign * offset
}

#[test]
fn a_silent_provider_gives_the_two_overdue_notices_and_nothing_else() {
    let demo = Demo::start(&["--speed", "1200", "--without", "beta"]);
    let id = "silent@comune-alfa.example";
    demo.send(ANNA, "bruno@ente-beta.example", id);
    let sent = Instant::now();
    // Nothing may come before twelve hours: thirty-six seconds.
    std::thread::sleep(Duration::from_secs(24));
    let early: Vec<String> = demo.inbox(ANNA).into_iter().map(|p| p.kind).collect();
    assert_eq!(early, ["accettazione"], "after {:?}", sent.elapsed());
    // The second one is due at 23 hours; what comes until hour 30 is all there is.
    std::thread::sleep(Duration::from_secs(90).saturating_sub(sent.elapsed()));
    let all = demo.inbox(ANNA);
    let kinds: Vec<&str> = all.iter().map(|p| p.kind.as_str()).collect();
    assert_eq!(kinds, ["accettazione", "preavviso-errore-consegna", "preavviso-errore-consegna"]);
    let hours = |piece: &Piece| (at(piece) - at(&all[0])) as f64 / 3600.0;
    assert!((12.0..14.0).contains(&hours(&all[1])), "the first one came after {} h", hours(&all[1]));
    // Due at 23; an hour is three seconds here, and two hours are the machine's. The world tests hold the upper bound exactly.
    assert!((22.0..=25.0).contains(&hours(&all[2])), "the second one came after {} h", hours(&all[2]));
    for piece in &all[1..] {
        assert!(piece.subject.starts_with("AVVISO DI MANCATA CONSEGNA PER SUP. TEMPO MASSIMO: "), "{}", piece.subject);
        assert_eq!(piece.datum("consegna"), Some("bruno@ente-beta.example"));
        assert!(judge_piece(piece, &demo.info.ca_file).subject.contains("Alfa PEC S.p.A."));
        assert!(!String::from_utf8_lossy(&piece.raw()).contains("postacert.eml"), "never the original");
    }
    assert_ne!(all[1].datum("errore-esteso"), all[2].datum("errore-esteso"), "the two must differ");
    assert!(
        all[2].datum("errore-esteso").is_some_and(|e| e.trim_start().starts_with("5.4.1")),
        "{:?}",
        all[2].daticert
    );
    for mailbox in &demo.info.alfa().mailboxes {
        let expected = if mailbox.address == ANNA { 3 } else { 0 };
        assert_eq!(demo.inbox(&mailbox.address).len(), expected, "{}", mailbox.address);
    }
}

#[test]
fn a_delivered_message_gets_no_overdue_notice() {
    let demo = Demo::start(&["--speed", "3600"]);
    let id = "fine@comune-alfa.example";
    demo.send(ANNA, "bruno@ente-beta.example", id);
    demo.await_kinds(ANNA, id, &["accettazione", "avvenuta-consegna"]);
    std::thread::sleep(Duration::from_secs(32)); // as many hours
    assert_eq!(demo.await_kinds(ANNA, id, &["accettazione"]).len(), 2);
}
