use proptest::prelude::*;

use super::*;
use crate::fixtures::{address, facts, now, sender};
use crate::{RecipientClass, Tipo, texts};

fn record() -> Record {
    let c = Certification::new(Tipo::Accettazione, Errore::Nessuno, &facts(), &sender().name, now());
    Record::certified(now(), "alfa-1", Kind::Acceptance, "a1@pec.mittente-prov.example", &c)
}

#[test]
fn a_line_in_the_grammar_of_the_rules() {
    let line = "2026-03-12T10:15:01.000+01:00 sigillo alfa-1 [0]: 20260312101501.4a7c31.01@pec.mittente-prov.example: \
                tipo=accettazione (Accettazione): mittente=mario@studio.example: \
                destinatari=anna@ente.example (certificato), ufficio@ente.example (certificato), \
                bruno@posta.example (esterno): oggetto=Preventivo n. 12 – perché sì & altro: \
                message-id=a1@pec.mittente-prov.example: gestore=Gestore Mittente S.p.A.";
    assert_eq!(record().to_line(), line);
    assert_eq!(Record::parse_line(line).unwrap(), record());
}

#[test]
fn errors_viruses_and_anomalies() {
    let mut c = Certification::new(Tipo::ErroreConsegna, Errore::Virus, &facts(), &sender().name, now());
    c.delivered = Some(address("anna@ente.example"));
    c.extended_error = Some("Eicar: test".into());
    let r = Record::certified(now(), "a", Kind::NonDeliveryVirus, "m@x.example", &c);
    assert!(
        r.to_line().ends_with(": consegna=anna@ente.example: errore=virus: virus=Eicar\\: test"),
        "{}",
        r.to_line()
    );
    assert_eq!(Record::parse_line(&r.to_line()).unwrap(), r);
    let to = [Recipient { address: address("anna@ente.example"), class: RecipientClass::Certified }];
    let anomaly = Record::anomaly(now(), "a", None, &to, Some("x: y:"), "Gestore", "firma assente");
    assert!(anomaly.to_line().contains(" [0]: : tipo=(BustaAnomalia): mittente=: "), "{}", anomaly.to_line());
    assert_eq!(Record::parse_line(&anomaly.to_line()).unwrap(), anomaly);
}

#[test]
fn what_is_no_record() {
    let line = record().to_line();
    for (what, bad) in [
        ("empty", String::new()),
        ("time", line.replace("2026-03-12", "2026-13-12")),
        ("process", line.replace("sigillo", "altro")),
        ("class", line.replace("(Accettazione)", "(Boh)")),
        ("kind and class", line.replace("tipo=accettazione", "tipo=presa-in-carico")),
        ("recipient", line.replace("(esterno)", "(boh)")),
        ("unknown field", format!("{line}: altro=x")),
        ("order", format!("{line}: virus=x: errore=virus")),
        ("no sender", line.replace("mittente=mario@studio.example: ", "")),
        ("lone backslash", line.replace("altro", "al\\tro")),
    ] {
        assert!(Record::parse_line(&bad).is_err(), "{what}: {bad}");
    }
}

