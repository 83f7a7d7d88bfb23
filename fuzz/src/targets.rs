//! One function per untrusted input: it must not panic, and what it promises about that input is asserted.

use sigillo_base::{Address, PecId, Timestamp};
use sigillo_engine::Spam;
use sigillo_imap::{
    Appended, Attribute, Change, Copied, Custody, Draft, DraftPart, Flags, FolderInfo, FolderRights, FolderState,
    LoginRefusal, Mailboxes, Quota, Refusal, RightsChange, Row, Status, Stored,
};
use sigillo_mime::{Header, Part, Piece};
use sigillo_pec::index::Index;
use sigillo_pec::log::{Entry, SegmentReader, link};
use sigillo_pec::{
    Certification, Facts, Provider, ReceiptKind, Recipient, RecipientClass, Signed, compose, incoming as judging,
};
use sigillo_server::screening::rspamd as antispam;
use sigillo_smime::timestamp::{self, Token};
use sigillo_smime::{Certificate, Crl, Error, Identity, SignError, SignedData, Signer, Trust, sha256};
use sigillo_smtp::Reply;
use sigillo_smtp::client as smtp_client_side;
use sigillo_smtp::server as smtp_server;
use sigillo_wire::proxy::Progress;
use sigillo_wire::sasl::{Claim, Query, ScramKeys};
use sigillo_wire::{Session, Tick};

/// Takes any bytes; panics when a promise about them is broken.
pub type Target = fn(&[u8]);

/// Name of each target and its function, for whoever replays the corpus.
pub const ALL: &[(&str, Target)] = &[
    ("mime", mime),
    ("brief", brief),
    ("certification", certification),
    ("incoming", incoming),
    ("index", index),
    ("signed_data", signed_data),
    ("timestamp", timestamp),
    ("inspect", inspect),
    ("smtp", smtp),
    ("smtp_client", smtp_client),
    ("imap", imap),
    ("pop3", pop3),
    ("proxy", proxy),
    ("log", log),
    ("rspamd", rspamd),
];

/// No part decodes to more than this here; the limit itself is part of what is tried.
const DECODE_LIMIT: usize = 1 << 20;

/// A PROXY header is asked for piece by piece, to its exact end: what follows is the client's.
pub fn proxy(data: &[u8]) {
    let mut have = 0;
    while let Ok(Progress::More(more)) = sigillo_wire::proxy::read(&data[..have]) {
        assert!(more > 0 && have + more <= sigillo_wire::proxy::MAX_HEADER);
        if have + more > data.len() {
            return;
        }
        have += more;
    }
    if let Ok(Progress::Done(Some(source))) = sigillo_wire::proxy::read(&data[..have]) {
        assert!(data.starts_with(b"PROXY TCP") || data[12] == 0x21, "{source} out of nothing");
    }
}

/// A message is parsed to offsets: each part lies inside its parent, header before body, in order.
pub fn mime(data: &[u8]) {
    if let Ok(header) = Header::parse(data) {
        assert!(header.end() <= header.body() && header.body() <= data.len());
        for field in header.fields() {
            assert!(field.name.end <= field.value.start && field.value.end <= field.whole.end);
            assert!(header.text(header.name(field)).is_some(), "a field that is there has a text");
        }
        for name in ["From", "To", "Cc", "Reply-To"] {
            // Refused or read: either way without a panic.
            drop(header.mailboxes(name));
        }
    }
    if let Ok(part) = sigillo_mime::parse(data) {
        within(&part, 0, data.len());
        for part in part.walk() {
            assert!(part.file_name().is_none_or(|name| name.len() <= data.len() * 4));
            if let Ok(bytes) = part.decoded(data, DECODE_LIMIT) {
                assert!(bytes.len() <= DECODE_LIMIT);
            }
        }
    }
}

fn within(part: &Part, from: usize, to: usize) {
    assert!(from <= part.header.start && part.header.end <= part.body.start && part.body.end <= to);
    let mut at = part.body.start;
    for child in &part.children {
        assert!(at <= child.header.start, "parts come in order and do not overlap");
        within(child, part.body.start, part.body.end);
        at = child.body.end;
    }
}

