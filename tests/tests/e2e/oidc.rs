//! Tokens that an OpenID Connect issuer signs (PyPI: oidc-provider-mock): a person administrates with one, a mailbox opens with
//! another, and what somebody else signed does neither.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use sigillo_tests::demo::{Guard, Ran, binary, run, skipped, wait_for};

use crate::postfix::Keys;
use crate::serve::Sample;

const ANNA: &str = "anna@comune-esempio.example";

/// The issuer, under TLS. Arguments: port, certificate, key.
const ISSUER: &str = r#"
import sys
from werkzeug.serving import make_server
import oidc_provider_mock as mock
port, certificate, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
anna = {"preferred_username": "m.rossi", "email": "anna@comune-esempio.example", "email_verified": True}
app = mock.app(user_claims=[mock.User(sub="anna", claims=anna)])
make_server("127.0.0.1", port, app, threaded=True, ssl_context=(certificate, key)).serve_forever()
"#;

/// Logs Anna in there for each of these services, and prints the tokens. Arguments: issuer, services.
const LOGIN: &str = r#"
import json, ssl, sys, urllib.error, urllib.parse, urllib.request
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None
https = urllib.request.HTTPSHandler(context=ssl._create_unverified_context())
opener = urllib.request.build_opener(https, Stay)
form = lambda **fields: urllib.parse.urlencode(fields).encode()
for service in sys.argv[2:]:
    back = "https://client.example/"
    ask = form(client_id=service, redirect_uri=back, response_type="code", scope="openid profile email").decode()
    try:
        opener.open(sys.argv[1] + "/oauth2/authorize?" + ask, form(sub="anna"))
    except urllib.error.HTTPError as answer:
        where = urllib.parse.urlparse(answer.headers["Location"])
    code = urllib.parse.parse_qs(where.query)["code"][0]
    paid = form(grant_type="authorization_code", code=code, redirect_uri=back, client_id=service, client_secret="x")
    print(json.load(opener.open(sys.argv[1] + "/oauth2/token", paid))["id_token"])
"#;

/// Forges tokens of the one that is given, as the issuer's own library would: without a signature, with its public key as a secret, with
/// another's key. Arguments: token, JWK Set as the issuer has it, as text.
const FORGE: &str = r#"
import base64, hashlib, hmac, json, sys
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
b64 = lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()
number = lambda t: int.from_bytes(base64.urlsafe_b64decode(t + "=="), "big")
_, claims, signature = sys.argv[1].split(".")
jwk = json.loads(sys.argv[2])["keys"][0]
pem = rsa.RSAPublicNumbers(number(jwk["e"]), number(jwk["n"])).public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
def token(head, sign):
    signed = b64(json.dumps(head).encode()) + "." + claims
    return signed + "." + b64(sign(signed.encode()))
own = rsa.generate_private_key(65537, 2048)
print(token({"alg": "none"}, lambda _: b""))
print(token({"alg": "HS256"}, lambda signed: hmac.new(pem, signed, hashlib.sha256).digest()))
print(token({"alg": "RS256"}, lambda signed: own.sign(signed, padding.PKCS1v15(), hashes.SHA256())))
print(token({"alg": "RS256", "kid": "../../../../dev/null"}, lambda _: base64.urlsafe_b64decode(signature + "==")))
"#;

/// Tries each token by OAUTHBEARER and XOAUTH2 over IMAP, SMTP and POP3. Arguments: ports, tokens; prints what is said, and of a refusal the
/// JSON of its challenge.
const OPEN: &str = r#"
import base64, imaplib, poplib, smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
user = "anna@comune-esempio.example"
first = {
    "OAUTHBEARER": lambda token: "n,a=%s,\x01auth=Bearer %s\x01\x01" % (user, token),
    "XOAUTH2": lambda token: "user=%s\x01auth=Bearer %s\x01\x01" % (user, token),
}
last = {"OAUTHBEARER": "AQ==", "XOAUTH2": ""}
def line(way, token):
    return base64.b64encode(first[way](token).encode()).decode()
def by_imap(way, token):
    imap = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]))
    imap.starttls(context)
    imap.send(("a AUTHENTICATE %s %s\r\n" % (way, line(way, token))).encode())
    return answer(imap.readline, imap.send, way, b"+ ", b"a ")
def by_smtp(way, token):
    smtp = smtplib.SMTP("127.0.0.1", int(sys.argv[2]))
    smtp.starttls(context=context)
    smtp.ehlo()
    assert way in smtp.esmtp_features["auth"], smtp.esmtp_features
    smtp.send("AUTH %s %s\r\n" % (way, line(way, token)))
    return answer(smtp.file.readline if smtp.file else (lambda: smtp.sock.makefile("rb").readline()), smtp.send, way, b"334 ", b"")
def by_pop3(way, token):
    pop = poplib.POP3("127.0.0.1", int(sys.argv[3]))
    pop.stls(context)
    pop._putline(("AUTH %s %s" % (way, line(way, token))).encode())
    return answer(pop.file.readline, lambda b: pop.sock.sendall(b), way, b"+ ", b"")
def answer(read, send, way, asks, tag):
    said, told = read().strip(), ""
    if said.startswith(asks):
        told = " " + base64.b64decode(said[len(asks):]).decode()
        send((last[way] + "\r\n").encode())
        said = read().strip()
    return said[len(tag):].split()[0].decode() + told
for token in sys.argv[4:]:
    for way in first:
        print(way, *[by(way, token) for by in (by_imap, by_smtp, by_pop3)], sep=" | ")
