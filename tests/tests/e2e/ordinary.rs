//! Ordinary mail before real judges: a name server with the senders' records, messages signed by a program that is not
//! ours (dkimpy), rspamd. And certified mail, which none of them touches (SEC-02).

use sigillo_accounts::Request;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use data_encoding::BASE64;
use sigillo_base::Address;
use sigillo_engine::{
    Advice, Arrived, Change, Checked, Outcome, Peer, Received, Rejected, Rules, Screener, Screening, Spam,
};
use sigillo_server::config::Config;
use sigillo_server::screening::Screen;
use sigillo_tests::demo::{Ran, run};
use sigillo_tests::fixtures::{self, NOW, address};
use sigillo_tests::house::{House, arrived};
use sigillo_tests::knot::{Knot, Zone};
use sigillo_tests::rspamd::{Rspamd, gtube};
use sigillo_tests::street::Street;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::serve::Sample;

/// The server of posta.example; a forwarder; one that is on the list; one that the list does not speak of.
const SERVER: &str = "127.0.0.2";
const FORWARDER: &str = "127.0.0.5";
const LISTED: &str = "127.0.0.66";
const QUIET: &str = "127.0.0.77";

/// A key for signatures and its record.
struct Key {
    folder: TempDir,
    record: String,
}

impl Key {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let key = openssl::rsa::Rsa::generate(2048).expect("a key");
        std::fs::write(folder.path().join("key.pem"), key.private_key_to_pem().expect("a key")).expect("written");
        let public = BASE64.encode(&key.public_key_to_der().expect("a key"));
        // A text of the DNS has pieces of at most 255 octets.
        let (first, second) = public.split_at(200);
        Self { folder, record: format!("TXT ( \"v=DKIM1; k=rsa; p={first}\" \"{second}\" )") }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// The message with what one of dkimpy's programs puts on top.
    fn signed(&self, program: &str, domain: &str, more: &[&str], message: &str) -> String {
        let path = self.path();
        let args = [&["uno", domain, path.to_str().expect("a path")][..], more].concat();
        let ran: Ran = run(format!("/usr/bin/{program}"), &args, message.as_bytes(), 30);
        ran.fine("dkimpy: .ci/packages --tests (Debian: python3-dkim, python3-authres)").out
    }

    /// The same with a signature that proves nothing any more.
    fn signed_with_sha1(&self, message: &str) -> String {
        let script = "import dkim,sys; m=sys.stdin.buffer.read(); k=open(sys.argv[1],'rb').read(); a=b'rsa-sha1'; \
                      sys.stdout.buffer.write(dkim.sign(m,b'uno',b'posta.example',k,signature_algorithm=a)+m)";
        let path = self.path();
        let args = ["-c", script, path.to_str().expect("a path")];
        run("/usr/bin/python3", &args, message.as_bytes(), 30).fine("dkimpy signs with SHA-1").out
    }
}

/// The names of the world.
fn names(key: &Key) -> Knot {
    let records = format!(
        "posta TXT \"v=spf1 ip4:{SERVER} -all\"\nmx.posta TXT \"v=spf1 ip4:{SERVER} -all\"\n\
         uno._domainkey.posta {0}\n_dmarc.posta TXT \"v=DMARC1; p=reject\"\n\
         sola TXT \"v=spf1 -all\"\n\
         mite TXT \"v=spf1 ~all\"\n_dmarc.mite TXT \"v=DMARC1; p=none\"\n\
         uno._domainkey.terzi {0}\n\
         66.0.0.127.cattivi A 127.0.0.2\n77.0.0.127.cattivi A 127.255.255.254\n",
        key.record
    );
    let broken = Zone { name: "guasta.example", records: None, signed: false };
    Knot::start(&[Zone { name: "example", records: Some(&records), signed: false }, broken])
}

