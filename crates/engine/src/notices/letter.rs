//! A notice as ordinary mail.

use sigillo_base::{Address, Timestamp};
use sigillo_mime::write;
use sigillo_pec::Provider;

/// The whole mail, CRLF. It says that a program wrote it (RFC 3834 §5), so that no program answers; it comes from the name of
/// our host and not from a certified domain, whose mail people take for certified.
pub(super) fn write(
    provider: &Provider,
    host: &str,
    id: u128,
    to: &Address,
    (subject, text): (&str, &str),
    now: Timestamp,
) -> Vec<u8> {
    let mut mail = write::field("From", &format!("{} <noreply@{host}>", write::phrase(&provider.name)));
    mail += &write::field("To", to.as_str());
    mail += &write::unstructured("Subject", subject);
    for (name, value) in [
        ("Date", now.rfc5322().as_str()),
        ("Message-ID", &format!("<avviso.{id:032x}@{host}>")),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "base64"),
    ] {
        mail += &write::field(name, value);
    }
    let text =
        format!("{}\n\n-- \n{}\nMessaggio automatico: non rispondere a questo indirizzo.\n", text, provider.name);
    mail += "\r\n";
    mail += &write::base64_lines(text.replace('\n', "\r\n").as_bytes());
    mail.into_bytes()
}
