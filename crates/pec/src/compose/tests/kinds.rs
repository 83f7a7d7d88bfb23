//! The table of pec rule 2.2 and the texts of 2.3, row by row.

use super::*;

/// A row of the table: the field that tells the kind, further fields, the prefix, `tipo` and `errore`, what is enclosed.
type Row = (&'static str, &'static [&'static str], &'static str, Option<(&'static str, &'static str)>, bool);

/// In the order of [`every_kind`].
const TABLE: [Row; 14] = [
    ("X-Ricevuta: accettazione", &[], "ACCETTAZIONE: ", Some(("accettazione", "nessuno")), false),
    ("X-Ricevuta: non-accettazione", &[], "AVVISO DI NON ACCETTAZIONE: ", Some(("non-accettazione", "altro")), false),
    (
        "X-Ricevuta: non-accettazione",
        &["X-VerificaSicurezza: errore"],
        "AVVISO DI NON ACCETTAZIONE PER VIRUS: ",
        Some(("non-accettazione", "virus")),
        false,
    ),
    ("X-Trasporto: posta-certificata", &[], "POSTA CERTIFICATA: ", Some(("posta-certificata", "nessuno")), true),
    ("X-Ricevuta: presa-in-carico", &[], "PRESA IN CARICO: ", Some(("presa-in-carico", "nessuno")), false),
    ("X-Ricevuta: avvenuta-consegna", &[], "CONSEGNA: ", Some(("avvenuta-consegna", "nessuno")), true),
    ("X-Ricevuta: avvenuta-consegna", &[], "CONSEGNA: ", Some(("avvenuta-consegna", "nessuno")), true),
    ("X-Ricevuta: avvenuta-consegna", &[], "CONSEGNA: ", Some(("avvenuta-consegna", "nessuno")), false),
    ("X-Ricevuta: errore-consegna", &[], "AVVISO DI MANCATA CONSEGNA: ", Some(("errore-consegna", "altro")), false),
    (
        "X-Ricevuta: errore-consegna",
        &["X-VerificaSicurezza: errore"],
        "AVVISO DI MANCATA CONSEGNA PER VIRUS: ",
        Some(("errore-consegna", "virus")),
        false,
    ),
    (
        "X-Ricevuta: preavviso-errore-consegna",
        &[],
        "AVVISO DI MANCATA CONSEGNA PER SUP. TEMPO MASSIMO: ",
        Some(("preavviso-errore-consegna", "altro")),
        false,
    ),
    (
        "X-Ricevuta: preavviso-errore-consegna",
        &[],
        "AVVISO DI MANCATA CONSEGNA PER SUP. TEMPO MASSIMO: ",
        Some(("preavviso-errore-consegna", "altro")),
        false,
    ),
    (
        "X-Ricevuta: rilevazione-virus",
        &["X-Mittente: mario@studio.example"],
        "PROBLEMA DI SICUREZZA: ",
        Some(("rilevazione-virus", "virus")),
        false,
    ),
    ("X-Trasporto: errore", &[], "ANOMALIA MESSAGGIO: ", None, true),
];

#[test]
fn every_row_of_the_table_of_kinds() {
    let source = original();
    for (draft, (kind, extra, prefix, certified, encloses)) in
        every_kind(&receiver(), &facts(), "Eicar", &source).into_iter().zip(TABLE)
    {
        let what = draft.kind;
        let envelope = kind.starts_with("X-Trasporto");
        let to_provider = matches!(what, Kind::TakeCharge | Kind::VirusDetection);
        let mut expected: Vec<&str> = if envelope { vec!["Return-Path", "Received"] } else { Vec::new() };
        expected.extend([kind].iter().chain(extra).filter_map(|line| line.split(':').next()));
        expected.extend(["Date", "Subject", "From"]);
        expected.extend(if envelope { &["Reply-To", "To", "Cc", "Message-ID"][..] } else { &["To", "Message-ID"][..] });
        if what != Kind::AnomalyEnvelope {
            expected.push("X-Riferimento-Message-ID");
        }
        if what == Kind::TransportEnvelope {
            expected.push("X-TipoRicevuta");
        }
        assert_eq!(names(&draft.header), expected, "{what}");

        let header = Header::parse(&draft.header).unwrap();
        for line in [kind].iter().chain(extra) {
            let (name, value) = line.split_once(": ").unwrap();
            assert_eq!(header.unfolded(name).as_deref(), Some(value), "{what}");
        }
        assert_eq!(header.unfolded("Date").unwrap(), now().rfc5322(), "{what}");
        assert_eq!(header.text("Subject").unwrap(), format!("{prefix}Preventivo n. 12 – perché sì & altro"), "{what}");
        let service = receiver().service_address;
        if envelope {
            let from = format!("\"Per conto di: mario@studio.example\" <{service}>");
            assert_eq!(header.unfolded("From").unwrap().replace("  ", " "), from, "{what}");
        } else {
            assert_eq!(header.unfolded("From").unwrap(), service.as_str(), "{what}");
            let to = if to_provider { "servizio@pec.mittente-prov.example" } else { "mario@studio.example" };
            assert_eq!(header.unfolded("To").unwrap(), to, "{what}");
            assert_eq!((draft.mail_from.clone(), draft.rcpt_to.clone()), (Some(service), vec![address(to)]), "{what}");
            assert_ne!(draft.message_id, facts().id, "{what}: an identifier of its own");
        }
        let told = draft.certification.as_ref().map(|c| (c.kind.as_str(), c.error.as_str()));
        assert_eq!(told, certified, "{what}");
        let entity = draft.entity.to_bytes(&source);
        let tree = sigillo_mime::parse(&entity).unwrap();
        assert_eq!(tree.children.iter().any(|p| p.file_name() == Some("postacert.eml")), encloses, "{what}");
    }
}

/// What stands in the same place of every text.
const WHEN: &str = "Il giorno 12/03/2026 alle ore 10:15:01 (+0100)";
const WHAT: &str = "\"Preventivo n. 12 - perché sì & altro\"";
const FROM: &str = "proveniente da \"mario@studio.example\"";
const ALL: &str = "anna@ente.example\nufficio@ente.example\nbruno@posta.example";
const ID: &str = "Identificativo messaggio: 20260312101501.4a7c31.01@pec.mittente-prov.example";

#[test]
fn every_text_is_the_model_of_the_rules() {
    let to_anna = "e destinato all'utente \"anna@ente.example\"";
    let delivered = format!(
        "{WHEN} il messaggio\n{WHAT} {FROM}\ned indirizzato a \"anna@ente.example\"\n\
         è stato consegnato nella casella di destinazione.\n{ID}\n"
    );
    let classes = "anna@ente.example (\"posta certificata\")\nufficio@ente.example (\"posta certificata\")\n\
                   bruno@posta.example (\"posta ordinaria\")";
    let expected = [
        format!(
            "Ricevuta di accettazione\n{WHEN} il messaggio\n{WHAT} {FROM}\ned indirizzato a:\n{classes}\nè stato accettato dal sistema ed inoltrato.\n{ID}\n"
        ),
        format!(
            "Errore nell'accettazione del messaggio\n{WHEN} nel messaggio\n{WHAT} {FROM}\ned indirizzato a:\n{ALL}\nè stato rilevato un problema che ne impedisce l'accettazione\na causa di Eicar.\nIl messaggio non è stato accettato.\n{ID}\n"
        ),
        format!(
            "Errore nell'accettazione del messaggio per presenza virus\n{WHEN} nel messaggio\n{WHAT} {FROM}\ned indirizzato a:\n{ALL}\nè stato rilevato un problema di sicurezza Eicar.\nIl messaggio non è stato accettato.\n{ID}\n"
        ),
        format!(
            "Messaggio di posta certificata\n{WHEN} il messaggio\n{WHAT} è stato inviato da \"mario@studio.example\"\nindirizzato a:\n{ALL}\nIl messaggio originale è incluso in allegato.\n{ID}\n"
        ),
        format!(
            "Ricevuta di presa in carico\n{WHEN} il messaggio\n{WHAT} {FROM}\ned indirizzato a:\nanna@ente.example\nè stato accettato dal sistema.\n{ID}\n"
        ),
        format!("Ricevuta di avvenuta consegna\n{delivered}"),
        format!("Ricevuta breve di avvenuta consegna\n{delivered}"),
        format!("Ricevuta sintetica di avvenuta consegna\n{delivered}"),
        format!(
            "Avviso di mancata consegna\n{WHEN} nel messaggio\n{WHAT} {FROM}\n{to_anna}\nè stato rilevato un errore 5.0.0 - Gestore Ricevente S.r.l. - Eicar.\nIl messaggio è stato rifiutato dal sistema.\n{ID}\n"
        ),
        format!(
            "Avviso di mancata consegna per virus\n{WHEN} nel messaggio\n{WHAT} destinato all'utente \"anna@ente.example\"\nè stato rilevato un problema di sicurezza Eicar.\nIl messaggio non è stato consegnato.\n{ID}\n"
        ),
        format!(
            "Avviso di mancata consegna\n{WHEN} il messaggio\n{WHAT} {FROM}\n{to_anna}\nnon è stato consegnato nelle prime dodici ore dal suo invio. Non escludendo\nche questo possa avvenire in seguito, si ritiene utile considerare che\nl'invio potrebbe non andare a buon fine. Il sistema provvederà comunque\nad inviare un ulteriore avviso di mancata consegna se nelle prossime\ndodici ore non vi sarà la conferma della ricezione da parte del destinatario.\n{ID}\n"
        ),
        format!(
            "Avviso di mancata consegna\n{WHEN} il messaggio\n{WHAT} {FROM}\n{to_anna}\nnon è stato consegnato nelle ventiquattro ore successive al suo invio. Si ritiene che\nla spedizione debba considerarsi non andata a buon fine.\n{ID}\n"
        ),
        format!(
            "Avviso di rilevazione virus\n{WHEN} nel messaggio\n{WHAT} {FROM}\n{to_anna}\nè stato rilevato un problema di sicurezza Eicar.\n{ID}\n"
        ),
        format!(
            "Anomalia nel messaggio\n{WHEN} è stato ricevuto\nil messaggio {WHAT} {FROM}\ned indirizzato a:\nanna@ente.example\nTali dati non sono stati certificati per il seguente errore:\nEicar\nIl messaggio originale è incluso in allegato.\n"
        ),
    ];
    let source = original();
    let drafts = every_kind(&receiver(), &facts(), "Eicar", &source);
    assert_eq!(drafts.len(), expected.len());
    for (draft, expected) in drafts.into_iter().zip(expected) {
        let entity = draft.entity.to_bytes(&source);
        let tree = sigillo_mime::parse(&entity).unwrap();
        assert_eq!(text_of(&entity, &tree).replace("\r\n", "\n"), expected, "{}", draft.kind);
    }
}

/// An original full of fields that mean something in certified mail or to a mail client.
const FIELDS: &str = "X-Ricevuta: avvenuta-consegna\r\nX-Trasporto: errore\r\nX-VerificaSicurezza: errore\r\n\
     X-Mittente: altri@x.example\r\nX-TipoRicevuta: sintetica\r\nX-Riferimento-Message-ID: <falso@x.example>\r\n\
     Sender: altri@x.example\r\nDate: Thu, 1 Jan 1970 00:00:00 +0000\r\nReply-To: \"Uno\"\r\n\t<uno@x.example>\r\n\
     DKIM-Signature: v=1; d=x.example\r\nIn-Reply-To: <q@x.example>\r\nReferences: <q@x.example>\r\nBcc:\r\n\
     Received: from interno (10.0.0.1)\r\n\tby client; Thu, 12 Mar 2026 10:14:00 +0100\r\n\
     reply-to: due@x.example\r\nDisposition-Notification-To: mario@studio.example\r\n";

#[test]
fn nothing_else_of_the_original_reaches_the_outer_header() {
    let submitted = SUBMITTED.replacen("From: ", &format!("{FIELDS}From: "), 1).replacen(
        "To: anna@ente.example,",
        "TO:\t(la prima) \"Anna,\r\n  Rossi\" <anna@ente.example>\r\n\t,",
        1,
    );
    let source = access::accepted_original(submitted.as_bytes(), &facts().id, TRACE).unwrap();
    let of = Header::parse(&source).unwrap();
    let anna = [address("anna@ente.example")];
    let anomaly =
        anomaly_envelope(&receiver(), now(), id("an@x.example"), Some(&facts().sender), &anna, &source, "x").unwrap();
    let envelope = transport_envelope(&sender(), &facts(), now(), ReceiptKind::Complete, &source).unwrap();
    let common = [
        "Return-Path",
        "Received",
        "Received",
        "X-Trasporto",
        "Date",
        "Subject",
        "From",
        "Reply-To",
        "reply-to",
        "TO",
        "Cc",
        "Message-ID",
    ];
    let more = ["X-Riferimento-Message-ID", "X-TipoRicevuta"];
    for (draft, expected) in [(envelope, [&common[..], &more].concat()), (anomaly, common.to_vec())] {
        assert_eq!(names(&draft.header), expected, "{}", draft.kind);
        let header = Header::parse(&draft.header).unwrap();
        for name in ["Return-Path", "Received", "Reply-To", "To", "Cc"] {
            let whole = |h: &Header<'_>, bytes: &[u8]| -> Vec<Vec<u8>> {
                h.all(name).map(|f| bytes[f.whole.clone()].to_vec()).collect()
            };
            assert_eq!(whole(&header, &draft.header), whole(&of, &source), "{name}");
        }
    }
    for draft in every_kind(&receiver(), &facts(), "x", &source) {
        let hidden = ["Sender", "Bcc", "DKIM-Signature", "In-Reply-To", "References", "Disposition-Notification-To"];
        assert!(!names(&draft.header).iter().any(|n| hidden.contains(&n.as_str())), "{}", draft.kind);
    }
}