/// The sample with this name server and these sections.
fn config(names: &str, sections: &str) -> Config {
    let text = format!("{}\n{sections}", asking(sigillo_server::config::SAMPLE, names));
    Config::parse(std::path::Path::new("sigillo.toml"), &text).unwrap_or_else(|e| panic!("{e}"))
}

/// A configuration with this name server.
fn asking(text: &str, names: &str) -> String {
    let line = "# servers = [\"127.0.0.1:53\"]";
    assert!(text.contains(line), "the sample names a server");
    text.replace(line, &format!("servers = [\"{names}\"]"))
}

/// Who asks these judges; the runtime must outlive it.
fn screen(knot: &Knot, rspamd: Option<&Rspamd>) -> (Runtime, Screen) {
    screen_at(&knot.address().to_string(), rspamd, 10)
}

fn screen_at(names: &str, rspamd: Option<&Rspamd>, timeout_s: u32) -> (Runtime, Screen) {
    let antispam = rspamd.map(|r| format!("[antispam]\nrspamd = \"{}\"\nmax_size_mb = 1\n", r.url()));
    let sections = format!(
        "[ordinary]\nspf = \"enforce\"\ndmarc = \"enforce\"\nlisted = \"enforce\"\n\
         dnsbl = [\"cattivi.example\"]\ntimeout_s = {timeout_s}\nconcurrency = {AT_ONCE}\n{}",
        antispam.unwrap_or_default()
    );
    let runtime = Runtime::new().expect("a runtime");
    let root = openssl::x509::X509::from_pem(fixtures::ca_pem().as_bytes()).and_then(|c| c.to_der()).expect("a root");
    let tls = sigillo_server::tls::client_config([root.into()]).expect("TLS");
    let screen = runtime.block_on(async { Screen::new(&config(names, &sections), &tls) });
    (runtime, screen.expect("somebody is asked"))
}

fn message(from: &str, subject: &str, body: &str) -> String {
    format!(
        "From: <{from}>\r\nTo: <bruno@ente-beta.example>\r\nSubject: {subject}\r\n\
         Date: Thu, 12 Mar 2026 10:00:00 +0100\r\nMessage-ID: <uno@posta.example>\r\n\r\n{body}\r\n"
    )
}

fn mail(ip: &str, from: Option<&str>, bytes: impl Into<Vec<u8>>) -> Arrived {
    let from = from.map(address);
    let to = [address("bruno@ente-beta.example"), address("carla@ente-beta.example")];
    let peer = Peer { ip: ip.parse::<IpAddr>().expect("an address") };
    Arrived { peer, ..arrived(from.as_ref(), &to, bytes.into(), "mx.posta.example", false) }
}

/// Messages that are asked about at once.
const AT_ONCE: usize = 2;

const DORA: &str = "dora@posta.example";

fn result(checked: &Option<Checked>) -> Outcome {
    checked.as_ref().expect("it was checked").result
}

/// SPF, the first DKIM signature, ARC, DMARC and the list.
fn results(s: &Screening) -> [Outcome; 5] {
    [result(&s.spf), s.dkim[0].result, result(&s.arc), result(&s.dmarc), s.lists[0].result]
}

