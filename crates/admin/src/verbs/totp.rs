//! `sigillo totp enrol|remove|reset`: the second factor of who holds a mailbox. Who administrates adds his in the same way.

use std::path::{Path, PathBuf};

use serde::Serialize;
use sigillo_base::Secret;

use super::password::{code, said};
use super::{Destroys, Error, Where};
use crate::Lang;
use crate::api::{Enrolment, FirstCode, OwnProof, SpareCodes};
use crate::terminal::Answers;

/// What can be done with second factors.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Chi tiene una casella vi aggiunge un secondo fattore: mostra il seme per l'applicazione del telefono, e ne chiede un codice
    Enrol {
        /// Indirizzo della casella, o INDIRIZZO/NOME per chi vi ha una credenziale personale
        address: String,
        /// File con la password, e per confermare un seme già mostrato il codice sulla seconda riga; «-» è l'ingresso standard
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Chi tiene una casella ne toglie il secondo fattore, con un suo codice o uno di riserva
    Remove {
        /// Indirizzo della casella, o INDIRIZZO/NOME per chi vi ha una credenziale personale
        address: String,
        /// File con la password sulla prima riga e il codice sulla seconda; «-» è l'ingresso standard
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Toglie il secondo fattore a chi tiene una casella e ha perso telefono e codici di riserva
    Reset {
        /// Indirizzo della casella
        address: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Destroys>,
    },
}

/// What an enrolment shows.
#[derive(Serialize)]
struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    spare_codes: Vec<String>,
}

/// Asks and gives the text to print.
pub async fn run(verb: &Verb, lang: Lang) -> Result<String, Error> {
    match verb {
        Verb::Enrol { address, password_file, at } => enrol(address, password_file.as_deref(), at, lang).await,
        Verb::Remove { address, password_file, at } => {
            let mut answers = Answers::of(password_file.as_deref()).map_err(Error::Password)?;
            let password = said(&mut answers, ("Password", "Password"), lang)?;
            let code = Some(code(&mut answers, lang)?);
            let removed = at.client().remove_own_totp(&OwnProof { user: address.clone(), password, code }).await?;
            let text = lang.pick("tolto il secondo fattore di", "removed the second factor of");
            at.tell(&removed, |removed| format!("{text} {}", removed.user))
        }
        Verb::Reset { address, at } => {
            at.confirmed(async || {
                Ok(match lang {
                    Lang::It => format!("{address} perderebbe il secondo fattore: da quel momento basta la password"),
                    Lang::En => format!("{address} would lose the second factor: from then on the password suffices"),
                })
            })
            .await?;
            let removed = at.client().remove_totp(address).await?;
            let text = lang.pick("tolto il secondo fattore di", "removed the second factor of");
            at.tell(&removed, |removed| format!("{text} {}", removed.user))
        }
    }
}

/// Shows a seed and takes its first code: at once from whoever sits there; from anybody else when he calls again, with it
/// behind the password.
async fn enrol(address: &str, file: Option<&Path>, at: &Where, lang: Lang) -> Result<String, Error> {
    let mut answers = Answers::of(file).map_err(Error::Password)?;
    let (user, client) = (address.to_owned(), at.client());
    let password = said(&mut answers, ("Password", "Password"), lang)?;
    let proof = OwnProof { user: user.clone(), password: password.clone(), code: None };
    let begin = client.begin_totp(&proof);
    let confirm = async |code| client.confirm_totp(&FirstCode { user, password, code }).await;
    let again = ("ripetere con il codice sulla seconda riga", "repeat with the code on the second line");
    let shown = enrolled(&mut answers, begin, confirm, lang).await?;
    at.tell(&shown, |shown| show(shown, again, lang))
}

/// The same for who administrates, who shows his token: the first line is the code.
pub(super) async fn enrol_person(file: Option<&Path>, at: &Where, lang: Lang) -> Result<String, Error> {
    let mut answers = Answers::of(file).map_err(Error::Password)?;
    let client = at.client();
    let confirm = async |code| client.confirm_my_totp(code).await;
    let again = ("ripetere con --code-file e il codice", "repeat with --code-file and the code");
    let shown = enrolled(&mut answers, client.begin_my_totp(), confirm, lang).await?;
    at.tell(&shown, |shown| show(shown, again, lang))
}

async fn enrolled(
    answers: &mut Answers,
    begin: impl Future<Output = Result<Enrolment, crate::Error>>,
    confirm: impl AsyncFnOnce(Secret) -> Result<SpareCodes, crate::Error>,
    lang: Lang,
) -> Result<Shown, Error> {
    let mut shown = Shown { seed: None, uri: None, spare_codes: Vec::new() };
    let mut first = if answers.are_typed() { None } else { answers.next("").map_err(Error::Password)? };
    if first.is_none() {
        let begun = begin.await?;
        if answers.are_typed() {
            first = Some(typed(answers, begun.uri.expose(), lang)?);
        }
        (shown.seed, shown.uri) = (Some(begun.seed.expose().to_owned()), Some(begun.uri.expose().to_owned()));
    }
    if let Some(code) = first {
        shown.spare_codes = confirm(code).await?.codes;
    }
    Ok(shown)
}

fn typed(answers: &mut Answers, uri: &str, lang: Lang) -> Result<Secret, Error> {
    let what = format!("{uri}\n{}", lang.pick("Codice che l'applicazione mostra", "Code that the application shows"));
    said(answers, (&what, &what), lang)
}

/// What it came to; `again` is what is still to be done where no code was said.
fn show(shown: &Shown, again: (&str, &str), lang: Lang) -> String {
    let mut lines = Vec::new();
    if let (Some(seed), Some(uri)) = (&shown.seed, &shown.uri) {
        let told = lang.pick("seme (non si vedrà più)", "seed (not shown again)");
        lines.extend([format!("{told}: {seed}"), uri.clone()]);
    }
    if shown.spare_codes.is_empty() {
        let (text, again) = match lang {
            Lang::It => ("vale dal primo codice", again.0),
            Lang::En => ("it counts from its first code on", again.1),
        };
        lines.push(format!("{text}: {again}"));
    } else {
        let told = lang.pick(
            "il secondo fattore vale da ora; codici di riserva, ognuno buono una volta (non si vedranno più):",
            "the second factor counts from now on; spare codes, each good once (not shown again):",
        );
        lines.push(told.to_owned());
        lines.extend(shown.spare_codes.iter().cloned());
    }
    lines.join("\n")
}
