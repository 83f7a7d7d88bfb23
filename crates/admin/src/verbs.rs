//! The administrative verbs of the command line: one file each. Each gives the text to print, or an error.

pub mod dispatch;
pub mod domain;
pub mod index;
pub mod list;
pub mod log;
pub mod mailbox;
pub mod person;
pub mod quarantine;
pub mod queue;
pub mod report;
pub mod role;
pub mod status;
pub mod store;
pub mod store_check;
pub mod tenant;
pub mod tls_report;

use std::path::PathBuf;

use comfy_table::{Table, presets};
use serde::Serialize;

use crate::{Client, Lang};

/// What every administrative verb takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Where {
    /// Socket amministrativo del gestore
    #[arg(long, value_name = "PATH", env = "SIGILLO_SOCKET", default_value = "/run/sigillo/admin.sock")]
    pub socket: PathBuf,
    /// File con il token di chi amministra (modo 0600)
    #[arg(long, value_name = "FILE", env = "SIGILLO_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// Risponde in JSON invece che con una tabella
    #[arg(long)]
    pub json: bool,
}

impl Where {
    /// Who asks there.
    pub fn client(&self) -> Client {
        Client::new(&self.socket).with_token(self.token_file.clone())
    }

    /// An answer as it was asked for: in JSON, or as `show` makes it for people.
    fn tell<T: Serialize>(&self, answer: &T, show: impl FnOnce(&T) -> String) -> Result<String, Error> {
        if self.json { json(answer) } else { Ok(show(answer)) }
    }
}

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request gave no answer.
    #[error(transparent)]
    Client(#[from] crate::Error),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The password could not be read.
    #[error("la password non si legge: {0}")]
    Password(std::io::Error),
    /// The password is empty.
    #[error("la password è vuota: va scritta su una riga dell'ingresso standard o in --password-file")]
    NoPassword,
    /// What was asked for cannot be had.
    #[error("{0}")]
    Refused(String),
    /// The verb ran, and what it was to show is not so: this is the text to print.
    #[error("{0}")]
    Shown(String),
    /// The answer could not be written as JSON.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED).set_header(header);
    table
}

fn json(value: &impl Serialize) -> Result<String, Error> {
    Ok(serde_json::to_string_pretty(value)?)
}

/// `sì` or `no`.
fn yes(lang: Lang, so: bool) -> &'static str {
    if so { lang.pick("sì", "yes") } else { "no" }
}

fn header(lang: Lang, columns: &[(&'static str, &'static str)]) -> Vec<&'static str> {
    columns.iter().map(|(italian, english)| lang.pick(italian, english)).collect()
}