proptest! {
    #[test]
    fn every_record_reads_back(subject in ".*", issuer in ".*", error in ".*", exception in ".*", queue in "[a-z0-9:\\\\ ]{0,9}", quoted in "[ ,:a-z()]{0,9}") {
        let clean = |t: &str| texts::line(t);
        let odd = address(&format!("\"{quoted}\"@x.example"));
        let mut r = record();
        r.subject = Some(clean(&subject)).filter(|s| !s.is_empty());
        r.issuer = clean(&issuer);
        r.queue = Some(queue);
        r.extended_error = Some(clean(&error));
        r.exceptions = Some(clean(&exception));
        r.taken = vec![odd.clone(), address("b@y.example")];
        r.recipients.push(Recipient { address: odd, class: RecipientClass::External });
        let line = r.to_line();
        prop_assert!(!line.contains(['\r', '\n']));
        prop_assert_eq!(Record::parse_line(&line).unwrap(), r);
    }

    #[test]
    fn every_service_line_reads_back(why in ".*", id in ".*", day in "20[0-9]{2}-0[1-9]-1[0-9]", n: u64, which in 0..16usize) {
        let clean = |t: &str| texts::line(t);
        let domain = |d: &str| sigillo_base::Domain::parse(d).unwrap();
        let event = match which {
            0 => ServiceEvent::Open {
                segment: n,
                day,
                issuer: clean(&why),
                service: domain("pec.alfa.example"),
                domains: vec![domain("a.example"), domain("b.example")],
            },
            1 => ServiceEvent::Close { segment: n, lines: n },
            2 => ServiceEvent::IndexUpdate(Ok(())),
            3 => ServiceEvent::IndexUpdate(Err(clean(&why))),
            4 => ServiceEvent::Clock(Ok(())),
            5 => ServiceEvent::Clock(Err(clean(&why))),
            8 => ServiceEvent::Queue {
                what: QueueOrder::Hold,
                id: clean(&id),
                item: n.to_string(),
                by: clean(&id),
                why: clean(&why),
            },
            9 => ServiceEvent::Admin {
                act: "mailbox-block".into(),
                stage: Stage::Denied,
                by: clean(&id),
                method: "PUT".into(),
                object: clean(&why),
                token: (n % 2 == 0).then(|| clean(&id)),
                from: (n % 3 == 0).then(|| "192.0.2.7".into()),
                content: (n % 5 == 0).then(|| clean(&why)),
            },
            11 => ServiceEvent::Proof {
                what: ProofEvent::Recovered,
                address: clean(&id),
                credential: clean(&why),
                by: "2001:db8::1".into(),
            },
            12 => ServiceEvent::PersonProof {
                what: ProofEvent::UnlockedAlways,
                person: "m.rossi".into(),
                token: (n % 2 == 0).then(|| clean(&id)),
                by: clean(&why),
            },
            14 => ServiceEvent::Configured {
                sha256: "0".repeat(64),
                domains: ["a.example", "b.example"].map(domain).into_iter().take((n % 3) as usize).collect(),
                outcome: Ok(()),
            },
            15 => ServiceEvent::Configured { sha256: "0".repeat(64), domains: Vec::new(), outcome: Err(clean(&why)) },
            13 => ServiceEvent::Accesses {
                day: "2026-03-12".into(),
                tenant: (n % 2 == 0).then_some(n),
                readings: n % 3 == 0,
                rows: n,
                sha256: "0".repeat(64),
            },
            10 => ServiceEvent::Rehashed { address: clean(&id), credential: clean(&why), scheme: "bcrypt".into() },
            6 => ServiceEvent::Quarantine { what: Custody::Stored, id: clean(&id), why: clean(&why) },
            _ => ServiceEvent::Quarantine { what: Custody::Removed, id: clean(&id), why: clean(&why) },
        };
        let entry = Entry::Service(Service { at: now(), installation: "a-1".into(), event });
        let line = entry.to_line();
        prop_assert!(!line.contains(['\r', '\n']));
        prop_assert_eq!(Entry::parse_line(&line).unwrap(), entry);
        prop_assert!(Record::parse_line(&line).is_err());
    }

    #[test]
    fn any_text_never_panics(text in ".*") {
        prop_assert!(Record::parse_line(&text).is_err());
        let service = format!("2026-03-12T10:15:01.000+01:00 sigillo a [0]: PEC_LogRotate {text}");
        prop_assert!(Entry::parse_line(&service).is_err());
        let line = format!("2026-03-12T10:15:01.000+01:00 sigillo a [0]: {text}");
        prop_assert!(Record::parse_line(&line).is_err());
    }
}

