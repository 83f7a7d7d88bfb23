//! Mailboxes whose passwords a directory keeps: a real slapd says who comes in, and when it cannot be asked nobody is blamed.

use std::net::TcpListener;
use std::path::Path;

use sigillo_tests::demo::{binary, run};
use sigillo_tests::slapd::{BASE, Slapd};

use crate::postfix::Keys;
use crate::serve::Sample;

const ANNA: &str = "anna@comune-esempio.example";
const DOUBLE: &str = "doppia@comune-esempio.example";
/// Of a domain that has no directory.
const BRUNO: &str = "bruno@ente-esempio.example";

/// Logs in by IMAP, SMTP and POP3. Arguments: ports; standard input: user and password, a tab between them, one login a line. Prints
/// the answers of each, as far as they are for programs.
const LOGINS: &str = r#"
import imaplib, poplib, re, smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
def by_imap(user, password):
    imap = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]))
    imap.starttls(context)
    try:
        return imap.login(imap._quote(user), password)[0]
    except imaplib.IMAP4.error as error:
        return re.search(r"\[[A-Z]+\]", str(error)).group(0)
def by_smtp(user, password):
    smtp = smtplib.SMTP("127.0.0.1", int(sys.argv[2]))
    smtp.starttls(context=context)
    smtp.ehlo()
    smtp.user, smtp.password = user, password
    try:
        code, text = smtp.auth("PLAIN", smtp.auth_plain)
    except smtplib.SMTPAuthenticationError as error:
        code, text = error.smtp_code, error.smtp_error
    return "%d %s" % (code, text.decode().split()[0])
def by_pop3(user, password):
    pop = poplib.POP3("127.0.0.1", int(sys.argv[3]))
    pop.stls(context)
    try:
        pop.user(user)
        return pop.pass_(password).decode().split()[0]
    except poplib.error_proto as error:
        return (re.search(r"\[[A-Z/]+\]", str(error)) or re.search("-ERR", str(error))).group(0)
for line in sys.stdin:
    user, password = line.rstrip("\n").split("\t")
    ways = sys.argv[4:] or ["imap", "smtp", "pop3"]
    print(*[globals()["by_" + way](user, password) for way in ways], sep=", ")
"#;

const IN: &str = "OK, 235 2.7.0, +OK";
const OUT: &str = "[AUTHENTICATIONFAILED], 535 5.7.8, [AUTH]";
const AWAY: &str = "[UNAVAILABLE], 454 4.7.0, [SYS/TEMP]";

/// What IMAP, SMTP and POP3 say to each of these.
fn tried(sample: &Sample, logins: &[(&str, &str)]) -> Vec<String> {
    tried_by(sample, logins, &[])
}

fn tried_by(sample: &Sample, logins: &[(&str, &str)], ways: &[&str]) -> Vec<String> {
    let ports = [3, 1, 5].map(|n| (sample.ports.base + n).to_string());
    let args = [&["-c", LOGINS, &ports[0], &ports[1], &ports[2]][..], ways].concat();
    let input: String = logins.iter().map(|(user, password)| format!("{user}\t{password}\n")).collect();
    run("python3", &args, input.as_bytes(), 120)
        .fine("imaplib, smtplib and poplib")
        .out
        .lines()
        .map(str::to_owned)
        .collect()
}

fn person(uid: &str, mail: &str, password: &str) -> String {
    format!(
        "dn: uid={uid},{BASE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: x\nsn: x\nmail: {mail}\nuserPassword: {password}\n\n"
    )
}

fn entries() -> String {
    [
        person("anna", ANNA, "giusta"),
        person("doppia1", DOUBLE, "giusta"),
        person("doppia2", DOUBLE, "giusta"),
        person("ospite", "ospite@comune-esempio.example", "giusta"),
    ]
    .concat()
}

/// The sample, whose first domain has this directory.
fn configured(sample: &Sample, url: &str, ca: &Path, more: &str) {
    let text = sample.text();
    let table = format!(
        "\n[[ldap]]\ndomains = [\"comune-esempio.example\"]\nurls = [\"{url}\"]\nroots = \"{}\"\n{more}\n\n[access]\n",
        ca.display()
    );
    let text = match text.split_once("\n[[ldap]]\n") {
        Some((before, after)) => {
            format!("{before}\n[access]\n{}", after.split_once("\n[access]\n").expect("a table").1)
        }
        None => text,
    };
    sample.write(&text.replacen("\n[access]\n", &table, 1));
}

fn search(slapd: &Slapd) -> String {
    format!(
        "bind_dn = \"cn=sigillo,{BASE}\"\nbind_password_file = \"{}\"\nbase = \"{BASE}\"\nfilter = \"(mail={{address}})\"",
        slapd.secret().display()
    )
}

