//! What a certified message cannot cost less than: its signatures, its judgements, its commits, its way over TLS, each done
//! alone by the same parts, in the same run.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslConnector, SslMethod, SslStream, SslVerifyMode};
use openssl::x509::X509;
use sigillo_pec::incoming::judge;
use sigillo_store_rocks::{Options, RocksStore};
use sigillo_tests::fixtures::{self, NOW};

use crate::commits::commits;
use crate::machine::cores;
use crate::material::{ALFA_KEY, Certified, Size, attachment};
use crate::measure::together;
use crate::signing::Openssl;

/// Acceptance, envelope, take-charge receipt, delivery receipt.
const SIGNATURES: f64 = 4.0;
/// Envelope and both receipts.
const JUDGEMENTS: f64 = 3.0;
/// Submission, envelope taken charge of and delivered, both receipts filed.
const COMMITS: f64 = 4.0;
/// The submission, and what goes between the providers.
const TRANSACTIONS: f64 = 4.0;
/// Committers at once, as connections are.
const COMMITTERS: usize = 16;
/// Octets of an envelope's commands, and of an answer.
const SAID: usize = 100;

/// What is measured with.
pub struct Parts {
    openssl: Openssl,
    certified: Certified,
    index: sigillo_pec::index::Index,
    trust: sigillo_smime::Trust,
    store: RocksStore,
    number: AtomicU64,
    bytes: Vec<u8>,
    _folder: tempfile::TempDir,
}

/// Milliseconds of CPU time a message.
pub struct Sum {
    /// By openssl.
    pub signatures: f64,
    /// Signatures, judgements, commits and TLS.
    pub all: f64,
}

impl Parts {
    pub fn new(folder: &Path, size: Size) -> Self {
        let folder = tempfile::tempdir_in(folder).expect("a folder");
        let store = RocksStore::open(folder.path().join("parts"), &Options::default()).expect("a store");
        Self {
            openssl: Openssl::new(ALFA_KEY),
            certified: Certified::new(size),
            index: fixtures::index(),
            trust: fixtures::trust(),
            store,
            number: AtomicU64::new(0),
            bytes: attachment(size.bytes, 3).into_bytes()[..size.bytes].to_vec(),
            _folder: folder,
        }
    }

    /// Each part for so long.
    pub fn measure(&self, window: Duration) -> Sum {
        let signature = together(cores(), window, |_| || drop(self.openssl.sign(&[7; 180]))).cpu_us;
        let (from, to) = (Some(&self.certified.facts.sender), [self.certified.rcpt.clone()]);
        let judged = || drop(judge(&self.certified.envelope, from, &to, &self.index, &self.trust, NOW));
        let judgement = together(cores(), window, |_| judged).cpu_us;
        let commit = commits(&self.store, &self.number, COMMITTERS, &self.bytes, window).cpu_us;
        let signatures = SIGNATURES * signature / 1e3;
        let others = JUDGEMENTS * judgement + COMMITS * commit + TRANSACTIONS * self.transaction(window);
        Sum { signatures, all: signatures + others / 1e3 }
    }

    /// Commands and their answer, a message and its answer: microseconds of both sides.
    fn transaction(&self, window: Duration) -> f64 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let size = self.bytes.len();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let (tcp, _) = listener.accept().expect("a client");
                let mut client = acceptor().accept(tcp).expect("TLS");
                let mut room = vec![0; size.max(SAID)];
                // Until the client is gone.
                while [SAID, size]
                    .iter()
                    .all(|n| client.read_exact(&mut room[..*n]).is_ok() && client.write_all(&[b'a'; SAID]).is_ok())
                {
                }
            });
            let tcp = TcpStream::connect(address).expect("it listens");
            tcp.set_nodelay(true).expect("a socket option");
            let server = std::sync::Mutex::new(connect(tcp));
            let once = |_| {
                || {
                    let mut server = server.lock().expect("one thread");
                    for said in [&[b'c'; SAID][..], &self.bytes] {
                        server.write_all(said).expect("it reads");
                        server.read_exact(&mut [0; SAID]).expect("it answers");
                    }
                }
            };
            together(1, window, once).cpu_us
        })
    }
}

fn acceptor() -> SslAcceptor {
    let mut tls = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).expect("TLS");
    let certificate = X509::from_der(fixtures::alfa().identity.certificate.der()).expect("a certificate");
    tls.set_certificate(&certificate).expect("a certificate");
    tls.set_private_key(&PKey::private_key_from_pem(ALFA_KEY.as_bytes()).expect("a key")).expect("its key");
    tls.build()
}

fn connect(tcp: TcpStream) -> SslStream<TcpStream> {
    let mut tls = SslConnector::builder(SslMethod::tls()).expect("TLS");
    tls.set_verify(SslVerifyMode::NONE);
    let tls = tls.build().configure().expect("TLS").verify_hostname(false);
    tls.connect("localhost", tcp).expect("TLS")
}
