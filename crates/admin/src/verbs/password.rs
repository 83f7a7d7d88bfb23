//! `sigillo password change|file`: what the holder of a mailbox does with his own password, and the file of passwords that an
//! administration's technical contact brings (PWD-03).

use std::path::PathBuf;

use sigillo_base::{Secret, said};

use super::{Error, Where, Writes, json, load};
use crate::Lang;
use crate::api::{CODE_WANTED, OwnPassword, PasswordsGiven, Recovery, ResetAsked, WrongLine};
use crate::terminal::Answers;

/// What can be done with passwords.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Verb {
    /// Chi tiene una casella cambia la propria password, anche al primo accesso; si chiede sul terminale, mai dagli argomenti
    Change {
        /// Indirizzo della casella, o INDIRIZZO/NOME per chi vi ha una credenziale personale
        address: String,
        /// File con la password di adesso e quella nuova, una per riga, e il codice di chi ha un secondo fattore; «-» è l'ingresso standard
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Chi tiene una casella e non sa più la password si fa mandare un codice, dove è raggiungibile; poi «password recover»
    Reset {
        /// Indirizzo della casella
        address: String,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Imposta la password con il codice ricevuto; si chiede sul terminale, mai dagli argomenti
    Recover {
        /// Indirizzo della casella
        address: String,
        /// File con il codice sulla prima riga e la password nuova sulla seconda; «-» è l'ingresso standard
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Where to ask.
        #[command(flatten)]
        at: Where,
    },
    /// Dà alle caselle di un file le password che vi sono scritte; lo può il referente tecnico dell'amministrazione
    File {
        /// File CSV con la riga «Utente;Nuova Password;Numero di cellulare» e poi una casella per riga; «-» è l'ingresso standard
        file: PathBuf,
        /// Where to ask.
        #[command(flatten)]
        at: Where<Writes>,
    },
}

/// Asks and gives the text to print.
///
/// # Errors
/// See [`Error`]; `Shown` where some lines of a file were not done.
pub async fn run(verb: &Verb, lang: Lang, heard: &mut dyn FnMut(u64, u64)) -> Result<String, Error> {
    match verb {
        Verb::File { file, at } => {
            let given = at.client().give_passwords(load(file)?, heard).await?;
            let text = if at.json { json(&given)? } else { told(&given, lang) };
            if given.wrong.is_empty() { Ok(text) } else { Err(Error::Shown(text)) }
        }
        Verb::Reset { address, at } => {
            let told = at.client().ask_reset(&ResetAsked { user: address.clone() }).await?;
            at.tell(&told, |told| told.detail.clone())
        }
        Verb::Recover { address, password_file, at } => {
            let mut answers = Answers::of(password_file.as_deref()).map_err(Error::Password)?;
            let secret = said(&mut answers, ("Codice ricevuto", "Code received"), lang)?;
            let new_password = new(&mut answers, lang)?;
            let changed = at.client().recover(&Recovery { user: address.clone(), secret, new_password }).await?;
            let text = lang.pick("impostata la password di", "set the password of");
            at.tell(&changed, |changed| format!("{text} {}", changed.user))
        }
        Verb::Change { address, password_file, at } => {
            let mut answers = Answers::of(password_file.as_deref()).map_err(Error::Password)?;
            let password = said(&mut answers, ("Password di adesso", "Present password"), lang)?;
            let new_password = new(&mut answers, lang)?;
            let mut change = OwnPassword { user: address.clone(), password, code: None, new_password };
            let changed = match at.client().change_own_password(&change).await {
                Err(refused) if wants_code(&refused) => {
                    change.code = Some(code(&mut answers, lang)?);
                    at.client().change_own_password(&change).await?
                }
                other => other?,
            };
            let text = lang.pick("cambiata la password di", "changed the password of");
            at.tell(&changed, |changed| format!("{text} {}", changed.user))
        }
    }
}

fn told(given: &PasswordsGiven, lang: Lang) -> String {
    let done = lang.pick("password date", "passwords given");
    let mut text =
        format!("{done}: {}; {}: {}", given.given, lang.pick("righe errate", "wrong lines"), given.wrong.len());
    if given.dry_run {
        text += lang.pick("\nprova: niente è cambiato", "\ntrial: nothing was changed");
    }
    for WrongLine { line, object, why, .. } in &given.wrong {
        let of = if object.is_empty() { String::new() } else { format!(" ({object})") };
        text += &format!("\n{} {line}{of}: {why}", lang.pick("riga", "line"));
    }
    text
}

/// Whether a code of the second factor is wanted beside the password.
pub(super) fn wants_code(refused: &crate::Error) -> bool {
    matches!(refused, crate::Error::Refused(problem) if problem.kind == CODE_WANTED)
}

/// A code of the second factor.
pub(super) fn code(answers: &mut Answers, lang: Lang) -> Result<Secret, Error> {
    said(answers, ("Codice del secondo fattore", "Code of the second factor"), lang)
}

/// The next secret, by its name in two languages.
pub(super) fn said(answers: &mut Answers, (italian, english): (&str, &str), lang: Lang) -> Result<Secret, Error> {
    let missing = || {
        let (it, en) = (italian.to_lowercase(), english.to_lowercase());
        Error::Refused(said!("manca una riga: {it}", "a line is missing: {en}"))
    };
    answers.next(lang.pick(italian, english)).map_err(Error::Password)?.ok_or_else(missing)
}

/// A new password, twice where it is typed, since nobody sees it.
fn new(answers: &mut Answers, lang: Lang) -> Result<Secret, Error> {
    let once = said(answers, ("Password nuova", "New password"), lang)?;
    if answers.are_typed() && said(answers, ("Password nuova, di nuovo", "New password, again"), lang)? != once {
        return Err(Error::Refused(said!("le due password nuove sono diverse", "the two new passwords differ")));
    }
    Ok(once)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(subcommand)]
        verb: Verb,
    }

    #[test]
    fn passwords_are_lines_and_no_arguments() {
        assert!(Cli::try_parse_from(["x", "change", "a@b.example", "vecchia", "nuova"]).is_err());
        assert!(Cli::try_parse_from(["x", "change", "a@b.example", "--password", "vecchia"]).is_err());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "vecchia\r\nuna frase nuova\n").unwrap();
        let mut answers = Answers::of(Some(file.path())).unwrap();
        let old = said(&mut answers, ("vecchia", "old"), Lang::It).unwrap();
        let new = new(&mut answers, Lang::It).unwrap();
        assert_eq!((old.expose(), new.expose()), ("vecchia", "una frase nuova"));
        assert!(code(&mut answers, Lang::It).unwrap_err().to_string().contains("manca una riga"));
    }
}
