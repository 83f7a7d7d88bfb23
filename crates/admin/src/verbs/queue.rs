//! `sigillo queue`: what waits to leave, why, and what is ordered about it.

use sigillo_base::{Complaint, Said, said};

use super::how::count;
use super::{Destroys, Error, How, Where, Writes, header, json, table};
use crate::Lang;
use crate::api::{Order, Ordered, QUEUE_LIMIT, Queue, QueueFilter, QueueItem};

/// What can be done with the queue.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Mostra i messaggi che attendono di partire
    List {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Mostra tutto ciò che la coda sa di un elemento o di un messaggio
    Show {
        /// Il numero dell'elemento, o l'identificativo del messaggio
        id: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Dice in una riga perché un messaggio è ancora qui, e che cosa succede dopo
    Why {
        /// Il numero dell'elemento, o l'identificativo del messaggio
        id: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Trattiene: non si tenta più; le scadenze corrono lo stesso, e a chi scrive arrivano gli avvisi
    Hold {
        /// Which, and why.
        #[command(flatten)]
        ordered: OrderArgs,
    },
    /// Rilascia ciò che è trattenuto
    Release {
        /// Which, and why.
        #[command(flatten)]
        ordered: OrderArgs,
    },
    /// Tenta subito
    Retry {
        /// Which, and why.
        #[command(flatten)]
        ordered: OrderArgs,
    },
    /// Manda a un altro server
    Reroute {
        /// Il server, con la sua porta; senza, si torna a quello del dominio
        #[arg(long, value_name = "HOST:PORTA")]
        to_host: Option<String>,
        /// Which, and why.
        #[command(flatten)]
        ordered: OrderArgs,
    },
    /// Elimina: ogni destinatario finisce come se fosse stato rifiutato, e chi ha scritto riceve l'avviso
    Drop {
        /// Which, and why.
        #[command(flatten)]
        ordered: OrderArgs<Destroys>,
    },
}

/// Which items are meant.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Which {
    /// Soltanto verso questo dominio
    #[arg(long, value_name = "DOMINIO")]
    pub to: Option<String>,
    /// Soltanto della casella che ha spedito il messaggio
    #[arg(long, value_name = "CASELLA")]
    pub from: Option<String>,
    /// Soltanto ciò che è in coda da almeno tanto: 90s, 30m, 2h, 1d
    #[arg(long, value_name = "TEMPO", value_parser = seconds)]
    pub older_than: Option<u64>,
    /// Soltanto in questo stato: waiting, in-work, held
    #[arg(long, value_name = "STATO", value_parser = ["waiting", "in-work", "held"])]
    pub state: Option<String>,
    /// Soltanto questo elemento, o questo messaggio
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Al più tanti
    #[arg(long, value_name = "NUMERO", value_parser = at_least_one)]
    pub limit: Option<usize>,
}

/// Which items are meant by an order, and why.
#[derive(Debug, Clone, clap::Args)]
pub struct OrderArgs<H: How = Writes> {
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// Perché: resta nel registro, e chi ha scritto lo legge nell'avviso di ciò che si elimina
    #[arg(long, value_name = "TESTO", default_value = "ordine dell'amministratore")]
    pub why: String,
    /// Where to ask.
    #[command(flatten)]
    pub at: Where<H>,
}

impl Which {
    fn filter(&self) -> QueueFilter {
        QueueFilter {
            to: self.to.clone(),
            from: self.from.clone(),
            older_than_s: self.older_than,
            state: self.state.clone(),
            id: self.id.clone(),
            after: None,
            limit: None,
        }
    }

    fn is_empty(&self) -> bool {
        self.filter() == QueueFilter::default()
    }
}

/// Asks and gives the text to print.
pub async fn run(verb: &Verb, lang: Lang) -> Result<String, Error> {
    match verb {
        Verb::List { which, at } => {
            let found = all(at, which.filter(), which.limit.unwrap_or(QUEUE_LIMIT)).await?;
            if at.json { json(&found) } else { Ok(list(&found, lang)) }
        }
        Verb::Show { id, at } => {
            let found = of(at, id).await?;
            let shown: Vec<String> = found.items.iter().map(|item| show(item, lang)).collect();
            if at.json { json(&found) } else { Ok(shown.join("\n")) }
        }
        Verb::Why { id, at } => {
            let found = of(at, id).await?;
            let told: Vec<String> = found.items.iter().map(|item| why(item, lang)).collect();
            if at.json { json(&found) } else { Ok(told.join("\n")) }
        }
        Verb::Hold { ordered } => order("hold", ordered, None, lang).await,
        Verb::Release { ordered } => order("release", ordered, None, lang).await,
        Verb::Retry { ordered } => order("retry", ordered, None, lang).await,
        Verb::Reroute { to_host, ordered } => order("reroute", ordered, to_host.clone(), lang).await,
        Verb::Drop { ordered } => {
            let what = async || {
                let most = ordered.which.limit.unwrap_or(usize::MAX);
                let held = all(&ordered.at, chosen(ordered)?, most).await?.items.len() as u64;
                Ok(match lang {
                    Lang::It => format!(
                        "si eliminerebbero {} della coda, e chi ha scritto è avvisato",
                        count(held, ("elemento", "elementi"))
                    ),
                    Lang::En => {
                        format!("{} of the queue would go, and their senders are told", count(held, ("item", "items")))
                    }
                })
            };
            ordered.at.confirmed(what).await?;
            order("drop", ordered, None, lang).await
        }
    }
}

/// Every item that a filter takes, at most `limit`.
async fn all(at: &Where<impl How>, mut filter: QueueFilter, limit: usize) -> Result<Queue, Error> {
    let mut found = Queue { items: Vec::new(), next: None };
    loop {
        filter.limit = Some((limit - found.items.len()).clamp(1, QUEUE_LIMIT));
        let page = at.client().queue(&filter).await?;
        found.items.extend(page.items);
        found.next.clone_from(&page.next);
        if page.next.is_none() || found.items.len() >= limit {
            return Ok(found);
        }
        filter.after = page.next;
    }
}

/// What the queue holds of an item or a message.
async fn of(at: &Where, id: &str) -> Result<Queue, Error> {
    let found = all(at, QueueFilter { id: Some(id.to_owned()), ..QueueFilter::default() }, usize::MAX).await?;
    if found.items.is_empty() {
        return Err(Error::Refused(said!(
            "{id}: non è in coda: «sigillo dispatch show» dice che cosa ne è stato",
            "{id}: not in the queue: `sigillo dispatch show` tells what became of it"
        )));
    }
    Ok(found)
}

/// The filter of an order: without one, an order would be about everything by mistake.
fn chosen(ordered: &OrderArgs<impl How>) -> Result<QueueFilter, Error> {
    if ordered.which.is_empty() {
        return Err(Error::Refused(said!(
            "dire quali: --id, --to, --from, --older-than o --state",
            "say which: --id, --to, --from, --older-than or --state"
        )));
    }
    Ok(ordered.which.filter())
}

async fn order(
    name: &str,
    ordered: &OrderArgs<impl How>,
    to_host: Option<String>,
    lang: Lang,
) -> Result<String, Error> {
    let mut order = Order { filter: chosen(ordered)?, why: ordered.why.clone(), to_host };
    let limit = ordered.which.limit.unwrap_or(usize::MAX);
    let mut done = Ordered::default();
    loop {
        let left = limit.saturating_sub(done.done.len() + done.refused.len());
        order.filter.limit = Some(left).filter(|left| *left < crate::api::ORDERED_LIMIT);
        let page = ordered.at.client().order(name, &order).await?;
        done.done.extend(page.done);
        done.refused.extend(page.refused);
        order.filter.after.clone_from(&page.next);
        if page.next.is_none() || done.done.len() + done.refused.len() >= limit {
            break;
        }
    }
    if ordered.at.json {
        return json(&done);
    }
    let mut text: Vec<String> = done.refused.iter().map(|refused| format!("{}: {}", refused.id, refused.why)).collect();
    if done.done.is_empty() {
        if text.is_empty() {
            text.push(lang.pick("nessun elemento della coda è così", "no item of the queue is like that").to_owned());
        }
        return Err(Error::Refused(Said::verbatim(text.join("\n"))));
    }
    text.insert(0, format!("{}: {}", lang.pick("fatto", "done"), done.done.len()));
    Ok(text.join("\n"))
}

fn list(found: &Queue, lang: Lang) -> String {
    let columns = [
        ("elemento", "item"),
        ("transazione", "transaction"),
        ("da", "from"),
        ("verso", "to"),
        ("destinatari", "recipients"),
        ("stato", "state"),
        ("tentativi", "attempts"),
        ("prossimo", "next"),
        ("ultimo errore", "last error"),
    ];
    let mut rows = table(&header(lang, &columns));
    for item in &found.items {
        let error = item.last_error.clone().unwrap_or_default();
        let (recipients, attempts) = (item.recipients.len().to_string(), item.attempts.to_string());
        let state = state(item, lang).to_owned();
        let (id, next) = (item.id.clone(), item.next.clone());
        rows.add_row([
            id,
            item.transaction.clone(),
            item.from.clone(),
            item.to.clone(),
            recipients,
            state,
            attempts,
            next,
            error,
        ]);
    }
    let more = if found.next.is_some() { lang.pick("\n(e altri: --limit)", "\n(and more: --limit)") } else { "" };
    format!("{rows}{more}")
}

fn state(item: &QueueItem, lang: Lang) -> &'static str {
    match item.state.as_str() {
        "in-work" => lang.pick("in consegna", "in work"),
        "held" => lang.pick("trattenuto", "held"),
        _ => lang.pick("in attesa", "waiting"),
    }
}

