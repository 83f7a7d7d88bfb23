//! SORT.

use super::*;

#[test]
fn sorting() {
    let mut toy = Toy::new();
    for header in
        ["From: Zoe <b@x>\r\nSubject: Re: beta", "From: c@x\r\nSubject: alfa", "From: Anna <a@x>\r\nSubject: BETA"]
    {
        toy.deliver("INBOX", format!("{header}\r\n\r\n").as_bytes());
    }
    let mut client = Client::inside(toy);
    client.ask("s SELECT INBOX");
    client.ask("d UID STORE 2 +FLAGS.SILENT (\\Seen)");
    (client.toy.reads, client.toy.summaries) = (0, 0);
    client.script(
        "C: a SORT (SUBJECT) UTF-8 ALL
         S: * SORT 2 1 3
         S: a OK SORT completed
         C: b UID SORT (REVERSE SUBJECT FROM) US-ASCII UNSEEN
         S: * SORT 3 1
         S: b OK …
         C: c SORT (DISPLAYFROM) UTF-8 ALL
         S: * SORT 3 2 1
         S: c OK …
         C: d SORT (SUBJECT) UTF-8 SUBJECT nessuno
         S: * SORT
         S: d OK …
         C: e SORT RETURN (MIN MAX ALL COUNT) (SUBJECT) UTF-8 ALL
         S: * ESEARCH (TAG \"e\") MIN 2 MAX 3 ALL 2,1,3 COUNT 3
         S: e OK …
         C: f UID SORT RETURN () (ARRIVAL) UTF-8 ALL
         S: * ESEARCH (TAG \"f\") UID ALL 1:3
         S: f OK …
         C: g SORT (SUBJECT) KOI8-R ALL
         S: g NO [BADCHARSET (US-ASCII UTF-8)] …
         C: h SORT (WEIGHT) UTF-8 ALL
         S: h BAD …
         C: i SORT (SUBJECT) UTF-8
         S: i BAD …
         C: j SORT (SUBJECT) ALL
         S: j BAD …",
    );
    assert_eq!(client.toy.reads, 0, "no message is read");
    client.toy.summaries = 0;
    client.ask("k SORT (SIZE REVERSE ARRIVAL) UTF-8 ALL");
    assert_eq!(client.toy.summaries, 0, "rows are enough");
}

#[test]
fn sequence_numbers_hold_while_others_expunge_and_uid_sort_tells() {
    let mut client = selected();
    client.toy.inbox().remove(|row| row.uid == 1);
    client.script(
        "C: a SORT (SUBJECT) UTF-8 ALL
         S: * SORT 2
         S: a OK …
         C: b UID SORT (SUBJECT) UTF-8 ALL
         S: * SORT 2
         S: * 1 EXPUNGE
         S: b OK …",
    );
}