#[test]
fn a_sender_is_who_its_domain_says_by_a_real_name_server_and_foreign_signatures() {
    use Outcome::{Fail, None, Pass, PermError, SoftFail, TempError};
    let key = Key::new();
    let knot = names(&key);
    let (_runtime, screen) = screen(&knot, Option::None);
    let asked =
        |ip: &str, from: Option<&str>, bytes: &str| screen.screen(&mail(ip, from, bytes)).expect("there is room");
    let plain = message(DORA, "prova", "Ciao.");
    let signed = key.signed("dkimsign", "posta.example", &[], &plain);
    assert!(signed.starts_with("DKIM-Signature: ") && signed.ends_with(&plain), "{signed}");
    let altered = signed.replace("Ciao.", "Pagate.");
    let passed_on = format!("Authentication-Results: mx.terzi.example; spf=pass smtp.mailfrom={DORA}\r\n{plain}");
    let sha1 = key.signed_with_sha1(&plain);
    let chained = key.signed("arcsign", "terzi.example", &["mx.terzi.example"], &passed_on);
    let nobody = message("eva@sola.example", "prova", "x");
    let two = plain.replace("From: <dora@posta.example>", "From: <dora@posta.example>, <x@mite.example>");
    let mite = message("x@mite.example", "prova", "x");
    let broken = message("x@guasta.example", "prova", "x");
    // What it is, from where, from whom, and what is found out.
    type Case<'c> = (&'c str, &'c str, Option<&'c str>, &'c str, [Outcome; 5]);
    let cases: [Case<'_>; 15] = [
        ("signed with SHA-1", FORWARDER, Some(DORA), &sha1, [Fail, None, None, Fail, Pass]),
        ("signed, from its server", SERVER, Some(DORA), &signed, [Pass, Pass, None, Pass, Pass]),
        ("unsigned, from its server", SERVER, Some(DORA), &plain, [Pass, None, None, Pass, Pass]),
        ("signed and forwarded", FORWARDER, Some(DORA), &signed, [Fail, Pass, None, Pass, Pass]),
        ("altered on the way", FORWARDER, Some(DORA), &altered, [Fail, Fail, None, Fail, Pass]),
        ("forged", FORWARDER, Some(DORA), &plain, [Fail, None, None, Fail, Pass]),
        (
            "forged behind another's sender",
            FORWARDER,
            Some("x@mite.example"),
            &plain,
            [SoftFail, None, None, Fail, Pass],
        ),
        ("excluded, no policy", FORWARDER, Some("eva@sola.example"), &nobody, [Fail, None, None, None, Pass]),
        (
            "no records",
            SERVER,
            Some("x@nulla.example"),
            &message("x@nulla.example", "p", "x"),
            [None, None, None, None, Pass],
        ),
        ("mild policy", SERVER, Some("x@mite.example"), &mite, [SoftFail, None, None, Fail, Pass]),
        ("a bounce, by the name of its server", SERVER, Option::None, &plain, [Pass, None, None, Pass, Pass]),
        ("authors of two domains", SERVER, Some(DORA), &two, [Pass, None, None, PermError, Pass]),
        ("a chain of forwarders", FORWARDER, Some(DORA), &chained, [Fail, None, Pass, Fail, Pass]),
        (
            "name servers that are down",
            SERVER,
            Some("x@guasta.example"),
            &broken,
            [TempError, None, None, TempError, Pass],
        ),
        ("a listed client", LISTED, Some("x@mite.example"), &mite, [SoftFail, None, None, Fail, Fail]),
    ];
    for (what, ip, from, bytes, expected) in cases {
        let screening = asked(ip, from, bytes);
        assert_eq!(results(&screening), expected, "{what}: {screening:?}");
        let asks_to_refuse = !matches!(expected[3], None | PermError | TempError) && !bytes.contains("x@mite.example");
        assert_eq!(screening.dmarc_reject, asks_to_refuse, "{what}: {screening:?}");
        assert_eq!(screening.spam, Spam::NotAsked);
    }
    let good = asked(SERVER, Some(DORA), &signed);
    assert_eq!(good.dkim[0].about, [("header.d", "posta.example".to_owned()), ("header.s", "uno".to_owned())]);
    assert_eq!(asked(QUIET, Some(DORA), &signed).lists[0].result, TempError, "the list does not answer us");
    // Signatures without end: a few are looked at, and the header is not searched for ever.
    let line = signed.split_inclusive("From: ").next().expect("the signature").trim_end_matches("From: ");
    let many = asked(SERVER, Some(DORA), &format!("{}{plain}", line.repeat(500)));
    assert_eq!(many.dkim.len(), 8, "{:?}", many.dkim.len());
    let fields = format!("{line}{}{plain}", "X: y\r\n".repeat(10_000));
    assert_eq!(results(&asked(FORWARDER, Some(DORA), &fields)), [Fail, None, PermError, Fail, Pass]);
}