fn show(item: &QueueItem, lang: Lang) -> String {
    let mut text = format!("{}\n", item.id);
    let mut line = |it: &str, en: &str, value: &str| text += &format!("  {}: {value}\n", lang.pick(it, en));
    line("messaggio", "message", &item.transaction);
    line("da", "from", &item.from);
    line("verso", "to", &item.to);
    line("destinatari", "recipients", &item.recipients.join(", "));
    line("in coda dal", "queued", &item.created);
    line("stato", "state", state(item, lang));
    line("tentativi", "attempts", &item.attempts.to_string());
    if let Some(route) = &item.route {
        line("rotta", "route", route);
    }
    if let Some(error) = &item.last_error {
        line("ultimo errore", "last error", error);
    }
    line("perché", "why", &why(item, lang));
    text
}

/// Why a message is still here, what happens next and when, in one line.
fn why(item: &QueueItem, lang: Lang) -> String {
    let QueueItem { transaction, to, next, ends, attempts, .. } = item;
    let it = lang == Lang::It;
    let last = item.last_error.as_deref().map(|e| format!(": {e}")).unwrap_or_default();
    let told = match (&item.held, &item.worker) {
        (Some(held), None) if it => format!(
            "trattenuto da {} dal {} ({}); le scadenze corrono: rinuncia il {ends}",
            held.by, held.since, held.why
        ),
        (Some(held), None) => {
            format!("held by {} since {} ({}); deadlines run on: given up on {ends}", held.by, held.since, held.why)
        }
        (held, Some(worker)) => {
            let then = match (held, it) {
                (Some(_), true) => ", poi resta trattenuto",
                (Some(_), false) => ", then it stays held",
                (None, _) => "",
            };
            match it {
                true => {
                    format!("in consegna ora da {worker} (tentativo {attempts}); se tace, di nuovo dal {next}{then}")
                }
                false => format!(
                    "being delivered by {worker} (attempt {attempts}); if it falls silent, again from {next}{then}"
                ),
            }
        }
        (None, None) if item.due && it => {
            format!("pronto, attende il suo turno ({attempts} tentativi{last}); rinuncia il {ends}")
        }
        (None, None) if item.due => format!("due, waits for its turn ({attempts} attempts{last}); given up on {ends}"),
        (None, None) if it => {
            format!("{attempts} tentativi non riusciti{last}; il prossimo il {next}, rinuncia il {ends}")
        }
        (None, None) => format!("{attempts} failed attempts{last}; the next on {next}, given up on {ends}"),
    };
    // Whatever a server answered, this is one line.
    format!("{transaction} → {to}: {told}").replace(['\r', '\n'], " ")
}

