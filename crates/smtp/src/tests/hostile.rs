//! Peers that mean harm, or that broke: what they can make us hold is bounded.

use sigillo_wire::{Session, Tick};

use super::client::{client, drain, envelope};
use super::stub::{Scripted, reply_to};
use crate::client::Action as ClientAction;
use crate::server::{Action, Config, MAX_HELD, Role, Server};

#[test]
fn an_endless_command_line_is_not_kept() {
    let mut s = Scripted::new(Role::Reception, |_| ());
    for _ in 0..1000 {
        s.server.input(s.now, &[b'A'; 10_000]);
        s.drive();
        assert!(s.server.held() < 20_000);
    }
    s.run("S: 220 …\nC:\nS: 500 5.5.2 …");
}

#[test]
fn a_flood_of_commands_is_answered_in_pieces() {
    let mut s = Server::new(Config::new(Role::Reception, "mx"), false, Tick(0));
    s.input(Tick(0), &b"NOOP\r\n".repeat(100_000));
    while let Some(Action::Write(bytes)) = s.poll() {
        assert!(bytes.len() < 20_000);
    }
}

#[test]
fn bytes_during_an_answer_are_bounded() {
    let mut s = Server::new(Config::new(Role::Reception, "mx"), false, Tick(0));
    s.input(Tick(0), b"EHLO b\r\nMAIL FROM:<>\r\n");
    while s.poll().is_some() {}
    for _ in 0..100 {
        s.input(Tick(0), &b"NOOP\r\n".repeat(10_000));
        assert!(s.held() <= MAX_HELD);
    }
    assert!(matches!(s.poll(), Some(Action::Write(w)) if w.starts_with(b"421 4.7.0 ")));
    assert_eq!((s.poll(), s.poll(), s.poll()), (Some(Action::Reset), Some(Action::Close), None));
}

#[test]
fn a_message_being_decided_is_not_reset() {
    let mut s = Server::new(Config::new(Role::Reception, "mx"), false, Tick(0));
    s.input(Tick(0), b"EHLO b\r\nMAIL FROM:<>\r\n");
    while let Some(action) = s.poll() {
        reply_to(&mut s, &action, Tick(0));
    }
    s.input(Tick(0), b"RCPT TO:<a@x.example>\r\nDATA\r\nhi\r\n.\r\n");
    while let Some(action) = s.poll() {
        if !matches!(action, Action::DataEnd { .. }) {
            reply_to(&mut s, &action, Tick(0));
        }
    }
    s.input(Tick(0), &vec![b'x'; MAX_HELD + 1]);
    assert!(matches!(s.poll(), Some(Action::Write(w)) if w.starts_with(b"421 ")));
    assert_eq!((s.poll(), s.poll()), (Some(Action::Close), None));
}

#[test]
fn a_huge_message_is_read_but_not_kept() {
    let mut s = Scripted::new(Role::Reception, |c| c.size_limit = 100);
    s.server.input(s.now, b"EHLO b\r\nMAIL FROM:<>\r\nRCPT TO:<a@x.example>\r\nDATA\r\n");
    s.drive();
    for _ in 0..1000 {
        s.server.input(s.now, &[b'x'; 10_000]);
        s.drive();
        assert!(s.server.held() == 0);
    }
    let kept: usize = s.actions.iter().map(|a| if let Action::DataChunk(c) = a { c.len() } else { 0 }).sum();
    assert_eq!(kept, 100);
}

/// The first failure that the client tells.
fn failure(bytes: &[u8]) -> (bool, String) {
    let mut c = client(envelope(&["a@x.example"]), |_| ());
    for piece in bytes.chunks(5_000) {
        c.input(Tick(0), piece);
        for action in drain(&mut c) {
            if let ClientAction::Done(outcomes) = action {
                let failure = outcomes[0].result.clone().unwrap_err();
                return (failure.permanent, failure.text);
            }
        }
        assert!(c.held() < 10_000);
    }
    panic!("no outcome");
}

#[test]
fn endless_replies_and_lines() {
    let (permanent, text) = failure(&b"220-hello\r\n".repeat(100_000));
    assert!(!permanent && text.contains("troppo lunga"), "{text}");
    let mut line = b"220 ".to_vec();
    line.resize(1 << 20, b'x');
    line.extend_from_slice(b"\r\n");
    let (permanent, text) = failure(&line);
    assert!(!permanent && text.contains("troppo lunga"), "{text}");
    let (_, text) = failure(b"hello\r\n");
    assert!(text.contains("malformata"), "{text}");
}

#[test]
fn chatter_during_the_message_is_bounded() {
    let mut c = client(envelope(&["a@x.example"]), |_| ());
    c.input(Tick(0), b"220 x\r\n250 x\r\n250 x\r\n250 x\r\n354 x\r\n");
    let actions = drain(&mut c);
    assert_eq!(actions.last(), Some(&ClientAction::NeedBody));
    for _ in 0..1000 {
        c.input(Tick(0), &b"250 x\r\n".repeat(1_000));
    }
    assert!(matches!(drain(&mut c)[..], [ClientAction::Done(_), ClientAction::Close]));
}
