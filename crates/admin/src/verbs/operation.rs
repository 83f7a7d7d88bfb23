//! `sigillo operation list|show`: the register of operations.

use super::{Error, Where, header, table};
use crate::Lang;
use crate::api::{Operation, OperationFilter, Operations};

/// What can be asked of the register.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Elenca le operazioni fatte su caselle, liste e rubriche, dalla più vecchia
    List {
        /// Solo quelle di un'amministrazione
        #[arg(long, value_name = "NUMERO")]
        tenant: Option<u64>,
        /// Solo quelle su una casella, su una lista o sulla voce di un indirizzo in rubrica
        #[arg(long, value_name = "INDIRIZZO")]
        mailbox: Option<String>,
        /// Solo quelle fatte in un mese: AAAA-MM
        #[arg(long, value_name = "MESE")]
        month: Option<String>,
        /// Solo quelle di un tipo: mailbox-create, mailbox-activate, mailbox-cancel, list-create, address-book-change …
        #[arg(long, value_name = "TIPO")]
        kind: Option<String>,
        /// Solo quelle di un ticket
        #[arg(long, value_name = "TICKET")]
        ticket: Option<String>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Mostra un'operazione
    Show {
        /// Il suo numero, come sta nell'elenco
        id: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
}

/// Asks and gives the text to print.
pub async fn run(verb: &Verb, lang: Lang) -> Result<String, Error> {
    match verb {
        Verb::List { tenant, mailbox, month, kind, ticket, at } => {
            let mut filter = OperationFilter {
                tenant: *tenant,
                object: mailbox.clone(),
                month: month.clone(),
                kind: kind.clone(),
                ticket: ticket.clone(),
                after: None,
            };
            let mut all = Operations { operations: Vec::new(), next: None };
            loop {
                let page = at.client().operations(&filter).await?;
                all.operations.extend(page.operations);
                filter.after = page.next;
                if filter.after.is_none() {
                    return at.tell(&all, |all| show(&all.operations, lang));
                }
            }
        }
        Verb::Show { id, at } => {
            let found = at.client().operation(id).await?;
            at.tell(&found, |found| one(found, lang))
        }
    }
}

fn show(operations: &[Operation], lang: Lang) -> String {
    let columns = [
        ("numero", "number"),
        ("operazione", "operation"),
        ("su", "on"),
        ("richiesta", "requested"),
        ("fatta", "done"),
        ("ore", "hours"),
        ("da", "by"),
        ("confermata da", "confirmed by"),
        ("ticket", "ticket"),
        ("via", "channel"),
    ];
    let mut rows = table(&header(lang, &columns));
    for o in operations {
        let hours = hours(o.seconds_used);
        let (asked, confirmed) = (&o.requested_by, &o.confirmed_by);
        let times = [&o.requested_at, &o.done_at, &hours];
        rows.add_row([&[&o.id, &o.kind, &o.object][..], &times, &[asked, confirmed, &o.ticket, &o.channel]].concat());
    }
    rows.to_string()
}

fn one(o: &Operation, lang: Lang) -> String {
    let number = |n: Option<u64>| n.map_or("—".to_owned(), |n| n.to_string());
    let fields = [
        ("numero", "number", o.id.clone()),
        ("operazione", "operation", o.kind.clone()),
        ("su", "on", o.object.clone()),
        ("che cosa", "what", o.detail.clone()),
        ("amministrazione", "administration", number(o.tenant)),
        ("struttura", "unit", number(o.unit)),
        ("richiesta", "requested", format!("{} ({})", o.requested_at, o.requested_by)),
        ("confermata", "confirmed", format!("{} ({}, {})", o.confirmed_at, o.confirmed_by, o.confirmed_how)),
        ("fatta", "done", format!("{} ({})", o.done_at, o.done_by)),
        ("ore", "hours", hours(o.seconds_used)),
        ("ticket", "ticket", o.ticket.clone()),
        ("via", "channel", o.channel.clone()),
    ];
    let mut rows = table(&[]);
    rows.add_rows(fields.map(|(italian, english, value)| [lang.pick(italian, english).to_owned(), value]));
    rows.to_string()
}

/// Hours and minutes by the wall clock (WEB-06).
fn hours(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 3600, seconds / 60 % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_go_on_past_a_day() {
        assert_eq!(["0:00", "0:59", "25:01"], [hours(59), hours(3599), hours(25 * 3600 + 60)]);
    }
}
