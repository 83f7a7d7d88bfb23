//! `sigillo domain list|assign|set`: whose domains are, and what their owners chose.

use super::how::count;
use super::{Destroys, Error, Where, Writes, header, json, table, yes};
use crate::api::{Domain, DomainChange, Tenant};
use crate::{Client, Lang};

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
        at: Where<Destroys>,
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
        at: Where<Writes>,
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
            at.confirmed(async || moved(&at.client(), name, *tenant, lang).await).await?;
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

/// What would go to another administration with a domain.
async fn moved(client: &Client, name: &str, tenant: Option<u64>, lang: Lang) -> Result<String, Error> {
    let of = |address: &str| address.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(name));
    let boxes = client.mailboxes().await?.mailboxes.iter().filter(|row| of(&row.address)).count() as u64;
    let lists = client.lists().await?.lists.iter().filter(|row| of(&row.address)).count() as u64;
    let owners = client.tenants().await?.tenants;
    let has = |tenant: &&Tenant| tenant.domains.iter().any(|domain| domain.eq_ignore_ascii_case(name));
    let whose = |id: Option<u64>| match (id, lang) {
        (Some(id), Lang::It) => format!("all'amministrazione {id}"),
        (Some(id), Lang::En) => format!("to administration {id}"),
        (None, Lang::It) => "al gestore".to_owned(),
        (None, Lang::En) => "to the provider".to_owned(),
    };
    let now = owners.iter().find(has).map_or_else(
        || lang.pick("del gestore", "of the provider").to_owned(),
        |tenant| format!("{} {} «{}»", lang.pick("dell'amministrazione", "of administration"), tenant.id, tenant.name),
    );
    Ok(match lang {
        Lang::It => format!(
            "il dominio {name}, {now}, passerebbe {} con {} e {}",
            whose(tenant),
            count(boxes, ("casella", "caselle")),
            count(lists, ("lista", "liste"))
        ),
        Lang::En => format!(
            "the domain {name}, {now}, would go {} with {} and {}",
            whose(tenant),
            count(boxes, ("mailbox", "mailboxes")),
            count(lists, ("list", "lists"))
        ),
    })
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
