//! COPY and MOVE.

use super::*;

#[test]
fn copying_and_moving() {
    let mut client = selected();
    client.script(
        "C: a COPY 1:2 Archivio
         S: a NO [TRYCREATE] …
         C: b CREATE Archivio
         S: b OK …
         C: c COPY 1:2 Archivio
         S: c OK [COPYUID 7 1:2 1:2] …
         C: d UID COPY 99 Archivio
         S: d OK …
         C: e UID MOVE 1 Archivio
         S: * OK [COPYUID 7 1 3] …
         S: * 1 EXPUNGE
         S: e OK …
         C: f UID SEARCH ALL
         S: * SEARCH 2
         S: f OK …",
    );
    assert_eq!(client.toy.folders["Archivio"].messages.len(), 3);
}
