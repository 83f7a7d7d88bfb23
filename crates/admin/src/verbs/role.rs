//! `sigillo role`: what each role may do. It asks nobody: the table is part of the program.

use sigillo_accounts::{Act, Role};

use super::{Error, json, table};

/// What can be asked.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Mostra che cosa permette ogni ruolo
    Matrix {
        /// Risponde in JSON invece che con una tabella
        #[arg(long)]
        json: bool,
    },
}

/// Gives the text to print.
pub fn run(verb: &Verb) -> Result<String, Error> {
    let Verb::Matrix { json: as_json } = verb;
    if *as_json {
        let acts = |role: Role| Act::ALL.into_iter().filter(|act| role.may(*act)).map(Act::name).collect::<Vec<_>>();
        let all: std::collections::BTreeMap<_, _> = Role::ALL.into_iter().map(|r| (r.name(), acts(r))).collect();
        return json(&all);
    }
    let mut rows = table(&["", "SA", "TC", "MR", "PO", "CO", "L1", "L2", "UP"]);
    for act in Act::ALL {
        let may = Role::ALL.map(|role| if role.may(act) { "×" } else { "" });
        rows.add_row([act.name()].into_iter().chain(may));
    }
    let legend = ["SA", "TC", "MR", "PO", "CO", "L1", "L2", "UP"].into_iter().zip(Role::ALL);
    let legend: Vec<String> = legend.map(|(short, role)| format!("{short} {}", role.name())).collect();
    Ok(format!("{rows}\n{}", legend.join("\n")))
}
