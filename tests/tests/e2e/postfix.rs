//! Postfix as the other side, both ways, with a name server and a web server beside it: what TLS demands of ordinary mail.

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use data_encoding::HEXLOWER;
use openssl::hash::MessageDigest;
use openssl::x509::X509;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use sigillo_tests::demo::{Guard, binary, run, wait_for};
use sigillo_tests::knot::{Knot, Zone};
use sigillo_tests::postfix::{Postfix, Setup};
use tempfile::TempDir;

use crate::serve::Sample;

const ANNA: &str = "anna@comune-esempio.example";
/// Where Postfix and the web server are; the port of the first is the sample's own choice.
const MX: [u8; 4] = [127, 0, 0, 21];
const WEB: [u8; 4] = [127, 0, 0, 22];

/// An authority (`ca.pem`), and what it signed: `mx` and `web`, each `.pem` and `.key`.
pub struct Keys {
    folder: TempDir,
}

impl Keys {
    pub fn new(mx: &[&str], web: &[&str]) -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
        let keys = Self { folder };
        fs::write(keys.path("ca.pem"), authority.pem()).expect("a file");
        for (name, hosts) in [("mx", mx), ("web", web)] {
            let key = KeyPair::generate().expect("a key");
            let names: Vec<String> = hosts.iter().map(|h| (*h).to_owned()).collect();
            let certificate =
                CertificateParams::new(names).expect("names").signed_by(&key, &authority).expect("signed");
            fs::write(keys.path(&format!("{name}.pem")), certificate.pem()).expect("a file");
            fs::write(keys.path(&format!("{name}.key")), key.serialize_pem()).expect("a file");
        }
        keys
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a service written in Python on this port, with the certificate and key of `mx` as its other arguments, until it
    /// listens; what it prints is in the file `heard`.
    pub fn serve(&self, script: &str, port: u16) -> Guard {
        let path = |name: &str| self.path(name).to_string_lossy().into_owned();
        let heard = fs::File::create(self.path("heard")).expect("a file");
        let mut python = Command::new("python3");
        python.args(["-u", "-c", script, &port.to_string(), &path("mx.pem"), &path("mx.key")]);
        let service = Guard(python.stdin(Stdio::null()).stdout(heard).spawn().expect("python3 starts"));
        wait_for("the service", Duration::from_secs(20), || TcpStream::connect(("127.0.0.1", port)).ok());
        service
    }

    /// SHA-256 of the public key, as a TLSA record 3 1 1 has it.
    fn digest(&self, name: &str) -> String {
        let pem = fs::read(self.path(name)).expect("a certificate");
        let key = X509::from_pem(&pem).and_then(|c| c.public_key()?.public_key_to_der()).expect("a key");
        HEXLOWER.encode(&openssl::hash::hash(MessageDigest::sha256(), &key).expect("SHA-256"))
    }
}

/// Policies by the name of the host. Arguments: address, certificate, key, folder.
const WEB_SERVER: &str = r#"
import http.server, ssl, sys, os
address, certificate, key, folder = sys.argv[1:]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = os.path.join(folder, self.headers["Host"])
        found = self.path == "/.well-known/mta-sts.txt" and os.path.isfile(path)
        body = open(path, "rb").read() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer((address, 443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"#;

fn web(keys: &Keys, policies: &[(&str, &str)]) -> Guard {
    for (host, policy) in policies {
        fs::write(keys.path(host), policy).expect("a policy");
    }
    let text = |name: &str| keys.path(name).to_string_lossy().into_owned();
    let address = IpAddr::from(WEB).to_string();
    let folder = keys.folder.path().to_string_lossy().into_owned();
    let mut command = Command::new("python3");
    command.args(["-c", WEB_SERVER, &address, &text("web.pem"), &text("web.key"), &folder]);
    let output = fs::File::create(keys.path("web.log")).expect("a file");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
    let guard = Guard(command.spawn().expect("python3 starts"));
    let at = SocketAddr::from((IpAddr::from(WEB), 443));
    wait_for("the web server", Duration::from_secs(20), || std::net::TcpStream::connect(at).ok());
    guard
}

/// The sample, asking this name server, trusting this authority of others.
fn outward(sample: &Sample, knot: &Knot, ca: &Path) -> u16 {
    let port = sample.ports.base + 9;
    let changes = [
        ("\nport = 25\n", format!("\nport = {port}\n")),
        ("\nroots = \"prova/ca.pem\"\n", format!("\nroots = \"{}\"\n", ca.display())),
        ("\n# servers = [\"127.0.0.1:53\"]\n", format!("\nservers = [\"{}\"]\n", knot.address())),
        ("\ndnssec = false\n", format!("\ndnssec = true\nanchors = \"{}\"\n", knot.anchors("example").display())),
    ];
    let mut text = sample.text();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, &to, 1);
    }
    sample.write(&text);
    port
}