/// The original of a brief receipt: what is not a range of the original is exactly its attachments, and read again it has
/// the original's structure, with hashes where they were.
pub fn brief(data: &[u8]) {
    let receipt = brief_receipt(data);
    let tree = sigillo_mime::parse(data).ok();
    let replaced = tree.as_ref().map(attachments).unwrap_or_default();
    let mut gaps = Vec::new();
    let mut at = 0;
    for piece in &receipt.content.pieces {
        if let Piece::Source(range) = piece {
            gaps.push(at..range.start);
            at = range.end;
        }
    }
    gaps.push(at..data.len());
    gaps.retain(|gap| !gap.is_empty());
    let expected: Vec<_> = replaced.iter().map(|part| part.whole()).filter(|range| !range.is_empty()).collect();
    assert_eq!(gaps, expected, "what is no attachment stays, in order and to the byte");

    let message = receipt.content.to_bytes(data);
    let outer = sigillo_mime::parse_outer(&message).expect("what we write can be read");
    let enclosed = outer.walk().find(|p| p.file_name() == Some("postacert.eml")).expect("the original is enclosed");
    let enclosed = &message[enclosed.body.clone()];
    // Beyond the limits of the tree there is nothing to compare.
    let Some(tree) = tree.filter(|t| depth(t) < 48 && t.walk().count() < 5_000) else { return };
    let again = sigillo_mime::parse(enclosed).expect("it could be read before");
    same_structure((data, &tree), (enclosed, &again), &attachments(&tree));
}

/// What the rules replace (RFC 6109 §3.3.2.2), by the original's own type, names, and enclosed messages.
fn attachments(root: &Part) -> Vec<&Part> {
    let mut open = vec![root];
    if root.is("application/pkcs7-mime") || root.is("application/x-pkcs7-mime") {
        open.clear();
    } else if root.is("multipart/signed") {
        open = root.children.iter().take(1).collect();
    }
    let mut found = Vec::new();
    while let Some(part) = open.pop() {
        if part.content_type.kind == "multipart" && !part.children.is_empty() {
            open.extend(part.children.iter().rev());
        } else if part.file_name().is_some() || part.is("message/rfc822") {
            found.push(part);
        }
    }
    found
}

fn depth(part: &Part) -> usize {
    1 + part.children.iter().map(depth).max().unwrap_or(0)
}

fn same_structure((data, old): (&[u8], &Part), (written, new): (&[u8], &Part), replaced: &[&Part]) {
    if replaced.iter().any(|r| std::ptr::eq(*r, old)) {
        assert!(new.is("text/plain") && new.file_name().is_some_and(|n| n.ends_with(".hash")), "{new:?}");
        let body = &written[new.body.clone()];
        assert!(body.len() == 40 && body.iter().all(u8::is_ascii_hexdigit), "{}", String::from_utf8_lossy(body));
        return;
    }
    assert_eq!(data[old.header.clone()], written[new.header.clone()]);
    assert_eq!(old.children.len(), new.children.len(), "{old:?}\n{new:?}");
    for (old, new) in old.children.iter().zip(&new.children) {
        same_structure((data, old), (written, new), replaced);
    }
}

/// A signer without a key: the receipt is not for sending.
struct Nobody;

impl Signer for Nobody {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(vec![0; 256])
    }
}

fn brief_receipt(data: &[u8]) -> Signed {
    let address = |text: &str| Address::parse(text).expect("an address");
    let rcpt = address("bruno@ente-beta.example");
    let id = |text: &str| PecId::parse(text).expect("an identifier");
    let facts = Facts {
        sender: address("anna@comune-alfa.example"),
        recipients: vec![Recipient { address: rcpt.clone(), class: RecipientClass::Certified }],
        reply_to: String::new(),
        subject: None,
        id: id("1@pec.alfa.example"),
        msgid: None,
    };
    let service_address = address("posta-certificata@pec.beta.example");
    let provider = Provider { name: "Beta PEC S.r.l.".into(), service_address, english: false };
    let (kind, notice) = (ReceiptKind::Brief, id("2@pec.beta.example"));
    let draft = compose::delivery(&provider, &facts, NOW, notice, &rcpt, kind, kind, data, 0..data.len());
    let anchors = Certificate::from_pem(include_bytes!("../fixtures/ca.pem")).expect("a certificate");
    let identity = Identity { certificate: anchors[0].clone(), chain: Vec::new() };
    draft.expect("a receipt for any original").sign(data, NOW, &identity, &Nobody).expect("it is put together")
}

/// What reads as certification data is written and read again as the same.
pub fn certification(data: &[u8]) {
    if let Ok(read) = Certification::parse(data) {
        let written = read.to_xml();
        assert!(!written.contains("<!"), "no DOCTYPE and no entity declaration");
        let again = Certification::parse(written.as_bytes());
        assert_eq!(again.as_ref().ok(), Some(&read), "{again:?}\n{written}");
    }
}