/// An order about none is a mistake, and must not become one about the first.
fn at_least_one(text: &str) -> Result<usize, Complaint> {
    let bad = || {
        Complaint(said!("«{text}» non è un numero di elementi: almeno 1", "“{text}” is no number of items: at least 1"))
    };
    text.parse().ok().filter(|number| *number > 0).ok_or_else(bad)
}

/// `90s`, `30m`, `2h`, `1d`.
fn seconds(text: &str) -> Result<u64, Complaint> {
    let bad = || Complaint(said!("«{text}» non è un tempo: 90s, 30m, 2h, 1d", "“{text}” is no time: 90s, 30m, 2h, 1d"));
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(bad)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(bad()),
    };
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Held;

    fn item() -> QueueItem {
        QueueItem {
            id: "0a".into(),
            transaction: "sg0@pec.alfa.example".into(),
            work: "relay".into(),
            from: "anna@comune-alfa.example".into(),
            to: "ente-beta.example".into(),
            recipients: vec!["bruno@ente-beta.example".into()],
            state: "waiting".into(),
            created: "ieri".into(),
            attempts: 2,
            due: false,
            next: "alle 10".into(),
            ends: "domani".into(),
            last_error: Some("451 piu'\r\ntardi".into()),
            worker: None,
            route: None,
            held: None,
        }
    }

    #[test]
    fn why_is_one_line_that_says_what_comes_next_and_when() {
        let held = Held { since: "ieri".into(), by: "uid 0".into(), why: "verifica".into() };
        let worker = Some("mx.alfa.example".to_owned());
        for (item, it, en) in [
            (
                item(),
                "2 tentativi non riusciti: 451 piu'  tardi; il prossimo il alle 10, rinuncia il domani",
                "the next on",
            ),
            (QueueItem { due: true, ..item() }, "attende il suo turno", "waits for its turn"),
            (QueueItem { worker: worker.clone(), ..item() }, "in consegna ora da mx.alfa.example", "being delivered"),
            (QueueItem { held: Some(held.clone()), ..item() }, "le scadenze corrono: rinuncia il domani", "run on"),
            (QueueItem { held: Some(held), worker, ..item() }, "poi resta trattenuto", "then it stays held"),
        ] {
            let (italian, english) = (why(&item, Lang::It), why(&item, Lang::En));
            assert!(italian.contains(it) && english.contains(en), "{italian}\n{english}");
            assert!(!italian.contains('\n') && !english.contains('\n'));
        }
    }

    #[test]
    fn none_is_no_number_of_items() {
        assert_eq!(at_least_one("3"), Ok(3));
        for bad in ["0", "", "-1", "x"] {
            assert!(at_least_one(bad).is_err_and(|why| why.0.en.contains("at least 1")), "{bad}");
        }
    }

    #[test]
    fn spans_of_time_are_read() {
        assert_eq!(["90s", "30m", "2h", "1d"].map(|t| seconds(t).unwrap()), [90, 1_800, 7_200, 86_400]);
        for bad in ["", "h", "2", "-1h", "1w", "99999999999999999999d", "2è"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
