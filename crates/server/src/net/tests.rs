//! The driver against a made-up protocol: `W` works, `P` panics while working, `T` starts TLS, `I` tells the peer's
//! address, `K` and `E` what the connection is bound to, the rest is echoed.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use sigillo_base::{MailboxId, Timestamp};
use sigillo_wire::Tick;
use sigillo_wire::sasl::Binding;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::*;
use crate::bell::Bells;
use crate::clock::{ServiceClock, Ticks};
use crate::config::Role;
use crate::tls::{self, ServerTls};
use sigillo_engine::front::{Connection, Step};

#[derive(Default)]
struct Toy {
    steps: VecDeque<Step>,
    working: bool,
    panic: bool,
    input_while_working: bool,
    deadline: Option<Tick>,
    watching: Option<MailboxId>,
    peer: Option<IpAddr>,
    binding: Binding,
}

impl Toy {
    fn greeting(ip: IpAddr) -> Box<dyn Connection> {
        Box::new(Self { peer: Some(ip), ..Self::default() })
    }
}

impl Connection for Toy {
    fn input(&mut self, now: Tick, bytes: &[u8]) {
        self.input_while_working |= self.working;
        for &byte in bytes {
            match byte {
                b'W' | b'P' => {
                    (self.working, self.panic) = (true, byte == b'P');
                    self.steps.push_back(Step::Work { bytes: 0 });
                }
                b'I' => self.steps.push_back(Step::Write(self.peer.unwrap().to_string().into_bytes())),
                b'T' => self.steps.push_back(Step::StartTls),
                b'K' => self.steps.push_back(Step::Write(self.binding.exporter.clone().unwrap_or_default())),
                b'E' => self.steps.push_back(Step::Write(self.binding.end_point.clone().unwrap_or_default())),
                b'D' => self.deadline = Some(now.plus_ms(20)),
                b'B' => self.watching = Some(MailboxId(7)),
                other => self.steps.push_back(Step::Write(vec![other])),
            }
        }
    }
    fn end_of_input(&mut self, _: Tick) {
        self.steps.push_back(Step::Close);
    }
    fn timeout(&mut self, _: Tick) {
        self.deadline = None;
        self.steps.push_back(Step::Write(b"late".to_vec()));
    }
    fn deadline(&self) -> Option<Tick> {
        self.deadline
    }
    fn step(&mut self) -> Step {
        self.steps.pop_front().unwrap_or(Step::Wait)
    }
    fn work(&mut self, _: Timestamp, _: Tick) {
        assert!(!self.panic, "asked to break off");
        std::thread::sleep(Duration::from_millis(20));
        self.working = false;
        let said = if self.input_while_working { b"torn" } else { b"done" };
        self.steps.push_back(Step::Write(said.to_vec()));
    }
    fn bind(&mut self, binding: Binding) {
        self.binding = binding;
    }
    fn tls_started(&mut self, _: Tick) {
        self.steps.push_back(Step::Write(b"tls".to_vec()));
    }
    fn shutdown(&mut self, _: Tick) {
        self.steps.push_back(Step::Write(b"bye".to_vec()));
        self.steps.push_back(Step::Close);
    }
    fn watching(&self) -> Option<MailboxId> {
        self.watching
    }
    fn wake(&mut self, _: Tick) {
        self.steps.push_back(Step::Write(b"ring".to_vec()));
    }
}

struct Bench {
    address: SocketAddr,
    down: watch::Sender<bool>,
    served: tokio::task::JoinHandle<()>,
    bells: Arc<Bells>,
    folder: tempfile::TempDir,
}

async fn bench(places: usize) -> Bench {
    behind((places, places), &[]).await
}

/// So many places in all and for one client, behind these balancers.
async fn behind((all, one): (usize, usize), proxies: &[&str]) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = Arc::new(ServerTls::open(&certificate, &key).unwrap());
    let (down, shutdown) = watch::channel(false);
    let bells = Arc::new(Bells::default());
    let driver = Arc::new(Driver {
        clock: Arc::new(ServiceClock::open(folder.path(), 1.0).unwrap()),
        ticks: Ticks::start(),
        pool: Pool::new(4),
        bells: Arc::clone(&bells),
        shutdown,
        numbers: AtomicU64::new(0),
        metrics: Default::default(),
    });
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxies = proxies.iter().map(|network| network.parse().unwrap()).collect();
    let greeter =
        Greeter { role: Role::Smtp, implicit_tls: false, busy: "busy", open: Box::new(Toy::greeting), proxies };
    let limits = Arc::new(Limits::new(all, one));
    let served = tokio::spawn(listen(listener, greeter, limits, tls, driver));
    Bench { address, down, served, bells, folder }
}

