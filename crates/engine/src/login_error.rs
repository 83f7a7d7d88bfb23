//! Why somebody does not come in.

use sigillo_base::{Said, Tell, Timestamp, said};
use sigillo_wire::Tick;

use crate::Error;
use crate::idle::told;

/// Why a login failed.
#[derive(Debug)]
pub enum LoginError {
    /// Unknown user or wrong password; nobody is told which.
    Credentials,
    /// The mailbox is blocked: told only to who knew the password.
    Blocked(Said),
    /// The password is to be changed before it is good: told only to who knew it.
    MustChange,
    /// The password was good until a time that is over: told only to who knew it.
    Expired(Timestamp),
    /// The credential is not for this: told only to who knew the password.
    Rights,
    /// Who holds it has a second factor, which mail programs have no use for: told only to who knew the password.
    SecondFactor,
    /// A code is wanted beside the password: told only to who knew it.
    CodeWanted,
    /// The code is not one, or was said before.
    WrongCode,
    /// There were too many wrong codes, wherever they came from: until when none is judged.
    TooManyCodes(Tick),
    /// It could not be checked.
    Fault(Error),
}

impl From<Error> for LoginError {
    fn from(fault: Error) -> Self {
        Self::Fault(fault)
    }
}

impl Tell for LoginError {
    fn said(&self) -> Said {
        match self {
            Self::Credentials => said!("utente o password non validi", "wrong user or password"),
            Self::Blocked(Said { it, en }) => said!("la casella {it}", "the mailbox {en}"),
            Self::MustChange => {
                said!("la password è da cambiare prima di usarla", "the password is to be changed before it is used")
            }
            Self::Expired(at) => {
                let Said { it, en } = told(*at);
                said!("la password è scaduta il {it}", "the password expired on {en}")
            }
            Self::Rights => said!("la credenziale non dà questo accesso", "the credential does not give this access"),
            Self::SecondFactor => said!(
                "la casella ha un secondo fattore: i programmi di posta accedono con una password per applicazioni (INDIRIZZO/NOME)",
                "the mailbox has a second factor: mail programs log in with a password for applications (ADDRESS/NAME)"
            ),
            Self::CodeWanted => {
                said!("serve anche il codice del secondo fattore", "the code of the second factor is wanted too")
            }
            Self::WrongCode => {
                said!("il codice non è valido, o è già stato usato", "the code is not valid, or was used before")
            }
            Self::TooManyCodes(_) => said!("troppi codici sbagliati", "too many wrong codes"),
            Self::Fault(fault) => fault.said(),
        }
    }
}

sigillo_base::told!(LoginError);
