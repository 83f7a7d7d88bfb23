//! The least of a mail client: enough to submit and to count, and cheap, since it runs on the measured cores.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use openssl::ssl::{SslConnector, SslMethod, SslStream};
use sigillo_base::Address;

use super::street::Mailbox;

/// TLS that believes this authority.
pub fn connector(ca_file: &Path) -> SslConnector {
    let mut builder = SslConnector::builder(SslMethod::tls()).expect("TLS");
    builder.set_ca_file(ca_file).expect("the authority's certificate");
    builder.build()
}

struct Wire(BufReader<SslStream<TcpStream>>);

impl Wire {
    fn open(tls: &SslConnector, address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the program listens");
        stream.set_nodelay(true).expect("a socket option");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket option");
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        Self(BufReader::new(tls.connect(host, stream).expect("TLS with the right name")))
    }

    fn say(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("the program reads");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("the program answers");
        assert!(!line.is_empty(), "the program closed the connection");
        line
    }
}

/// A submission connection, logged in.
pub struct Sender(Wire);

impl Sender {
    /// Over implicit TLS.
    pub fn open(tls: &SslConnector, address: &str, mailbox: &Mailbox) -> Self {
        let mut sender = Self(Wire::open(tls, address));
        sender.hear(220);
        sender.0.say(b"EHLO client.example\r\n");
        sender.hear(250);
        let plain = format!("\0{}\0{}", mailbox.address, mailbox.password);
        sender.0.say(format!("AUTH PLAIN {}\r\n", data_encoding::BASE64.encode(plain.as_bytes())).as_bytes());
        sender.hear(235);
        sender
    }

    /// One transaction; its commands go in one write. No line of `message` may begin with a dot.
    pub fn send(&mut self, from: &Address, to: &Address, message: &[u8]) {
        self.0.say(format!("MAIL FROM:<{from}>\r\nRCPT TO:<{to}>\r\nDATA\r\n").as_bytes());
        self.hear(250);
        self.hear(250);
        self.hear(354);
        self.0.say(message);
        self.0.say(b".\r\n");
        self.hear(250);
    }

    fn hear(&mut self, code: u16) {
        loop {
            let line = self.0.line();
            assert!(line.starts_with(&code.to_string()), "{code} expected: {line}");
            if line.as_bytes().get(3) != Some(&b'-') {
                return;
            }
        }
    }
}

/// An IMAP connection, logged in.
pub struct Reader(Wire);

impl Reader {
    /// Over implicit TLS.
    pub fn open(tls: &SslConnector, address: &str, mailbox: &Mailbox) -> Self {
        let mut reader = Self(Wire::open(tls, address));
        reader.0.line();
        reader.ask(&format!("LOGIN \"{}\" \"{}\"", mailbox.address, mailbox.password));
        reader
    }

    /// How many messages are in INBOX.
    pub fn messages(&mut self) -> usize {
        let said = self.ask("STATUS INBOX (MESSAGES)");
        let (_, rest) = said.split_once("MESSAGES ").expect("the count");
        rest.split(')').next().and_then(|n| n.trim().parse().ok()).expect("a number")
    }

    fn ask(&mut self, command: &str) -> String {
        self.0.say(format!("a {command}\r\n").as_bytes());
        let mut said = String::new();
        loop {
            let line = self.0.line();
            if let Some(end) = line.strip_prefix("a ") {
                assert!(end.starts_with("OK"), "{command}: {line}");
                return said;
            }
            said.push_str(&line);
        }
    }
}