#[test]
fn without_a_name_server_nothing_is_known_and_nothing_is_refused() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket that never answers");
    let (_runtime, screen) = screen_at(&silent.local_addr().expect("bound").to_string(), None, 1);
    let screening = screen.screen(&mail(SERVER, Some(DORA), message(DORA, "prova", "x"))).expect("there is room");
    let unknown = Outcome::TempError;
    assert_eq!(results(&screening), [unknown, Outcome::None, Outcome::None, unknown, unknown], "{screening:?}");
}

/// Name servers of strangers that never answer must not hold every thread.
#[test]
fn only_so_many_messages_are_asked_about_at_once_and_the_others_come_again() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket that never answers");
    let (_runtime, screen) = screen_at(&silent.local_addr().expect("bound").to_string(), None, 5);
    let (screen, mail) = (Arc::new(screen), mail(SERVER, Some(DORA), message(DORA, "prova", "x")));
    let (told, answers) = std::sync::mpsc::channel();
    for _ in 0..2 * AT_ONCE {
        let (screen, mail, told) = (Arc::clone(&screen), mail.clone(), told.clone());
        std::thread::spawn(move || told.send(screen.screen(&mail).is_some()));
    }
    // Who is inside waits for its name servers; the others are told first.
    let answers: Vec<bool> = answers.iter().take(2 * AT_ONCE).collect();
    assert_eq!(answers, [vec![false; AT_ONCE], vec![true; AT_ONCE]].concat());
}

#[test]
fn rspamd_tells_spam_and_its_silence_is_no_verdict() {
    let rspamd = Rspamd::start();
    let knot = Knot::start(&[Zone { name: "example", records: Some(""), signed: false }]);
    let names = knot.address().to_string();
    let (_runtime, screen) = screen_at(&names, Some(&rspamd), 30);
    // For what gets no answer.
    let (_other_runtime, hasty) = screen_at(&names, Some(&rspamd), 3);
    let asked = |screen: &Screen, bytes: &str| {
        screen.screen(&mail("192.0.2.7", Some(DORA), bytes)).expect("there is room").spam
    };
    let spam = |bytes: &str| asked(&screen, bytes);
    let advice = |subject: &str, body: &str| match spam(&message(DORA, subject, body)) {
        Spam::Judged { advice, symbols, .. } => (advice, symbols),
        other => panic!("{subject}: {other:?}"),
    };
    assert_eq!(advice("prova", "Ciao.").0, Advice::Take);
    assert_eq!(advice("prova", &gtube()), (Advice::Refuse, vec!["GTUBE".to_owned()]));
    assert_eq!(advice("LATER", "x").0, Advice::Defer);
    assert_eq!(advice("SUSPECT", "x"), (Advice::Mark, vec!["SUSPECT".to_owned()]));
    assert_eq!(advice("SAID", "x").1, ["SMTP_SAID"], "it hears what SMTP said");
    let large = message(DORA, "prova", &format!("{}\r\n", gtube()).repeat(20_000));
    assert_eq!(spam(&large), Spam::NotAsked, "more than max_size_mb");
    rspamd.signal("STOP");
    let Spam::Unavailable(why) = asked(&hasty, &message(DORA, "prova", "x")) else { panic!("a verdict of nobody") };
    assert!(why.contains("/checkv2") && why.contains("3 s"), "{why}");
    rspamd.signal("CONT");
    assert_eq!(advice("prova", "Ciao.").0, Advice::Take);
    drop(rspamd);
    assert!(matches!(spam(&message(DORA, "prova", "x")), Spam::Unavailable(_)));
}

