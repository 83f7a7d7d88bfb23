//! A message much larger than any buffer, read by many who are in no hurry.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use openssl::ssl::SslStream;

use crate::doors::{ANNA, connect, over_tls, resident_kib};
use crate::serve::Sample;

/// The port of IMAP under TLS, after the sample's base.
const IMAPS: u16 = 4;
const SIZE: usize = 50 << 20;
const READERS: usize = 8;

type Reader = SslStream<TcpStream>;

/// The next line, with its end.
fn heard(reader: &mut Reader) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        let mut byte = [0];
        reader.read_exact(&mut byte).expect("a line");
        line.push(byte[0]);
    }
    String::from_utf8_lossy(&line).into_owned()
}

/// Sends a command and gives its tagged answer.
fn ask(reader: &mut Reader, command: &str) -> String {
    reader.write_all(format!("{command}\r\n").as_bytes()).expect("it is heard");
    answer(reader, command.split(' ').next().expect("a tag"))
}

/// Reads up to the answer with this tag.
fn answer(reader: &mut Reader, tag: &str) -> String {
    loop {
        let line = heard(reader);
        if line.starts_with(tag) {
            return line;
        }
    }
}

fn log_in(sample: &Sample) -> Reader {
    let mut reader = over_tls(sample, connect(sample, IMAPS));
    assert!(heard(&mut reader).starts_with("* OK"));
    assert!(ask(&mut reader, &format!("l LOGIN {ANNA} segreta")).starts_with("l OK"));
    reader
}

/// The memory once it changes no more: password checks, the store and the index of texts take some after an APPEND, and the
/// allocator gives it back when it likes. What counts is what reading adds.
fn quiet_kib(pid: u32) -> usize {
    let (mut before, mut same) = (resident_kib(pid), 0);
    for _ in 0..60 {
        std::thread::sleep(Duration::from_secs(1));
        let now = resident_kib(pid);
        same = if now.abs_diff(before) < 1024 { same + 1 } else { 0 };
        before = now;
        if same == 5 {
            break;
        }
    }
    before
}

#[test]
fn slow_readers_of_a_large_message_take_little_memory_and_delay_nobody() {
    let sample = Sample::new();
    let guard = sample.serve();
    sample.add(ANNA, "segreta");
    let mut writer = log_in(&sample);
    let line = b"Una riga fra tante, che riempie il messaggio....\r\n";
    let message = [b"Subject: grande\r\n\r\n".to_vec(), line.repeat(SIZE / line.len())].concat();
    writer.write_all(format!("a APPEND Bozze {{{}+}}\r\n", message.len()).as_bytes()).expect("it is heard");
    writer.write_all(&message).expect("it is heard");
    writer.write_all(b"\r\n").expect("it is heard");
    let said = answer(&mut writer, "a ");
    assert!(said.starts_with("a OK"), "{said}");

    let mut readers: Vec<Reader> = (0..READERS)
        .map(|_| {
            let mut reader = log_in(&sample);
            assert!(ask(&mut reader, "s SELECT Bozze").starts_with("s OK"));
            reader
        })
        .collect();
    let before = quiet_kib(guard.0.id());
    for reader in &mut readers {
        reader.write_all(b"f FETCH 1 (BODY.PEEK[] UID)\r\n").expect("it is heard");
        assert_eq!(heard(reader), format!("* 1 FETCH (BODY[] {{{}}}\r\n", message.len()));
    }
    // Each has read a line, and reads no more for a while: what the server could send, it has sent by now.
    std::thread::sleep(Duration::from_secs(3));
    let grown = resident_kib(guard.0.id()).saturating_sub(before);
    eprintln!("{grown} KiB more with {READERS} slow readers of {} MiB", SIZE >> 20);
    assert!(grown < SIZE / 1024 / 2, "{grown} KiB for {READERS} readers: less than half of the message once");
    let begun = Instant::now();
    let said = ask(&mut writer, "b APPEND Bozze {6+}\r\nA: b\r\n");
    assert!(said.starts_with("b OK"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?} for a small message", begun.elapsed());

    let reader = &mut readers[0];
    let mut body = vec![0; message.len()];
    reader.read_exact(&mut body).expect("the message");
    assert!(body == message, "to the byte");
    assert_eq!(heard(reader), " UID 1)\r\n");
    drop(readers);
    assert!(ask(&mut writer, "c NOOP").starts_with("c OK"));
    drop(guard);
}
