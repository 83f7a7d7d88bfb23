//! `sigillo unit list|add|rename|remove`: the units of an administration, which may manage mailboxes of their own.

use super::how::count;
use super::{Destroys, Error, How, Where, Writes, header, table};
use crate::api::{Unit, Units};
use crate::{Client, Lang};

/// What can be done with units.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Elenca le strutture di un'amministrazione
    List {
        /// Il numero dell'amministrazione
        tenant: u64,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Crea una struttura, che può gestire le proprie caselle
    Add {
        /// Il numero dell'amministrazione
        tenant: u64,
        /// Il nome della struttura
        name: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
    /// Dà un altro nome a una struttura: caselle, liste e ruoli restano suoi
    Rename {
        /// Il numero dell'amministrazione
        tenant: u64,
        /// Il numero della struttura
        unit: u64,
        /// Il nome nuovo
        name: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
    /// Toglie una struttura: le sue caselle restano dell'amministrazione
    Remove {
        /// Il numero dell'amministrazione
        tenant: u64,
        /// Il numero della struttura
        unit: u64,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Destroys>,
    },
}

/// Asks and gives the text to print.
pub async fn run(verb: &Verb, lang: Lang) -> Result<String, Error> {
    match verb {
        Verb::List { tenant, at } => all(&at.client().units(*tenant).await?, at, lang),
        Verb::Add { tenant, name, at } => one(&at.client().add_unit(*tenant, name).await?, at, lang),
        Verb::Rename { tenant, unit, name, at } => one(&at.client().rename_unit(*tenant, *unit, name).await?, at, lang),
        Verb::Remove { tenant, unit, at } => {
            at.confirmed(async || ended(&at.client(), *tenant, *unit, lang).await).await?;
            all(&at.client().remove_unit(*tenant, *unit).await?, at, lang)
        }
    }
}

/// What would end with a unit.
async fn ended(client: &Client, tenant: u64, unit: u64, lang: Lang) -> Result<String, Error> {
    let units = client.units(tenant).await?.units;
    let name = units.iter().find(|known| known.id == unit).map_or("", |known| &known.name);
    let used = client.plans(tenant).await?.used_by_unit;
    let boxes = used.get(&unit).map_or(0, |used| used.values().sum());
    Ok(match lang {
        Lang::It => format!(
            "si toglierebbe la struttura {unit} «{name}» dell'amministrazione {tenant}: {} non sarebbero più di nessuna",
            count(boxes, ("casella", "caselle"))
        ),
        Lang::En => format!(
            "unit {unit} \"{name}\" of administration {tenant} would be removed: {} would belong to none",
            count(boxes, ("mailbox", "mailboxes"))
        ),
    })
}

fn one(unit: &Unit, at: &Where<Writes>, lang: Lang) -> Result<String, Error> {
    at.tell(unit, |unit| show(std::slice::from_ref(unit), lang))
}

fn all(units: &Units, at: &Where<impl How>, lang: Lang) -> Result<String, Error> {
    at.tell(units, |units| show(&units.units, lang))
}

fn show(units: &[Unit], lang: Lang) -> String {
    let mut rows = table(&header(lang, &[("numero", "number"), ("struttura", "unit")]));
    for unit in units {
        rows.add_row([unit.id.to_string(), unit.name.clone()]);
    }
    rows.to_string()
}
