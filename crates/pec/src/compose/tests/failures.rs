//! `errore` and `errore-esteso` of each failure (pec rule 2.3.7).

use super::*;
use crate::Errore;

fn told(why: NonDelivery) -> (Errore, String) {
    let anna = address("anna@ente.example");
    let draft = non_delivery(&receiver(), &facts(), now(), id("x@pec.ricevente-prov.example"), &anna, why);
    let entity = draft.entity.to_bytes(b"");
    let text = text_of(&entity, &sigillo_mime::parse(&entity).unwrap());
    let c = draft.certification.unwrap();
    let error = c.extended_error.unwrap();
    assert!(text.contains(&format!("è stato rilevato un errore {error}.\r\n")), "{text}");
    (c.error, error)
}

#[test]
fn each_failure_of_a_mailbox_has_its_code_in_text_and_data() {
    for (why, errore, error) in [
        (NonDelivery::unknown_mailbox(), Errore::NoDest, "5.1.1 - Gestore Ricevente S.r.l. - indirizzo non valido"),
        (NonDelivery::unknown_domain(), Errore::NoDominio, "5.1.2 - Gestore Ricevente S.r.l. - dominio non valido"),
        (NonDelivery::mailbox_disabled(), Errore::Altro, "5.2.1 - Gestore Ricevente S.r.l. - indirizzo non valido"),
        (NonDelivery::mailbox_full(), Errore::Altro, "5.2.2 - Gestore Ricevente S.r.l. - casella piena"),
        (
            NonDelivery::too_large(),
            Errore::Altro,
            "5.2.3 - Gestore Ricevente S.r.l. - messaggio troppo grande per la casella di destinazione",
        ),
    ] {
        assert_eq!(told(why), (errore, error.to_owned()));
    }
}

#[test]
fn a_refusal_by_smtp_keeps_the_code_of_the_other_server() {
    for (reply, errore, code) in [
        ("550 5.1.1 no such user", Errore::NoDest, "5.1.1"),
        ("551 5.1.6 moved", Errore::NoDest, "5.1.6"),
        ("556 5.1.10 null MX", Errore::NoDest, "5.1.10"),
        ("550 5.1.2 no such domain", Errore::NoDominio, "5.1.2"),
        ("552 5.2.2 quota", Errore::Altro, "5.2.2"),
        ("554 5.7.1 refused", Errore::Altro, "5.7.1"),
        // Not permanent, not codes, or the one that means 24 hours.
        ("450 4.2.0 greylisted", Errore::Altro, "5.0.0"),
        ("554 5.4.1 nobody answers", Errore::Altro, "5.0.0"),
        ("550 no such user 5.1.1", Errore::Altro, "5.0.0"),
        ("550 5.1 x", Errore::Altro, "5.0.0"),
        ("550 5.1.1.1 x", Errore::Altro, "5.0.0"),
        ("550 5.1111.1 x", Errore::Altro, "5.0.0"),
        ("ente.example: nessun server", Errore::Altro, "5.0.0"),
        ("", Errore::Altro, "5.0.0"),
    ] {
        assert_eq!(told(NonDelivery::refused(reply)), (errore, format!("{code} - Gestore Ricevente S.r.l. - {reply}")));
    }
    let (_, error) = told(NonDelivery::refused("550 5.1.1 a\r\nIdentificativo messaggio: falso"));
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn the_code_of_24_hours_is_on_that_notice_only() {
    let anna = address("anna@ente.example");
    let error = |which| {
        let draft = overdue(&sender(), &facts(), now(), id("o@x.example"), &anna, which);
        (draft.kind, draft.certification.unwrap().extended_error.unwrap())
    };
    assert_eq!(error(Overdue::First), (Kind::Overdue12h, crate::texts::OVERDUE_12H.to_owned()));
    let (kind, second) = error(Overdue::Second);
    assert_eq!(kind, Kind::Overdue24h);
    assert_eq!(
        second,
        "5.4.1 - Gestore Mittente S.p.A. - il messaggio non è stato consegnato nelle prime ventiquattro ore dal suo invio"
    );
    for draft in every_kind(&receiver(), &facts(), "550 5.4.1 x", &original()) {
        let error = draft.certification.and_then(|c| c.extended_error).unwrap_or_default();
        assert_eq!(error.starts_with("5.4.1"), draft.kind == Kind::Overdue24h, "{}: {error}", draft.kind);
    }
}