#[test]
fn the_directory_says_who_comes_in_and_nobody_gets_round_it() {
    let (sample, keys) = (Sample::new(), Keys::new(&["localhost"], &[]));
    let slapd = Slapd::start(&keys.path("mx.pem"), &keys.path("mx.key"), &entries());
    configured(&sample, &slapd.tls(), &keys.path("ca.pem"), &search(&slapd));
    sample.write(&sample.text().replace("login_failures = 5", "login_failures = 50"));
    let _service = sample.serve();
    for (mailbox, password) in [(ANNA, "locale"), (DOUBLE, "locale"), (BRUNO, "segreta")] {
        sample.add(mailbox, password);
    }
    let add = ["credential", "add", ANNA, "gestionale", "--password-file", "-", "--socket", &sample.socket()];
    run(binary(), &add, b"dell'applicazione\n", 30).fine("credential add");
    let application = format!("{ANNA}/gestionale");
    let good = [
        (ANNA, "giusta"),
        ("ANNA@Comune-Esempio.example", "giusta"),
        (&application, "dell'applicazione"),
        (BRUNO, "segreta"),
    ];
    assert_eq!(tried(&sample, &good), [IN; 4]);
    let bad = [
        (ANNA, "locale"),
        (ANNA, "sbagliata"),
        (DOUBLE, "giusta"),
        ("ospite@comune-esempio.example", "giusta"),
        ("nessuno@comune-esempio.example", "giusta"),
        ("*@comune-esempio.example", "giusta"),
        ("\"*)(uid=*\"@comune-esempio.example", "giusta"),
        (&application, "giusta"),
    ];
    assert_eq!(tried(&sample, &bad), [OUT; 8]);
    // An empty one reaches nobody, though this directory would say yes.
    let binds = |slapd: &Slapd| slapd.heard().matches(" BIND dn=").count();
    let before = binds(&slapd);
    assert_eq!(tried_by(&sample, &[(ANNA, "")], &["imap"]), ["[AUTHENTICATIONFAILED]"]);
    assert_eq!(binds(&slapd), before);
    // Nothing is remembered unless that is wished.
    slapd.modify(&format!("dn: uid=anna,{BASE}\nchangetype: modify\nreplace: userPassword\nuserPassword: nuova\n"));
    assert_eq!(tried(&sample, &[(ANNA, "nuova")]), [IN]);
    assert_eq!(tried_by(&sample, &[(ANNA, "giusta")], &["imap"]), ["[AUTHENTICATIONFAILED]"]);
    // Whoever gives the password here is told that nobody would ask for it.
    let set = ["mailbox", "password", ANNA, "--socket", &sample.socket()];
    let set = run(binary(), &set, b"inutile\n", 30);
    assert!(set.code != Some(0) && set.err.contains("directory"), "{}", set.all());
    let said = sample.said();
    assert!(
        !["giusta", "nuova", "cerca", "dell'applicazione"].iter().any(|secret| said.contains(secret)),
        "no password in a log"
    );
}

#[test]
fn a_directory_that_cannot_be_asked_makes_nobody_wrong() {
    let (sample, keys, foreign) = (Sample::new(), Keys::new(&["localhost"], &[]), Keys::new(&["localhost"], &[]));
    let mut slapd = Slapd::start(&keys.path("mx.pem"), &keys.path("mx.key"), &entries());
    configured(&sample, &slapd.tls(), &keys.path("ca.pem"), &search(&slapd));
    let service = sample.serve();
    sample.add(ANNA, "locale");
    sample.add(BRUNO, "segreta");
    slapd.stop();
    assert_eq!(tried(&sample, &[(ANNA, "giusta"), ("nessuno@comune-esempio.example", "x")]), [AWAY; 2]);
    // Five wrong passwords would lock Anna out.
    assert_eq!(tried_by(&sample, &[(ANNA, "giusta"); 6], &["smtp"]), ["454 4.7.0"; 6]);
    assert_eq!(tried(&sample, &[(BRUNO, "segreta")]), [IN]);
    slapd.resume();
    sigillo_tests::demo::wait_for("the end of the pause", std::time::Duration::from_secs(30), || {
        (tried(&sample, &[(ANNA, "giusta")]) == [IN]).then_some(())
    });
    // Five wrong ones do.
    tried_by(&sample, &[(ANNA, "sbagliata"); 5], &["imap"]);
    assert_eq!(tried_by(&sample, &[(ANNA, "giusta")], &["smtp"]), ["421 4.7.0"]);
    drop(service);

    // Not the certificate that was to be seen: nothing is said to it.
    configured(&sample, &slapd.tls(), &foreign.path("ca.pem"), &search(&slapd));
    let service = sample.serve();
    let before = slapd.heard().matches(" BIND ").count();
    assert_eq!(tried(&sample, &[(ANNA, "giusta")]), [AWAY]);
    assert_eq!(slapd.heard().matches(" BIND ").count(), before);
    drop(service);

    // One that takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("ldap://127.0.0.1:{}", silent.local_addr().expect("its port").port());
    configured(&sample, &url, &keys.path("ca.pem"), &format!("{}\ntimeout_s = 1", search(&slapd)));
    let _service = sample.serve();
    assert_eq!(tried(&sample, &[(ANNA, "giusta"), (BRUNO, "segreta")]), [AWAY, IN]);
}

#[test]
fn by_starttls_and_a_template_of_names_and_what_is_remembered_outlasts_the_directory() {
    let (sample, keys) = (Sample::new(), Keys::new(&["localhost"], &[]));
    let mut slapd = Slapd::start(&keys.path("mx.pem"), &keys.path("mx.key"), &entries());
    let more = format!("starttls = true\ndn = \"uid={{user}},{BASE}\"\nremember_s = 600");
    configured(&sample, &slapd.plain(), &keys.path("ca.pem"), &more);
    let _service = sample.serve();
    sample.add(ANNA, "locale");
    assert_eq!(tried(&sample, &[(ANNA, "giusta")]), [IN]);
    assert!(slapd.heard().contains("STARTTLS") && slapd.heard().contains("TLS established"), "{}", slapd.heard());
    assert_eq!(
        slapd.heard().matches(&format!("BIND dn=\"uid=anna,{BASE}\" method=128")).count(),
        1,
        "asked once for three logins"
    );
    slapd.stop();
    assert_eq!(tried(&sample, &[(ANNA, "giusta"), (ANNA, "sbagliata")]), [IN, AWAY]);
}