"#;

/// The Python that has the issuer: the one that .ci/python made.
fn python() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))?;
    let python = cache.join("sigillo/python/bin/python");
    let has =
        |python: &PathBuf| run(python, &["-W", "ignore", "-c", "import oidc_provider_mock"], b"", 60).code == Some(0);
    Some(python).filter(|path| path.is_file()).filter(has)
}

fn issue(python: &PathBuf, keys: &Keys, port: u16) -> Guard {
    let mut command = Command::new(python);
    let path = |name: &str| keys.path(name).to_string_lossy().into_owned();
    let output = fs::File::create(keys.path("issuer.log")).expect("a file");
    command.args(["-W", "ignore", "-c", ISSUER, &port.to_string(), &path("mx.pem"), &path("mx.key")]);
    let guard =
        Guard(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output).spawn().expect("python starts"));
    wait_for("the issuer", Duration::from_secs(60), || TcpStream::connect(("127.0.0.1", port)).ok());
    guard
}

fn configure(sample: &Sample, keys: &Keys, issuer: &str) {
    let oidc = format!(
        "\n[oidc]\nissuer = \"{issuer}\"\n[oidc.persons]\naudience = \"amministrazione\"\nclaim = \"preferred_username\"\n\
         [oidc.mailboxes]\naudience = \"posta\"\ndomains = [\"comune-esempio.example\"]\n\n[access]\n"
    );
    let roots = format!("\nroots = \"{}\"", keys.path("ca.pem").display());
    let text = sample.text().replacen("\n[access]\n", &oidc, 1);
    let text = text.replace("login_failures = 5", "login_failures = 50");
    sample.write(&text.replacen("\nroots = \"prova/ca.pem\"", &roots, 1));
}

/// `sigillo person list` by this token.
fn administrate(sample: &Sample, token: &str) -> Ran {
    let file = sample.path("gettone");
    fs::write(&file, token).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("its mode");
    let args = ["person", "list", "--token-file", &file.to_string_lossy(), "--socket", &sample.socket()];
    run(binary(), &args, b"", 30)
}

#[test]
fn a_token_of_the_issuer_is_a_person_or_opens_a_mailbox_and_a_forged_one_is_nobody() {
    let Some(python) = python() else {
        return skipped("there is no oidc_provider_mock: .ci/python ~/.cache/sigillo");
    };
    let (sample, keys) = (Sample::new(), Keys::new(&["localhost"], &[]));
    let port = sample.ports.base + 9;
    let name = format!("https://localhost:{port}");
    let issuer = issue(&python, &keys, port);
    configure(&sample, &keys, &name);
    let _service = sample.serve();
    sample.add(ANNA, "segreta");
    for args in [
        &["person", "add", "m.rossi", "Maria Rossi", "--socket", &sample.socket()][..],
        &["person", "grant", "m.rossi", "supplier-admin", "supplier", "--socket", &sample.socket()],
    ] {
        run(binary(), args, b"", 30).fine("person");
    }
    let login = ["-c", LOGIN, &name, "amministrazione", "posta", "altro"];
    let tokens = run("python3", &login, b"", 60).fine("a login at the issuer").out;
    let [admin, mail, other] = tokens.lines().collect::<Vec<_>>()[..] else { panic!("{tokens}") };
    let jwks = run("curl", &["--silent", "--insecure", &format!("{name}/jwks")], b"", 30).fine("curl").out;
    let forge = |token: &str| run(&python, &["-c", FORGE, token, &jwks], b"", 60).fine("forging").out;

    // Persons.
    let listed = administrate(&sample, admin).fine("who shows his token");
    assert!(listed.out.contains("m.rossi"), "{}", listed.out);
    for bad in forge(admin).lines().chain([mail, other, "a.b.c", "..", &format!("{admin}x")]) {
        let ran = administrate(&sample, bad);
        assert!(ran.code != Some(0) && ran.err.contains("il token non è valido"), "{bad}: {}", ran.all());
    }

    // Mailboxes.
    let ports = [3, 1, 5].map(|n| (sample.ports.base + n).to_string());
    let opened = |tokens: &[&str]| {
        let args = [&["-c", OPEN, &ports[0], &ports[1], &ports[2]][..], tokens].concat();
        run("python3", &args, b"", 120).fine("imaplib, smtplib and poplib").out
    };
    let all_in = "OAUTHBEARER | OK | 235 | +OK\nXOAUTH2 | OK | 235 | +OK\n";
    assert_eq!(opened(&[mail]), all_in);
    let (one, two) = (r#"{"status":"invalid_token"}"#, r#"{"status":"401","schemes":"bearer","scope":""}"#);
    let all_out =
        format!("OAUTHBEARER | NO {one} | 535 {one} | -ERR {one}\nXOAUTH2 | NO {two} | 535 {two} | -ERR {two}\n");
    assert_eq!(opened(&[admin]), all_out);
    let forged = forge(mail);
    assert_eq!(opened(&[forged.lines().next().expect("a token")]), all_out);
    assert_eq!(opened(&[mail]), all_in);

    // Keys that are known do while the issuer is away; who ended is nobody whatever it signs.
    drop(issuer);
    administrate(&sample, admin).fine("known keys");
    let end = ["person", "end", "m.rossi", "--yes", "--socket", &sample.socket()];
    run(binary(), &end, b"", 30).fine("person end");
    assert!(administrate(&sample, admin).err.contains("il token non è valido"));
    let said = sample.said();
    assert!(![admin, mail].iter().any(|token| said.contains(token)), "no token in a log");
}
