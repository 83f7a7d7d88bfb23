//! `kill -9` at any moment: what was answered 250 exists exactly once, what was not exists not at all or once.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use sigillo_tests::demo::{Demo, Place, run, wait_for};
use sigillo_tests::fixtures::Numbers;

const SENDER: &str = "massiva@comune-alfa.example";
const RECIPIENTS: [&str; 3] = ["bruno@ente-beta.example", "ufficio@ente-beta.example", "mario@studio.example"];
const SUBMISSIONS: usize = 200;
const SEED: u64 = 9;

/// Submits all messages from several threads; a message whose content was sent is never sent again.
const SUBMIT: &str = r#"
import random
results, lock, todo = {}, threading.Lock(), list(range(ask["count"]))
def work(seed):
    pause = random.Random(seed)
    client = None
    while True:
        with lock:
            if not todo or time.time() > ask["until"]:
                break
            n = todo.pop(0)
        to, mid = ask["to"][n % len(ask["to"])], "<kill-%d@comune-alfa.example>" % n
        text = "From: %s\r\nTo: %s\r\nSubject: kill %d\r\nMessage-ID: %s\r\n\r\n%s\r\n" % (
            ask["from"], to, n, mid, "riga\r\n" * pause.randrange(1, 4000))
        while True:
            try:
                if client is None:
                    client = sender(ask["from"])
                for code, said in [client.mail(ask["from"]), client.rcpt(to)]:
                    if code != 250:
                        raise OSError("%d %r" % (code, said))
                client.putcmd("data")
                code, said = client.getreply()
                if code != 354:
                    raise OSError("%d %r" % (code, said))
                break
            except (OSError, smtplib.SMTPException):
                client = None
                time.sleep(0.1)
                if time.time() > ask["until"]:
                    return
        try:
            client.send(text.encode() + b".\r\n")
            code = client.getreply()[0]
        except (OSError, smtplib.SMTPException):
            client, code = None, 0
        with lock:
            results[mid] = {"to": to, "code": code}
        time.sleep(pause.uniform(0, ask["pause"]))
threads = [threading.Thread(target=work, args=(i,)) for i in range(ask["threads"])]
for t in threads:
    t.start()
for t in threads:
    t.join()
answer(results)
"#;

/// Every message of every mailbox: kind and reference.
const CENSUS: &str = r#"
out = {}
for address in ask:
    client = reader(address)
    client.select("INBOX", readonly=True)
    kind, data = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (X-RICEVUTA X-TRASPORTO X-RIFERIMENTO-MESSAGE-ID)])")
    out[address] = []
    for item in data:
        if isinstance(item, tuple):
            header = email.message_from_bytes(item[1])
            kind = header["X-Ricevuta"] or header["X-Trasporto"] or "?"
            out[address].append([kind, header["X-Riferimento-Message-ID"] or "?"])
    client.logout()
answer(out)
"#;

#[derive(Debug, Deserialize)]
struct Submitted {
    to: String,
    code: u16,
}

/// How often each (mailbox, kind, Message-ID) is there.
pub type Census = BTreeMap<(String, String, String), usize>;

/// Counts every message of every mailbox, the service mailboxes among them.
pub fn census(demo: &Demo) -> Census {
    let boxes: Vec<&String> = demo
        .info
        .providers
        .iter()
        .flat_map(|p| p.mailboxes.iter().chain([&p.service_mailbox]).map(|m| &m.address))
        .collect();
    let said: BTreeMap<String, Vec<(String, String)>> =
        serde_json::from_value(demo.python(CENSUS, &boxes, 120)).expect("messages");
    let mut census = Census::new();
    for (address, messages) in said {
        for (kind, id) in messages {
            *census.entry((address.clone(), kind, id)).or_default() += 1;
        }
    }
    census
}

/// What is not as it must be.
#[derive(Debug, Default, PartialEq)]
struct Verdict {
    losses: Vec<String>,
    doubles: Vec<String>,
    strangers: Vec<String>,
}

