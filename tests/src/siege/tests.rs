use super::*;

const ANNA: &str = "anna@comune-alfa.example";
const BRUNO: &str = "bruno@ente-beta.example";

fn row(who: &str, kind: &str, id: &str, n: usize) -> ((String, String, String), usize) {
    ((who.to_owned(), kind.to_owned(), id.to_owned()), n)
}

fn whole(id: &str) -> [((String, String, String), usize); 4] {
    let places = [
        (ANNA, "accettazione"),
        (SERVICE, "presa-in-carico"),
        (BRUNO, "posta-certificata"),
        (ANNA, "avvenuta-consegna"),
    ];
    places.map(|(who, kind)| row(who, kind, id, 1))
}

#[test]
fn the_judgement_sees_losses_doubles_halves_and_strangers() {
    let submitted: Submissions = [("<a>", BRUNO, 250), ("<b>", BRUNO, 250), ("<c>", BRUNO, 0), ("<d>", BRUNO, 0)]
        .into_iter()
        .chain([("<e>", NOBODY, 250)])
        .map(|(id, to, code)| (id.to_owned(), Submitted { from: ANNA.into(), to: to.into(), code }))
        .collect();
    let places = [(ANNA, "accettazione"), (SERVICE, "presa-in-carico"), (ANNA, "errore-consegna")];
    let failed = places.map(|(who, kind)| row(who, kind, "<e>", 1));
    let rows = [&whole("<a>")[..], &whole("<b>"), &whole("<d>"), &failed].concat();
    let good: Census = rows.into_iter().collect();
    let expected = Ledger { accepted: 3, unheard: 1, delivered: 3, failed: 1, ..Ledger::default() };
    assert_eq!(judge(&good, &submitted), expected);
    let changed = |who: &str, kind: &str, id: &str, n: usize| {
        let mut census = good.clone();
        census.extend([row(who, kind, id, n)]);
        census.retain(|_, n| *n > 0);
        let ledger = judge(&census, &submitted);
        assert!(!ledger.holds());
        (ledger.lost.len(), ledger.doubled.len(), ledger.strangers.len())
    };
    assert_eq!(changed(ANNA, "avvenuta-consegna", "<a>", 0), (1, 0, 0), "a receipt is lost");
    assert_eq!(changed(SERVICE, "presa-in-carico", "<a>", 0), (1, 0, 0), "a take-charge is lost");
    assert_eq!(changed(BRUNO, "posta-certificata", "<b>", 2), (0, 1, 0), "delivered twice");
    assert_eq!(changed(ANNA, "accettazione", "<c>", 1), (1, 0, 0), "half done, and not answered");
    assert_eq!(changed(ANNA, "errore-consegna", "<a>", 1), (1, 0, 0), "two outcomes");
    assert_eq!(changed(ANNA, "preavviso-errore-consegna", "<a>", 1), (0, 0, 2), "nobody expects it");
    assert_eq!(changed(BRUNO, "posta-certificata", "<z>", 1), (0, 0, 2), "nobody sent it");
}
