//! `sigillo mailbox accesses`: who came in, how often, by which protocol (ACC-03, AUD-02).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Lang;
use crate::api::{Access, Period};
use crate::report::field;
use crate::verbs::{Error, Where, header, json, table};

/// Which accesses.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Indirizzo della casella
    pub address: String,
    /// Da quando: AAAA-MM-GG oppure AAAA-MM-GGThh:mm; senza, da 30 giorni
    #[arg(long, value_name = "QUANDO")]
    pub from: Option<String>,
    /// Fino a quando, escluso; senza, adesso
    #[arg(long, value_name = "QUANDO")]
    pub to: Option<String>,
    /// Una riga per accesso, separata da virgole
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Where to ask.
    #[command(flatten)]
    pub at: Where,
}

/// How often somebody came in by a protocol, and how often he was turned away; what he did there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Count {
    protocol: String,
    person: String,
    logins: u64,
    failures: u64,
    /// Messages that he read, where they are not his own.
    read: u64,
    /// Times that he removed messages.
    removed: u64,
    /// When he came in last.
    last: Option<String>,
}

#[derive(Serialize)]
struct Found {
    counts: Vec<Count>,
    accesses: Vec<Access>,
}

/// Asks and gives the text to print.
pub async fn run(args: &Args, lang: Lang) -> Result<String, Error> {
    let period = Period { from: args.from.clone(), to: args.to.clone() };
    let (mut accesses, mut after) = (Vec::new(), None);
    loop {
        let page = args.at.client().accesses(&args.address, &period, after.as_deref()).await?;
        accesses.extend(page.accesses);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if args.csv {
        return Ok(csv(&accesses));
    }
    let counts = counted(&accesses);
    if args.at.json { json(&Found { counts, accesses }) } else { Ok(show(&counts, lang)) }
}

fn counted(accesses: &[Access]) -> Vec<Count> {
    let mut counts: BTreeMap<(&str, &str), Count> = BTreeMap::new();
    for access in accesses {
        let count = counts.entry((&access.protocol, &access.person)).or_insert_with(|| Count {
            protocol: access.protocol.clone(),
            person: access.person.clone(),
            ..Count::default()
        });
        match access.outcome.as_str() {
            "ok" => {
                count.logins += 1;
                count.last = Some(access.at.clone());
            }
            "left" => {}
            "read" => count.read += 1,
            "removed" => count.removed += 1,
            _ => count.failures += access.times(),
        }
    }
    counts.into_values().collect()
}

fn csv(accesses: &[Access]) -> String {
    let mut text = "quando,protocollo,indirizzo,credenziale,esito,cosa\r\n".to_owned();
    for a in accesses {
        let fields = [&a.at, &a.protocol, &a.from, &a.person, &a.outcome, &a.what].map(|text| field(text));
        text += &format!("{}\r\n", fields.join(","));
    }
    text.trim_end().to_owned()
}

fn show(counts: &[Count], lang: Lang) -> String {
    let columns = [
        ("protocollo", "protocol"),
        ("credenziale", "credential"),
        ("accessi", "logins"),
        ("respinti", "failures"),
        ("letti", "read"),
        ("rimozioni", "removals"),
        ("ultimo accesso", "last login"),
    ];
    let mut rows = table(&header(lang, &columns));
    for c in counts {
        let person = if c.person.is_empty() { lang.pick("titolare", "owner") } else { &c.person };
        let last = c.last.as_deref().unwrap_or_default();
        let [logins, failures, read, removed] = [c.logins, c.failures, c.read, c.removed].map(|n| n.to_string());
        rows.add_row([&c.protocol, person, &logins, &failures, &read, &removed, last]);
    }
    rows.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accesses_are_counted_by_protocol_and_person() {
        let access = |at: &str, protocol: &str, person: &str, outcome: &str| Access {
            at: at.into(),
            protocol: protocol.into(),
            from: "192.0.2.1".into(),
            person: person.into(),
            outcome: outcome.into(),
            since: None,
            what: String::new(),
        };
        let all = [
            access("1", "imap", "", "ok"),
            access("2", "imap", "", "ok"),
            access("3", "imap", "", "wrong"),
            access("4", "imap", "dora", "ok"),
            access("5", "smtp", "", "expired"),
            access("6", "imap", "dora", "left"),
            Access { what: "INBOX 7".into(), ..access("7", "imap", "dora", "read") },
            Access { what: "INBOX 7:9".into(), ..access("8", "imap", "", "removed") },
        ];
        let counts = counted(&all);
        let told: Vec<_> =
            counts.iter().map(|c| (&*c.protocol, &*c.person, c.logins, c.failures, c.last.as_deref())).collect();
        assert_eq!(told, [("imap", "", 2, 1, Some("2")), ("imap", "dora", 1, 0, Some("4")), ("smtp", "", 0, 1, None)]);
        assert_eq!(counts.iter().map(|c| (c.read, c.removed)).collect::<Vec<_>>(), [(0, 1), (1, 0), (0, 0)]);
        let text = csv(&all[6..7]);
        let wanted = "quando,protocollo,indirizzo,credenziale,esito,cosa\r\n7,imap,192.0.2.1,dora,read,INBOX 7";
        assert_eq!(text, wanted);
    }
}