fn judge(census: &Census, submitted: &BTreeMap<String, Submitted>) -> Verdict {
    let mut verdict = Verdict::default();
    let mut expected = 0;
    for (id, s) in submitted {
        let places = [(SENDER, "accettazione"), (&*s.to, "posta-certificata"), (SENDER, "avvenuta-consegna")];
        let counts = places.map(|(who, kind)| census.get(&(who.into(), kind.into(), id.clone())).copied().unwrap_or(0));
        expected += counts.iter().sum::<usize>();
        let what = format!("{id} to {} answered {}: accepted, envelope, delivered = {counts:?}", s.to, s.code);
        if counts.iter().any(|c| *c > 1) {
            verdict.doubles.push(what);
        } else if s.code == 250 && counts != [1, 1, 1] {
            verdict.losses.push(what);
        } else if s.code != 250 && counts != [1, 1, 1] && counts != [0, 0, 0] {
            verdict.losses.push(format!("half done: {what}"));
        }
    }
    // Take-charge notices go to service mailboxes; every other message is one of those counted above.
    let users =
        census.iter().filter(|((who, kind, _), _)| !(kind == "presa-in-carico" && who.starts_with("posta-cert")));
    let found: usize = users.clone().map(|(_, n)| n).sum();
    if found != expected {
        let known = |id: &str| submitted.contains_key(id);
        let odd =
            users.filter(|((_, kind, id), _)| !known(id) || kind.starts_with("errore") || kind.starts_with("non-"));
        verdict.strangers = odd.map(|(key, n)| format!("{key:?} {n} times")).collect();
        verdict.strangers.push(format!("{found} messages, {expected} expected"));
    }
    verdict
}

/// Starts and kills until the submitter is done; gives how many kills there were.
fn kill_again_and_again(place: &Arc<Place>, random: &Numbers, done: impl Fn() -> bool, limit: Duration) -> usize {
    let begun = Instant::now();
    let mut kills = 0;
    while !done() {
        assert!(begun.elapsed() < limit, "the submissions did not come to an end; {kills} kills: {}", place.said());
        let child = place.spawn();
        thread::sleep(Duration::from_millis(300 + random.below(1700)));
        drop(child); // kill -9
        kills += 1;
    }
    kills
}

#[test]
fn two_hundred_submissions_under_kill_9_are_neither_lost_nor_doubled() {
    let place = Arc::new(Place::new(&["--no-exchange"]));
    let first = place.again(); // makes keys and mailboxes, and the scripts' copy of demo.json
    drop(first);
    let random = Numbers::new(SEED);
    let until = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs() + 150;
    let ask =
        json!({"from": SENDER, "to": RECIPIENTS, "count": SUBMISSIONS, "threads": 4, "pause": 0.8, "until": until});
    let script = format!("{}\n{SUBMIT}", include_str!("../../src/demo/house.py"));
    let ask_file = place.path("ask.json");
    std::fs::write(&ask_file, ask.to_string()).expect("a file");
    let (out, err) = (place.path("submitted.json"), place.path("submit.err"));
    let mut submitter = Command::new("timeout")
        .args(["180", "python3", "-c", &script, &place.path("demo.json").to_string_lossy()])
        .stdin(std::fs::File::open(&ask_file).expect("a file"))
        .stdout(std::fs::File::create(&out).expect("a file"))
        .stderr(Stdio::from(std::fs::File::create(&err).expect("a file")))
        .spawn()
        .expect("python3 starts");
    let submitted = thread::scope(|scope| {
        let end = scope.spawn(move || submitter.wait().expect("its end"));
        let kills = kill_again_and_again(&place, &random, || end.is_finished(), Duration::from_secs(170));
        let status = end.join().expect("a thread of ours");
        assert!(status.success(), "{}", std::fs::read_to_string(&err).unwrap_or_default());
        let text = std::fs::read_to_string(&out).expect("answers");
        let submitted: BTreeMap<String, Submitted> = serde_json::from_str(&text).expect("JSON");
        let (all, good) = (submitted.len(), submitted.values().filter(|s| s.code == 250).count());
        eprintln!("{kills} kills; {all} submissions, {good} answered 250, {} lost their answer", all - good);
        assert!(kills >= 8, "only {kills} kills: the submissions were too fast");
        assert_eq!(all, SUBMISSIONS, "not all submissions were made");
        assert!(good >= SUBMISSIONS / 2, "only {good} of {all} were answered 250");
        submitted
    });

    let demo = place.again();
    let mut last = census(&demo);
    let mut quiet = Instant::now();
    wait_for("the end of all deliveries", Duration::from_secs(100), || {
        thread::sleep(Duration::from_millis(700));
        let now = census(&demo);
        if now != last {
            (last, quiet) = (now, Instant::now());
        }
        // Losses may still be on their way: a retry comes within half a minute.
        let patience = if judge(&last, &submitted) == Verdict::default() { 2 } else { 40 };
        (quiet.elapsed() > Duration::from_secs(patience) && queues_are_empty(&demo)).then_some(())
    });
    let verdict = judge(&last, &submitted);
    assert_eq!(verdict, Verdict::default(), "seed {SEED}");
    let taken =
        |id: &str| last.get(&("posta-certificata@pec.alfa.example".into(), "presa-in-carico".into(), id.into()));
    for (id, s) in submitted.iter().filter(|(_, s)| s.code == 250) {
        assert_eq!(taken(id), Some(&1), "take-charge notices of {id} to {}", s.to);
    }
}

