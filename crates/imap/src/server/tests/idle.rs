//! IDLE.

use super::*;

#[test]
fn idling() {
    let mut client = selected();
    client.toy.deliver("INBOX", PLAIN);
    client.script(
        "C: a IDLE
         S: + idling
         S: * 3 EXISTS
         S: * 0 RECENT",
    );
    assert!(client.idle);
    assert!(client.server.listens());
    client.wake();
    assert!(client.received.is_empty(), "nothing new, nothing told");
    client.toy.inbox().remove(|row| row.uid == 1);
    client.toy.inbox().flag(2, System::Seen);
    client.wake();
    client.script(
        "S: * 1 EXPUNGE
         S: * 1 FETCH (FLAGS (\\Seen))
         C: done
         S: a OK …",
    );
    assert!(!client.idle && !client.server.listens());
    client.wake();
    assert!(client.received.is_empty());
    client.script("C: b IDLE\nS: + idling\nC: c NOOP\nS: b BAD …\nC: d NOOP\nS: d OK …");
}
