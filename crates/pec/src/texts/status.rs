//! The readable part of a delivery status notification.

use super::notices::{Body, Line, same, say, the_message};
use super::{line, subject};
use crate::compose::{Action, Fate, Report};

/// Titled by the worst that happened; it says that it is no certified receipt, for it must not be taken for one.
pub(crate) fn delivery_status(report: &Report, original_subject: &str) -> Body {
    let title = match report.fates.iter().map(|f| f.action).min() {
        Some(Action::Delayed) => say("Messaggio non ancora recapitato", "Message not delivered yet"),
        Some(Action::Delivered | Action::Relayed) => say("Messaggio recapitato", "Message delivered"),
        Some(Action::Failed) | None => say("Messaggio non recapitato", "Message not delivered"),
    };
    let mut lines = vec![the_message(report.arrived), same(format!("\"{}\"", subject(original_subject)))];
    lines.extend(report.fates.iter().map(fate));
    lines.push(say(
        "Questo avviso riguarda la posta ordinaria e non è una ricevuta di posta certificata.",
        "This notice is about ordinary mail and is no receipt of certified mail.",
    ));
    Body { title, lines }
}

fn fate(f: &Fate) -> Line {
    let why = f.diagnostic.as_deref().map(|d| format!(": {}", line(d))).unwrap_or_default();
    let (it, en) = match f.action {
        Action::Failed => ("non è stato recapitato a", "was not delivered to"),
        Action::Delayed => ("non è stato ancora recapitato a", "was not yet delivered to"),
        Action::Delivered => ("è stato recapitato a", "was delivered to"),
        Action::Relayed => ("è stato affidato al server di", "was handed over to the server of"),
    };
    let (mut it, mut en) = (format!("{it} {}{why}", f.recipient), format!("{en} {}{why}", f.recipient));
    if let Some(until) = f.until.map(sigillo_base::Timestamp::legal) {
        it += &format!(" (nuovi tentativi fino al {} alle ore {})", until.day, until.time);
        en += &format!(" (it is tried again until {} at {})", until.day, until.time);
    }
    say(it, en)
}
