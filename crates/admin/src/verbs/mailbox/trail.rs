//! `sigillo mailbox trail`: which credential sent what.

use crate::Lang;
use crate::api::{Period, Trail};
use crate::verbs::{Error, Where, header, json, table, yes};

/// Which messages of a mailbox.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Indirizzo della casella
    pub address: String,
    /// Solo di questa credenziale
    #[arg(long, value_name = "NOME")]
    pub credential: Option<String>,
    /// Da quando: AAAA-MM-GG oppure AAAA-MM-GGThh:mm; senza, da 30 giorni
    #[arg(long, value_name = "QUANDO")]
    pub from: Option<String>,
    /// Fino a quando, escluso; senza, adesso
    #[arg(long, value_name = "QUANDO")]
    pub to: Option<String>,
    /// Where to ask.
    #[command(flatten)]
    pub at: Where,
}

/// Asks which credential sent what, and gives the text to print.
pub async fn run(args: &Args, lang: Lang) -> Result<String, Error> {
    let period = Period { from: args.from.clone(), to: args.to.clone() };
    let found = args.at.client().trail(&args.address, &period, args.credential.as_deref()).await?;
    if args.at.json { json(&found) } else { Ok(show(found, lang)) }
}

fn show(found: Trail, lang: Lang) -> String {
    let columns = [
        ("quando", "when"),
        ("credenziale", "credential"),
        ("accettato", "accepted"),
        ("destinatari", "recipients"),
        ("ottetti", "octets"),
        ("identificativo", "identificativo"),
    ];
    let mut rows = table(&header(lang, &columns));
    for sent in found.sent {
        let name = if sent.credential.is_empty() { lang.pick("titolare", "owner") } else { &sent.credential };
        let (recipients, bytes) = (sent.recipients.to_string(), sent.bytes.to_string());
        rows.add_row([&sent.at, name, yes(lang, sent.accepted), &recipients, &bytes, &sent.id]);
    }
    rows.to_string()
}
