//! The least of a mail client: enough to submit and to read, and cheap, since it runs on the measured cores.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use openssl::ssl::{SslConnector, SslMethod, SslStream};
use sigillo_base::Address;

use super::street::Mailbox;

/// Octets read at once.
pub const ROOM: usize = 8 << 10;

/// TLS that believes this authority.
pub fn connector(ca_file: &Path) -> SslConnector {
    let mut builder = SslConnector::builder(SslMethod::tls()).expect("TLS");
    builder.set_ca_file(ca_file).expect("the authority's certificate");
    builder.build()
}

/// Lines over TLS.
pub struct Wire(BufReader<SslStream<TcpStream>>);

impl Wire {
    /// Implicit TLS, with room for so many octets that have come and were not asked for yet.
    pub fn open(tls: &SslConnector, address: &str, room: usize) -> Self {
        let stream = TcpStream::connect(address).expect("the program listens");
        stream.set_nodelay(true).expect("a socket option");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket option");
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        Self(BufReader::with_capacity(room, tls.connect(host, stream).expect("TLS with the right name")))
    }

    pub fn say(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).expect("the program reads");
    }

    /// The next line, with its end.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("the program answers");
        assert!(!line.is_empty(), "the program closed the connection");
        line
    }

    /// Reads so many octets, and forgets them.
    pub fn skip(&mut self, mut octets: usize) {
        while octets > 0 {
            let come = self.0.fill_buf().expect("the program answers").len().min(octets);
            assert!(come > 0, "the program closed the connection");
            self.0.consume(come);
            octets -= come;
        }
    }

    /// Version and cipher of its TLS.
    pub fn tls(&self) -> String {
        let tls = self.0.get_ref().ssl();
        format!("{} {}", tls.version_str(), tls.current_cipher().map_or("–", |cipher| cipher.name()))
    }
}

/// After which who met a limit comes again.
const LATER: Duration = Duration::from_millis(100);

/// A submission connection, logged in.
pub struct Sender(Wire);

impl Sender {
    /// Over implicit TLS.
    pub fn open(tls: &SslConnector, address: &str, mailbox: &Mailbox) -> Self {
        let mut sender = Self(Wire::open(tls, address, ROOM));
        sender.hear(220);
        sender.0.say(b"EHLO client.example\r\n");
        sender.hear(250);
        let plain = format!("\0{}\0{}", mailbox.address, mailbox.password);
        sender.0.say(format!("AUTH PLAIN {}\r\n", data_encoding::BASE64.encode(plain.as_bytes())).as_bytes());
        sender.hear(235);
        sender
    }

    /// One transaction; its commands go in one write. No line of `message` may begin with a dot. A mailbox that has used up
    /// its minute, because it made up for a pause, waits and comes again, as a program should.
    pub fn send(&mut self, from: &Address, to: &Address, message: &[u8]) {
        loop {
            self.0.say(format!("MAIL FROM:<{from}>\r\nRCPT TO:<{to}>\r\nDATA\r\n").as_bytes());
            let mut said = vec![self.reply(), self.reply(), self.reply()];
            if said.iter().zip(["250", "250", "354"]).all(|(said, code)| said.starts_with(code)) {
                self.0.say(message);
                self.0.say(b".\r\n");
                said.push(self.reply());
            }
            if said.len() == 4 && said[3].starts_with("250") {
                return;
            }
            assert!(said.iter().any(|said| said.starts_with("450 4.7.1")), "not taken: {said:?}");
            self.0.say(b"RSET\r\n");
            self.hear(250);
            std::thread::sleep(LATER);
        }
    }

    fn hear(&mut self, code: u16) {
        let said = self.reply();
        assert!(said.starts_with(&code.to_string()), "{code} expected: {said}");
    }

    /// The last line of a reply.
    fn reply(&mut self) -> String {
        loop {
            let line = self.0.line();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }
}