#[test]
fn a_reply_to_without_a_value_is_none() {
    for blank in ["Reply-To:\r\n", "Reply-To: \r\n\t \r\nReply-To:\r\n"] {
        let source = SUBMITTED.replacen("To: ", &format!("{blank}To: "), 1);
        let draft = transport_envelope(&sender(), &facts(), now(), ReceiptKind::Complete, source.as_bytes()).unwrap();
        let header = Header::parse(&draft.header).unwrap();
        let all: Vec<_> = header.all("Reply-To").map(|f| header.raw(f)).collect();
        assert_eq!(all, [b" mario@studio.example"], "{blank:?}");
    }
}

/// HTML of a notice is text in paragraphs: nothing is fetched, nothing runs, whatever a user wrote (RFC 6109 §4.3).
#[test]
fn html_refers_to_nothing_and_runs_nothing() {
    let allowed = ["!DOCTYPE html", "html lang=\"it\"", "head", "title", "body", "h3", "p", "br", "div lang=\"en\""];
    let subject = "<img src=\"http://x.example/a.png\" onload='x()'><a href=x>clic</a><style>@import 'x'</style>";
    let f = Facts { subject: Some(subject.into()), ..facts() };
    let source = original();
    for english in [false, true] {
        let p = Provider { english, ..receiver() };
        for draft in every_kind(&p, &f, subject, &source) {
            let entity = draft.entity.to_bytes(&source);
            let tree = sigillo_mime::parse(&entity).unwrap();
            let html = tree.walk().find(|p| p.is("text/html")).unwrap().decoded(&entity, 1 << 20).unwrap();
            let html: String = html.iter().map(|b| char::from(*b)).collect();
            let tags: Vec<&str> = html.split('<').skip(1).filter_map(|t| t.split('>').next()).collect();
            assert!(tags.len() > 8, "{}: {html}", draft.kind);
            for tag in tags {
                assert!(
                    allowed
                        .iter()
                        .any(|a| *a == tag || tag.strip_prefix('/').is_some_and(|t| a.split(' ').next() == Some(t))),
                    "{}: <{tag}> in {html}",
                    draft.kind
                );
            }
        }
    }
}