async fn expect(stream: &mut (impl AsyncReadExt + Unpin), text: &str) {
    let mut got = vec![0; text.len()];
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_exact(&mut got)).await;
    read.unwrap_or_else(|_| panic!("waited in vain for {text:?}")).unwrap();
    assert_eq!(String::from_utf8_lossy(&got), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_read_while_work_is_outstanding() {
    let bench = bench(9).await;
    let mut client = TcpStream::connect(bench.address).await.unwrap();
    client.write_all(b"aW").await.unwrap();
    expect(&mut client, "a").await;
    client.write_all(b"zz").await.unwrap();
    expect(&mut client, "donezz").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_closes_only_its_own_connection() {
    let bench = bench(9).await;
    let mut good = TcpStream::connect(bench.address).await.unwrap();
    let mut bad = TcpStream::connect(bench.address).await.unwrap();
    good.write_all(b"a").await.unwrap();
    bad.write_all(b"P").await.unwrap();
    expect(&mut good, "a").await;
    assert_eq!(bad.read(&mut [0; 8]).await.unwrap_or(0), 0);
    good.write_all(b"b").await.unwrap();
    expect(&mut good, "b").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deadline_bell_and_shutdown_wake_a_waiting_session() {
    let bench = bench(9).await;
    let mut client = TcpStream::connect(bench.address).await.unwrap();
    client.write_all(b"D").await.unwrap();
    expect(&mut client, "late").await;
    client.write_all(b"B").await.unwrap();
    // The first look after subscribing; then the bell itself.
    expect(&mut client, "ring").await;
    bench.bells.ring_mailbox(MailboxId(7));
    expect(&mut client, "ring").await;
    bench.down.send(true).unwrap();
    expect(&mut client, "bye").await;
    assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    tokio::time::timeout(Duration::from_secs(10), bench.served).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_tls_and_counts_places() {
    let bench = bench(1).await;
    let mut client = TcpStream::connect(bench.address).await.unwrap();
    client.write_all(b"xT").await.unwrap();
    expect(&mut client, "x").await;
    let mut refused = TcpStream::connect(bench.address).await.unwrap();
    expect(&mut refused, "busy").await;
    let roots = tls::certificates(&bench.folder.path().join("c.pem")).unwrap();
    let connector = TlsConnector::from(tls::client_config(roots).unwrap());
    let mut client = connector.connect(ServerName::try_from("localhost").unwrap(), client).await.unwrap();
    expect(&mut client, "tls").await;
    client.write_all(b"y").await.unwrap();
    expect(&mut client, "y").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_balancer_says_for_whom_it_speaks_and_limits_are_the_real_clients() {
    let bench = behind((9, 1), &["127.0.0.0/8"]).await;
    let mut first = TcpStream::connect(bench.address).await.unwrap();
    // Slow, and the client's own bytes right behind the header.
    for piece in [&b"PROXY TCP4 192.0."[..], b"2.7 198.51.100.1 5", b"63 25\r\nI"] {
        first.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    expect(&mut first, "192.0.2.7").await;
    let v2 = |source: u8| {
        let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f".to_vec();
        header.extend([192, 0, 2, source, 198, 51, 100, 1, 1, 2, 0, 25, 4, 0, 0, b'I']);
        header
    };
    let mut second = TcpStream::connect(bench.address).await.unwrap();
    second.write_all(&v2(8)).await.unwrap();
    expect(&mut second, "192.0.2.8").await;
    let mut again = TcpStream::connect(bench.address).await.unwrap();
    again.write_all(&v2(8)).await.unwrap();
    expect(&mut again, "busy").await;
    let mut local = TcpStream::connect(bench.address).await.unwrap();
    local.write_all(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0I").await.unwrap();
    expect(&mut local, "127.0.0.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balancer_without_a_header_is_closed_and_others_may_not_send_one() {
    let bench = behind((9, 9), &["127.0.0.0/8"]).await;
    for said in
        [&b"EHLO pc.example.example\r\n"[..], b"PROXY TCP4 a b c d\r\n", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff"]
    {
        let mut client = TcpStream::connect(bench.address).await.unwrap();
        client.write_all(said).await.unwrap();
        assert_eq!(client.read(&mut [0; 8]).await.unwrap_or(0), 0, "{said:?}");
    }
    // For anybody else such a header is what the protocol makes of it: here it is echoed.
    let bench = behind((9, 9), &["192.0.2.0/24"]).await;
    let mut client = TcpStream::connect(bench.address).await.unwrap();
    client.write_all(b"x y").await.unwrap();
    expect(&mut client, "x y").await;
    client.write_all(b"I").await.unwrap();
    expect(&mut client, "127.0.0.1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ends_know_the_same_binding() {
    let bench = bench(1).await;
    let mut client = TcpStream::connect(bench.address).await.unwrap();
    client.write_all(b"xT").await.unwrap();
    expect(&mut client, "x").await;
    let roots = tls::certificates(&bench.folder.path().join("c.pem")).unwrap();
    let leaf = roots[0].clone();
    let connector = TlsConnector::from(tls::client_config(roots).unwrap());
    let mut client = connector.connect(ServerName::try_from("localhost").unwrap(), client).await.unwrap();
    expect(&mut client, "tls").await;
    let exported =
        client.get_ref().1.export_keying_material(vec![0; 32], b"EXPORTER-Channel-Binding", Some(b"")).unwrap();
    client.write_all(b"KE").await.unwrap();
    let mut told = [0; 64];
    client.read_exact(&mut told).await.unwrap();
    assert_eq!(told[..32], exported[..], "RFC 9266");
    assert_eq!(told[32..], sigillo_smime::sha256(&leaf), "RFC 5929, of a certificate signed over SHA-256");
}
