//! A report as it goes out: JSON (RFC 8460 §4), compressed, and in a mail the second part of a multipart/report (§5.3).

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use sigillo_admin::api::TlsReport;
use sigillo_base::{Address, Domain, Timestamp};
use sigillo_mime::write;

use super::{CONTENT, Reporter, author};

pub(super) fn zipped(report: &TlsReport) -> io::Result<Vec<u8>> {
    let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
    zipped.write_all(&serde_json::to_vec(report)?)?;
    zipped.finish()
}

/// The whole mail, CRLF. No value in it can end a line: domains, addresses and identifiers have no blanks.
pub(super) fn mail(
    reporter: &Reporter,
    domain: &Domain,
    report: &TlsReport,
    zipped: &[u8],
    to: &Address,
    now: Timestamp,
) -> Vec<u8> {
    let (host, id) = (&reporter.host, &report.report_id);
    // What is base64 has no such line.
    let boundary = "=_tlsrpt.r";
    let file = file_name(reporter, domain, report);
    let from = format!("{} <{}>", write::phrase(&reporter.name), author(host));
    let mut mail = String::new();
    for (name, value) in [
        ("From", from.as_str()),
        ("To", to.as_str()),
        ("Subject", &format!("Report Domain: {domain} Submitter: {host} Report-ID: <{id}>")),
        ("Date", &now.rfc5322()),
        ("Message-ID", &format!("<tlsrpt.{id}>")),
        ("Auto-Submitted", "auto-generated"),
        ("TLS-Report-Domain", domain.as_str()),
        ("TLS-Report-Submitter", host),
        ("MIME-Version", "1.0"),
        ("Content-Type", &format!("multipart/report; report-type=\"tlsrpt\"; boundary=\"{boundary}\"")),
    ] {
        mail += &write::field(name, value);
    }
    mail += &format!(
        "\r\n--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
         This is an aggregate TLS report from {host} about {domain}.\r\n\
         \r\n--{boundary}\r\nContent-Type: {CONTENT}\r\nContent-Transfer-Encoding: base64\r\n"
    );
    mail += &write::field("Content-Disposition", &format!("attachment; {}", write::parameter("filename", &file)));
    mail += "\r\n";
    mail += &write::base64_lines(zipped);
    mail += &format!("\r\n--{boundary}--\r\n");
    mail.into_bytes()
}

/// `host!domain!begin!end.json.gz` (RFC 8460 §5.1), in seconds since 1970.
fn file_name(reporter: &Reporter, domain: &Domain, report: &TlsReport) -> String {
    let at = |text: &str| Timestamp::from_iso(text).map_or(0, |at| at.as_secs());
    let range = &report.date_range;
    let (begin, end) = (at(&range.start_datetime), at(&range.end_datetime));
    format!("{}!{domain}!{begin}!{end}.json.gz", reporter.host)
}
