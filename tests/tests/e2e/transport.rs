//! What stands on the wire between us and others: TLS where it must be, the versions of it, and bytes as they are. A server
//! that we made stands at the other end.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use sigillo_tests::demo::{Demo, Guard, binary, run, wait_for};

use crate::serve::Sample;

const ANNA: &str = "anna@comune-esempio.example";

/// A server of mail without TLS; it takes everything and notes what it heard.
pub struct Deaf {
    heard: Arc<Mutex<Vec<String>>>,
}

impl Deaf {
    /// Listens, and offers these extensions.
    pub fn start(listener: TcpListener, offers: &'static [&'static str]) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let notes = Arc::clone(&notes);
                thread::spawn(move || serve(stream, offers, &notes));
            }
        });
        Self { heard }
    }

    /// Lines so far: commands and messages, Latin-1 for what is no text.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("no panic while it is held").clone()
    }

    pub fn lines(&self, start: &str) -> Vec<String> {
        self.heard().into_iter().filter(|l| l.starts_with(start)).collect()
    }
}

/// One connection, until the client leaves.
fn serve(mut stream: TcpStream, offers: &[&str], notes: &Mutex<Vec<String>>) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?);
    let mut data = false;
    stream.write_all(b"220 altro.example\r\n").ok()?;
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        let text: String = line.iter().map(|b| char::from(*b)).collect();
        let text = text.trim_end().to_owned();
        notes.lock().ok()?.push(text.clone());
        let answer = match text.split(' ').next().unwrap_or_default() {
            _ if data && text != "." => continue,
            "." => "250 preso".into(),
            "EHLO" => {
                let extensions: String = offers.iter().map(|o| format!("250-{o}\r\n")).collect();
                format!("250-altro.example\r\n{extensions}250 HELP")
            }
            "DATA" => "354 dica".into(),
            "QUIT" => "221 addio".into(),
            _ => "250 bene".into(),
        };
        data = text == "DATA";
        stream.write_all(format!("{answer}\r\n").as_bytes()).ok()?;
    }
}

/// Beta's port is in the hands of somebody without TLS: nothing of a certified message is said to him.
#[test]
fn to_a_certified_domain_nothing_goes_in_clear() {
    let demo = Demo::start(&["--without", "beta"]);
    // Beta's ports begin ten above Alfa's.
    let beta = TcpListener::bind(("127.0.0.1", demo.place.ports.base + 10)).expect("nobody listens for Beta");
    let impostor = Deaf::start(beta, &[]);
    let bruno = "bruno@ente-beta.example";
    demo.send("anna@comune-alfa.example", bruno, "chiaro@comune-alfa.example");
    wait_for("an attempt", Duration::from_secs(40), || (!impostor.lines("EHLO").is_empty()).then_some(()));
    let queue = || {
        let socket = demo.info.alfa().admin_socket.to_string_lossy().into_owned();
        run(binary(), &["queue", "list", "--socket", &socket], b"", 30).fine("queue list").out
    };
    let waiting = wait_for("its failure", Duration::from_secs(20), || Some(queue()).filter(|q| q.contains("TLS")));
    assert!(waiting.contains("ente-beta.example"), "{waiting}");
    thread::sleep(Duration::from_secs(2));
    for secret in ["MAIL", "RCPT", "DATA"] {
        assert_eq!(impostor.lines(secret), Vec::<String>::new(), "{:?}", impostor.heard());
    }
}

