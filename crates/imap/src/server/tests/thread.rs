//! THREAD.

use super::*;

#[test]
fn threading() {
    let mut toy = Toy::new();
    toy.folders.get_mut("INBOX").unwrap().uid_next = 11;
    for header in [
        "Subject: offerta\r\nMessage-ID: <1@x>",
        "Subject: Re: offerta\r\nMessage-ID: <2@x>\r\nIn-Reply-To: <1@x>",
        "Subject: altro\r\nMessage-ID: <3@x>",
        "Subject: Re: offerta\r\nMessage-ID: <4@x>\r\nReferences: <1@x> <2@x>",
        "Subject: RE: offerta\r\nMessage-ID: <5@x>\r\nReferences: <1@x>",
    ] {
        toy.deliver("INBOX", format!("{header}\r\n\r\n").as_bytes());
    }
    let mut client = Client::inside(toy);
    client.ask("s SELECT INBOX");
    client.script(
        "C: a THREAD REFERENCES UTF-8 ALL
         S: * THREAD (1 (2 4)(5))(3)
         S: a OK THREAD completed
         C: b UID THREAD ORDEREDSUBJECT US-ASCII ALL
         S: * THREAD (11 (12)(14)(15))(13)
         S: b OK …
         C: c THREAD REFERENCES UTF-8 NOT 1
         S: * THREAD ((2 4)(5))(3)
         S: c OK …
         C: d THREAD X-CONVERSATION UTF-8 ALL
         S: * THREAD (1 (2)(4)(5))(3)
         S: d OK …
         C: e THREAD REFERENCES UTF-8 SUBJECT nessuno
         S: * THREAD
         S: e OK …
         C: f THREAD REFERENCES KOI8-R ALL
         S: f NO [BADCHARSET (US-ASCII UTF-8)] …
         C: g THREAD REFS UTF-8 ALL
         S: g BAD …
         C: h THREAD REFERENCES ALL
         S: h BAD …",
    );
    assert_eq!(client.toy.reads, 0, "no message is read");
}
