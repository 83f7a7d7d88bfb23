//! `sigillo notice list|register`: what people are told by short message or ordinary mail.

use super::{Error, Where, header, table};
use crate::Lang;
use crate::api::{Notice, NoticeFilter, Notices};

/// What can be asked about notices.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Elenca gli avvisi che aspettano di partire, con le prove fallite; il testo non si mostra
    List {
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Il registro degli avvisi: a chi è stato detto che cosa, quando, e com'è andata
    Register {
        /// Da quando: AAAA-MM-GG oppure AAAA-MM-GGThh:mm; senza, da 30 giorni
        #[arg(long, value_name = "QUANDO")]
        from: Option<String>,
        /// Fino a quando, escluso; senza, adesso
        #[arg(long, value_name = "QUANDO")]
        to: Option<String>,
        /// Solo quelli di un genere: reset, alert, confirm, forward, certificate, expiry
        #[arg(long, value_name = "GENERE")]
        kind: Option<String>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
}

/// Asks and gives the text to print.
pub async fn run(verb: &Verb, lang: Lang) -> Result<String, Error> {
    let (filter, at) = match verb {
        Verb::List { at } => (NoticeFilter { waiting: true, ..NoticeFilter::default() }, at),
        Verb::Register { from, to, kind, at } => {
            let (from, to, kind) = (from.clone(), to.clone(), kind.clone());
            (NoticeFilter { from, to, kind, ..NoticeFilter::default() }, at)
        }
    };
    at.tell(&all(at, filter).await?, |found| show(&found.notices, lang))
}

async fn all(at: &Where, mut filter: NoticeFilter) -> Result<Notices, Error> {
    let client = at.client();
    let mut found = Notices::default();
    loop {
        let page = client.notices(&filter).await?;
        found.notices.extend(page.notices);
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return Ok(found),
        }
    }
}

fn show(notices: &[Notice], lang: Lang) -> String {
    let columns = [
        ("quando", "when"),
        ("genere", "kind"),
        ("a", "to"),
        ("riguarda", "about"),
        ("oggetto", "subject"),
        ("stato", "state"),
        ("perché", "why"),
    ];
    let mut rows = table(&header(lang, &columns));
    for n in notices {
        let state = match n.state.as_str() {
            "waiting" => lang.pick("aspetta", "waits"),
            "sent" => lang.pick("mandato", "sent"),
            _ => lang.pick("abbandonato", "given up"),
        };
        let state = n.ended.as_ref().map_or_else(|| state.to_owned(), |ended| format!("{state} {ended}"));
        let why = if n.failures > 0 { format!("{}× {}", n.failures, n.why) } else { n.why.clone() };
        rows.add_row([&n.at, &n.kind, &n.to, &n.about, &n.subject, &state, &why]);
    }
    rows.to_string()
}
