//! SMTP sessions of both sides, what comes before them, and what a session did.

use sigillo_smtp::Reply;
use sigillo_smtp::client as smtp_client_side;
use sigillo_smtp::server as smtp_server;
use sigillo_wire::proxy::Progress;
use sigillo_wire::sasl::{Claim, Query, ScramKeys};
use sigillo_wire::{Session, Tick};

/// A PROXY header is asked for piece by piece, to its exact end: what follows is the client's.
pub fn proxy(data: &[u8]) {
    let mut have = 0;
    while let Ok(Progress::More(more)) = sigillo_wire::proxy::read(&data[..have]) {
        assert!(more > 0 && have + more <= sigillo_wire::proxy::MAX_HEADER);
        if have + more > data.len() {
            return;
        }
        have += more;
    }
    if let Ok(Progress::Done(Some(source))) = sigillo_wire::proxy::read(&data[..have]) {
        assert!(data.starts_with(b"PROXY TCP") || data[12] == 0x21, "{source} out of nothing");
    }
}

/// What a session did, with neighbouring bytes joined: how they were cut is no promise.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Did {
    Wrote(Vec<u8>),
    Took(Vec<u8>),
    Other(String),
}

pub(super) fn push(trace: &mut Vec<Did>, did: Did) {
    match (trace.last_mut(), did) {
        (Some(Did::Wrote(before)), Did::Wrote(more)) | (Some(Did::Took(before)), Did::Took(more)) => {
            before.extend(more);
        }
        (_, did) => trace.push(did),
    }
}

/// Fed at once and in pieces of every small size, a session does the same.
pub(super) fn any_cuts(data: &[u8], run: impl Fn(&mut dyn Iterator<Item = &[u8]>) -> Vec<Did>) {
    let whole = run(&mut std::iter::once(data));
    for size in [1, 2, 7, 61] {
        let cut = run(&mut data.chunks(size));
        assert!(whole == cut, "pieces of {size} octets: {cut:?}\nat once: {whole:?}");
    }
}

/// A session at every door: what senders, recipients and messages are answered, their lengths say.
pub fn smtp(data: &[u8]) {
    use smtp_server::Role;
    for role in [Role::Submission, Role::SubmissionTls, Role::Reception] {
        let new = |tls| {
            let mut config = smtp_server::Config::new(role, "mx.pec.alfa.example");
            config.size_limit = 4096;
            smtp_server::Server::new(config, tls, Tick(0))
        };
        any_cuts(data, |pieces| {
            let mut server = new(true);
            let mut trace = Vec::new();
            drive_smtp(&mut server, Tick(0), &mut trace);
            for piece in pieces {
                server.input(Tick(0), piece);
                drive_smtp(&mut server, Tick(0), &mut trace);
            }
            server.end_of_input(Tick(0));
            drive_smtp(&mut server, Tick(0), &mut trace);
            trace
        });
        // Before TLS the cuts matter, since what follows STARTTLS is thrown away: there it must only stand.
        let mut server = new(false);
        server.input(Tick(0), data);
        drive_smtp(&mut server, Tick(0), &mut Vec::new());
        slowly(new(true), data);
    }
}

/// The same where time passes between the lines, as much as each is long: whoever is told that its time is over has no
/// deadline left that is over too, and a session that ended does nothing more.
fn slowly(mut server: smtp_server::Server, data: &[u8]) {
    let (mut now, mut trace) = (Tick(0), Vec::new());
    for line in data.split_inclusive(|b| *b == b'\n') {
        drive_smtp(&mut server, now, &mut trace);
        now = now.plus_ms(line.len() as u64 * 3000);
        server.timeout(now);
        assert!(server.deadline().is_none_or(|end| end > now), "its time is over, and it waits");
        let ended = trace.last() == Some(&Did::Other(format!("{:?}", smtp_server::Action::Close)));
        let did = trace.len();
        server.input(now, line);
        drive_smtp(&mut server, now, &mut trace);
        assert!(!ended || trace.len() == did, "something after the end");
    }
}

/// Yes, not now, or no.
fn verdict(length: usize) -> Reply {
    match length % 5 {
        3 => Reply::new(450, (4, 2, 1), "Later"),
        2 => Reply::new(550, (5, 1, 1), "No"),
        _ => Reply::new(250, (2, 0, 0), "OK"),
    }
}

