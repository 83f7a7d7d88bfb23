//! The cases of the access point, one row each (pec rules 1.4 and 14.2): what is submitted, and the reasons in Italian
//! in the order of the checks. What comes before (secure channel, authentication, the right to MAIL FROM, the hard
//! limit) is the protocol's, the malware scan the engine's.

use super::*;
use crate::fixtures::now;

const FROM: &str = "From: Mario Rossi <mario@studio.example>\r\n";
const RCPTS: &str = "To: anna@ente.example, bruno@posta.example\r\nCc: Ufficio <ufficio@ente.example>\r\n";

/// A case: its name, the text of [`SUBMITTED`] that is replaced, by what, and the reasons.
type Row = (&'static str, &'static str, &'static str, &'static [&'static str]);

const TABLE: &[Row] = &[
    ("a good message", "Subject: ", "Subject: ", &[]),
    ("From absent", FROM, "", &["l'assenza di un indirizzo nel campo From"]),
    ("From empty", FROM, "From:\r\n", &["l'assenza di un indirizzo nel campo From"]),
    (
        "two mailboxes in From",
        FROM,
        "From: mario@studio.example, luigi@studio.example\r\n",
        &["la presenza di 2 indirizzi nel campo From, dove ne è ammesso uno solo"],
    ),
    (
        "two From fields",
        FROM,
        "From: mario@studio.example\r\nFrom: mario@studio.example\r\n",
        &["un campo From presente più volte", "la presenza di 2 indirizzi nel campo From, dove ne è ammesso uno solo"],
    ),
    (
        "From is a group",
        FROM,
        "From: Noi: mario@studio.example;\r\n",
        &["la presenza di un gruppo di indirizzi nel campo From"],
    ),
    ("From is an empty group", FROM, "From: Noi:;\r\n", &["l'assenza di un indirizzo nel campo From"]),
    (
        "From is not MAIL FROM",
        FROM,
        "From: luigi@studio.example\r\n",
        &["la differenza fra l'indirizzo luigi@studio.example nel campo From e il mittente mario@studio.example \
           dichiarato in SMTP"],
    ),
    ("From differs by case only", FROM, "From: \"M.\" <MARIO@Studio.EXAMPLE>\r\n", &[]),
    ("From in angle brackets, with a comment", FROM, "From: (io) <mario@studio.example> (ufficio)\r\n", &[]),
    (
        "To absent, Cc present",
        RCPTS,
        "Cc: anna@ente.example, bruno@posta.example, ufficio@ente.example\r\n",
        &["l'assenza di un indirizzo nel campo To"],
    ),
    (
        "To empty, Cc present",
        RCPTS,
        "To:\r\nCc: anna@ente.example, bruno@posta.example, ufficio@ente.example\r\n",
        &["l'assenza di un indirizzo nel campo To"],
    ),
    (
        "recipients in groups",
        RCPTS,
        "To: Noi: anna@ente.example, bruno@posta.example;, U: ufficio@ente.example;\r\n",
        &[],
    ),
    ("To without Cc", RCPTS, "To: anna@ente.example, bruno@posta.example, ufficio@ente.example\r\n", &[]),
    ("an empty Cc", RCPTS, "To: anna@ente.example, bruno@posta.example, ufficio@ente.example\r\nCc: \r\n", &[]),
    (
        "a recipient that is not in the header",
        ", bruno@posta.example",
        "",
        &["il destinatario bruno@posta.example non compare nei campi To o Cc"],
    ),
    (
        "an address of the header that is no recipient",
        "Cc: ",
        "Cc: carla@posta.example, ",
        &["l'indirizzo carla@posta.example nei campi To o Cc non è fra i destinatari dichiarati in SMTP"],
    ),
    ("a recipient spelled in another case", "anna@", "ANNA@", &[]),
    ("a recipient twice in the header", "Cc: ", "Cc: Anna <anna@ente.example>, ", &[]),
    ("Bcc without a value", "Subject: ", "Bcc:\r\nSubject: ", &[]),
    ("Bcc of blanks", "Subject: ", "Bcc: \r\n\t \r\nSubject: ", &[]),
    (
        "Bcc with a value",
        "Subject: ",
        "Bcc: anna@ente.example\r\nSubject: ",
        &["la presenza di un valore nel campo Bcc (Ccn)"],
    ),
    (
        "Bcc with an empty group",
        "Subject: ",
        "Bcc: nessuno:;\r\nSubject: ",
        &["la presenza di un valore nel campo Bcc (Ccn)"],
    ),
    ("no Message-ID", "Message-ID: <7f3e9a10-22b1-4a@client.studio.example>\r\n", "", &[]),
    ("two Message-IDs", "Subject: ", "Message-ID: <b@x>\r\nSubject: ", &["un campo Message-ID presente più volte"]),
    ("no Subject", "Subject: ", "X-Altro: ", &[]),
    ("several Reply-To", "Subject: ", "Reply-To: a@x.example\r\nReply-To: b@x.example\r\nSubject: ", &[]),
    (
        "a Reply-To that is none",
        "Subject: ",
        "Reply-To: nessuno\r\nSubject: ",
        &["un indirizzo non valido: campo Reply-To (riga 5): manca la chiocciola fra nome e dominio"],
    ),
    ("8-bit bytes in a field", "Subject: ", "Subject: perché ", &["caratteri non ASCII nel campo Subject"]),
    ("8-bit bytes in a name", FROM, "From: Nicolò <mario@studio.example>\r\n", &["caratteri non ASCII nel campo From"]),
    (
        "an address that is none",
        "bruno@posta.example",
        "bruno at posta.example",
        &["un indirizzo non valido: campo To (riga 3): manca la chiocciola fra nome e dominio"],
    ),
    (
        "a header that is none",
        "From:",
        "From",
        &[
            "un'intestazione non conforme a RFC 5322: riga 2 dell'intestazione: mancano i due punti dopo il nome del campo",
        ],
    ),
    (
        "a bare line feed in the header",
        "Subject: ",
        "X: a\nSubject: ",
        &["un'intestazione non conforme a RFC 5322: riga 5 dell'intestazione: ritorno a capo irregolare (non CRLF)"],
    ),
    (
        "several defects, all of them in the order of the checks",
        FROM,
        "Subject: due volte\r\nFrom: luigi@studio.example\r\nBcc: anna@ente.example\r\nX-Lungo: perché\r\n",
        &[
            "caratteri non ASCII nel campo X-Lungo",
            "un campo Subject presente più volte",
            "la differenza fra l'indirizzo luigi@studio.example nel campo From e il mittente mario@studio.example \
             dichiarato in SMTP",
            "la presenza di un valore nel campo Bcc (Ccn)",
        ],
    ),
];

#[test]
fn every_case_of_the_access_point() {
    for (what, from, to, reasons) in TABLE {
        assert!(SUBMITTED.contains(from), "{what}");
        let examined = run("mario@studio.example", &TO, &SUBMITTED.replacen(from, to, 1), &policy());
        let told: Vec<String> = examined.defects.iter().map(Defect::to_string).collect();
        assert_eq!(told, *reasons, "{what}");
        assert_eq!(examined.is_accepted(), reasons.is_empty(), "{what}");
        assert_eq!(examined.reasons(), reasons.join("; "), "{what}");
        assert_eq!(examined.facts.recipients, facts().recipients, "{what}: a refusal names them too");
    }
}

/// What is certified is what SMTP said, in its spelling; the header only has to agree (pec rule 1.2).
#[test]
fn certification_data_come_from_smtp_and_never_from_the_header() {
    let message = SUBMITTED.replacen(FROM, "From: Mario Rossi <MARIO@Studio.EXAMPLE>\r\n", 1).replacen(
        RCPTS,
        "To: Ufficio <UFFICIO@ente.example>, bruno@POSTA.example\r\nCc: ANNA@ente.example\r\n",
        1,
    );
    let e = run("mario@studio.example", &TO, &message, &policy());
    assert_eq!(e.defects, []);
    assert_eq!(e.facts.sender.as_str(), "mario@studio.example");
    assert_eq!(e.facts.recipients.iter().map(|r| r.address.as_str()).collect::<Vec<_>>(), TO, "order and spelling");
    let xml =
        crate::Certification::new(crate::Tipo::Accettazione, crate::Errore::Nessuno, &e.facts, "G", now()).to_xml();
    assert!(xml.contains("<mittente>mario@studio.example</mittente>") && !xml.contains("MARIO"), "{xml}");
    assert!(xml.contains(">anna@ente.example<") && !xml.contains("ANNA"), "{xml}");
}

#[test]
fn an_address_of_the_header_may_be_no_recipient_where_the_provider_says_so() {
    let lax = Policy { header_recipients_must_be_rcpt: false, ..policy() };
    let message = SUBMITTED.replacen("Cc: ", "Cc: carla@posta.example, ", 1);
    assert_eq!(run("mario@studio.example", &TO, &message, &lax).defects, []);
    let missing = SUBMITTED.replacen(", bruno@posta.example", "", 1);
    assert_eq!(run("mario@studio.example", &TO, &missing, &lax).defects.len(), 1, "the other direction always counts");
}

/// A message of this size in bytes, to these recipients.
fn sized(bytes: u64, to: &[&str]) -> String {
    let head = format!("From: mario@studio.example\r\nTo: {}\r\n\r\n", to.join(",\r\n "));
    let body = usize::try_from(bytes).unwrap() - head.len();
    head + &"x".repeat(body)
}

#[test]
fn thirty_megabytes_times_recipients() {
    let policy = Policy { size_times_recipients: Some(30 * MB), ..policy() };
    let told = |size, to: &[&str]| {
        let defects = run("mario@studio.example", to, &sized(size, to), &policy).defects;
        defects.iter().map(Defect::to_string).collect::<Vec<_>>()
    };
    let three = ["a@ente.example", "b@ente.example", "c@ente.example"];
    assert_eq!(told(30 * MB, &three[..1]), Vec::<String>::new());
    assert_eq!(told(10 * MB, &three), Vec::<String>::new());
    let product = "un prodotto fra dimensione e numero di destinatari (30,3 MB) superiore al limite di 30 MB";
    assert_eq!(told(10 * MB + MB / 10, &three), [product]);
    let size = "una dimensione di 30,1 MB superiore al limite di 30 MB";
    let both = [size, "un prodotto fra dimensione e numero di destinatari (30,1 MB) superiore al limite di 30 MB"];
    assert_eq!(told(30 * MB + 1, &three[..1]), both);
}

#[test]
fn fifty_recipients_and_one_too_many() {
    let all: Vec<String> = (0..51).map(|i| format!("r{i}@ente.example")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let policy = Policy { max_recipients: 50, ..policy() };
    let told = |to: &[&str]| run("mario@studio.example", to, &sized(4096, to), &policy);
    assert!(told(&all[..50]).is_accepted());
    assert_eq!(told(&all).reasons(), "un numero di destinatari (51) superiore al limite di 50");
}

#[test]
fn each_word_of_x_tiporicevuta() {
    use ReceiptKind::{Brief, Complete, Concise};
    for (field, receipt, requested) in [
        ("", Complete, None),
        ("X-TipoRicevuta: completa\r\n", Complete, Some(Complete)),
        ("X-TipoRicevuta: breve\r\n", Brief, Some(Brief)),
        ("X-TipoRicevuta: sintetica\r\n", Concise, Some(Concise)),
        ("X-Tiporicevuta: Breve\r\n", Brief, Some(Brief)),
        ("x-tiporicevuta:\r\n\tSINTETICA \r\n", Concise, Some(Concise)),
        ("X-TipoRicevuta: lunga\r\n", Complete, None),
        ("X-TipoRicevuta:\r\n", Complete, None),
        ("X-TipoRicevuta: breve sintetica\r\n", Complete, None),
        ("X-TipoRicevuta: breve\r\nX-TipoRicevuta: sintetica\r\n", Brief, Some(Brief)),
    ] {
        let message = SUBMITTED.replacen("Subject: ", &format!("{field}Subject: "), 1);
        let e = run("mario@studio.example", &TO, &message, &policy());
        assert_eq!((e.defects.len(), e.receipt, e.requested), (0, receipt, requested), "{field:?}");
    }
}

/// The envelope repeats much of the header: what is accepted must leave it room.
#[test]
fn a_header_leaves_room_for_the_envelopes() {
    let limit = sigillo_base::limits::MAX_HEADER / 4 * 3;
    let head = "From: mario@studio.example\r\nTo: anna@ente.example\r\n";
    let field = |bytes: usize| format!("X: {}\r\n", "x".repeat(bytes - 5));
    let filled = |bytes: usize| {
        let lines = (bytes - head.len()) / 500 - 1;
        let last = bytes - head.len() - lines * 500;
        format!("{head}{}{}", field(500).repeat(lines), field(last))
    };
    let told = |bytes| {
        let header = filled(bytes);
        assert_eq!(header.len(), bytes);
        run("mario@studio.example", &TO[..1], &format!("{header}\r\nx"), &policy()).reasons()
    };
    assert_eq!(told(limit), "");
    assert!(told(limit + 6).contains(": l'intestazione supera 196608 byte (riga "), "{}", told(limit + 6));
}
