//! The least of a mail reader: commands of IMAP and what they are answered with, literals counted and forgotten.

use std::fmt::Write;

use data_encoding::BASE64;
use openssl::hash::MessageDigest;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::pkey::PKey;
use openssl::sha::sha256;
use openssl::sign::Signer;
use openssl::ssl::SslConnector;

use super::client::{ROOM, Wire};
use super::street::Mailbox;

/// Untagged lines are kept up to here, the rest is counted.
const KEPT: usize = 64 << 10;

/// An IMAP connection.
pub struct Reader(Wire);

/// What came before the end of a command.
#[derive(Debug, Default)]
pub struct Answer {
    /// Responses, without what stood in literals.
    pub text: String,
    /// How many responses.
    pub responses: usize,
    /// Octets in literals.
    pub octets: usize,
}

/// What a client keeps of a password for SCRAM-SHA-256 (RFC 5802 §3), so that a login costs it next to nothing.
#[derive(Clone)]
pub struct Keys {
    salt: String,
    client: [u8; 32],
    stored: [u8; 32],
}

impl Reader {
    /// Over implicit TLS, logged in.
    pub fn open(tls: &SslConnector, address: &str, mailbox: &Mailbox) -> Self {
        let mut reader = Self::greeted(tls, address, ROOM);
        reader.login(mailbox);
        reader
    }

    /// Over implicit TLS, with so many octets read at once.
    pub fn greeted(tls: &SslConnector, address: &str, room: usize) -> Self {
        let mut reader = Self(Wire::open(tls, address, room));
        reader.0.line();
        reader
    }

    pub fn login(&mut self, mailbox: &Mailbox) {
        self.ask(&format!("LOGIN \"{}\" \"{}\"", mailbox.address, mailbox.password));
    }

    /// Logs in by SCRAM-SHA-256 with what is known of the password; gives what is known then.
    pub fn scram(&mut self, mailbox: &Mailbox, known: Option<Keys>) -> Keys {
        let first = format!("n={},r=abcdefghijklmnopqrstuvwx", mailbox.address);
        let said = BASE64.encode(format!("n,,{first}").as_bytes());
        self.0.say(format!("a AUTHENTICATE SCRAM-SHA-256 {said}\r\n").as_bytes());
        let challenge = self.challenge();
        let field = |name: &str| {
            let all = challenge.split(',').find_map(|field| field.strip_prefix(name));
            all.unwrap_or_else(|| panic!("no {name} in {challenge}")).to_owned()
        };
        let salt = format!("{},{}", field("s="), field("i="));
        let keys = known.filter(|keys| keys.salt == salt).unwrap_or_else(|| Keys::of(&mailbox.password, salt));
        let last = format!("c=biws,r={}", field("r="));
        let last = format!("{last},p={}", keys.proof(&format!("{first},{challenge},{last}")));
        self.0.say(format!("{}\r\n", BASE64.encode(last.as_bytes())).as_bytes());
        assert!(self.challenge().starts_with("v="), "the server proves itself");
        self.0.say(b"\r\n");
        self.hear();
        keys
    }

    /// What the server says in the middle of an exchange.
    fn challenge(&mut self) -> String {
        let line = self.0.line();
        let text = line.strip_prefix("+ ").unwrap_or_else(|| panic!("no challenge: {line}")).trim_end();
        String::from_utf8(BASE64.decode(text.as_bytes()).expect("base64")).expect("text")
    }

    /// How many messages are in INBOX.
    pub fn messages(&mut self) -> usize {
        let said = self.ask("STATUS INBOX (MESSAGES)").text;
        number(&said, "MESSAGES ").expect("the count")
    }

    /// A command, which must succeed.
    pub fn ask(&mut self, command: &str) -> Answer {
        self.0.say(format!("a {command}\r\n").as_bytes());
        self.hear()
    }

    /// All messages in one APPEND and one write, without waiting (LITERAL+, MULTIAPPEND).
    pub fn append(&mut self, folder: &str, messages: &[Vec<u8>]) {
        let mut all = format!("a APPEND {folder}").into_bytes();
        for message in messages {
            all.extend(format!(" {{{}+}}\r\n", message.len()).into_bytes());
            all.extend(message);
        }
        all.extend(b"\r\n");
        self.0.say(&all);
        self.hear();
    }