#[test]
fn service_lines_in_the_grammar_of_the_rules() {
    let head = "2026-03-12T10:15:01.000+01:00 sigillo alfa-1 [0]: ";
    for line in [
        "PEC_LogRotate OPEN: segmento=3: giorno=2026-03-12: gestore=Alfa S.p.A.: servizio=pec.alfa.example: domini=",
        "PEC_LogRotate CLOSE: segmento=3: righe=1204",
        "PEC_Update aggiornamento-indice OK",
        "PEC_Update aggiornamento-indice ERR: motivo=indice dei gestori, riga 3\\: campo",
        "PEC_Clock OK",
        "PEC_Clock ERR: motivo=scarto di 2,5 s da UTC",
        "PEC_Queue eliminazione: identificativo=sg1@pec.alfa.example: elemento=0f: da=uid 0: motivo=lo chiede il mittente",
        "PEC_Admin mailbox-block richiesta: da=m.rossi: metodo=PUT: oggetto=/v1/mailboxes/anna@comune.example/block",
        "PEC_Admin tenant-read negata: da=m.rossi: metodo=GET: oggetto=/v1/tenants: credenziale=portatile: origine=::1",
        "PEC_Admin tenant-read token-errato: da=sconosciuto: metodo=GET: oggetto=/v1/tenants: origine=192.0.2.7",
        "PEC_Quarantine consultazione: identificativo=sg1@pec.alfa.example: motivo=Eicar",
        "PEC_Credential aggiornata: casella=anna@comune.example: credenziale=: schema=bcrypt",
        "PEC_Credential cambiata: casella=anna@comune.example: credenziale=: da=2001:db8::1",
        "PEC_Credential recupero-chiesto: casella=anna@comune.example: credenziale=: da=l.bianchi",
        "PEC_Credential sbloccato-sempre: persona=m.rossi: credenziale=notturno: da=192.0.2.7",
        "PEC_Credential secondo-fattore-tolto: persona=m.rossi: da=l.bianchi",
        "PEC_Admin mailbox-read senza-codice: da=m.rossi: metodo=GET: oggetto=/v1/mailboxes: credenziale=portatile",
        "PEC_Admin list-write prova: da=m.rossi: metodo=DELETE: oggetto=/v1/lists/tutti@comune.example",
    ] {
        let line = format!("{head}{line}");
        let entry = Entry::parse_line(&line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(matches!(entry, Entry::Service(_)));
        assert_eq!(entry.to_line(), line);
    }
    for bad in [
        "PEC_LogRotate OPEN: segmento=03: giorno=2026-03-12: gestore=A: servizio=a.example: domini=",
        "PEC_LogRotate OPEN: segmento=3: giorno=2026-13-12: gestore=A: servizio=a.example: domini=",
        "PEC_LogRotate CLOSE: segmento=3",
        "PEC_LogRotate BOH: segmento=3: righe=2",
        "PEC_Clock OK: motivo=x",
        "PEC_Clock ERR",
        "PEC_Quarantine boh: identificativo=x: motivo=y",
        "PEC_Credential boh: casella=x: credenziale=: schema=y",
        "PEC_Credential sbloccato: persona=x",
        "PEC_Credential sbloccato: persona=x: casella=y: credenziale=: da=z",
    ] {
        assert!(Entry::parse_line(&format!("{head}{bad}")).is_err(), "{bad}");
    }
    let event = Entry::parse_line(&record().to_line()).unwrap();
    assert_eq!(event, Entry::Event(Box::new(record())));
}

/// A closed segment of ten records: its lines as they stand in the file.
fn segment() -> Vec<String> {
    let domain = |d: &str| sigillo_base::Domain::parse(d).unwrap();
    let open = ServiceEvent::Open {
        segment: 7,
        day: "2026-03-12".into(),
        issuer: "Alfa".into(),
        service: domain("pec.alfa.example"),
        domains: vec![domain("alfa.example")],
    };
    let service = |event| Service { at: now(), installation: "a".into(), event }.to_line();
    let mut lines = vec![service(open)];
    lines.extend((0..10).map(|n| Record { subject: Some(format!("n. {n}: è")), ..record() }.to_line()));
    lines.push(service(ServiceEvent::Close { segment: 7, lines: 12 }));
    chain(lines, [9; 32])
}

fn chain(lines: Vec<String>, mut head: [u8; 32]) -> Vec<String> {
    let mut out = Vec::new();
    for line in lines {
        let line = chained(&line, &head);
        head = link(&head, line.as_bytes());
        out.push(line);
    }
    out
}

fn read(bytes: &[u8], cut: usize) -> Result<(Segment, Vec<String>), Break> {
    let (mut reader, mut lines) = (SegmentReader::new("a.log", Some([9; 32])), Vec::new());
    for piece in bytes.chunks(cut) {
        reader.feed(piece, &mut |line| lines.push(line.to_owned()))?;
    }
    Ok((reader.finish()?, lines))
}

fn file(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|l| [l.as_bytes(), b"\n"].concat()).collect()
}

#[test]
fn a_segment_is_read_in_any_cuts() {
    let bytes = file(&segment());
    let (whole, lines) = read(&bytes, bytes.len()).unwrap();
    assert_eq!((whole.number, whole.day.as_str(), whole.lines, whole.closed), (7, "2026-03-12", 12, true));
    assert_eq!((whole.before, whole.sha256), ([9; 32], sigillo_smime::sha256(&bytes)));
    assert!(lines.iter().all(|l| Entry::parse_line(l).is_ok()), "each line without its chain is an entry");
    for cut in [1, 7, 100, 4096] {
        assert_eq!(read(&bytes, cut).unwrap(), (whole.clone(), lines.clone()));
    }
    let open = file(&segment()[..5]);
    assert!(!read(&open, 64).unwrap().0.closed, "still being written");
}

