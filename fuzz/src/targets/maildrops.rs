//! POP3 sessions over a maildrop of two messages.

use sigillo_wire::sasl::{Claim, Query, ScramKeys};
use sigillo_wire::{Session, Tick};

use super::sessions::{Did, any_cuts, push};

/// A POP3 session after TLS, over two messages that no QUIT removes twice.
pub fn pop3(data: &[u8]) {
    let new = |tls| sigillo_pop3::Server::new(sigillo_pop3::Config::default(), tls, Tick(0));
    any_cuts(data, |pieces| {
        let (mut server, mut trace) = (new(true), Vec::new());
        drive_pop3(&mut server, &mut trace);
        for piece in pieces {
            server.input(Tick(0), piece);
            drive_pop3(&mut server, &mut trace);
        }
        server.end_of_input(Tick(0));
        drive_pop3(&mut server, &mut trace);
        let removals = trace.iter().filter(|did| matches!(did, Did::Other(what) if what.starts_with("Remove")));
        assert!(removals.count() <= 1, "QUIT is the last that is heard");
        trace
    });
    let mut server = new(false);
    server.input(Tick(0), data);
    drive_pop3(&mut server, &mut Vec::new());
}

fn drive_pop3(server: &mut sigillo_pop3::Server, trace: &mut Vec<Did>) {
    use sigillo_pop3::{Action, LoginRefusal, Maildrop, Message, Piece};
    let drop = [&b"Subject: uno\r\n\r\n.\r\n..\n.\n"[..], b"Subject: due\r\n\r\nsenza fine"];
    while let Some(action) = server.poll() {
        match action {
            Action::Write(bytes) => push(trace, Did::Wrote(bytes)),
            Action::StartTls => server.tls_started(Tick(0)),
            Action::Lookup(Query::Keys(user)) => {
                push(trace, Did::Other(format!("keys of {user}")));
                server.keys(ScramKeys::of_nobody(b"fuzz", &user), "NONCE", Tick(0));
            }
            Action::Lookup(Query::Token { user, .. }) => {
                push(trace, Did::Other(format!("token of {user:?}")));
                server.token(user.filter(|u| u.len() % 2 == 0), Tick(0));
            }
            Action::Login(claim) => {
                push(trace, Did::Other(format!("login {claim:?}")));
                let messages = (1..).zip(drop).map(|(uid, bytes)| Message { uid, size: bytes.len() as u32 });
                let drop = Maildrop { uid_validity: 7, messages: messages.collect() };
                let fine = !matches!(claim, Claim::Refuted(_) | Claim::BadToken { .. });
                server.logged_in(if fine { Ok(drop) } else { Err(LoginRefusal::Credentials) }, Tick(0));
            }
            Action::Read { uid, from } => {
                let rest = &drop[uid as usize - 1][from as usize..];
                let bytes = rest[..rest.len().min(9)].to_vec();
                let last = bytes.len() == rest.len();
                server.piece(Ok(Piece { bytes, last }), Tick(0));
            }
            Action::Remove(uids) => {
                push(trace, Did::Other(format!("Remove {uids:?}")));
                server.removed(Ok(()), Tick(0));
            }
            Action::Close => push(trace, Did::Other("Close".into())),
        }
    }
}
