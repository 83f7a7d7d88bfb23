//! Reports as files: what is sent to an administration.

use crate::api::BlockedBoxes;

/// The name of the daily report of blocked boxes.
pub fn blocked_boxes_name(day: &str) -> String {
    format!("caselle-con-invii-bloccati-{day}.csv")
}

/// The daily report of boxes that reached a limit (REP-07): a first line that says in words what there is, and says so too
/// when there is nothing; then a table in CSV (RFC 4180), in UTF-8.
pub fn blocked_boxes(report: &BlockedBoxes) -> String {
    let boxes: std::collections::BTreeSet<&str> = report.overruns.iter().map(|o| o.address.as_str()).collect();
    let day = &report.day;
    let said = match boxes.len() {
        0 => format!("# {day}: nessuna casella ha superato i propri limiti di invio"),
        1 => format!("# {day}: una casella ha superato i propri limiti di invio"),
        n => format!("# {day}: {n} caselle hanno superato i propri limiti di invio"),
    };
    let mut text =
        format!("{said}\r\ncasella,profilo,limite,messaggi ammessi,messaggi inviati,bloccata,sbloccata,rifiuti\r\n");
    for o in &report.overruns {
        let window = if o.window == "day" { "giorno" } else { "minuto" };
        let (limit, sent, refused) = (o.limit.to_string(), o.sent.to_string(), o.refused.to_string());
        let fields = [&o.address, &o.profile, window, &limit, &sent, &o.at, &o.unblocked, &refused];
        text += &fields.map(field).join(",");
        text += "\r\n";
    }
    text
}

/// A field of the table. What a spreadsheet would take for a formula begins with an apostrophe: the name of a box is free.
pub(crate) fn field(text: &str) -> String {
    if is_formula(text) { quoted(&format!("'{text}")) } else { quoted(text) }
}

/// Whether a spreadsheet would take a field for a formula.
pub(crate) fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])
}

/// A field of the table as it is.
pub(crate) fn quoted(text: &str) -> String {
    let parts = text.contains([',', ';', '"', '\r', '\n']);
    if parts { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Overrun;

    fn overrun(address: &str, window: &str) -> Overrun {
        Overrun {
            address: address.into(),
            profile: "standard".into(),
            window: window.into(),
            limit: 50,
            sent: 50,
            at: "2026-03-12T10:15:01.000+01:00".into(),
            last: "2026-03-12T10:15:30.000+01:00".into(),
            unblocked: "2026-03-12T10:16:00.000+01:00".into(),
            refused: 3,
        }
    }

    #[test]
    fn a_day_without_overruns_says_so_and_one_with_two_has_two_rows() {
        let report = |overruns| blocked_boxes(&BlockedBoxes { day: "2026-03-12".into(), overruns });
        let none = report(vec![]);
        assert_eq!(none.lines().count(), 2);
        assert!(none.starts_with("# 2026-03-12: nessuna casella"), "{none}");
        let two = report(vec![overrun("anna@x.example", "minute"), overrun("anna@x.example", "day")]);
        assert!(two.starts_with("# 2026-03-12: una casella"), "{two}");
        let row = "anna@x.example,standard,giorno,50,50,2026-03-12T10:15:01.000+01:00,2026-03-12T10:16:00.000+01:00,3";
        assert_eq!(two.lines().skip(2).nth(1), Some(row));
        assert_eq!(two.lines().count(), 4);
    }

    /// A mailbox may be named as it likes (BOX-07), also so that a spreadsheet would run it.
    #[test]
    fn no_field_is_a_formula_and_none_breaks_the_table() {
        for (text, written) in [
            ("=cmd|'/c calc'!a1@x.example", "'=cmd|'/c calc'!a1@x.example"),
            ("+a@x.example", "'+a@x.example"),
            ("-a@x.example", "'-a@x.example"),
            ("@sum", "'@sum"),
            ("\"a,b\"@x.example", "\"\"\"a,b\"\"@x.example\""),
            ("=a,b", "\"'=a,b\""),
            ("a\r\nb", "\"a\r\nb\""),
            ("anna@x.example", "anna@x.example"),
        ] {
            assert_eq!(field(text), written);
        }
    }
}
