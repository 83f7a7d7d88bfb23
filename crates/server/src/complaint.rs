//! What errors that came up through `anyhow` say in both languages.

use std::{error, fmt, io};

use anyhow::Error;
use sigillo_admin::verbs;
use sigillo_base::{AddressError, Complaint, PhoneError, Said, Tell, said};
use sigillo_smime::PathError;
use sigillo_store_rocks::backup;

use crate::config::{Problem, Problems};
use crate::legal_log;

/// What it says, with what is behind it; who speaks one language alone is heard in that.
pub fn of(error: &Error) -> Said {
    error.chain().map(alone).reduce(joined).unwrap_or_default()
}

/// What an error says without what is behind it.
pub fn alone(cause: &(dyn error::Error + 'static)) -> Said {
    known(cause).unwrap_or_else(|| Said::verbatim(cause))
}

/// The same, of those alone that speak both languages.
pub fn known(cause: &(dyn error::Error + 'static)) -> Option<Said> {
    fn heard<T: Tell + error::Error + 'static>(cause: &(dyn error::Error + 'static)) -> Option<Said> {
        cause.downcast_ref::<T>().map(Tell::said)
    }
    let ways = [
        heard::<Complaint>,
        heard::<Before>,
        heard::<Problem>,
        heard::<Problems>,
        heard::<AddressError>,
        heard::<PhoneError>,
        heard::<sigillo_admin::Error>,
        heard::<verbs::Error>,
        heard::<sigillo_engine::Error>,
        heard::<sigillo_pec::Error>,
        heard::<sigillo_smime::Error>,
        heard::<PathError>,
        heard::<sigillo_store_rocks::Error>,
        heard::<backup::Error>,
        heard::<legal_log::Error>,
    ];
    let within = || known(cause.downcast_ref::<io::Error>()?.get_ref()?);
    ways.into_iter().find_map(|heard| heard(cause)).or_else(within)
}

/// What there is to say before work that ended without an answer.
pub fn broken_off() -> Said {
    said!("lavoro interrotto", "the work broke off")
}

fn joined(Said { it, en }: Said, behind: Said) -> Said {
    Said::new(format!("{it}: {}", behind.it), format!("{en}: {}", behind.en))
}

/// [`anyhow::Context`] in both languages.
pub trait Context<T> {
    /// The error behind what is said before it.
    ///
    /// # Errors
    /// That.
    fn told(self, before: impl FnOnce() -> Said) -> anyhow::Result<T>;
}

impl<T, E: Into<Error>> Context<T> for Result<T, E> {
    fn told(self, before: impl FnOnce() -> Said) -> anyhow::Result<T> {
        self.map_err(|error| Before { said: before(), error: error.into() }.into())
    }
}

impl<T> Context<T> for Option<T> {
    fn told(self, before: impl FnOnce() -> Said) -> anyhow::Result<T> {
        self.ok_or_else(|| Complaint(before()).into())
    }
}

/// What is said before an error.
#[derive(Debug)]
struct Before {
    said: Said,
    error: Error,
}

impl Tell for Before {
    fn said(&self) -> Said {
        self.said.clone()
    }
}

impl fmt::Display for Before {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said.it)
    }
}

impl error::Error for Before {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(self.error.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_that_speaks_both_languages_is_heard_in_both_and_the_logs_stay_italian() {
        let locked = io::Error::new(io::ErrorKind::WouldBlock, Complaint(said!("è occupata", "it is in use")));
        let error = Err::<(), _>(locked).told(|| said!("la cartella", "the folder")).unwrap_err().context("x.toml");
        assert_eq!(of(&error), said!("x.toml: la cartella: è occupata", "x.toml: the folder: it is in use"));
        assert_eq!(format!("{error:#}"), of(&error).it);
        let gone = io::Error::from(io::ErrorKind::NotFound);
        assert_eq!(of(&gone.into()), Said::verbatim(io::Error::from(io::ErrorKind::NotFound)));
    }
}
