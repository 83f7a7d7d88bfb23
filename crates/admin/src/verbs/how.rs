//! On which terms a verb works: whether it changes something, may be tried first, must be confirmed.

use sigillo_base::said;

use super::{Error, Where};

/// The argument that asks only what would come of a verb.
pub const TRIAL: &str = "trial";

/// The terms of a verb.
pub trait How: clap::Args {
    /// Whether it asks only what would come of it.
    fn is_dry(&self) -> bool {
        false
    }
}

/// It changes nothing.
#[derive(Debug, Clone, clap::Args)]
pub struct Reads {}

impl How for Reads {}

/// It changes something.
#[derive(Debug, Clone, clap::Args)]
pub struct Writes {
    /// Prova soltanto: il gestore controlla tutto e risponde come se lo facesse, senza cambiare niente
    #[arg(long = "dry-run", id = TRIAL)]
    dry_run: bool,
}

impl How for Writes {
    fn is_dry(&self) -> bool {
        self.dry_run
    }
}

/// It ends something that no other verb brings back as it was.
#[derive(Debug, Clone, clap::Args)]
pub struct Destroys {
    #[command(flatten)]
    confirm: Confirm,
    #[command(flatten)]
    writes: Writes,
}

impl Destroys {
    /// Whether it was confirmed.
    pub(super) const fn is_confirmed(&self) -> bool {
        self.confirm.yes
    }
}

impl How for Destroys {
    fn is_dry(&self) -> bool {
        self.writes.is_dry()
    }
}

/// The word without which nothing is destroyed.
#[derive(Debug, Clone, clap::Args)]
pub struct Confirm {
    /// Conferma; senza, dice soltanto che cosa farebbe, a che cosa, e si ferma
    #[arg(long)]
    pub yes: bool,
}

impl Confirm {
    /// Goes on where it was confirmed.
    ///
    /// # Errors
    /// [`Error::Refused`] with what would be done and how to confirm it (the program ends with 1), or that this cannot be told.
    pub async fn given(&self, what: impl AsyncFnOnce() -> Result<String, Error>) -> Result<(), Error> {
        if self.yes {
            return Ok(());
        }
        // It was asked for in the language of who asks.
        let would = what().await?;
        Err(Error::Refused(said!(
            "{would}\nnon è stato fatto: confermare con --yes",
            "{would}\nnot done: confirm by --yes"
        )))
    }
}

impl Where<Destroys> {
    /// Goes on where it was confirmed, or is only tried; see [`Confirm::given`].
    ///
    /// # Errors
    /// The same.
    pub async fn confirmed(&self, what: impl AsyncFnOnce() -> Result<String, Error>) -> Result<(), Error> {
        if self.how.is_dry() { Ok(()) } else { self.how.confirm.given(what).await }
    }
}

/// So many of something: `1 casella`, `14 caselle`.
pub(super) fn count(n: u64, (one, many): (&str, &str)) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use clap::{Parser, Subcommand};
    use sigillo_base::Tell;

    use super::*;
    use crate::Lang;

    #[derive(Debug, Parser)]
    struct Line {
        /// As of the whole command line.
        #[arg(long, global = true, default_value = "it")]
        lang: Lang,
        #[command(subcommand)]
        verb: Verb,
    }

    #[derive(Debug, Subcommand)]
    enum Verb {
        Remove {
            #[command(flatten)]
            at: Where<Destroys>,
        },
    }

    #[tokio::test]
    async fn what_destroys_says_what_it_would_do_until_it_is_confirmed_and_may_be_tried() {
        let asked = async |args: &[&str]| {
            let Line { verb: Verb::Remove { at }, .. } = Line::parse_from([&["x", "remove"], args].concat());
            let done = at.confirmed(async || Ok("la lista tutti@x.example, 3 membri".to_owned())).await;
            done.map_err(|error| error.said().it)
        };
        let told = asked(&[]).await.unwrap_err();
        assert_eq!(told, "la lista tutti@x.example, 3 membri\nnon è stato fatto: confermare con --yes");
        assert_eq!((asked(&["--yes"]).await, asked(&["--dry-run"]).await), (Ok(()), Ok(())));
        assert_eq!(count(1, ("dominio", "domini")), "1 dominio");
    }
}