    /// Begins to listen.
    pub fn idle(&mut self) {
        self.0.say(b"a IDLE\r\n");
        while !self.0.line().starts_with('+') {}
    }

    /// Waits until the selected folder is said to hold more.
    pub fn told_of_more(&mut self) {
        while !self.0.line().ends_with(" EXISTS\r\n") {}
    }

    /// Ends listening.
    pub fn done(&mut self) {
        self.0.say(b"DONE\r\n");
        self.hear();
    }

    /// Version and cipher of its TLS.
    pub fn tls(&self) -> String {
        self.0.tls()
    }

    fn hear(&mut self) -> Answer {
        let mut answer = Answer::default();
        loop {
            let mut line = self.0.line();
            if line.starts_with("a ") {
                assert!(line.starts_with("a OK"), "{line}");
                if answer.text.len() < KEPT {
                    answer.text.push_str(&line);
                }
                return answer;
            }
            answer.responses += 1;
            loop {
                if answer.text.len() < KEPT {
                    answer.text.push_str(&line);
                }
                let Some(octets) = literal(&line) else { break };
                self.0.skip(octets);
                answer.octets += octets;
                line = self.0.line();
            }
        }
    }
}

/// The size of the literal that a line announces.
fn literal(line: &str) -> Option<usize> {
    line.strip_suffix("}\r\n")?.rsplit_once('{')?.1.parse().ok()
}

/// The number that follows `name`.
pub fn number(text: &str, name: &str) -> Option<usize> {
    let (_, rest) = text.split_once(name)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

impl Keys {
    /// `salt` is salt and iterations, as the server says them, between a comma.
    fn of(password: &str, salt: String) -> Self {
        let (text, iterations) = salt.split_once(',').expect("both");
        let (text, iterations) =
            (BASE64.decode(text.as_bytes()).expect("base64"), iterations.parse().expect("a number"));
        let mut salted = [0; 32];
        pbkdf2_hmac(password.as_bytes(), &text, iterations, MessageDigest::sha256(), &mut salted).expect("PBKDF2");
        let client = hmac(&salted, b"Client Key");
        Self { salt, client, stored: sha256(&client) }
    }

    /// The proof of an exchange, in base64.
    fn proof(&self, exchange: &str) -> String {
        let signature = hmac(&self.stored, exchange.as_bytes());
        let proof: Vec<u8> = self.client.iter().zip(signature).map(|(key, octet)| key ^ octet).collect();
        BASE64.encode(&proof)
    }
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let key = PKey::hmac(key).expect("a key");
    let signer = Signer::new(MessageDigest::sha256(), &key);
    let code = signer.and_then(|mut signer| signer.sign_oneshot_to_vec(text)).expect("HMAC");
    code.try_into().expect("32 octets")
}

/// `1,5,9` …: so many numbers, evenly out of `of`.
pub fn spread(count: usize, of: usize) -> String {
    let step = (of / count).max(1);
    (0..count).fold(String::new(), |mut set, n| {
        let comma = if n == 0 { "" } else { "," };
        write!(set, "{comma}{}", n * step + 1).expect("a text takes all");
        set
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_that_ends_in_its_size_announces_a_literal() {
        assert_eq!(literal("* 1 FETCH (BODY[] {2048}\r\n"), Some(2048));
        assert_eq!(literal("* 1 FETCH (ENVELOPE (\"{3}\" NIL))\r\n"), None);
        assert_eq!(literal("* 1 FETCH (X {a}\r\n"), None);
    }

    #[test]
    fn numbers_follow_their_names() {
        let said = "* STATUS Many (UIDVALIDITY 7 HIGHESTMODSEQ 12)\r\n";
        assert_eq!((number(said, "UIDVALIDITY "), number(said, "HIGHESTMODSEQ ")), (Some(7), Some(12)));
        assert_eq!(number(said, "MESSAGES "), None);
    }

    #[test]
    fn a_spread_stays_within_what_there_is() {
        assert_eq!((spread(3, 9).as_str(), spread(1, 1).as_str()), ("1,4,7", "1"));
    }

    /// The exchange of RFC 7677 §3, whose client has no channel binding.
    #[test]
    fn keys_prove_the_password_of_the_example() {
        let keys = Keys::of("pencil", "W22ZaJ0SNY7soEsUEjb6gQ==,4096".to_owned());
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let said =
            format!("n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}");
        assert_eq!(keys.proof(&said), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    }
}