/// A server with STARTTLS; what it hears goes to its output. Arguments: port, certificate, key.
const WITH_TLS: &str = r#"
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
def serve(raw):
    try:
        raw.sendall(b"220 altro\r\n")
        file = raw.makefile("rb")
        while line := file.readline():
            print(line.decode("latin-1").strip(), flush=True)
            word = line.split()[0].upper()
            answers = {b"EHLO": b"250-altro\r\n250 STARTTLS\r\n", b"STARTTLS": b"220 via\r\n"}
            raw.sendall(answers.get(word, b"250 bene\r\n"))
            if word == b"STARTTLS":
                raw = context.wrap_socket(raw, server_side=True)
                file = raw.makefile("rb")
                print("TLS", flush=True)
    except OSError as error:
        print("ended: %s" % error, flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"#;

/// The same with TLS of somebody whom our roots do not know: no better than none.
#[test]
fn tls_of_a_stranger_is_no_tls_for_certified_mail() {
    let demo = Demo::start(&["--without", "beta"]);
    let path = |name: &str| demo.place.path(name);
    let text = |name: &str| path(name).to_string_lossy().into_owned();
    let (certificate, key, port) = (text("altro.pem"), text("altro.key"), (demo.place.ports.base + 10).to_string());
    let request = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", &key, "-out"];
    run("openssl", &[&request[..], &[&text("altro.csr")]].concat(), b"", 30).fine("a key of its own");
    std::fs::write(path("names"), "subjectAltName=DNS:localhost,DNS:mx.pec.beta.example,IP:127.0.0.1\n")
        .expect("a file");
    let sign = ["x509", "-req", "-days", "9", "-signkey", &key, "-extfile", &text("names"), "-in"];
    run("openssl", &[&sign[..], &[&text("altro.csr"), "-out", &certificate]].concat(), b"", 30).fine("its certificate");
    let output = std::fs::File::create(path("heard")).expect("a file");
    let mut command = std::process::Command::new("python3");
    command.args(["-u", "-c", WITH_TLS, &port, &certificate, &key]).stdout(output);
    let _stranger = Guard(command.spawn().expect("python3 starts"));
    demo.send("anna@comune-alfa.example", "bruno@ente-beta.example", "estraneo@comune-alfa.example");
    let heard = || std::fs::read_to_string(path("heard")).unwrap_or_default();
    let said = wait_for("a handshake", Duration::from_secs(40), || Some(heard()).filter(|h| h.contains("ended: ")));
    assert!(said.contains("STARTTLS") && said.contains("unknown ca") && !said.lines().any(|l| l == "TLS"), "{said}");
    thread::sleep(Duration::from_secs(2));
    let said = heard();
    assert!(!said.contains("MAIL FROM") && !said.contains("RCPT TO"), "{said}");
}

/// Ordinary mail goes in clear where there is no TLS, byte for byte: eight bits are said where that can be said, and
/// converted nowhere.
#[test]
fn eight_bits_are_announced_where_offered_and_never_converted() {
    let sample = Sample::new();
    let bind = || TcpListener::bind("127.0.0.1:0").expect("a free port");
    let (offering, silent) = (bind(), bind());
    let route = |domain: &str, at: &TcpListener| {
        let at = at.local_addr().expect("bound");
        format!("[[relay.route]]\ndomains = [\"{domain}\"]\naddress = \"{at}\"\nname = \"altro.example\"\n")
    };
    let routes = route("otto.example", &offering) + &route("sette.example", &silent);
    sample.write(&sample.text().replace("[access]", &format!("{routes}\n[access]")));
    let (offering, silent) = (Deaf::start(offering, &["SIZE", "8BITMIME"]), Deaf::start(silent, &["SIZE"]));
    let _guard = sample.serve();
    sample.add(ANNA, "segreta");
    let to = ["dora@otto.example", "dora@sette.example"];
    let letter = format!(
        "From: {ANNA}\r\nTo: {}\r\nSubject: otto bit\r\nMessage-ID: <otto@x>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nPerch\u{e9} s\u{ec}.\r\n",
        to.join(", ")
    );
    let mut args = vec!["--mail-from", ANNA, "--upload-file", "-"];
    to.iter().for_each(|rcpt| args.extend(["--mail-rcpt", rcpt]));
    let url = format!("smtp://127.0.0.1:{}", sample.ports.base + 1);
    sample.curl(ANNA, &url, &args, &letter).fine("curl sends");
    let latin1 = |text: &str| text.bytes().map(char::from).collect::<String>();
    for (server, rcpt, announced) in [(&offering, to[0], true), (&silent, to[1], false)] {
        wait_for(rcpt, Duration::from_secs(30), || (!server.lines(".").is_empty()).then_some(()));
        let mail = server.lines("MAIL FROM:");
        assert!(mail.len() == 1 && mail[0].starts_with(&format!("MAIL FROM:<{ANNA}>")), "{mail:?}");
        assert_eq!(mail[0].contains(" BODY=8BITMIME"), announced, "{mail:?}");
        assert_eq!(server.lines("RCPT TO:"), [format!("RCPT TO:<{rcpt}>")]);
        let heard = server.heard();
        assert!(heard.contains(&latin1("Perch\u{e9} s\u{ec}.")), "as it was written: {heard:?}");
        assert!(heard.iter().any(|l| l == "X-Trasporto: posta-certificata"), "the envelope, as certified mail gets it");
    }
}

/// TLS before 1.2 is spoken on no port; 1.2 and 1.3 are.
#[test]
fn tls_before_1_2_is_refused() {
    let demo = Demo::start(&["--without", "beta"]);
    let alfa = demo.info.alfa();
    let ports =
        [(&alfa.submissions, None), (&alfa.imaps, None), (&alfa.smtp, Some("smtp")), (&alfa.submission, Some("smtp"))];
    for (port, start) in ports {
        let speak = |version: &str| {
            let mut args = vec!["s_client", "-connect", port.as_str(), version, "-cipher", "DEFAULT@SECLEVEL=0"];
            if let Some(protocol) = start {
                args.extend(["-starttls", protocol]);
            }
            run("openssl", &args, b"", 20).all()
        };
        for old in ["-tls1", "-tls1_1"] {
            let said = speak(old);
            // The answer of the server, not a refusal of openssl to try.
            assert!(said.contains(" alert ") && said.contains("Cipher is (NONE)"), "{port} {old}: {said}");
        }
        for new in ["-tls1_2", "-tls1_3"] {
            let said = speak(new);
            assert!(said.contains("Cipher is") && !said.contains("Cipher is (NONE)"), "{port} {new}: {said}");
        }
    }
}
