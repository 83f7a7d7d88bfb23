//! `sigillo domain list|assign|set`: whose domains are, and what their owners chose.

use super::{Error, Where, header, json, table, yes};
use crate::Lang;
use crate::api::{Domain, DomainChange};

/// What can be done with domains.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Elenca i domini del gestore con le scelte dei loro titolari
    List {
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Dice di quale amministrazione è un dominio, con le sue caselle e liste; senza --tenant è del gestore
    Assign {
        /// Il dominio
        name: String,
        /// Il numero dell'amministrazione
        #[arg(long, value_name = "NUMERO")]
        tenant: Option<u64>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Cambia le scelte per un dominio; quelle non nominate restano
    Set {
        /// Il dominio
        name: String,
        /// Ricevuta di consegna richiesta quando il messaggio non ne chiede una
        #[arg(long, value_name = "completa|breve|sintetica")]
        receipt: Option<String>,
        /// Nessuno scambio con la posta ordinaria, né in arrivo né in partenza
        #[arg(long, value_name = "true|false")]
        certified_only: Option<bool>,
        /// Copia della ricevuta di consegna anche al destinatario
        #[arg(long, value_name = "true|false")]
        receipt_to_recipient: Option<bool>,
        /// Il titolare di una casella può leggerne il registro
        #[arg(long, value_name = "true|false")]
        holder_reads_log: Option<bool>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
}

/// Asks and gives the text to print.
pub async fn run(verb: &Verb, lang: Lang) -> Result<String, Error> {
    match verb {
        Verb::List { at } => {
            let found = at.client().domains().await?;
            at.tell(&found, |found| show(&found.domains, lang))
        }
        Verb::Assign { name, tenant, at } => {
            let owner = at.client().assign_domain(name, *tenant).await?;
            if at.json {
                return json(&owner);
            }
            Ok(match (owner.tenant, lang) {
                (Some(id), Lang::It) => format!("{name} è dell'amministrazione {id}"),
                (Some(id), Lang::En) => format!("{name} belongs to administration {id}"),
                (None, Lang::It) => format!("{name} è del gestore"),
                (None, Lang::En) => format!("{name} belongs to the provider"),
            })
        }
        Verb::Set { name, receipt, certified_only, receipt_to_recipient, holder_reads_log, at } => {
            let change = DomainChange {
                receipt: receipt.clone(),
                certified_only: *certified_only,
                receipt_to_recipient: *receipt_to_recipient,
                holder_reads_log: *holder_reads_log,
            };
            let changed = at.client().change_domain(name, &change).await?;
            at.tell(&changed, |changed| show(std::slice::from_ref(changed), lang))
        }
    }
}

fn show(domains: &[Domain], lang: Lang) -> String {
    let columns = [
        ("dominio", "domain"),
        ("ricevuta", "receipt"),
        ("solo certificata", "certified only"),
        ("ricevuta al destinatario", "receipt to recipient"),
        ("registro al titolare", "log to holder"),
    ];
    let mut rows = table(&header(lang, &columns));
    for d in domains {
        let choices = [d.certified_only, d.receipt_to_recipient, d.holder_reads_log].map(|so| yes(lang, so));
        rows.add_row([d.name.as_str(), d.receipt.as_str()].into_iter().chain(choices));
    }
    rows.to_string()
}
