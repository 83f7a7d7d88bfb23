//! Logs: tracing events as JSON or as lines for people. No secrets, no message bodies.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Mutex;

use anyhow::Result;
use sigillo_base::said;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::complaint::Context as _;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Lines for people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Starts logging, to `file` or to standard error. `SIGILLO_LOG` says which events (`info`, `sigillo_engine=debug`,
/// …) and goes before `level`.
pub fn start(format: Format, level: &str, file: Option<&Path>) -> Result<()> {
    let wanted = std::env::var("SIGILLO_LOG").unwrap_or_else(|_| level.to_owned());
    let filter = EnvFilter::try_new(&wanted)
        .told(|| said!("SIGILLO_LOG: {wanted:?} non è un livello", "SIGILLO_LOG: {wanted:?} is no level"))?;
    let writer = match file {
        None => BoxMakeWriter::new(std::io::stderr),
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            BoxMakeWriter::new(Mutex::new(
                file.told(|| said!("{}: non si apre", "{}: it cannot be opened", path.display()))?,
            ))
        }
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false);
    let set = match format {
        Format::Human => builder.try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    set.map_err(|e| anyhow::anyhow!("log: {e}"))
}