fn send(sample: &Sample, to: &str) {
    let letter = format!("From: {ANNA}\r\nTo: {to}\r\nSubject: verso fuori\r\nMessage-ID: <{to}>\r\n\r\nCiao.\r\n");
    let url = format!("smtp://127.0.0.1:{}", sample.ports.base + 1);
    let args = ["--mail-from", ANNA, "--mail-rcpt", to, "--upload-file", "-"];
    sample.curl(ANNA, &url, &args, &letter).fine("curl sends");
}

fn ask(sample: &Sample, verb: &[&str]) -> String {
    run(binary(), &[verb, &["--socket", &sample.socket()]].concat(), b"", 30).fine("an administrative verb").out
}

const ENFORCE: &str = "version: STSv1\nmode: enforce\nmx: mx.*\nmax_age: 86400\n";

/// The zone of the test: six domains on one server, each with its own word about TLS.
fn zone(port: u16, digest: &str) -> String {
    let (mut records, wrong) = (String::new(), "00".repeat(32));
    for name in ["danese", "falso", "libero", "sts", "altri", "prova"] {
        records += &format!("{name} MX 10 mx.{name}\nmx.{name} A {}\n", IpAddr::from(MX));
    }
    for (name, digest) in [("danese", digest), ("falso", &wrong)] {
        records += &format!("_{port}._tcp.mx.{name} TLSA 3 1 1 {digest}\n");
    }
    for name in ["sts", "altri", "prova"] {
        records += &format!("_mta-sts.{name} TXT \"v=STSv1; id=1;\"\nmta-sts.{name} A {}\n", IpAddr::from(WEB));
    }
    records
}

/// What each domain says of its server, and whether mail comes through.
#[test]
fn each_domain_gets_the_tls_that_it_asks_for() {
    let hosts = ["mx.sts.example", "mx.danese.example"];
    let keys = Keys::new(&hosts, &["mta-sts.sts.example", "mta-sts.altri.example", "mta-sts.prova.example"]);
    let digest = keys.digest("mx.pem");
    let sample = Sample::new();
    let port = sample.ports.base + 9;
    let knot = Knot::start(&[Zone { name: "example", records: Some(&zone(port, &digest)), signed: true }]);
    let (certificate, key) = (keys.path("mx.pem"), keys.path("mx.key"));
    let domains =
        ["danese.example", "falso.example", "libero.example", "sts.example", "altri.example", "prova.example"];
    let setup = Setup {
        at: (IpAddr::from(MX), port).into(),
        host: "mx.posta.example",
        domains: &domains,
        tls: Some((&certificate, &key)),
        more: "",
    };
    let Some(postfix) = Postfix::start(&setup) else { return };
    let policy = |mode: &str, mx: &str| ENFORCE.replace("enforce", mode).replace("mx.*", mx);
    let _web = web(
        &keys,
        &[
            ("mta-sts.sts.example", &policy("enforce", "*.sts.example")),
            ("mta-sts.altri.example", &policy("enforce", "mx.altrove.example")),
            ("mta-sts.prova.example", &policy("testing", "mx.prova.example")),
        ],
    );
    assert_eq!(outward(&sample, &knot, &keys.path("ca.pem")), port);
    let _guard = sample.serve();
    sample.add(ANNA, "segreta");
    domains.iter().for_each(|domain| send(&sample, &format!("dora@{domain}")));

    // TLSA that fits; no policy at all, with a certificate for other names; a policy kept; a policy in testing, broken.
    for domain in ["danese.example", "libero.example", "sts.example", "prova.example"] {
        wait_for(domain, Duration::from_secs(60), || postfix.inbox(domain).contains("verso fuori").then_some(()));
    }
    let log = postfix.log();
    assert_eq!(log.matches("TLS connection established from").count(), 4, "none in clear: {log}");
    // TLSA that does not fit, a policy that does not know the server: nothing comes, and the operator is told.
    let waiting = |domain: &str, why: &str| {
        let queue = || Some(ask(&sample, &["queue", "list", "--json"])).filter(|q| q.contains(why));
        let queue = wait_for(domain, Duration::from_secs(60), queue);
        assert!(queue.contains(domain) && postfix.inbox(domain).is_empty(), "{queue}");
    };
    waiting("falso.example", "TLS con mx.falso.example");
    waiting("altri.example", "MTA-STS non ammette il server mx.altri.example");
    let status = ask(&sample, &["status"]);
    assert!(status.contains("mx.falso.example") && status.contains("TLS obbligatorio"), "{status}");

    let report = ask(&sample, &["tls-report", "export"]);
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let of = |domain: &str| {
        let policies = report["policies"].as_array().expect("a list");
        let found = policies.iter().find(|p| p["policy"]["policy-domain"] == domain).expect(domain);
        let detail = found["failure-details"][0]["result-type"].as_str().unwrap_or("").to_owned();
        let kind = found["policy"]["policy-type"].as_str().expect("a type").to_owned();
        (kind, found["summary"]["total-successful-session-count"].as_u64().expect("a number"), detail)
    };
    let row = |kind: &str, successes, detail: &str| (kind.to_owned(), successes, detail.to_owned());
    assert_eq!(of("danese.example"), row("tlsa", 1, ""));
    assert_eq!(of("falso.example"), row("tlsa", 0, "tlsa-invalid"));
    assert_eq!(of("libero.example"), row("no-policy-found", 1, ""));
    assert_eq!(of("sts.example"), row("sts", 1, ""));
    assert_eq!(of("altri.example"), row("sts", 0, "validation-failure"));
    assert_eq!(of("prova.example"), row("sts", 0, "certificate-host-mismatch"));
    let shown = ask(&sample, &["tls-report", "show"]);
    assert!(shown.contains("certificate-host-mismatch mx.prova.example (1)"), "{shown}");
}

