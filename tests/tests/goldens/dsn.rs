//! A delivery status notification as Python's email package reads it: RFC 3464 is for programs.

use std::collections::BTreeMap;

use serde::Deserialize;
use sigillo_base::PecId;
use sigillo_pec::compose::{Action, Fate, Report, Returned, dsn};
use sigillo_tests::fixtures::{self, NOW, address};

use crate::oracle::Bench;
use crate::set;

#[derive(Debug, Deserialize)]
struct Read {
    structure: Vec<String>,
    report_type: String,
    header: BTreeMap<String, String>,
    /// The groups of message/delivery-status.
    groups: Vec<BTreeMap<String, String>>,
    returned_subject: String,
    defects: Vec<String>,
}

const SCRIPT: &str = r#"
import email, email.policy, json, sys
def read(path):
    with open(path, "rb") as f:
        m = email.message_from_binary_file(f, policy=email.policy.default)
    parts = list(m.iter_parts())
    back = parts[2]
    text = back.get_content() if back.get_content_type() != "message/rfc822" else None
    if text is None:
        subject = back.get_content()["Subject"]
    else:
        text = text if isinstance(text, str) else text.decode()
        subject = email.message_from_string(text, policy=email.policy.default)["Subject"]
    return {"structure": [p.get_content_type() for p in parts], "report_type": m.get_param("report-type"),
            "header": {k: str(v) for k, v in m.items()},
            "groups": [{k: str(v) for k, v in g.items()} for g in parts[1].get_payload()],
            "returned_subject": subject, "defects": [str(d) for p in m.walk() for d in p.defects]}
json.dump([read(p) for p in sys.argv[1:]], sys.stdout)
"#;

fn report(returned: Returned) -> Report {
    let fate = |to: &str, action, status: &str, diagnostic: &str| Fate {
        recipient: address(to),
        original: None,
        action,
        status: status.into(),
        remote: Some("mx.posta.example".into()),
        diagnostic: Some(diagnostic.into()),
        last_attempt: Some(NOW),
        until: None,
    };
    let refused = fate("bruno@posta.example", Action::Failed, "5.1.1", "550 5.1.1 perch\u{e9}\r\nBcc: x@y.example");
    let mut late = fate("carla@posta.example", Action::Delayed, "4.4.1", "connessione non riuscita");
    (late.until, late.original) = (Some(NOW), Some("rfc822;carla@alias.example".into()));
    Report {
        to: address("anna@comune-alfa.example"),
        message_id: PecId::parse("d1@pec.alfa.example").expect("an identifier"),
        at: NOW,
        host: "mx.alfa.example".into(),
        envelope_id: Some("QQ314159".into()),
        arrived: NOW,
        fates: vec![refused, late],
        returned,
    }
}

#[test]
fn python_reads_a_delivery_status_notification() {
    let mut alfa = fixtures::alfa().provider;
    alfa.english = true;
    let source = &set::named("busta-trasporto").bytes;
    let bytes = |returned| dsn(&alfa, &report(returned), source).content.to_bytes(source);
    let (header, whole) = (bytes(Returned::Header), bytes(Returned::Whole));
    let read: Vec<Read> = Bench::new().script(SCRIPT, &[("header", &header), ("whole", &whole)]);
    let expected = |s: &[&str]| s.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    for (read, third) in read.iter().zip(["text/rfc822-headers", "message/rfc822"]) {
        assert_eq!(read.structure, expected(&["multipart/alternative", "message/delivery-status", third]));
        assert_eq!(read.report_type, "delivery-status");
        assert!(read.defects.is_empty(), "{:?}", read.defects);
        assert_eq!(read.header["Auto-Submitted"], "auto-replied");
        assert_eq!(read.header["To"], "anna@comune-alfa.example");
        assert!(!read.header.contains_key("Bcc"));
        assert!(read.returned_subject.starts_with("POSTA CERTIFICATA: "), "{}", read.returned_subject);
        let [message, refused, late] = read.groups.as_slice() else { panic!("{:?}", read.groups) };
        assert_eq!(message["Reporting-MTA"], "dns; mx.alfa.example");
        assert_eq!(message["Original-Envelope-Id"], "QQ314159");
        assert_eq!(message["Arrival-Date"], NOW.rfc5322());
        assert_eq!(refused["Final-Recipient"], "rfc822; bruno@posta.example");
        assert_eq!((refused["Action"].as_str(), refused["Status"].as_str()), ("failed", "5.1.1"));
        assert_eq!(refused["Remote-MTA"], "dns; mx.posta.example");
        assert_eq!(refused["Diagnostic-Code"], "smtp; 550 5.1.1 perch?  Bcc: x@y.example");
        assert_eq!(refused["Last-Attempt-Date"], NOW.rfc5322());
        assert!(!refused.contains_key("Bcc") && !refused.contains_key("Will-Retry-Until"));
        assert_eq!(late["Original-Recipient"], "rfc822;carla@alias.example");
        assert_eq!((late["Action"].as_str(), late["Status"].as_str()), ("delayed", "4.4.1"));
        assert_eq!(late["Will-Retry-Until"], NOW.rfc5322());
    }
}