/// The transport envelope of a provider, handed over by a listed server that the sender's domain excludes, with a text that
/// rspamd refuses: taken charge of. The same text as ordinary mail is refused.
#[test]
fn certified_mail_passes_real_judges_that_refuse_the_same_as_ordinary_mail() {
    let (key, rspamd) = (Key::new(), Rspamd::start());
    let knot = names(&key);
    let mut street = Street::new(1);
    let mut runtimes = Vec::new();
    for house in &mut street.houses {
        let (runtime, screen) = screen(&knot, Some(&rspamd));
        house.screen_with(screen);
        let mut ordinary = config(
            &knot.address().to_string(),
            "[ordinary]\nspf = \"enforce\"\ndmarc = \"enforce\"\nlisted = \"enforce\"\n",
        )
        .ordinary
        .rules;
        (ordinary.refuse_spam, ordinary.defer_suspects) = (true, true);
        house.choose(Rules { ordinary, ..Rules::default() });
        runtimes.push(runtime);
    }
    let (anna, bruno) = (address("anna@comune-alfa.example"), address("bruno@ente-beta.example"));
    let text = format!("From: <{anna}>\r\nTo: <{bruno}>\r\nSubject: LATER\r\n\r\n{}\r\n", gtube());
    street.submit_bytes(&anna, std::slice::from_ref(&bruno), text.clone().into_bytes()).expect("submitted");
    let dispatch = street.houses[0].engine().due(street.now, 1).expect("the queue").remove(0);
    let bytes = street.houses[0].engine().read_all(&dispatch.message).expect("the envelope");
    let listed = Peer { ip: LISTED.parse().expect("an address") };
    let by_listed = |from: Option<&Address>, to: &Address, bytes: Vec<u8>| Arrived {
        peer: listed,
        ..arrived(from, std::slice::from_ref(to), bytes, "mx.sola.example", false)
    };
    let beta: &House = &street.houses[1];
    let answer = beta.engine().receive(&by_listed(dispatch.from.as_ref(), &bruno, bytes), fixtures::NOW);
    assert!(matches!(answer, Ok(Received::TakenCharge(_))), "{answer:?}");
    // The receipts go back the same way.
    beta.engine().run_due(street.now).expect("delivered");
    let mut receipts = 0;
    for dispatch in beta.engine().due(street.now, 9).expect("the queue") {
        let bytes = beta.engine().read_all(&dispatch.message).expect("a receipt");
        let receipt = by_listed(dispatch.from.as_ref(), &dispatch.rcpts[0], bytes);
        let answer = street.houses[0].engine().receive(&receipt, fixtures::NOW);
        assert!(matches!(answer, Ok(Received::Receipt(_))), "{answer:?}");
        receipts += 1;
    }
    assert_eq!(receipts, 2, "taken charge of, and delivered");
    // What is not certified meets them all.
    let number = beta.engine().find_mailbox(&bruno).expect("the store").expect("a mailbox").id;
    let accept = sigillo_accounts::OrdinaryMail::Accept;
    beta.engine()
        .change(sigillo_base::MailboxId(number), &Change::Ordinary(accept), &Request::own(NOW))
        .expect("chosen");
    let says = |mail: &Arrived| match beta.engine().receive(mail, fixtures::NOW) {
        Err(Rejected::Refused(reply)) => reply.to_string(),
        other => format!("{other:?}"),
    };
    let to_bruno = |mail: Arrived| Arrived { to: vec![bruno.clone()], ..mail };
    let dora = message(DORA, "prova", &gtube());
    assert!(says(&to_bruno(mail(FORWARDER, Some(DORA), dora.as_str()))).starts_with("550 5.7.26 "));
    let eva = "eva@sola.example";
    assert!(says(&to_bruno(mail(FORWARDER, Some(eva), message(eva, "p", "x")))).starts_with("550 5.7.23 "));
    assert!(says(&to_bruno(mail(SERVER, Some(DORA), dora.as_str()))).starts_with("550 5.7.1 "), "spam");
    let mite = "x@mite.example";
    assert!(says(&to_bruno(mail(LISTED, Some(mite), message(mite, "p", "x")))).contains("cattivi.example"));
    assert!(says(&to_bruno(mail(SERVER, Some(DORA), message(DORA, "LATER", "x")))).starts_with("451 4.7.1 "));
    assert_eq!(says(&to_bruno(mail(SERVER, Some(DORA), message(DORA, "prova", "x")))), "Ok(Anomaly)");
}