fn drive_smtp(server: &mut smtp_server::Server, now: Tick, trace: &mut Vec<Did>) {
    use smtp_server::Action;
    while let Some(action) = server.poll() {
        match action {
            Action::Write(bytes) => push(trace, Did::Wrote(bytes)),
            Action::DataChunk(bytes) => push(trace, Did::Took(bytes)),
            Action::StartTls => server.tls_started(now),
            Action::Lookup(Query::Keys(user)) => {
                push(trace, Did::Other(format!("keys of {user}")));
                server.keys(ScramKeys::of_nobody(b"fuzz", &user), "NONCE", now);
            }
            Action::Lookup(Query::Token { user, .. }) => {
                push(trace, Did::Other(format!("token of {user:?}")));
                server.token(user.filter(|u| u.len() % 2 == 0), now);
            }
            Action::Authenticate(claim) => {
                push(trace, Did::Other(format!("login {claim:?}")));
                let failed = matches!(claim, Claim::Refuted(_) | Claim::BadToken { .. });
                let user = Some(claim.user().to_owned()).filter(|_| !failed);
                server.authenticated(user, Reply::new(535, (5, 7, 8), "No"), now);
            }
            Action::Mail(from) => {
                push(trace, Did::Other(format!("{from:?}")));
                server.answer(verdict(from.from.map_or(0, |address| address.local().len())), now);
            }
            Action::Rcpt(to) => {
                push(trace, Did::Other(format!("to {to:?}")));
                server.answer(verdict(to.address.local().len()), now);
            }
            Action::DataEnd { size, eight_bit } => {
                push(trace, Did::Other(format!("end {size} {eight_bit}")));
                let leaves = size % 7 == 6;
                let answer = if leaves { Reply::new(421, (4, 3, 2), "Bye") } else { verdict(size as usize) };
                server.answer(answer, now);
            }
            other => push(trace, Did::Other(format!("{other:?}"))),
        }
    }
}

/// Our side of a delivery under TLS, against a server that says these bytes and goes: each recipient gets one outcome, and
/// the message counts as taken only when all of it went out.
pub fn smtp_client(data: &[u8]) {
    any_cuts(data, |pieces| {
        let to: Vec<_> = ["a@x.example", "b@x.example"].iter().filter_map(|a| a.parse().ok()).collect();
        let envelope = smtp_client_side::Envelope {
            from: None,
            to: to.clone(),
            size: 4,
            eight_bit: true,
            utf8: false,
            require_tls: false,
        };
        let config =
            smtp_client_side::Config { under_tls: true, ..smtp_client_side::Config::new("mx.pec.alfa.example") };
        let mut client = smtp_client_side::Client::new(config, envelope, Tick(0));
        let (mut trace, mut told) = (Vec::new(), Vec::new());
        drive_smtp_client(&mut client, &mut trace, &mut told);
        for piece in pieces {
            client.input(Tick(0), piece);
            drive_smtp_client(&mut client, &mut trace, &mut told);
        }
        client.end_of_input(Tick(0));
        drive_smtp_client(&mut client, &mut trace, &mut told);
        let wrote: Vec<u8> =
            trace.iter().flat_map(|did| if let Did::Wrote(bytes) = did { &bytes[..] } else { &[] }).copied().collect();
        assert_eq!(told.len(), to.len(), "each recipient once");
        let taken = told.iter().any(|outcome| outcome.result.is_ok());
        assert!(!taken || wrote.windows(7).any(|w| w == b"hi\r\n.\r\n"), "taken without its end");
        trace
    });
}

fn drive_smtp_client(
    client: &mut smtp_client_side::Client,
    trace: &mut Vec<Did>,
    told: &mut Vec<smtp_client_side::RecipientOutcome>,
) {
    use smtp_client_side::Action;
    while let Some(action) = client.poll() {
        match action {
            Action::Write(bytes) => push(trace, Did::Wrote(bytes)),
            Action::NeedBody => {
                client.body(b"hi\r\n");
                client.body_end();
            }
            Action::Done(outcomes) => {
                push(trace, Did::Other(format!("{outcomes:?}")));
                told.extend(outcomes);
            }
            other => push(trace, Did::Other(format!("{other:?}"))),
        }
    }
}
