//! Why the service gave no answer.

use std::path::PathBuf;
use std::time::Duration;

use sigillo_base::{Said, Tell, said, told};

use crate::api::Problem;

/// Why a request gave no answer.
#[derive(Debug)]
pub enum Error {
    /// Nothing listens on the socket, or it may not be opened.
    Connect {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The service is not reached over TLS.
    Server {
        /// Its address.
        url: String,
        /// Why.
        why: Said,
    },
    /// The connection broke, or the answer was not HTTP.
    Http(Said),
    /// No answer in time.
    Slow(Duration),
    /// The answer is not what this version knows.
    Shape(serde_json::Error),
    /// The file of the token or of the authorities cannot be read, or others can read the token too.
    Token {
        /// The file.
        path: PathBuf,
        /// Why.
        why: Said,
    },
    /// The code that the service wants could not be asked for.
    Code(std::io::Error),
    /// The service refused.
    Refused(Box<Problem>),
    /// It was to be tried, and the answer does not say that it was.
    Untried,
}

impl Tell for Error {
    fn said(&self) -> Said {
        match self {
            Self::Connect { path, source } => said!(
                "non rispondono al socket {}: {source}",
                "nobody answers at the socket {}: {source}",
                path.display()
            ),
            Self::Server { url, why } => why.clone().about(url),
            Self::Http(Said { it, en }) => {
                said!("la risposta non è arrivata intera: {it}", "the answer did not arrive whole: {en}")
            }
            Self::Slow(patience) => {
                said!("nessuna risposta entro {} secondi", "no answer within {} seconds", patience.as_secs())
            }
            Self::Shape(error) => said!(
                "la risposta non si capisce (versioni diverse di client e servizio?): {error}",
                "the answer is not understood (client and service of different versions?): {error}"
            ),
            Self::Token { path, why } => why.clone().about(path.display()),
            Self::Code(error) => said!("il codice non si legge: {error}", "the code cannot be read: {error}"),
            // The service was asked in the language of who asks.
            Self::Refused(problem) => Said::verbatim(&problem.detail),
            Self::Untried => said!(
                "il servizio non conosce --dry-run: può averlo fatto davvero",
                "the service does not know --dry-run: it may have done it in earnest"
            ),
        }
    }
}

told!(Error);

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Shape(error)
    }
}
