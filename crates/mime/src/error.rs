//! What can be wrong with a message. The texts are what a person should read in a refusal.

use sigillo_base::AddressError;

/// Why a message, or a piece of one, cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A header line breaks RFC 5322 §2.2.
    #[error("riga {line} dell'intestazione: {fault}")]
    Header {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        fault: HeaderFault,
    },
    /// The header section is larger than [`sigillo_base::limits::MAX_HEADER`].
    #[error("l'intestazione supera {limit} byte (riga {line})")]
    HeaderTooLarge {
        /// The line that crosses the limit, counted from 1.
        line: usize,
        /// The limit in octets.
        limit: usize,
    },
    /// A text is not an address list (RFC 5322 §3.4).
    #[error("elenco di indirizzi non valido alla posizione {at}: {fault}")]
    Addresses {
        /// Octets of the unfolded text before the fault.
        at: usize,
        /// What is wrong there.
        fault: ListFault,
    },
    /// A header field should hold addresses, and does not.
    #[error("campo {name} (riga {line}): {fault}")]
    Field {
        /// The field's name, as spelled in the message.
        name: String,
        /// The field's first line, counted from 1.
        line: usize,
        /// What is wrong with it.
        fault: ListFault,
    },
    /// Decoded, a part would be larger than the caller allows.
    #[error("una parte del messaggio supera {limit} byte")]
    TooLarge {
        /// The limit in octets.
        limit: usize,
    },
    /// A part's base64 text ends in the middle of an octet.
    #[error("una parte del messaggio è codificata male in base64")]
    Base64,
    /// A part's transfer encoding is none of RFC 2045 §6.1.
    #[error("codifica di trasferimento sconosciuta: {0}")]
    UnknownEncoding(String),
    /// A part's range does not lie in the given message.
    #[error("la parte non appartiene a questo messaggio")]
    Foreign,
}

/// What is wrong with a header line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// A CR without LF or an LF without CR.
    #[error("ritorno a capo irregolare (non CRLF)")]
    BareLineEnd,
    /// A NUL octet.
    #[error("carattere nullo")]
    Nul,
    /// No colon after the field name.
    #[error("mancano i due punti dopo il nome del campo")]
    NoColon,
    /// The name is empty or holds a character that may not be there (RFC 5322 §3.6.8), a blank before the colon
    /// included.
    #[error("nome di campo non valido")]
    Name,
    /// The first line begins with a blank: it continues nothing.
    #[error("riga di continuazione senza un campo da continuare")]
    Continuation,
    /// The message ends in the middle of a header line.
    #[error("riga senza fine (manca CRLF)")]
    Unterminated,
}

/// What is wrong with an address list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListFault {
    /// Nothing where an address should be: an empty field, two commas, a comma at an end.
    #[error("manca un indirizzo")]
    Missing,
    /// A comment or a quoted string is not closed.
    #[error("parentesi o virgolette non chiuse")]
    Unclosed,
    /// A character that cannot be there.
    #[error("carattere inatteso")]
    Unexpected,
    /// A name without an address after it.
    #[error("manca la chiocciola fra nome e dominio")]
    NoAt,
    /// A source route (`<@a,@b:c@d>`), obsolete.
    #[error("percorso di instradamento non ammesso")]
    Route,
    /// A group inside a group, or one without its semicolon.
    #[error("gruppo di indirizzi non valido")]
    Group,
    /// A line end that is not a fold, or another control character.
    #[error("carattere di controllo")]
    Control,
    /// An address that is none.
    #[error("{0}")]
    Address(#[from] AddressError),
}
