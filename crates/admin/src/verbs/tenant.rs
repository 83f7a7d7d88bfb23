//! `sigillo tenant list|add|set|remove`: administrations.

use super::how::count;
use super::{Destroys, Error, How, Where, Writes, header, table};
use crate::api::{NewTenant, Tenant, TenantChange, tenant_path};
use crate::{Client, Lang};

/// What can be done with administrations.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Elenca le amministrazioni servite, con i loro domini
    List {
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Accoglie un'amministrazione
    Add {
        /// Il suo nome
        name: String,
        /// Codice IPA, o un altro usato dal contratto
        #[arg(long, value_name = "CODICE", default_value = "")]
        code: String,
        /// Indirizzo da avvisare di ciò che la riguarda; ripetibile
        #[arg(long = "contact", value_name = "INDIRIZZO")]
        contacts: Vec<String>,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
    /// Cambia un'amministrazione; ciò che non è nominato resta
    Set {
        /// Il suo numero
        id: u64,
        /// Il suo nome
        #[arg(long, value_name = "NOME")]
        name: Option<String>,
        /// Codice IPA, o un altro usato dal contratto
        #[arg(long, value_name = "CODICE")]
        code: Option<String>,
        /// Indirizzo da avvisare, al posto di quelli di prima; ripetibile
        #[arg(long = "contact", value_name = "INDIRIZZO")]
        contacts: Vec<String>,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
    /// Toglie un'amministrazione che non ha più domini, e con essa le sue persone; il suo numero non si riusa
    Remove {
        /// Il suo numero
        id: u64,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Destroys>,
    },
}

/// Asks and gives the text to print.
pub async fn run(verb: &Verb, lang: Lang) -> Result<String, Error> {
    match verb {
        Verb::List { at } => {
            let found = at.client().tenants().await?;
            at.tell(&found, |found| show(&found.tenants, lang))
        }
        Verb::Add { name, code, contacts, at } => {
            let new = NewTenant { name: name.clone(), code: code.clone(), contacts: contacts.clone() };
            one(at.client().add_tenant(&new).await?, at, lang)
        }
        Verb::Set { id, name, code, contacts, at } => {
            let contacts = Some(contacts.clone()).filter(|all| !all.is_empty());
            let change = TenantChange { name: name.clone(), code: code.clone(), contacts };
            one(at.client().change_tenant(*id, &change).await?, at, lang)
        }
        Verb::Remove { id, at } => {
            at.confirmed(async || ended(&at.client(), *id, lang).await).await?;
            one(at.client().remove_tenant(*id).await?, at, lang)
        }
    }
}

/// What would end with an administration.
async fn ended(client: &Client, id: u64, lang: Lang) -> Result<String, Error> {
    let tenant: Tenant = client.get(&tenant_path(id)).await?;
    let (name, domains) = (&tenant.name, tenant.domains.len() as u64);
    let (units, boxes) = (client.units(id).await?.units.len() as u64, client.plans(id).await?.used.values().sum());
    Ok(match lang {
        Lang::It => format!(
            "si toglierebbe l'amministrazione {id} «{name}»: {}, {}, {}",
            count(domains, ("dominio", "domini")),
            count(units, ("struttura", "strutture")),
            count(boxes, ("casella", "caselle"))
        ),
        Lang::En => format!(
            "administration {id} \"{name}\" would be removed: {}, {}, {}",
            count(domains, ("domain", "domains")),
            count(units, ("unit", "units")),
            count(boxes, ("mailbox", "mailboxes"))
        ),
    })
}

fn one(tenant: Tenant, at: &Where<impl How>, lang: Lang) -> Result<String, Error> {
    at.tell(&tenant, |tenant| show(std::slice::from_ref(tenant), lang))
}

fn show(tenants: &[Tenant], lang: Lang) -> String {
    let columns = [
        ("numero", "number"),
        ("amministrazione", "administration"),
        ("codice", "code"),
        ("domini", "domains"),
        ("da avvisare", "contacts"),
    ];
    let mut rows = table(&header(lang, &columns));
    for t in tenants {
        rows.add_row([t.id.to_string(), t.name.clone(), t.code.clone(), t.domains.join("\n"), t.contacts.join("\n")]);
    }
    rows.to_string()
}
