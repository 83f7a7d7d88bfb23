//! `sigillo plan show|set|approve|consistency`: what an administration ordered, and how much of it is in use.

use std::collections::BTreeMap;

use sigillo_base::said;

use super::{Error, How, Where, Writes, header, table};
use crate::Lang;
use crate::api::{Consistency, NewPlan, Plans, Quantities};

/// What can be done with plans.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Mostra le versioni del piano di un'amministrazione e quante caselle ne restano
    Show {
        /// Il numero dell'amministrazione
        tenant: u64,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Scrive un'altra versione del piano; vale da quando è approvata
    Set {
        /// Il numero dell'amministrazione
        tenant: u64,
        /// Quante caselle di un profilo: standard=100; ripetibile. Di un profilo non nominato: nessuna
        #[arg(long = "profile", value_name = "PROFILO=N", required = true)]
        profiles: Vec<String>,
        /// Quante ne può avere una struttura: 7:standard=20; ripetibile. Senza, quante l'amministrazione
        #[arg(long = "unit", value_name = "STRUTTURA:PROFILO=N")]
        units: Vec<String>,
        /// A che cosa risale: l'atto, il numero dell'ordine
        #[arg(long, value_name = "TESTO", default_value = "")]
        note: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
    /// Approva una versione del piano: vale da adesso, al posto di quella di prima
    Approve {
        /// Il numero dell'amministrazione
        tenant: u64,
        /// La versione
        version: u64,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
    /// Quante caselle aveva un'amministrazione il 15 di un mese, alle 23:59:59, per profilo
    Consistency {
        /// Il numero dell'amministrazione
        tenant: u64,
        /// Il mese: AAAA-MM
        #[arg(long, value_name = "MESE")]
        month: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
}

/// Asks and gives the text to print.
pub async fn run(verb: &Verb, lang: Lang) -> Result<String, Error> {
    match verb {
        Verb::Show { tenant, at } => tell(&at.client().plans(*tenant).await?, at, lang),
        Verb::Set { tenant, profiles, units, note, at } => {
            let new = NewPlan { quantities: quantities(profiles)?, units: of_units(units)?, note: note.clone() };
            tell(&at.client().add_plan(*tenant, &new).await?, at, lang)
        }
        Verb::Approve { tenant, version, at } => tell(&at.client().approve_plan(*tenant, *version).await?, at, lang),
        Verb::Consistency { tenant, month, at } => {
            let found = at.client().consistency(*tenant, month).await?;
            at.tell(&found, |found| counted(found, lang))
        }
    }
}

/// `standard=100`
fn quantity(text: &str) -> Result<(String, u64), Error> {
    let bad = || Error::Refused(said!("«{text}» non è PROFILO=N", "“{text}” is not PROFILE=N"));
    let (profile, n) = text.split_once('=').ok_or_else(bad)?;
    Ok((profile.trim().to_owned(), n.trim().parse().map_err(|_| bad())?))
}

fn twice(text: &str) -> Error {
    Error::Refused(said!("«{text}»: il profilo c'è due volte", "“{text}”: the profile is there twice"))
}

fn quantities(texts: &[String]) -> Result<Quantities, Error> {
    let mut all = Quantities::new();
    for text in texts {
        let (profile, n) = quantity(text)?;
        if all.insert(profile, n).is_some() {
            return Err(twice(text));
        }
    }
    Ok(all)
}

/// `7:standard=20`
fn of_units(texts: &[String]) -> Result<BTreeMap<u64, Quantities>, Error> {
    let mut all: BTreeMap<u64, Quantities> = BTreeMap::new();
    for text in texts {
        let bad = || Error::Refused(said!("«{text}» non è STRUTTURA:PROFILO=N", "“{text}” is not UNIT:PROFILE=N"));
        let (unit, rest) = text.split_once(':').ok_or_else(bad)?;
        let (profile, n) = quantity(rest)?;
        let own = all.entry(unit.trim().parse().map_err(|_| bad())?).or_default();
        if own.insert(profile, n).is_some() {
            return Err(twice(text));
        }
    }
    Ok(all)
}

fn tell(plans: &Plans, at: &Where<impl How>, lang: Lang) -> Result<String, Error> {
    at.tell(plans, |plans| show(plans, lang))
}

fn show(plans: &Plans, lang: Lang) -> String {
    let columns = [
        ("versione", "version"),
        ("vale", "counts"),
        ("caselle", "mailboxes"),
        ("strutture", "units"),
        ("scritta", "written"),
        ("approvata", "approved"),
        ("nota", "note"),
    ];
    let mut rows = table(&header(lang, &columns));
    for plan in &plans.versions {
        let units = plan.units.iter().map(|(unit, own)| format!("{unit}: {}", list(own)));
        let by = |at: &str, by: &str| format!("{at} ({by})");
        let approved = plan.approved.as_deref().map(|at| by(at, plan.approved_by.as_deref().unwrap_or_default()));
        rows.add_row([
            plan.version.to_string(),
            super::yes(lang, plans.counts == Some(plan.version)).to_owned(),
            list(&plan.quantities),
            units.collect::<Vec<_>>().join("\n"),
            by(&plan.created, &plan.by),
            approved.unwrap_or_default(),
            plan.note.clone(),
        ]);
    }
    let mut text = rows.to_string();
    text += &format!("\n{}: {}", lang.pick("in uso", "in use"), list(&plans.used));
    text += &match &plans.left {
        Some(left) => format!("\n{}: {}", lang.pick("ne restano", "left"), list(left)),
        None => format!("\n{}", lang.pick("nessun piano approvato: nessun limite", "no approved plan: no limit")),
    };
    for (unit, left) in &plans.left_by_unit {
        text += &format!("\n{} {unit}: {}", lang.pick("ne restano alla struttura", "left to unit"), list(left));
    }
    text
}

fn list(quantities: &Quantities) -> String {
    quantities.iter().map(|(profile, n)| format!("{profile} {n}")).collect::<Vec<_>>().join(", ")
}

fn counted(found: &Consistency, lang: Lang) -> String {
    let mut rows = table(&header(lang, &[("profilo", "profile"), ("caselle", "mailboxes")]));
    for (profile, n) in &found.active {
        rows.add_row([profile.clone(), n.to_string()]);
    }
    rows.add_row([lang.pick("in tutto", "in all").to_owned(), found.total.to_string()]);
    format!("{}\n{rows}", found.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_by_profile_and_unit() {
        let texts = |all: &[&str]| all.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let found = quantities(&texts(&["standard=100", "massive-small = 2"])).unwrap();
        assert_eq!(list(&found), "massive-small 2, standard 100");
        assert_eq!(of_units(&texts(&["7:standard=20", "7:prova=1"])).unwrap()[&7].len(), 2);
        for bad in ["standard", "standard=x", "standard=-1"] {
            assert!(quantities(&texts(&[bad])).is_err(), "{bad}");
        }
        assert!(quantities(&texts(&["a=1", "a=2"])).is_err());
        assert!(of_units(&texts(&["x:standard=2"])).is_err() && of_units(&texts(&["standard=2"])).is_err());
    }
}
