//! `sigillo mailbox usage`, `sigillo mailbox history`.

use crate::Lang;
use crate::api::{Counted, History, Usage};
use crate::verbs::{Error, Where, header, json, table};

/// Asks how a mailbox stands to its limits.
pub async fn usage(address: &str, at: &Where, lang: Lang) -> Result<String, Error> {
    let found = at.client().usage(address).await?;
    if at.json { json(&found) } else { Ok(show(&found, lang)) }
}

/// Asks which profiles a mailbox had, or had on a day.
pub async fn history(address: &str, day: Option<&str>, at: &Where, lang: Lang) -> Result<String, Error> {
    let mut found = at.client().history(address).await?;
    if let Some(day) = day {
        // Legal times in ISO 8601 sort as days do.
        found.profiles.retain(|p| p.from.as_str() < day_end(day).as_str() && p.to.as_deref().is_none_or(|to| to > day));
    }
    if at.json { json(&found) } else { Ok(show_history(&found, lang)) }
}

/// A text behind every time of the day.
fn day_end(day: &str) -> String {
    format!("{day}U")
}

fn show(u: &Usage, lang: Lang) -> String {
    let window = |name: &str, w: &Counted| {
        let ends = w.ends.as_deref().map(|e| format!(", {} {e}", lang.pick("fino a", "until"))).unwrap_or_default();
        format!("{name}: {} {} {}{ends}\n", w.sent, lang.pick("di", "of"), w.limit)
    };
    let mut text = format!("{} ({})\n", u.address, u.profile);
    text += &window(lang.pick("minuto", "minute"), &u.minute);
    text += &window(lang.pick("giorno", "day"), &u.day);
    let (of, held) = (lang.pick("di", "of"), lang.pick("casella", "box"));
    let octets = lang.pick("ottetti, messaggi", "octets, messages");
    text += &format!("{held}: {} {of} {} {octets} {}\n", u.box_bytes, u.box_limit, u.box_messages);
    text += &match &u.blocked_until {
        Some(until) => {
            format!("{} {until}", lang.pick("bloccata: può inviare di nuovo da", "blocked: may send again from"))
        }
        None => lang.pick("può inviare", "may send").to_owned(),
    };
    if !u.days.is_empty() {
        let mut rows = table(&header(lang, &[("giorno", "day"), ("inviati", "sent")]));
        rows.add_rows(u.days.iter().map(|day| [day.day.clone(), day.sent.to_string()]));
        text += &format!("\n{rows}");
    }
    if !u.overruns.is_empty() {
        let columns = [
            ("superato", "overrun"),
            ("limite", "limit"),
            ("inviati", "sent"),
            ("profilo", "profile"),
            ("dalle", "from"),
            ("sbloccata", "unblocked"),
            ("rifiuti", "refused"),
        ];
        let mut rows = table(&header(lang, &columns));
        for o in &u.overruns {
            let window = if o.window == "day" { lang.pick("giorno", "day") } else { lang.pick("minuto", "minute") };
            let (limit, sent, refused) = (o.limit.to_string(), o.sent.to_string(), o.refused.to_string());
            rows.add_row([window, &limit, &sent, &o.profile, &o.at, &o.unblocked, &refused]);
        }
        text += &format!("\n{rows}");
    }
    text
}

fn show_history(found: &History, lang: Lang) -> String {
    let mut rows = table(&header(lang, &[("profilo", "profile"), ("da", "from"), ("a", "to")]));
    for p in &found.profiles {
        rows.add_row([&p.profile, &p.from, p.to.as_deref().unwrap_or_default()]);
    }
    rows.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_before_and_ends_after_its_times() {
        let (first, last) = ("2026-03-15T00:00:00.000+01:00", "2026-03-15T23:59:59.999+01:00");
        assert!(first > "2026-03-15" && last < day_end("2026-03-15").as_str());
        assert!("2026-03-16T00:00:00.000+01:00" > day_end("2026-03-15").as_str());
    }
}
