//! `sigillo queue list`: what waits to leave.

use super::{Error, Where, header, json, table};
use crate::Lang;

/// Arguments of `sigillo queue`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What can be done with the queue.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Mostra i messaggi che attendono di partire
    List {
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
}

/// Asks and gives the text to print.
pub async fn run(args: &Args, lang: Lang) -> Result<String, Error> {
    let Verb::List { at } = &args.verb;
    let queue = at.client().queue().await?;
    if at.json {
        return json(&queue);
    }
    let columns = [
        ("transazione", "transaction"),
        ("lavoro", "work"),
        ("verso", "to"),
        ("destinatari", "recipients"),
        ("tentativi", "attempts"),
        ("prossimo", "next"),
        ("ultimo errore", "last error"),
    ];
    let mut rows = table(&header(lang, &columns));
    for item in queue.items {
        let error = item.last_error.unwrap_or_default();
        let (recipients, attempts) = (item.recipients.to_string(), item.attempts.to_string());
        rows.add_row([item.transaction, item.work, item.to, recipients, attempts, item.next, error]);
    }
    Ok(rows.to_string())
}