/// Only a listed, valid signature certifies, and what is certified lies in the message. The directory, the anchor and
/// the revocation list are those that the seeds were signed for.
pub fn incoming(data: &[u8]) {
    match judge(data) {
        judging::Judgement::Envelope(incoming) => {
            assert_eq!(incoming.kind, sigillo_pec::Kind::TransportEnvelope);
            let original = incoming.original.expect("an envelope carries its original");
            assert!(original.start <= original.end && original.end <= data.len());
        }
        judging::Judgement::Receipt(incoming) => {
            assert_ne!(incoming.kind, sigillo_pec::Kind::TransportEnvelope);
            assert!(incoming.original.is_none_or(|range| range.end <= data.len()));
        }
        _ => {}
    }
}

/// A stored message is inspected whatever it is: genuine only when each check passed, and always with something to say.
/// What the incoming point believes is genuine, with the same data; what is genuine as it stands is no ordinary mail.
pub fn inspect(data: &[u8]) {
    let report = report(data);
    let says = report.says();
    assert!(!says.it.is_empty() && !says.en.is_empty() && !report.label().it.is_empty());
    let passed = report.checks.all().iter().all(|check| check.as_str() == "ok");
    assert_eq!(report.genuine(), passed);
    match judge(data) {
        judging::Judgement::Envelope(incoming) | judging::Judgement::Receipt(incoming) => {
            assert!(passed, "{:?}", report.checks);
            assert_eq!(report.certification, Some(incoming.certification));
        }
        judging::Judgement::Ordinary { reason } if Header::parse(data).is_ok() => {
            let repaired = report.notes.iter().any(|note| note.en.contains("CRLF"));
            assert!(!passed || repaired, "{reason}");
        }
        _ => {}
    }
    // Without authority and directory nothing is genuine.
    assert!(!sigillo_pec::inspect::inspect(data, None, None, None).genuine());
}

/// What is found in these bytes.
pub fn report(data: &[u8]) -> sigillo_pec::inspect::Report {
    let (index, trust) = scene();
    sigillo_pec::inspect::inspect(data, Some(trust), Some(index), Some(NOW))
}

/// The directory, the anchor and the revocation list that the seeds were signed for.
fn scene() -> &'static (Index, Trust) {
    static SCENE: std::sync::OnceLock<(Index, Trust)> = std::sync::OnceLock::new();
    SCENE.get_or_init(|| {
        let index = Index::parse_ldif(include_bytes!("../fixtures/index.ldif")).expect("the index of the seeds reads");
        let anchors = Certificate::from_pem(include_bytes!("../fixtures/ca.pem")).expect("their authority reads");
        let crl = Crl::from_der(include_bytes!("../fixtures/crl.der")).expect("their revocation list reads");
        (index, Trust::new(anchors, vec![crl]))
    })
}

/// What the incoming point makes of these bytes.
pub fn judge(data: &[u8]) -> judging::Judgement {
    let (index, trust) = scene();
    let from = Address::parse("anna@comune-alfa.example").expect("an address");
    let rcpt = Address::parse("bruno@ente-beta.example").expect("an address");
    judging::judge(data, Some(&from), &[rcpt], index, trust, NOW)
}

/// Noon, 12 March 2026, UTC: when everything here happens.
pub const NOW: Timestamp = Timestamp::from_millis(1_773_316_800_000);