#[test]
fn the_service_asks_what_its_configuration_says_and_tells_what_became_of_the_mail() {
    let (key, rspamd) = (Key::new(), Rspamd::start());
    let knot = names(&key);
    let sample = Sample::new();
    sample.write(&format!(
        "{}\n[ordinary]\ndmarc = \"enforce\"\ndnsbl = [\"cattivi.example\"]\nlisted = \"enforce\"\n\
         [antispam]\nrspamd = \"{}\"\n",
        asking(&sample.text(), &knot.address().to_string()),
        rspamd.url()
    ));
    let _service = sample.serve();
    let bruno = "bruno@ente-esempio.example";
    sample.add(bruno, "segreta");
    let socket = sample.socket();
    let sigillo = |args: &[&str]| run(sigillo_tests::demo::binary(), args, b"", 30).fine("sigillo").out;
    sigillo(&["mailbox", "set", bruno, "--ordinary-mail", "accept", "--socket", &socket]);
    let send = |ip: &str, from: &str, letter: &str| {
        let server = format!("127.0.0.1:{}", sample.ports.base);
        let args =
            ["--server", &server, "--local-interface", ip, "--helo", "mx.posta.example", "--from", from, "--to", bruno];
        run("swaks", &[&args[..], &["--data", "-"]].concat(), letter.as_bytes(), 60).out
    };
    let signed = key.signed("dkimsign", "posta.example", &[], &message(DORA, "buona", "Ciao."));
    let said = send(SERVER, DORA, &signed);
    assert!(said.contains("250 2.0.0 Accettato con anomalia"), "{said}\n{}", sample.said());
    let said = send(FORWARDER, DORA, &message(DORA, "falsa", "Pagate."));
    assert!(said.contains("550 5.7.26 "), "{said}");
    let said = send(LISTED, "x@mite.example", &message("x@mite.example", "elenco", "x"));
    assert!(said.contains("550 5.7.1 ") && said.contains("cattivi.example"), "{said}");
    let said = send(SERVER, DORA, &message(DORA, "posta", &gtube()));
    assert!(said.contains("550 5.7.1 ") && said.contains("indesiderata"), "{said}");
    let inbox = format!("imaps://127.0.0.1:{}/INBOX;MAILINDEX=1", sample.ports.base + 4);
    let envelope = sample.curl(bruno, &inbox, &[], "").fine("curl reads").out;
    let header = envelope.split("\r\n\r\n").next().expect("a header").replace("\r\n ", " ");
    assert!(header.starts_with("Authentication-Results: mx.pec.esempio.example; spf=pass smtp.mailfrom=dora@posta.example; dkim=pass header.d=posta.example header.s=uno; arc=none; dmarc=pass"), "{header}");
    assert!(header.contains("\r\nX-Spam-Status: No, score=0.00 required=15.00 advice=take tests=none\r\n"), "{header}");
    let status: serde_json::Value =
        serde_json::from_str(&sigillo(&["status", "--json", "--socket", &socket])).expect("JSON");
    let today = &status["ordinary_today"];
    let expected = serde_json::json!({"taken": 1, "refused-dmarc": 1, "refused-listed": 1, "refused-spam": 1});
    assert_eq!(today, &expected, "{status}");
    assert!(sample.said().contains("ordinary mail screened"), "{}", sample.said());
}
