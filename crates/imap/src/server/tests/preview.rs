//! PREVIEW.

use super::*;

#[test]
fn previews_come_from_the_summary() {
    let mut client = selected();
    client.script(
        "C: a FETCH 1:2 (UID PREVIEW)
         S: * 1 FETCH (UID 1 PREVIEW \"ciao\")
         S: * 2 FETCH (UID 2 PREVIEW {10}
         S: Perché no)
         S: a OK …
         C: b FETCH 1 PREVIEW (LAZY)
         S: * 1 FETCH (PREVIEW \"ciao\")
         S: b OK …
         C: c FETCH 1 (PREVIEW (LAZY) FLAGS)
         S: * 1 FETCH (PREVIEW \"ciao\" FLAGS ())
         S: c OK …
         C: d FETCH 1 PREVIEW (EAGER)
         S: d BAD …",
    );
    assert_eq!(client.toy.reads, 0, "no message is read");
}
