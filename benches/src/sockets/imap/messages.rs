//! Messages: how fast they come in, go out, are marked and copied.

use super::side::Side;
use super::{Bench, Folder, messages_of};
use crate::material::{SIZES, Size};
use crate::sockets::reader::{Answer, Reader};

/// Connections that bring messages at once, each into a mailbox of its own.
const CONNECTIONS: [usize; 2] = [1, 16];

/// What is read, marked, copied and searched.
pub fn small(bench: &Bench) -> Folder {
    Folder { name: "Small", count: bench.scale(10_000, 20), size: SIZES[0] }
}

fn large(bench: &Bench) -> Folder {
    Folder { name: "Large", count: bench.scale(500, 2), size: SIZES[1] }
}

fn huge(bench: &Bench) -> Folder {
    Folder { name: "Huge", count: 1, size: Size { name: "50MB", bytes: bench.scale(50, 1) << 20 } }
}

/// APPEND, each message after the answer to the one before it.
pub fn append(bench: &mut Bench) {
    for (size, full) in SIZES.into_iter().zip([[1000, 200], [200, 20]]) {
        for (connections, full) in CONNECTIONS.into_iter().zip(full) {
            let each = bench.scale(full, 2);
            let letters = messages_of(&(1..=each).collect::<Vec<_>>(), size);
            let what = format!("APPEND of {}, {connections} connections, a mailbox each", size.name);
            bench.row(
                (&what, "messages"),
                (connections * each) as f64,
                |side, _| (0..connections).map(|n| side.open(n)).collect::<Vec<Reader>>(),
                |_, readers, _| {
                    std::thread::scope(|scope| {
                        for reader in readers {
                            let letters = &letters;
                            scope.spawn(move || letters.chunks(1).for_each(|one| reader.append("INBOX", one)));
                        }
                    });
                },
            );
        }
    }
}

/// FETCH of whole messages, and of what a list is made of.
pub fn fetch(bench: &mut Bench) {
    for folder in [small(bench), large(bench), huge(bench)] {
        bench.fill(folder);
        let octets: usize =
            messages_of(&(1..=folder.count).collect::<Vec<_>>(), folder.size).iter().map(Vec::len).sum();
        let what = format!("FETCH BODY.PEEK[], {} × {}", folder.count, folder.size.name);
        let all = |answer: &Answer| assert_eq!(answer.octets, octets, "every octet of every message");
        one_command(bench, (&what, "MB"), octets as f64 / 1e6, folder, "FETCH 1:* BODY.PEEK[]", all);
    }
    let folder = small(bench);
    for item in ["ENVELOPE", "BODYSTRUCTURE", "(UID FLAGS RFC822.SIZE)"] {
        let what = format!("FETCH {item}, {} messages of {}", folder.count, folder.size.name);
        let all = |answer: &Answer| assert_eq!(answer.responses, folder.count, "one for each message");
        one_command(bench, (&what, "messages"), folder.count as f64, folder, &format!("FETCH 1:* {item}"), all);
    }
}

/// Flags set and taken, and copies into a folder that is new.
pub fn change(bench: &mut Bench) {
    let folder = small(bench);
    bench.fill(folder);
    let amount = folder.count as f64;
    for (sign, said) in [('+', "set"), ('-', "taken")] {
        let what = format!("STORE, a flag {said}, {} messages", folder.count);
        let command = format!("STORE 1:* {sign}FLAGS.SILENT (\\Flagged)");
        let undo = format!("STORE 1:* {}FLAGS.SILENT (\\Flagged)", if sign == '+' { '-' } else { '+' });
        let prepare = |side: &Side, _| {
            let mut reader = selected(side, folder);
            reader.ask(&undo);
            reader
        };
        bench.row((&what, "messages"), amount, prepare, |_, reader, _| drop(reader.ask(&command)));
    }
    let prepare = |side: &Side, run: usize| {
        let mut reader = selected(side, folder);
        reader.ask(&format!("CREATE Copy{run}"));
        reader
    };
    let what = format!("COPY, {} messages", folder.count);
    bench.row((&what, "messages"), amount, prepare, |_, reader, run| drop(reader.ask(&format!("COPY 1:* Copy{run}"))));
}

/// A row of one command in a selected folder; `check` is not measured apart, it costs nothing.
pub fn one_command(
    bench: &mut Bench,
    head: (&str, &str),
    amount: f64,
    folder: Folder,
    command: &str,
    check: impl Fn(&Answer),
) {
    bench.row(head, amount, |side, _| selected(side, folder), |_, reader, _| check(&reader.ask(command)));
}

/// A connection of the first person, in this folder.
pub fn selected(side: &Side, folder: Folder) -> Reader {
    let mut reader = side.open(0);
    reader.ask(&format!("SELECT {}", folder.name));
    reader
}
