//! A message much larger than any buffer, which comes, is summarised and indexed, and is read by many who are in no hurry.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use openssl::ssl::SslStream;

use crate::doors::{ANNA, changed, connect, forget_peak, over_tls, peak_kib, resident_kib};
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
pub fn ask(reader: &mut Reader, command: &str) -> String {
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

pub fn log_in(sample: &Sample) -> Reader {
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
        if same == 10 {
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
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?} for a small message", begun.elapsed());

    let reader = &mut readers[0];
    let mut body = vec![0; message.len()];
    reader.read_exact(&mut body).expect("the message");
    assert!(body == message, "to the byte");
    assert_eq!(heard(reader), " UID 1)\r\n");
    drop(readers);
    assert!(ask(&mut writer, "c NOOP").starts_with("c OK"));
    drop(guard);
}

/// Appends a message of a header and so many lines of a hundred octets.
fn append(writer: &mut Reader, header: &str, lines: usize) {
    let mut line = "QUJD".repeat(25).into_bytes();
    line.splice(98.., *b"\r\n");
    let piece = line.repeat(10_000);
    writer
        .write_all(format!("a APPEND Bozze {{{}+}}\r\n{header}", header.len() + lines * 100).as_bytes())
        .expect("heard");
    (0..lines / 10_000).for_each(|_| writer.write_all(&piece).expect("heard"));
    writer.write_all(b"\r\n").expect("heard");
    let said = answer(writer, "a ");
    assert!(said.starts_with("a OK"), "{said}");
}

#[test]
fn a_hundred_megabytes_come_and_go_in_little_memory() {
    const LINES: usize = 1_050_000;
    let sample = changed(&[("memory_mb = 256", "memory_mb = 16")]);
    let guard = sample.serve();
    let pid = guard.0.id();
    sample.add(ANNA, "segreta");
    let mut client = log_in(&sample);
    // What a store holds in memory of what was written last is its budget's matter: it is full before anything is measured.
    append(
        &mut client,
        "Subject: prima\r\nContent-Transfer-Encoding: base64\r\nContent-Type: image/png\r\n\r\n",
        LINES,
    );
    let before = quiet_kib(pid);
    let most = |what: &str| {
        let grown = peak_kib(pid).saturating_sub(before);
        eprintln!("{} MiB more than {} MiB for {what}", grown / 1024, before / 1024);
        assert!(grown < 45 * 1024, "{grown} KiB more for {what}");
        forget_peak(pid);
    };
    forget_peak(pid);
    append(&mut client, "Subject: seconda\r\n\r\n", LINES);
    most("APPEND");
    quiet_kib(pid);
    most("the index of texts");
    assert!(ask(&mut client, "s SELECT Bozze").starts_with("s OK"));
    client.write_all(b"f FETCH 2 (BODYSTRUCTURE BODY.PEEK[])\r\n").expect("it is heard");
    let text = format!("\"7BIT\" {} {LINES}", LINES * 100);
    let line = heard(&mut client);
    assert!(line.contains(&text) && line.ends_with(&format!("BODY[] {{{}}}\r\n", LINES * 100 + 20)), "{line}");
    let (mut left, mut buffer) = (LINES * 100 + 20, vec![0; 64 * 1024]);
    while left > 0 {
        let most = buffer.len().min(left);
        left -= client.read(&mut buffer[..most]).expect("the message");
    }
    assert!(answer(&mut client, "f ").starts_with("f OK"));
    most("FETCH");
    assert!(ask(&mut client, "b FETCH 2 (PREVIEW BINARY.SIZE[1])").starts_with("b OK"));
    most("FETCH BINARY.SIZE");
    drop(guard);
}
