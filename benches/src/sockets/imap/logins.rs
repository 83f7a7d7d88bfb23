//! Logins: a connection, TLS, the greeting, a password, LOGOUT.

use super::side::{Kept, Side};
use super::{Bench, PEOPLE};
use crate::sockets::client::ROOM;
use crate::sockets::reader::Keys;

/// Clients at once.
const AT_ONCE: usize = 16;
/// Of each, where the password is cheap.
const EACH: usize = 20;
/// Each a person who was not there before.
const FIRST: usize = 3;

/// Three ways of being known.
pub fn run(bench: &mut Bench) {
    let (first, each) = (bench.scale(FIRST, 1), bench.scale(EACH, 2));
    let person = move |run: usize, client: usize, n: usize| (AT_ONCE + (run * FIRST + n) * AT_ONCE + client) % PEOPLE;
    bench.row(
        ("logins, 16 clients; argon2id (m=19 MiB, t=2, p=1), a person's first since the start", "logins"),
        (AT_ONCE * first) as f64,
        |_, _| (),
        |side, (), run| everybody(first, |client, n| login(side, person(run, client, n), Kept::Dear)),
    );
    bench.row(
        ("logins, 16 clients; a password seen before, by keyed digest; Dovecot's in clear", "logins"),
        (AT_ONCE * each) as f64,
        |side, _| (0..AT_ONCE).for_each(|client| login(side, client, Kept::Cheap)),
        |side, (), _| everybody(each, |client, _| login(side, client, Kept::Cheap)),
    );
    bench.row(
        ("logins, 16 clients; SCRAM-SHA-256, 100,000 rounds, which the client remembers", "logins"),
        (AT_ONCE * each) as f64,
        |side, _| scram(side, 0, None),
        |side, keys, _| {
            let keys = &*keys;
            everybody(each, |client, _| drop(scram(side, client, Some(keys.clone()))));
        },
    );
}

/// Each client does it `times`, all at once.
fn everybody(times: usize, each: impl Fn(usize, usize) + Sync) {
    std::thread::scope(|scope| {
        for client in 0..AT_ONCE {
            let each = &each;
            scope.spawn(move || (0..times).for_each(|n| each(client, n)));
        }
    });
}

fn login(side: &Side, person: usize, kept: Kept) {
    let mut reader = side.greeted(ROOM);
    reader.login(&side.mailbox(person, kept));
    reader.ask("LOGOUT");
}

fn scram(side: &Side, person: usize, known: Option<Keys>) -> Keys {
    let mut reader = side.greeted(ROOM);
    let keys = reader.scram(&side.mailbox(person, Kept::Scram), known);
    reader.ask("LOGOUT");
    keys
}