fn queues_are_empty(demo: &Demo) -> bool {
    demo.info.providers.iter().all(|provider| {
        let socket = provider.admin_socket.to_string_lossy();
        let args = ["queue", "list", "--json", "--socket", &socket];
        let ran = run(sigillo_tests::demo::binary(), &args, b"", 20).fine("sigillo queue list");
        let queue: Value = serde_json::from_str(&ran.out).expect("JSON");
        let items = queue.as_array().or_else(|| queue.as_object()?.values().find_map(Value::as_array));
        items.unwrap_or_else(|| panic!("no list in {queue}")).is_empty()
    })
}

#[test]
fn the_judgement_sees_losses_doubles_halves_and_strangers() {
    let submitted: BTreeMap<String, Submitted> = [("<a>", 250), ("<b>", 250), ("<c>", 0), ("<d>", 0)]
        .into_iter()
        .map(|(id, code)| (id.to_owned(), Submitted { to: RECIPIENTS[0].into(), code }))
        .collect();
    let row = |who: &str, kind: &str, id: &str, n| ((who.to_owned(), kind.to_owned(), id.to_owned()), n);
    let whole = |id: &str| {
        [
            row(SENDER, "accettazione", id, 1),
            row(RECIPIENTS[0], "posta-certificata", id, 1),
            row(SENDER, "avvenuta-consegna", id, 1),
        ]
    };
    let good: Census = [whole("<a>"), whole("<b>"), whole("<d>")].concat().into_iter().collect();
    assert_eq!(judge(&good, &submitted), Verdict::default());
    let mut lost = good.clone();
    lost.remove(&row(SENDER, "avvenuta-consegna", "<a>", 1).0);
    assert_eq!(judge(&lost, &submitted).losses.len(), 1);
    let mut double = good.clone();
    double.extend([row(RECIPIENTS[0], "posta-certificata", "<b>", 2)]);
    assert_eq!(judge(&double, &submitted).doubles.len(), 1);
    let mut half = good.clone();
    half.extend([row(SENDER, "accettazione", "<c>", 1)]);
    assert_eq!(judge(&half, &submitted).losses.len(), 1);
    let mut stranger = good;
    stranger.extend([row(SENDER, "errore-consegna", "<a>", 1)]);
    assert!(!judge(&stranger, &submitted).strangers.is_empty());
}
