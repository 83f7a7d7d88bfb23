//! The administrative verbs of the command line: one file each. Each gives the text to print, or an error.

pub mod address_book;
pub mod apply;
pub mod cert;
pub mod credential;
pub mod dispatch;
pub mod domain;
mod how;
pub mod index;
pub mod list;
pub mod log;
pub mod mailbox;
pub mod notice;
pub mod operation;
pub mod password;
pub mod person;
pub mod plan;
pub mod profile;
pub mod quarantine;
pub mod queue;
pub mod report;
pub mod role;
pub mod status;
pub mod store;
pub mod store_check;
pub mod tenant;
pub mod tls_report;
pub mod totp;
pub mod unit;

use std::path::{Path, PathBuf};

use comfy_table::{Table, presets};
use serde::Serialize;
use sigillo_base::{Said, Tell, said, told};

pub use self::how::{Confirm, Destroys, How, Reads, TRIAL, Writes};
use crate::{Client, Lang, api};

/// What every administrative verb takes; those that change something take [`Writes`] or [`Destroys`] with it.
#[derive(Debug, Clone, clap::Args)]
pub struct Where<H: How = Reads> {
    /// Socket amministrativo del gestore
    #[arg(long, value_name = "PATH", env = "SIGILLO_SOCKET", default_value = "/run/sigillo/admin.sock")]
    pub socket: PathBuf,
    /// Il gestore su un'altra macchina, sotto TLS, invece del socket: https://host:porta
    #[arg(long, value_name = "URL", env = "SIGILLO_SERVER")]
    pub server: Option<String>,
    /// Certificati PEM delle autorità di cui fidarsi per --server, invece di quelle del sistema
    #[arg(long, value_name = "FILE", env = "SIGILLO_CA_FILE")]
    pub ca_file: Option<PathBuf>,
    /// File con il token di chi amministra (modo 0600)
    #[arg(long, value_name = "FILE", env = "SIGILLO_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// Risponde in JSON invece che con una tabella
    #[arg(long)]
    pub json: bool,
    /// Of the whole command line: the service answers in it.
    #[arg(from_global)]
    pub lang: Lang,
    /// On which terms.
    #[command(flatten)]
    pub how: H,
}

impl<H: How> Where<H> {
    /// Who asks there, at a console.
    pub fn client(&self) -> Client {
        let client = match &self.server {
            Some(url) => Client::of_server(url, self.ca_file.clone()),
            None => Client::new(&self.socket),
        };
        let client = client.with_token(self.token_file.clone()).speaking(self.lang).at_a_terminal();
        let mut headers = vec![(api::CHANNEL, "console".to_owned())];
        if self.how.is_dry() {
            headers.push((api::DRY_RUN, true.to_string()));
        }
        client.asking(headers)
    }

    /// An answer as it was asked for: in JSON, or as `show` makes it for people.
    fn tell<T: Serialize>(&self, answer: &T, show: impl FnOnce(&T) -> String) -> Result<String, Error> {
        if self.json { json(answer) } else { Ok(show(answer)) }
    }
}

/// On whose request something is done to mailboxes, lists and address books: what the register of operations says of it.
#[derive(Debug, Clone, clap::Args)]
pub struct Asked {
    /// Il ticket a cui appartiene la richiesta
    #[arg(long, value_name = "TICKET")]
    pub ticket: Option<String>,
    /// Quando è stata chiesta: AAAA-MM-GGThh:mm; senza, adesso
    #[arg(long, value_name = "QUANDO")]
    pub requested_at: Option<String>,
    /// Chi l'ha chiesta, se non chi la esegue
    #[arg(long, value_name = "CHI")]
    pub requested_by: Option<String>,
    /// La persona che l'ha confermata, se non chi la esegue; vuole --confirmed-at e --ticket
    #[arg(long, value_name = "PERSONA", requires_all = ["confirmed_at", "ticket"])]
    pub confirmed_by: Option<String>,
    /// Quando l'ha confermata: da qui corrono le ore
    #[arg(long, value_name = "QUANDO", requires = "confirmed_by")]
    pub confirmed_at: Option<String>,
    /// Per quale via è arrivata: console o phone
    #[arg(long, value_name = "VIA", default_value = "console")]
    pub channel: String,
}

impl Asked {
    /// As headers of a request that came by this channel.
    pub(crate) fn headers(&self, channel: &str) -> Vec<(&'static str, String)> {
        let given = [
            (api::TICKET, self.ticket.clone()),
            (api::REQUESTED_AT, self.requested_at.clone()),
            (api::REQUESTED_BY, self.requested_by.clone()),
            (api::CONFIRMED_BY, self.confirmed_by.clone()),
            (api::CONFIRMED_AT, self.confirmed_at.clone()),
            (api::CHANNEL, Some(channel.to_owned())),
        ];
        given.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
    }

    /// Who asks there, on this request.
    fn client(&self, at: &Where<impl How>) -> Client {
        at.client().asking(self.headers(&self.channel))
    }
}

/// Why a verb failed.
#[derive(Debug)]
pub enum Error {
    /// The request gave no answer.
    Client(crate::Error),
    /// A file could not be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The password could not be read.
    Password(std::io::Error),
    /// The password is empty.
    NoPassword,
    /// What was asked for cannot be had.
    Refused(Said),
    /// The verb ran, and what it was to show is not so: this is the text to print.
    Shown(String),
    /// The answer could not be written as JSON.
    Json(serde_json::Error),
}

impl Tell for Error {
    fn said(&self) -> Said {
        match self {
            Self::Client(error) => error.said(),
            Self::File { path, source } => Said::verbatim(source).about(path.display()),
            Self::Password(error) => said!("la password non si legge: {error}", "the password cannot be read: {error}"),
            Self::NoPassword => said!(
                "la password è vuota: va scritta su una riga dell'ingresso standard o in --password-file",
                "the password is empty: it belongs on a line of the standard input or into --password-file"
            ),
            Self::Refused(why) => why.clone(),
            Self::Shown(text) => Said::verbatim(text),
            Self::Json(error) => Said::verbatim(error).about("JSON"),
        }
    }
}

told!(Error);

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        Self::Client(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

/// A table that somebody brings.
fn load(file: &Path) -> Result<Vec<u8>, Error> {
    crate::csv::load(file).map_err(|source| Error::File { path: file.to_owned(), source })
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
