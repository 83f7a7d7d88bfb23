//! Reports about TLS (RFC 8460) on their way to who asks for them, under a signature that a foreign verifier believes.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use openssl::rsa::Rsa;
use sigillo_base::{Domain, Timestamp};
use sigillo_engine::{Dispatch, Engine, TlsFailure, TlsPolicy, TlsResults};
use sigillo_server::clock::ServiceClock;
use sigillo_server::config;
use sigillo_server::dkim::Signer;
use sigillo_server::dns::Dns;
use sigillo_server::metrics::Metrics;
use sigillo_server::net::Pool;
use sigillo_server::tls::{certificates, client_config};
use sigillo_server::tls_reports::{Mailer, Reporter};
use sigillo_store::MemoryStore;
use sigillo_tests::demo::run;
use sigillo_tests::fixtures;
use sigillo_tests::house::{House, Known};
use sigillo_tests::knot::{Knot, Zone};

use crate::postfix::Keys;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Who wants to hear, and how. Nobody listens for HTTPS at `web`.
const RECORDS: &str = "_smtp._tls.chiede TXT \"v=TLSRPTv1; rua=mailto:rapporti@chiede.example\"\n\
                       _smtp._tls.doppio TXT \"v=TLSRPTv1; rua=mailto:uno@doppio.example,mailto:due@doppio.example\"\n\
                       _smtp._tls.web TXT \"v=TLSRPTv1; rua=https://127.0.0.1:1/rapporti\"\n\
                       tace A 127.0.0.2\n";

/// Believes the signature of a mail by this record, and reads the report in it: what the domain was told.
const JUDGE: &str = r#"
import dkim, email, gzip, json, re, sys
mail = sys.stdin.buffer.read()
name, text = re.fullmatch(r"(\S+) IN TXT \( (.*) \)", sys.argv[1]).groups()
record = "".join(re.findall(r'"([^"]*)"', text)).encode()
asked = []
def dns(what, timeout=5):
    asked.append(what.decode())
    return record
assert dkim.verify(mail, dnsfunc=dns), "not believed"
assert asked == [name], asked
for bent in (mail.replace(b"Report Domain", b"Report domain", 1), mail.replace(b"\r\nFrom:", b"\r\nFrom: x@y.example\r\nFrom:", 1)):
    assert bent != mail and not dkim.verify(bent, dnsfunc=dns), "believed although bent"
message = email.message_from_bytes(mail)
assert message.get_content_type() == "multipart/report" and message.get_param("report-type") == "tlsrpt"
text, part = message.get_payload()
assert text.get_content_type() == "text/plain" and part.get_content_type() == "application/tlsrpt+gzip"
report = json.loads(gzip.decompress(part.get_payload(decode=True)))
print(message["TLS-Report-Domain"], message["TLS-Report-Submitter"], part.get_filename())
print(report["report-id"], report["date-range"]["start-datetime"])
for policy in report["policies"]:
    print(policy["policy"]["policy-domain"], policy["summary"])
"#;

fn results(domain: &str) -> TlsResults {
    let policy = TlsPolicy { domain: domain.into(), kind: "sts".into(), text: Vec::new(), mx: Vec::new() };
    let failure = TlsFailure { kind: "certificate-expired".into(), host: "mx".into(), address: String::new() };
    TlsResults { policy, successes: 5, failures: vec![(failure, 2)] }
}

struct Scene {
    mailer: Mailer<MemoryStore>,
    signer: Arc<Signer>,
    _folder: tempfile::TempDir,
    _knot: Knot,
}

/// Takes reports as RFC 8460 §5.4 has them posted: says 503 to the first, 201 to the next, and prints what it read. Arguments: port,
/// certificate, key.
const RECEIVER: &str = r#"
import gzip, http.server, json, ssl, sys
port, certificate, key = sys.argv[1:]
answers = [503, 201]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        report = json.loads(gzip.decompress(body))
        code = answers.pop(0)
        found = report["policies"][0]
        print(code, self.path, self.headers["Content-Type"], report["report-id"], found["policy"]["policy-domain"], found["summary"], flush=True)
        self.send_response(code)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", int(port)), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"#;

impl Scene {
    fn new() -> Self {
        Self::with(RECORDS, &Keys::new(&[], &[]))
    }