/// Who silences the record and the web server after a restart takes no protection away: the policy is kept to its end.
#[test]
fn a_policy_outlives_a_restart_and_who_hides_it() {
    let keys = Keys::new(&[], &["mta-sts.altri.example"]);
    let sample = Sample::new();
    let records = zone(sample.ports.base + 9, &"00".repeat(32));
    let knot = |records: &str| Knot::start(&[Zone { name: "example", records: Some(records), signed: true }]);
    let told = knot(&records);
    let web = web(&keys, &[("mta-sts.altri.example", &ENFORCE.replace("mx.*", "mx.altrove.example"))]);
    let text = sample.text();
    outward(&sample, &told, &keys.path("ca.pem"));
    let refused = |to: &str, all: usize| {
        send(&sample, to);
        let why = "MTA-STS non ammette il server mx.altri.example";
        let queue = || Some(ask(&sample, &["queue", "list", "--json"]));
        wait_for(to, Duration::from_secs(60), || queue().filter(|q| q.matches(why).count() == all));
    };
    let service = sample.serve();
    sample.add(ANNA, "segreta");
    refused("dora@altri.example", 1);
    drop((service, web, told));
    let hidden: String = records.lines().filter(|l| !l.contains("mta-sts")).map(|l| format!("{l}\n")).collect();
    let hidden = knot(&hidden);
    sample.write(&text);
    outward(&sample, &hidden, &keys.path("ca.pem"));
    let _service = sample.serve();
    refused("elio@altri.example", 2);
}

/// Postfix sends to us: what a box takes comes in an anomaly envelope, what it refuses goes back to who wrote it.
#[test]
fn ordinary_mail_from_postfix_is_taken_or_refused_as_the_box_chooses() {
    let sample = Sample::new();
    let at = SocketAddr::from((IpAddr::from(MX), sample.ports.base + 10));
    let smtp = sample.ports.base;
    let more = format!(
        "transport_maps = inline:{{{{comune-esempio.example = smtp:[127.0.0.1]:{smtp}}}}}\n\
         smtp_tls_security_level = encrypt\nsmtp_tls_loglevel = 1\nsmtp_host_lookup = native\n"
    );
    let setup = Setup { at, host: "mx.posta.example", domains: &["posta.example"], tls: None, more: &more };
    let Some(postfix) = Postfix::start(&setup) else { return };
    let _guard = sample.serve();
    sample.add(ANNA, "segreta");
    let write = |subject: &str| {
        let header = format!("Subject: {subject}");
        let args = ["--server", &at.to_string(), "--from", "dora@posta.example", "--to", ANNA, "--header", &header];
        run("swaks", &args, b"", 30).fine("swaks");
    };
    ask(&sample, &["mailbox", "set", ANNA, "--ordinary-mail", "accept"]);
    write("dal mondo");
    let inbox = format!("imaps://127.0.0.1:{}/INBOX", sample.ports.base + 4);
    wait_for("the anomaly envelope", Duration::from_secs(60), || {
        let ran = sample.curl(ANNA, &inbox, &["--request", "SEARCH SUBJECT \"ANOMALIA MESSAGGIO: dal mondo\""], "");
        ran.fine("curl reads").out.trim().strip_prefix("* SEARCH").is_some_and(|n| !n.trim().is_empty()).then_some(())
    });
    assert!(postfix.log().contains("TLS connection established to"), "{}", postfix.log());
    ask(&sample, &["mailbox", "set", ANNA, "--ordinary-mail", "refuse"]);
    write("respinto");
    wait_for("the bounce", Duration::from_secs(60), || {
        postfix.inbox("posta.example").contains("respinto").then_some(())
    });
    let bounce = postfix.inbox("posta.example");
    assert!(bounce.contains("Action: failed") && bounce.contains("Final-Recipient: rfc822; anna@"), "{bounce}");
}
