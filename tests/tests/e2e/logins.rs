//! Logins that mail programs have seldom: SCRAM bound to its TLS connection by a library that is not ours, and a token of an
//! identity provider that is asked over HTTPS.

use std::net::SocketAddr;

use sigillo_tests::demo::run;

use crate::postfix::Keys;
use crate::serve::Sample;

const ANNA: &str = "anna@comune-esempio.example";

/// What GNU SASL says of a login: whether the server proved itself too.
fn gsasl(sample: &Sample, protocol: &str, port: u16, how: &[&str], password: &str) -> String {
    let port = (sample.ports.base + port).to_string();
    let who = ["--verbose", "--authentication-id", ANNA, "--password", password, "--x509-ca-file", ""];
    let ran = run("gsasl", &[&[protocol][..], how, &who, &["127.0.0.1", &port]].concat(), b"", 30);
    ran.out + &ran.err
}

/// GNU SASL binds by `tls-exporter` (RFC 9266) over TLS 1.3, or, when it is told to, not at all.
#[test]
fn gsasl_proves_itself_by_scram_bound_to_its_channel() {
    let sample = Sample::new();
    let _guard = sample.serve();
    sample.add(ANNA, "segreta");
    let bound = ["--mechanism", "SCRAM-SHA-256-PLUS"];
    let unbound = ["--mechanism", "SCRAM-SHA-256", "--no-cb"];
    for (protocol, port) in [("--smtp", 1), ("--imap", 3)] {
        for how in [&bound[..], &unbound] {
            let said = gsasl(&sample, protocol, port, how, "segreta");
            assert!(said.contains("TLS1.3") && said.contains("(server trusted)"), "{how:?}: {said}");
            let said = gsasl(&sample, protocol, port, how, "sbagliata");
            assert!(said.contains("TLS1.3") && !said.contains("(server trusted)"), "{how:?}: {said}");
        }
    }
}

/// An identity provider that knows two tokens: one for us, one for another service. Arguments: port, certificate, key.
const ISSUER: &str = r#"
import http.server, json, ssl, sys, urllib.parse
port, certificate, key = sys.argv[1:4]
KNOWN = {"buono": "posta", "altrui": "calendario"}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        print(form, flush=True)
        token, known = form["token"][0], form["client_id"] == ["sigillo"] and form["client_secret"] == ["molto segreto"]
        answer = {"active": False}
        if known and token in KNOWN:
            answer = {"active": True, "aud": KNOWN[token], "email": "anna@comune-esempio.example", "email_verified": True}
        body = json.dumps(answer).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"#;

/// Tries tokens by imaplib and smtplib (RFC 7628). Arguments: IMAP port, SMTP port, tokens; prints what each says.
const BEARER: &str = r#"
import base64, imaplib, smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
user = "anna@comune-esempio.example"
for token in sys.argv[3:]:
    first = ("n,a=%s,\x01auth=Bearer %s\x01\x01" % (user, token)).encode()
    imap = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]))
    imap.starttls(context)
    assert "AUTH=OAUTHBEARER" in imap.capability()[1][0].decode()
    steps = [first, b"\x01"]
    try:
        said = imap.authenticate("OAUTHBEARER", lambda _: steps.pop(0))[0]
    except imaplib.IMAP4.error:
        said = "NO"
    smtp = smtplib.SMTP("127.0.0.1", int(sys.argv[2]))
    smtp.starttls(context=context)
    smtp.ehlo()
    assert "OAUTHBEARER" in smtp.esmtp_features["auth"]
    code, _ = smtp.docmd("AUTH", "OAUTHBEARER " + base64.b64encode(first).decode())
    if code == 334:
        code, _ = smtp.docmd("AQ==")
    print(token, said, code)
"#;

#[test]
fn a_token_opens_a_box_when_its_issuer_says_over_https_that_it_is_for_us() {
    let sample = Sample::new();
    let keys = Keys::new(&["localhost"], &[]);
    let at = SocketAddr::from(([127, 0, 0, 1], sample.ports.base + 9));
    let path = |name: &str| keys.path(name).to_string_lossy().into_owned();
    let _issuer = keys.serve(ISSUER, at.port());
    std::fs::write(keys.path("secret"), "molto segreto\n").expect("a file");
    let oauth = format!(
        "\n[oauth]\nintrospection_url = \"https://localhost:{}/introspect\"\nclient_id = \"sigillo\"\n\
         client_secret = \"{}\"\naudience = \"posta\"\n\n[access]\n",
        at.port(),
        path("secret")
    );
    let text = sample.text().replacen("\n[access]\n", &oauth, 1);
    sample.write(&text.replacen("\nroots = \"prova/ca.pem\"", &format!("\nroots = \"{}\"", path("ca.pem")), 1));
    let service = sample.serve();
    sample.add(ANNA, "segreta");
    let ports = [3, 1].map(|n| (sample.ports.base + n).to_string());
    let tried = |tokens: &[&str]| {
        let args = [&["-c", BEARER, &ports[0], &ports[1]][..], tokens].concat();
        run("python3", &args, b"", 60).fine("imaplib and smtplib").out
    };
    assert_eq!(tried(&["buono", "altrui", "ignoto"]), "buono OK 235\naltrui NO 535\nignoto NO 535\n");
    let heard = std::fs::read_to_string(keys.path("heard")).expect("what it heard");
    assert!(heard.contains("'token': ['buono']") && heard.contains("'token_type_hint': ['access_token']"), "{heard}");
    assert!(!sample.said().contains("buono") && !sample.said().contains("molto segreto"), "no secret in a log");
    // An issuer whose certificate leads to none of our roots is not believed.
    drop(service);
    sample.write(&text);
    let _service = sample.serve();
    assert!(!tried(&["buono"]).contains("OK"), "the issuer is not who it says");
}
