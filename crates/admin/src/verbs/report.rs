//! `sigillo report blocked-boxes`.

use std::path::PathBuf;

use super::{Error, Where, json};
use crate::{Lang, report};

/// Reports that can be had.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Le caselle che in un giorno hanno superato i limiti di invio del loro profilo, in CSV; anche quando nessuna
    BlockedBoxes {
        /// Il giorno: AAAA-MM-GG
        #[arg(long, value_name = "GIORNO")]
        day: String,
        /// Scrive il rapporto in questo file invece di mostrarlo
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
}

/// Asks and gives the text to print.
pub async fn run(verb: &Verb, lang: Lang) -> Result<String, Error> {
    let Verb::BlockedBoxes { day, out, at } = verb;
    let found = at.client().blocked_boxes(day).await?;
    let text = if at.json { json(&found)? } else { report::blocked_boxes(&found) };
    let Some(path) = out else { return Ok(text.trim_end().to_owned()) };
    std::fs::write(path, text).map_err(|source| Error::File { path: path.clone(), source })?;
    Ok(format!("{} {}", lang.pick("scritto", "wrote"), path.display()))
}