    /// Where these records stand, and certificates of these authorities are believed.
    fn with(records: &str, keys: &Keys) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let knot = Knot::start(&[Zone { name: "example", records: Some(records), signed: false }]);
        let clock = Arc::new(ServiceClock::open(folder.path(), 1.0).expect("a clock"));
        let house = House::new(fixtures::alfa(), 1, &Known::fixtures(), clock.now());
        let key = Rsa::generate(2048).and_then(|key| key.private_key_to_pem()).expect("a key");
        let place = config::Located { value: folder.path().join("key"), key: "dkim.key".into(), line: 0 };
        let domain = |text: &str| Domain::parse(text).expect("a name");
        let dkim = config::Dkim { domain: domain("pec.alfa.example"), selector: domain("sigillo"), key: place };
        let signer = Arc::new(Signer::new(&dkim, &key).expect("a signer"));
        let mut setup = house.setup();
        setup.dkim = Some(Arc::clone(&signer) as _);
        let engine = Arc::new(Engine::open(house.store.clone(), setup).expect("open"));
        let roots = certificates(&keys.path("ca.pem")).expect("roots");
        let dns = config::Dns { servers: vec![knot.address()], dnssec: false, anchors: None };
        let mailer = Mailer {
            engine,
            pool: Pool::new(1),
            clock,
            dns: Arc::new(Dns::new(&dns, None)),
            tls: client_config(roots).expect("TLS"),
            reporter: Reporter {
                name: "Alfa PEC".into(),
                contact: "posta-certificata@pec.alfa.example".into(),
                host: "mx.pec.alfa.example".into(),
            },
            metrics: Arc::new(Metrics::default()),
        };
        Self { mailer, signer, _folder: folder, _knot: knot }
    }

    fn yesterday(&self) -> Timestamp {
        self.mailer.clock.now().minus(Duration::from_secs(1800)).minus(DAY)
    }

    fn due(&self) -> Vec<Dispatch> {
        let mut due = self.mailer.engine.due(self.mailer.clock.now(), 9).expect("the queue");
        due.sort_by_key(|d| d.rcpts[0].to_string());
        due
    }

    fn counted(&self, outcome: &str) -> bool {
        self.mailer.metrics.text().contains(&format!("sigillo_tls_reports_total{{outcome=\"{outcome}\"}} "))
            && !self.mailer.metrics.text().contains(&format!("sigillo_tls_reports_total{{outcome=\"{outcome}\"}} 0"))
    }
}

#[tokio::test]
async fn who_asks_is_told_of_each_day_once_under_our_signature_and_nobody_else() {
    let scene = Scene::new();
    let day = scene.yesterday();
    let found: Vec<TlsResults> =
        ["chiede.example", "doppio.example", "web.example", "tace.example", "assente.example"].map(results).into();
    scene.mailer.engine.add_tls_results(&found, day).expect("counted");
    scene.mailer.engine.add_tls_results(&[results("chiede.example")], scene.mailer.clock.now()).expect("today");
    scene.mailer.round().await;
    let due = scene.due();
    let to: Vec<String> = due.iter().map(|d| d.rcpts[0].to_string()).collect();
    assert_eq!(to, ["due@doppio.example", "rapporti@chiede.example", "uno@doppio.example"]);
    assert!(due.iter().all(|d| d.from.is_none() && d.about_tls && !d.require_tls && !d.marked && !d.eight_bit));
    let mail = scene.mailer.engine.read_all(&due[1].message).expect("bytes");
    let told = run("/usr/bin/python3", &["-c", JUDGE, &scene.signer.zone_line()], &mail, 30).fine("python3-dkim").out;
    let name = day.utc_day();
    let start = Timestamp::from_iso(&format!("{name}T00:00:00Z")).expect("a day").as_secs();
    let expected = format!(
        "chiede.example mx.pec.alfa.example mx.pec.alfa.example!chiede.example!{start}!{}.json.gz\n\
         {name}.chiede.example@mx.pec.alfa.example {name}T00:00:00Z\n\
         chiede.example {{'total-successful-session-count': 5, 'total-failure-session-count': 2}}\n",
        start + 24 * 3600 - 1
    );
    assert_eq!(told, expected);
    assert!(scene.counted("mailed") && scene.counted("failed") && !scene.counted("posted"));
    // Who was told, and who does not want to hear, is not told again; who did not answer is.
    scene.mailer.round().await;
    assert!(scene.due().is_empty());
    let open = scene.mailer.engine.tls_unreported(day).expect("read");
    assert_eq!(open.iter().map(|r| r.policy.domain.as_str()).collect::<Vec<_>>(), ["web.example"]);
}

#[tokio::test]
async fn a_report_that_was_posted_is_done_and_one_that_was_refused_comes_again() {
    let keys = Keys::new(&["localhost"], &[]);
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let _receiver = keys.serve(RECEIVER, port);
    let records =
        format!("_smtp._tls.web TXT \"v=TLSRPTv1; rua=https://localhost:{port}/rapporti?di=web\"\ntace A 127.0.0.2\n");
    let scene = Scene::with(&records, &keys);
    let day = scene.yesterday();
    scene.mailer.engine.add_tls_results(&[results("web.example")], day).expect("counted");
    let open = || scene.mailer.engine.tls_unreported(day).expect("read").len();
    for (left, outcome) in [(1, "failed"), (0, "posted"), (0, "posted")] {
        scene.mailer.round().await;
        assert_eq!(open(), left, "{outcome}");
        assert!(scene.counted(outcome) && scene.due().is_empty(), "{outcome}");
    }
    let told = |code: u16| {
        format!(
            "{code} /rapporti?di=web application/tlsrpt+gzip {}.web.example@mx.pec.alfa.example web.example \
             {{'total-successful-session-count': 5, 'total-failure-session-count': 2}}\n",
            day.utc_day()
        )
    };
    let heard = std::fs::read_to_string(keys.path("heard")).expect("what it heard");
    assert_eq!(heard, told(503) + &told(201));
}
