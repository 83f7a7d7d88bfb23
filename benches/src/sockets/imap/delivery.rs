//! A message that comes to a mailbox from outside of IMAP: a certified submission within our provider, LMTP at Dovecot's.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use sigillo_base::Address;

use super::side::{Kept, Side};
use crate::material::{Size, attachment, message};
use crate::sockets::client::Sender;

/// A connection over which messages for one mailbox go.
pub enum Delivery {
    /// Ours: from another person of the provider. The answer comes when the message is accepted; the envelope is made and
    /// delivered after it.
    Certified { sender: Box<Sender>, from: Address, to: Address },
    /// Dovecot's: the answer comes when the message is delivered.
    Lmtp { wire: BufReader<UnixStream>, from: Address, to: Address },
}

impl Delivery {
    /// To the first person's mailbox at this side.
    pub fn open(side: &Side) -> Self {
        let [to, from] = [0, 1].map(|n| side.mailbox(n, Kept::Cheap));
        match side.lmtp() {
            None => {
                let sender = Box::new(side.sender(&from));
                Self::Certified { sender, from: from.address, to: to.address }
            }
            Some(socket) => Self::Lmtp { wire: greeted(&socket), from: from.address, to: to.address },
        }
    }

    /// A message that may go this way: a submission is by who stands in it.
    pub fn letter(&self, n: usize, size: Size) -> Vec<u8> {
        let (Self::Certified { from, to, .. } | Self::Lmtp { from, to, .. }) = self;
        message(from, to, &format!("d{n}."), size, &attachment(size.bytes, n as u64))
    }

    /// One message, until it is answered for. No line of it may begin with a dot.
    pub fn send(&mut self, message: &[u8]) {
        match self {
            Self::Certified { sender, from, to } => sender.send(from, to, message),
            Self::Lmtp { wire, from, to } => {
                say(wire, format!("MAIL FROM:<{from}>\r\nRCPT TO:<{to}>\r\nDATA\r\n").as_bytes());
                ["250", "250", "354"].into_iter().for_each(|code| hear(wire, code));
                say(wire, message);
                say(wire, b".\r\n");
                hear(wire, "250");
            }
        }
    }
}

fn greeted(socket: &Path) -> BufReader<UnixStream> {
    let mut wire = BufReader::new(UnixStream::connect(socket).expect("Dovecot listens"));
    hear(&mut wire, "220");
    say(&mut wire, b"LHLO client.example\r\n");
    hear(&mut wire, "250");
    wire
}

fn say(wire: &mut BufReader<UnixStream>, octets: &[u8]) {
    wire.get_mut().write_all(octets).expect("Dovecot reads");
}

/// Reads a reply to its last line.
fn hear(wire: &mut BufReader<UnixStream>, code: &str) {
    loop {
        let mut line = String::new();
        wire.read_line(&mut line).expect("Dovecot answers");
        assert!(line.starts_with(code), "{code} expected: {line}");
        if line.as_bytes().get(3) != Some(&b'-') {
            return;
        }
    }
}