/// A provider index that reads writes and reads as the same.
pub fn index(data: &[u8]) {
    if let Ok(index) = Index::parse_ldif(data) {
        let written = sigillo_pec::index::write_ldif(index.entries());
        let again = Index::parse_ldif(written.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{written}"));
        let told = |index: &Index| format!("{:?}", index.entries());
        assert_eq!(told(&again), told(&index), "{written}");
    }
}

/// A line of the legal log that reads is written as a line that reads as the same; a segment is judged the same in any
/// cuts, and what holds together has the chain that its lines give.
pub fn log(data: &[u8]) {
    for line in String::from_utf8_lossy(data).lines() {
        if let Ok(entry) = Entry::parse_line(line) {
            let written = entry.to_line();
            let again = Entry::parse_line(&written).map(|e| e.to_line());
            assert_eq!(again.ok(), Some(written));
        }
    }
    let read = |cut: usize| {
        let mut reader = SegmentReader::new("x.log", None);
        data.chunks(cut.max(1)).try_for_each(|piece| reader.feed(piece, &mut |_| ()))?;
        reader.finish()
    };
    let whole = read(data.len());
    assert_eq!(read(1 + data.len() / 3), whole);
    if let Ok(segment) = whole {
        let lines = data.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        assert_eq!(lines.fold(segment.before, |head, line| link(&head, line)), segment.head);
        assert_eq!(sha256(data), segment.sha256);
    }
}

/// What the seeds of `signed_data` and `timestamp` sign and stamp.
pub const SIGNED: &[u8] = b"Content-Type: text/plain\r\n\r\nBuongiorno.\r\n";

/// What reads as a signature reads from its DER as the same, and is of one content only.
pub fn signed_data(data: &[u8]) {
    let Ok(signed) = SignedData::parse(data) else { return };
    let again = SignedData::parse(signed.der()).expect("what was read is there in DER");
    assert_eq!(again.der(), signed.der());
    assert_eq!(again.content(), signed.content());
    assert_eq!(again.certificates(), signed.certificates());
    assert_eq!((again.signer(), again.signing_time()), (signed.signer(), signed.signing_time()));
    let content = signed.content().unwrap_or(SIGNED);
    let verdict = signed.verify(content);
    assert_eq!(again.verify(content), verdict);
    if verdict.is_ok() {
        assert!(signed.verify(&[content, b"."].concat()).is_err(), "a signature of two contents");
    }
}

/// The nonce of the request that the seeds of `timestamp` answer.
pub const NONCE: u64 = 0x5161_1105_e1f1_2026;

/// A time-stamp reads from its DER as the same; an answer is of the data that was asked for; a token that is believed
/// was made while its certificate was valid.
pub fn timestamp(data: &[u8]) {
    let answered = timestamp::response(data, &sha256(SIGNED), NONCE);
    assert!(answered.as_ref().map_or(true, |token| *token.digest() == sha256(SIGNED)));
    for token in [answered, Token::parse(data)].into_iter().flatten() {
        let says =
            |t: &Token| (t.der().to_vec(), t.time(), t.accuracy(), t.serial_hex(), t.policy(), t.digest().to_owned());
        let again = Token::parse(token.der()).expect("what was read is there in DER");
        assert_eq!(says(&again), says(&token));
        if let Ok(signer) = believed(&token) {
            assert_eq!(*token.digest(), sha256(SIGNED));
            assert!(signer.not_before() <= token.time() && token.time() < signer.not_after());
        }
    }
}

/// Whether a token is a time-stamp of [`SIGNED`] under the authority of the seeds.
pub fn believed(token: &Token) -> Result<Certificate, Error> {
    static TRUST: std::sync::OnceLock<Trust> = std::sync::OnceLock::new();
    let trust = TRUST.get_or_init(|| {
        let anchors = Certificate::from_pem(include_bytes!("../fixtures/tsa-ca.pem")).expect("their authority reads");
        Trust::new(anchors, Vec::new())
    });
    token.verify(&sha256(SIGNED), trust)
}

/// What a session did, with neighbouring bytes joined: how they were cut is no promise.
#[derive(Debug, PartialEq, Eq)]
enum Did {
    Wrote(Vec<u8>),
    Took(Vec<u8>),
    Other(String),
}

fn push(trace: &mut Vec<Did>, did: Did) {
    match (trace.last_mut(), did) {
        (Some(Did::Wrote(before)), Did::Wrote(more)) | (Some(Did::Took(before)), Did::Took(more)) => {
            before.extend(more);
        }
        (_, did) => trace.push(did),
    }
}

/// Fed at once and in pieces of every small size, a session does the same.
fn any_cuts(data: &[u8], run: impl Fn(&mut dyn Iterator<Item = &[u8]>) -> Vec<Did>) {
    let whole = run(&mut std::iter::once(data));
    for size in [1, 2, 7, 61] {
        let cut = run(&mut data.chunks(size));
        assert!(whole == cut, "pieces of {size} octets: {cut:?}\nat once: {whole:?}");
    }
}

/// A submission session after TLS: every question is answered with yes, except each third recipient.
pub fn smtp(data: &[u8]) {
    let new = |tls| {
        let mut config = smtp_server::Config::new(smtp_server::Role::Submission, "mx.pec.alfa.example");
        config.size_limit = 4096;
        smtp_server::Server::new(config, tls, Tick(0))
    };
    any_cuts(data, |pieces| {
        let mut server = new(true);
        let mut trace = Vec::new();
        drive_smtp(&mut server, &mut trace);
        for piece in pieces {
            server.input(Tick(0), piece);
            drive_smtp(&mut server, &mut trace);
        }
        server.end_of_input(Tick(0));
        drive_smtp(&mut server, &mut trace);
        trace
    });
    // Before TLS the cuts matter, since what follows STARTTLS is thrown away: there it must only stand.
    let mut server = new(false);
    server.input(Tick(0), data);
    drive_smtp(&mut server, &mut Vec::new());
}

fn drive_smtp(server: &mut smtp_server::Server, trace: &mut Vec<Did>) {
    use smtp_server::Action;
    let yes = || Reply::new(250, (2, 0, 0), "OK");
    while let Some(action) = server.poll() {
        match action {
            Action::Write(bytes) => push(trace, Did::Wrote(bytes)),
            Action::DataChunk(bytes) => push(trace, Did::Took(bytes)),
            Action::StartTls => server.tls_started(Tick(0)),
            Action::Lookup(Query::Keys(user)) => {
                push(trace, Did::Other(format!("keys of {user}")));
                server.keys(ScramKeys::of_nobody(b"fuzz", &user), "NONCE", Tick(0));
            }
            Action::Lookup(Query::Token { user, .. }) => {
                push(trace, Did::Other(format!("token of {user:?}")));
                server.token(user.filter(|u| u.len() % 2 == 0), Tick(0));
            }
            Action::Authenticate(claim) => {
                push(trace, Did::Other(format!("login {claim:?}")));
                let user = Some(claim.user().to_owned()).filter(|_| !matches!(claim, Claim::Refuted(_)));
                server.authenticated(user, Reply::new(535, (5, 7, 8), "No"), Tick(0));
            }
            Action::Mail(from) => {
                push(trace, Did::Other(format!("{from:?}")));
                server.answer(yes(), Tick(0));
            }
            Action::Rcpt(to) => {
                push(trace, Did::Other(format!("to {to:?}")));
                let no = to.address.local().len() % 3 == 2;
                server.answer(if no { Reply::new(550, (5, 1, 1), "No") } else { yes() }, Tick(0));
            }
            Action::DataEnd { size, eight_bit } => {
                push(trace, Did::Other(format!("end {size} {eight_bit}")));
                server.answer(yes(), Tick(0));
            }
            other => push(trace, Did::Other(format!("{other:?}"))),
        }
    }
}

/// Our side of a delivery under TLS, against a server that says these bytes and goes: each recipient gets one outcome, and
/// the message counts as taken only when all of it went out.
pub fn smtp_client(data: &[u8]) {
    any_cuts(data, |pieces| {
        let to: Vec<_> = ["a@x.example", "b@x.example"].iter().filter_map(|a| a.parse().ok()).collect();
        let envelope = smtp_client_side::Envelope {
            from: None,
            to: to.clone(),
            size: 4,
            eight_bit: true,
            utf8: false,
            require_tls: false,
        };
        let config =
            smtp_client_side::Config { under_tls: true, ..smtp_client_side::Config::new("mx.pec.alfa.example") };
        let mut client = smtp_client_side::Client::new(config, envelope, Tick(0));
        let (mut trace, mut told) = (Vec::new(), Vec::new());
        drive_smtp_client(&mut client, &mut trace, &mut told);
        for piece in pieces {
            client.input(Tick(0), piece);
            drive_smtp_client(&mut client, &mut trace, &mut told);
        }
        client.end_of_input(Tick(0));
        drive_smtp_client(&mut client, &mut trace, &mut told);
        let wrote: Vec<u8> =
            trace.iter().flat_map(|did| if let Did::Wrote(bytes) = did { &bytes[..] } else { &[] }).copied().collect();
        assert_eq!(told.len(), to.len(), "each recipient once");
        let taken = told.iter().any(|outcome| outcome.result.is_ok());
        assert!(!taken || wrote.windows(7).any(|w| w == b"hi\r\n.\r\n"), "taken without its end");
        trace
    });
}

fn drive_smtp_client(
    client: &mut smtp_client_side::Client,
    trace: &mut Vec<Did>,
    told: &mut Vec<smtp_client_side::RecipientOutcome>,
) {
    use smtp_client_side::Action;
    while let Some(action) = client.poll() {
        match action {
            Action::Write(bytes) => push(trace, Did::Wrote(bytes)),
            Action::NeedBody => {
                client.body(b"hi\r\n");
                client.body_end();
            }
            Action::Done(outcomes) => {
                push(trace, Did::Other(format!("{outcomes:?}")));
                told.extend(outcomes);
            }
            other => push(trace, Did::Other(format!("{other:?}"))),
        }
    }
}

/// An IMAP session after TLS, over two folders of fixed messages.
pub fn imap(data: &[u8]) {
    let new = |tls| {
        let config = sigillo_imap::Config { max_literal: 4096, ..sigillo_imap::Config::default() };
        sigillo_imap::Server::new(config, tls, Tick(0))
    };
    any_cuts(data, |pieces| {
        let (mut server, mut boxes, mut trace) = (new(true), Boxes::new(), Vec::new());
        drive_imap(&mut server, &mut boxes, &mut trace);
        for piece in pieces {
            server.input(Tick(0), piece);
            drive_imap(&mut server, &mut boxes, &mut trace);
        }
        server.end_of_input(Tick(0));
        drive_imap(&mut server, &mut boxes, &mut trace);
        trace
    });
    let mut server = new(false);
    server.input(Tick(0), data);
    drive_imap(&mut server, &mut Boxes::new(), &mut Vec::new());
}

fn drive_imap(server: &mut sigillo_imap::Server, boxes: &mut Boxes, trace: &mut Vec<Did>) {
    use sigillo_imap::Action;
    loop {
        let Some(action) = server.poll() else {
            if !server.more() {
                return;
            }
            server.run(boxes, Tick(0));
            continue;
        };
        match action {
            Action::Write(bytes) => push(trace, Did::Wrote(bytes)),
            Action::AppendChunk(bytes) => {
                boxes.appended.extend(&bytes);
                push(trace, Did::Took(bytes));
            }
            Action::StartTls => server.tls_started(Tick(0)),
            Action::Lookup(Query::Keys(user)) => server.keys(ScramKeys::of_nobody(b"fuzz", &user), "NONCE", Tick(0)),
            Action::Lookup(Query::Token { user, .. }) => server.token(user, Tick(0)),
            Action::Login(Claim::Refuted(_)) => server.logged_in(Err(LoginRefusal::Credentials), Tick(0)),
            Action::Login(claim) => server.logged_in(Ok(claim.user().to_owned()), Tick(0)),
            Action::Request(request) => {
                push(trace, Did::Other(format!("{request:?}")));
                server.run(boxes, Tick(0));
            }
            // What follows would be compressed: here it ends.
            Action::Compress => server.expel("compressed"),
            other => push(trace, Did::Other(format!("{other:?}"))),
        }
    }
}

/// One folder: its number for good, its name, and its messages in order of UID.
struct Folder {
    number: u32,
    name: String,
    messages: Vec<(Row, Vec<u8>)>,
}

/// Two folders; INBOX begins with two messages. What a session writes it reads again.
struct Boxes {
    folders: Vec<Folder>,
    appended: Vec<u8>,
    /// The last number of a folder, and the next UID.
    last: u32,
    next: u32,
}

const LETTER: &[u8] = b"From: Anna <anna@comune-alfa.example>\r\nTo: bruno@ente-beta.example\r\n\
    Subject: =?utf-8?q?Perch=C3=A9_s=C3=AC?=\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nuno\r\n--x\r\n\
    Content-Type: message/rfc822\r\n\r\nSubject: dentro\r\n\r\ndue\r\n--x--\r\n";

impl Boxes {
    fn new() -> Self {
        let mut boxes = Boxes { folders: Vec::new(), appended: Vec::new(), last: 0, next: 1 };
        boxes.add("INBOX");
        boxes.add("Inviati");
        for _ in 0..2 {
            boxes.put(0, LETTER.to_vec(), Flags::new());
        }
        boxes
    }

    fn add(&mut self, name: &str) {
        self.last += 1;
        self.folders.push(Folder { number: self.last, name: name.into(), messages: Vec::new() });
    }

    fn put(&mut self, folder: usize, bytes: Vec<u8>, flags: Flags) -> u32 {
        let uid = self.next;
        self.next += 1;
        let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let row = Row { uid, flags, date: NOW, size, modseq: uid.into(), saved: NOW, email: uid.into() };
        self.folders[folder].messages.push((row, bytes));
        uid
    }

    fn at(&self, name: &str) -> Result<usize, Refusal> {
        self.folders.iter().position(|folder| folder.name == name).ok_or_else(Refusal::no_folder)
    }

    fn open(&self, number: u32) -> Result<usize, Refusal> {
        self.folders.iter().position(|folder| folder.number == number).ok_or_else(Refusal::no_folder)
    }

    fn state(&self, at: usize) -> FolderState {
        let folder = &self.folders[at];
        FolderState {
            number: folder.number,
            id: format!("F{}", folder.number),
            uid_validity: 7,
            uid_next: self.next,
            highest_modseq: self.next.into(),
            rows: folder.messages.iter().map(|(row, _)| row.clone()).collect(),
            permanent_flags: Flags::all_system(),
            ..FolderState::default()
        }
    }
}

/// One who owns everything: whatever he asks is answered, and nothing of it is kept.
impl Custody for Boxes {
    fn quota(&mut self) -> Result<Quota, Refusal> {
        Ok(Quota { bytes: self.appended.len() as u64, bytes_limit: 1 << 20, messages: 2, messages_limit: 100 })
    }

    fn quota_root(&mut self, name: &str) -> Result<(), Refusal> {
        self.at(name).map(drop)
    }

    fn my_rights(&mut self, name: &str) -> Result<FolderRights, Refusal> {
        self.at(name).map(|_| FolderRights::ALL)
    }

    fn acl(&mut self, name: &str) -> Result<Vec<(String, FolderRights)>, Refusal> {
        self.at(name).map(|_| vec![("anna".into(), FolderRights::ALL), ("con spazio".into(), FolderRights::LOOKUP)])
    }

    fn set_acl(&mut self, name: &str, _who: &str, _change: RightsChange) -> Result<(), Refusal> {
        self.at(name).map(drop)
    }

    fn kept_rights(&mut self, name: &str, _who: &str) -> Result<FolderRights, Refusal> {
        self.at(name).map(|_| FolderRights::NONE)
    }

    fn annotations(&mut self, _name: &str) -> Result<Vec<(String, Vec<u8>)>, Refusal> {
        Ok(vec![("/private/a/b".into(), LETTER.to_vec()), ("/shared/comment".into(), b"x".to_vec())])
    }

    fn annotate(&mut self, _name: &str, _entries: &[(String, Option<Vec<u8>>)]) -> Result<(), Refusal> {
        Ok(())
    }
}

impl Mailboxes for Boxes {
    fn list(&mut self) -> Result<Vec<FolderInfo>, Refusal> {
        let info =
            |folder: &Folder| FolderInfo { name: folder.name.clone(), subscribed: true, ..FolderInfo::default() };
        Ok(self.folders.iter().map(info).collect())
    }

    fn select(&mut self, name: &str) -> Result<FolderState, Refusal> {
        Ok(self.state(self.at(name)?))
    }

    fn refresh(&mut self, folder: u32, _since: u64, _uid_next: u32) -> Result<FolderState, Refusal> {
        Ok(self.state(self.open(folder)?))
    }

    fn message(&mut self, folder: u32, uid: u32) -> Result<Option<Vec<u8>>, Refusal> {
        let folder = &self.folders[self.open(folder)?].messages;
        Ok(folder.iter().find(|(row, _)| row.uid == uid).map(|(_, bytes)| bytes.clone()))
    }

    fn now(&mut self) -> Timestamp {
        NOW
    }

    fn store_flags(&mut self, folder: u32, uids: &[u32], change: &Change) -> Result<Stored, Refusal> {
        let at = self.open(folder)?;
        let mut stored = Stored::default();
        for (row, _) in self.folders[at].messages.iter_mut().filter(|(row, _)| uids.contains(&row.uid)) {
            if change.allows(row.modseq) {
                row.flags = row.flags.after(change.op, &change.flags);
                stored.rows.push(row.clone());
            } else {
                stored.modified.push(row.uid);
            }
        }
        Ok(stored)
    }

    fn append_start(&mut self, name: &str, _size: u64) -> Result<(), Refusal> {
        self.appended.clear();
        self.at(name).map(drop)
    }

    fn append(&mut self, name: &str, drafts: &[Draft], replaced: Option<(u32, u32)>) -> Result<Appended, Refusal> {
        let at = self.at(name)?;
        let came = std::mem::take(&mut self.appended);
        let (mut came, mut uids) = (&came[..], Vec::new());
        for draft in drafts {
            let mut bytes = Vec::new();
            for part in &draft.parts {
                match part {
                    DraftPart::Came(octets) => {
                        bytes.extend_from_slice(came.split_off(..*octets as usize).expect("it came"));
                    }
                    DraftPart::Of { folder, uid, range } => {
                        let whole = self.message(*folder, *uid)?.expect("a message just looked at");
                        bytes.extend_from_slice(&whole[range.start as usize..range.end as usize]);
                    }
                    DraftPart::Own(own) => bytes.extend_from_slice(own),
                }
            }
            uids.push(self.put(at, bytes, draft.flags.clone()));
        }
        assert!(came.is_empty(), "every octet that came is in a message");
        if let Some((folder, uid)) = replaced {
            let at = self.open(folder)?;
            self.folders[at].messages.retain(|(row, _)| row.uid != uid);
        }
        Ok(Appended { uid_validity: 7, uids })
    }

    fn expunge(&mut self, folder: u32, uids: &[u32]) -> Result<Vec<u32>, Refusal> {
        let at = self.open(folder)?;
        let before: Vec<u32> = self.folders[at].messages.iter().map(|(row, _)| row.uid).collect();
        self.folders[at].messages.retain(|(row, _)| !uids.contains(&row.uid));
        Ok(before.into_iter().filter(|uid| uids.contains(uid)).collect())
    }

    fn copy(&mut self, folder: u32, uids: &[u32], target: &str) -> Result<Copied, Refusal> {
        let (from, to) = (self.open(folder)?, self.at(target)?);
        let chosen: Vec<_> =
            self.folders[from].messages.iter().filter(|(r, _)| uids.contains(&r.uid)).cloned().collect();
        let pairs = chosen.into_iter().map(|(row, bytes)| (row.uid, self.put(to, bytes, row.flags))).collect();
        Ok(Copied { uid_validity: 7, pairs })
    }

    fn withdraw(&mut self, target: &str, uids: &[u32]) -> Result<(), Refusal> {
        let at = self.at(target)?;
        self.folders[at].messages.retain(|(row, _)| !uids.contains(&row.uid));
        Ok(())
    }

    fn move_(&mut self, folder: u32, uids: &[u32], target: &str) -> Result<Copied, Refusal> {
        let copied = self.copy(folder, uids, target)?;
        self.expunge(folder, uids)?;
        Ok(copied)
    }

    fn create(&mut self, name: &str, _special: Option<Attribute>) -> Result<String, Refusal> {
        if self.at(name).is_err() && self.folders.len() < 20 {
            self.add(name);
        }
        Ok(format!("F{}", self.last))
    }

    fn delete(&mut self, name: &str) -> Result<(), Refusal> {
        let at = self.at(name)?;
        self.folders.remove(at);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        let at = self.at(from)?;
        self.folders[at].name = to.to_owned();
        Ok(())
    }

    fn subscribe(&mut self, _name: &str, _on: bool) -> Result<(), Refusal> {
        Ok(())
    }

    fn status(&mut self, name: &str) -> Result<Status, Refusal> {
        let at = self.at(name)?;
        let messages = u32::try_from(self.folders[at].messages.len()).unwrap_or(u32::MAX);
        Ok(Status { messages, uid_next: self.next, uid_validity: 7, id: self.state(at).id, ..Status::default() })
    }
}

/// A POP3 session after TLS, over two messages that no QUIT removes twice.
pub fn pop3(data: &[u8]) {
    let new = |tls| sigillo_pop3::Server::new(sigillo_pop3::Config::default(), tls, Tick(0));
    any_cuts(data, |pieces| {
        let (mut server, mut trace) = (new(true), Vec::new());
        drive_pop3(&mut server, &mut trace);
        for piece in pieces {
            server.input(Tick(0), piece);
            drive_pop3(&mut server, &mut trace);
        }
        server.end_of_input(Tick(0));
        drive_pop3(&mut server, &mut trace);
        let removals = trace.iter().filter(|did| matches!(did, Did::Other(what) if what.starts_with("Remove")));
        assert!(removals.count() <= 1, "QUIT is the last that is heard");
        trace
    });
    let mut server = new(false);
    server.input(Tick(0), data);
    drive_pop3(&mut server, &mut Vec::new());
}

fn drive_pop3(server: &mut sigillo_pop3::Server, trace: &mut Vec<Did>) {
    use sigillo_pop3::{Action, LoginRefusal, Maildrop, Message, Piece};
    let drop = [&b"Subject: uno\r\n\r\n.\r\n..\n.\n"[..], b"Subject: due\r\n\r\nsenza fine"];
    while let Some(action) = server.poll() {
        match action {
            Action::Write(bytes) => push(trace, Did::Wrote(bytes)),
            Action::StartTls => server.tls_started(Tick(0)),
            Action::Lookup(Query::Keys(user)) => {
                push(trace, Did::Other(format!("keys of {user}")));
                server.keys(ScramKeys::of_nobody(b"fuzz", &user), "NONCE", Tick(0));
            }
            Action::Lookup(Query::Token { user, .. }) => {
                push(trace, Did::Other(format!("token of {user:?}")));
                server.token(user.filter(|u| u.len() % 2 == 0), Tick(0));
            }
            Action::Login(claim) => {
                push(trace, Did::Other(format!("login {claim:?}")));
                let messages = (1..).zip(drop).map(|(uid, bytes)| Message { uid, size: bytes.len() as u32 });
                let drop = Maildrop { uid_validity: 7, messages: messages.collect() };
                let fine = !matches!(claim, Claim::Refuted(_));
                server.logged_in(if fine { Ok(drop) } else { Err(LoginRefusal::Credentials) }, Tick(0));
            }
            Action::Read { uid, from } => {
                let rest = &drop[uid as usize - 1][from as usize..];
                let bytes = rest[..rest.len().min(9)].to_vec();
                let last = bytes.len() == rest.len();
                server.piece(Ok(Piece { bytes, last }), Tick(0));
            }
            Action::Remove(uids) => {
                push(trace, Did::Other(format!("Remove {uids:?}")));
                server.removed(Ok(()), Tick(0));
            }
            Action::Close => push(trace, Did::Other("Close".into())),
        }
    }
}

/// The antispam's reply: a verdict has points that can be compared, or it is none.
pub fn rspamd(data: &[u8]) {
    match antispam::read(data) {
        Ok(Spam::Judged { score, required, .. }) => assert!(score.is_finite() && required.is_finite()),
        Ok(other) => panic!("a reply that is neither a verdict nor an error: {other:?}"),
        Err(why) => assert!(!why.is_empty()),
    }
}
