//! `sigillo tenant`: administrations, their units, and what is theirs.

use super::{Error, Where, header, table};
use crate::Lang;
use crate::api::{NewTenant, Tenant, TenantChange, Unit};

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
        at: Where,
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
        at: Where,
    },
    /// Toglie un'amministrazione che non ha più domini, e con essa le sue persone; il suo numero non si riusa
    Remove {
        /// Il suo numero
        id: u64,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Elenca le strutture di un'amministrazione
    Units {
        /// Il numero dell'amministrazione
        id: u64,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Crea una struttura, che può gestire le proprie caselle
    AddUnit {
        /// Il numero dell'amministrazione
        id: u64,
        /// Il nome della struttura
        name: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Toglie una struttura: le sue caselle restano dell'amministrazione
    RemoveUnit {
        /// Il numero dell'amministrazione
        id: u64,
        /// Il numero della struttura
        unit: u64,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
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
        Verb::Remove { id, at } => one(at.client().remove_tenant(*id).await?, at, lang),
        Verb::Units { id, at } => {
            let found = at.client().units(*id).await?;
            at.tell(&found, |found| show_units(&found.units, lang))
        }
        Verb::AddUnit { id, name, at } => {
            let made = at.client().add_unit(*id, name).await?;
            at.tell(&made, |made| show_units(std::slice::from_ref(made), lang))
        }
        Verb::RemoveUnit { id, unit, at } => {
            let left = at.client().remove_unit(*id, *unit).await?;
            at.tell(&left, |left| show_units(&left.units, lang))
        }
    }
}

fn one(tenant: Tenant, at: &Where, lang: Lang) -> Result<String, Error> {
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

fn show_units(units: &[Unit], lang: Lang) -> String {
    let mut rows = table(&header(lang, &[("numero", "number"), ("struttura", "unit")]));
    for unit in units {
        rows.add_row([unit.id.to_string(), unit.name.clone()]);
    }
    rows.to_string()
}
