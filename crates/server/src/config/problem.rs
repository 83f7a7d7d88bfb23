//! A configuration error, as a person needs it: where, what, and what to do.

use std::path::{Path, PathBuf};

use sigillo_admin::Lang;
use sigillo_base::{Said, Tell, said, told};

/// One error of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The configuration file.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: Option<usize>,
    /// The key with its table: `listen.smtp`.
    pub key: Option<String>,
    /// What is wrong.
    pub what: Said,
    /// What to do.
    pub remedy: Said,
}

impl Problem {
    /// The error in one language, on one line.
    pub fn say(&self, lang: Lang) -> String {
        let mut text = self.file.display().to_string();
        if let Some(line) = self.line {
            text += &format!(":{line}");
        }
        if let Some(key) = &self.key {
            text += &format!(": {} `{key}`", lang.pick("chiave", "key"));
        }
        let remedy = lang.pick("rimedio", "remedy");
        format!("{text}: {}; {remedy}: {}", self.what.pick(lang), self.remedy.pick(lang))
    }

    /// What the TOML reader found, in our words.
    pub(super) fn from_toml(file: &Path, text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let message = error.message().trim();
        let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let table = table_at(text, start);
        let join = |name: &str| if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") };
        let (key, what, remedy) = if message.starts_with("unknown field") {
            let known = quoted.get(1..).unwrap_or_default().join(", ");
            (
                quoted.first().map(|k| join(k)),
                said!("chiave sconosciuta", "unknown key"),
                said!(
                    "correggere il nome o togliere la riga; qui valgono: {known}",
                    "correct the name or remove the line; known here: {known}"
                ),
            )
        } else if message.starts_with("missing field") {
            (
                quoted.first().map(|k| join(k)),
                said!("manca", "missing"),
                said!(
                    "aggiungerla; `sigillo config init` mostra un esempio",
                    "add it; `sigillo config init` shows a sample"
                ),
            )
        } else {
            let key = key_at(text, start).map(|k| join(&k));
            (
                key,
                said!("valore o sintassi non validi ({message})", "bad value or syntax ({message})"),
                said!("correggere la riga secondo TOML e l'esempio", "correct the line by TOML and the sample"),
            )
        };
        let line = text[..start].matches('\n').count() + 1;
        Self { file: file.to_owned(), line: Some(line), key, what, remedy }
    }
}

/// The table that holds an offset.
fn table_at(text: &str, offset: usize) -> String {
    let end = text[offset..].find('\n').map_or(text.len(), |n| offset + n);
    let header = text[..end].lines().rev().map(str::trim).find(|l| l.starts_with('['));
    let name = header.and_then(|h| h.trim_start_matches('[').split(']').next()).unwrap_or_default();
    name.trim().to_owned()
}

/// The key of the line that holds an offset.
fn key_at(text: &str, offset: usize) -> Option<String> {
    let start = text[..offset].rfind('\n').map_or(0, |n| n + 1);
    let line = text[start..].lines().next()?;
    let (key, _) = line.split_once('=')?;
    Some(key.trim().to_owned()).filter(|k| !k.is_empty() && !k.starts_with('#'))
}

/// All errors of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// One line each.
    pub fn say(&self, lang: Lang) -> String {
        self.0.iter().map(|p| p.say(lang)).collect::<Vec<_>>().join("\n")
    }
}

impl Tell for Problem {
    fn said(&self) -> Said {
        Said::new(self.say(Lang::It), self.say(Lang::En))
    }
}

told!(Problem);

impl Tell for Problems {
    fn said(&self) -> Said {
        Said::new(self.say(Lang::It), self.say(Lang::En))
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

told!(Problems);