#[test]
fn the_first_break_is_named_with_file_and_line() {
    let good = segment();
    let broken = |lines: &[String]| read(&file(lines), 50).unwrap_err();
    for n in 2..good.len() {
        let mut altered = good.clone();
        altered[n - 1] = altered[n - 1].replace("mittente=mario", "mittente=nario");
        let mut missing = good.clone();
        missing.remove(n - 1);
        let mut inserted = good.clone();
        inserted.insert(n - 1, good[1].clone());
        let mut moved = good.clone();
        moved.swap(n - 1, if n == 2 { 2 } else { n - 2 });
        let first = |n: usize| u64::try_from(n).unwrap();
        assert_eq!(broken(&altered).line, first(n) + 1, "altered: seen by the line after it");
        assert_eq!(broken(&missing).line, first(n), "missing");
        // The same line again at its own place still follows; the next one does not.
        assert_eq!(broken(&inserted).line, first(if n == 2 { 3 } else { n }), "inserted");
        assert_eq!(broken(&moved).line, first(if n == 2 { 2 } else { n - 1 }), "moved");
    }
    let text = broken(&{
        let mut lines = good.clone();
        lines.remove(4);
        lines
    })
    .to_string();
    assert!(text.starts_with("a.log, riga 5: la catena si interrompe: la riga 4"), "{text}");
}

#[test]
fn what_is_no_segment() {
    let good = segment();
    let broken = |bytes: &[u8]| read(bytes, 4096).unwrap_err().to_string();
    assert_eq!(broken(b""), "a.log, riga 1: il file è vuoto");
    assert!(broken(&file(&good[1..])).contains("riga 1: la catena non continua"), "without its opening");
    let bytes = file(&good);
    assert!(broken(&bytes[..bytes.len() - 1]).contains("riga 12: la riga non è intera"));
    let bare: Vec<String> = good.iter().map(|l| l.rsplit_once(": catena=").unwrap().0.to_owned()).collect();
    assert!(broken(&file(&bare)).contains("riga 1: la riga non ha la catena"));
    let again = chain([&bare[..], &bare[1..2]].concat(), [9; 32]);
    assert!(broken(&file(&again)).contains("riga 13: una riga dopo la chiusura"));
    let twice = chain([&bare[..1], &bare[..]].concat(), [9; 32]);
    assert!(broken(&file(&twice)).contains("riga 2: un segmento si apre dentro un altro"));
    let fewer = chain([&bare[..3], &bare[11..]].concat(), [9; 32]);
    assert!(broken(&file(&fewer)).contains("si è letto 7, 4"));
    let headless = chain(bare[1..].to_vec(), [9; 32]);
    assert!(broken(&file(&headless)).contains("riga 1: la prima riga non apre un segmento"));
    let mut long = file(&good[..1]);
    long.extend(vec![b'x'; (1 << 20) + 1]);
    assert!(broken(&long).contains("riga 2: la riga è troppo lunga"));
    let other = read(&file(&chain(bare, [8; 32])), 10).unwrap_err();
    assert_eq!(other.line, 1, "{other}");
}

/// Another hand: the chain in a dozen lines of Python.
#[test]
fn python_reads_the_same_chain() {
    let script = r#"
import hashlib, sys
data = sys.stdin.buffer.read()
assert data.endswith(b"\n")
head = None
for line in data[:-1].split(b"\n"):
    text, before = line.rsplit(b": catena=", 1)
    before = bytes.fromhex(before.decode())
    assert head is None or head == before, line
    head = hashlib.sha256(before + line + b"\n").digest()
print(head.hex(), hashlib.sha256(data).hexdigest())
"#;
    let bytes = file(&segment());
    let mut python = std::process::Command::new("python3")
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), &bytes).unwrap();
    let told = String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap();
    let (read, _) = read(&bytes, 4096).unwrap();
    let hex = |b: &[u8]| data_encoding::HEXLOWER.encode(b);
    assert_eq!(told.trim(), format!("{} {}", hex(&read.head), hex(&read.sha256)));
    assert!(read.head != read.before);
}
