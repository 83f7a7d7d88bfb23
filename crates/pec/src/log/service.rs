//! Service lines: what happened to the log or to the service itself (pec rule 8.2). Same grammar as records, with the
//! name of the event in place of the identifier.
//! ```text
//! <time> sigillo <installation> [0]: PEC_LogRotate OPEN: segmento=3: giorno=2026-03-12: gestore=<name>:
//!  servizio=<domain>: domini=<domain>, …
//! <time> sigillo <installation> [0]: PEC_LogRotate CLOSE: segmento=3: righe=1204
//! <time> sigillo <installation> [0]: PEC_Update aggiornamento-indice OK
//! <time> sigillo <installation> [0]: PEC_Update aggiornamento-indice ERR: motivo=<text>
//! <time> sigillo <installation> [0]: PEC_Clock OK
//! <time> sigillo <installation> [0]: PEC_Clock ERR: motivo=<text>
//! <time> sigillo <installation> [0]: PEC_Queue blocco: identificativo=<id>: elemento=<item>: da=<who>: motivo=<text>
//! <time> sigillo <installation> [0]: PEC_Admin mailbox-block richiesta: da=<who>: metodo=<method>: oggetto=<path>[:
//!  credenziale=<token>][: origine=<IP address>]
//! <time> sigillo <installation> [0]: PEC_Quarantine deposito: identificativo=<id>: motivo=<text>
//! <time> sigillo <installation> [0]: PEC_Access giorno-chiuso: giorno=<day>[: amministrazione=<number>][:
//!  registro=amministrazione]: righe=812: sha256=<hexadecimal>
//! <time> sigillo <installation> [0]: PEC_Credential aggiornata: casella=<address>: credenziale=<name>: schema=<scheme>
//! <time> sigillo <installation> [0]: PEC_Credential cambiata: casella=<address>: credenziale=<name>: da=<who or address>
//! <time> sigillo <installation> [0]: PEC_Credential sbloccato: persona=<person>[: credenziale=<token>]: da=<who or address>
//! ```

use sigillo_base::{Domain, Timestamp};

use super::line::{Keyed, Line, Parts, bad, list};
use crate::{Error, calendar};

/// A service event with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// When.
    pub at: Timestamp,
    /// Which installation of the provider wrote it: letters, digits, `.`, `-`, `_`.
    pub installation: String,
    /// What.
    pub event: ServiceEvent,
}

/// What happened to the log or to the service itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceEvent {
    /// A segment begins. It says whose log this is, so that a file can be judged without the service.
    Open {
        /// From 1, without gaps.
        segment: u64,
        /// The legal day on which it begins, `2026-03-12`.
        day: String,
        /// *gestore*: the provider's name.
        issuer: String,
        /// *servizio*: the service domain, the one in every identifier that this provider gives.
        service: Domain,
        /// *domini*: the domains with mailboxes here, ascending; empty where the list would be too long for a line.
        domains: Vec<Domain>,
    },
    /// A segment ends.
    Close {
        /// Its number.
        segment: u64,
        /// Lines of the segment, with the two of `PEC_LogRotate`.
        lines: u64,
    },
    /// The directory of providers was taken over, or why it was not.
    IndexUpdate(Result<(), String>),
    /// The configuration was read, or why it was not.
    Configured {
        /// The SHA-256 of the file in use, hexadecimal.
        sha256: String,
        /// *domini*: as in [`Open`](Self::Open), from now on; older lines have none, and none has where it was not read.
        domains: Vec<Domain>,
        /// What came of it.
        outcome: Result<(), String>,
    },
    /// The clock came back into tolerance, or why it is out of it (pec rule 11).
    Clock(Result<(), String>),
    /// An administrator changed what becomes of something in the queue.
    Queue {
        /// What he ordered.
        what: QueueOrder,
        /// The identifier of the message.
        id: String,
        /// Which piece of work of it.
        item: String,
        /// Who.
        by: String,
        /// Why, in his words.
        why: String,
    },
    /// Somebody administrates (SEC-03, AUD-03): written before it is done, and again when it is not.
    Admin {
        /// What he does: the word of the permission that it needs.
        act: String,
        /// How far it came.
        stage: Stage,
        /// Who: a person's name, or the system's user on the socket.
        by: String,
        /// What is asked for: method and path of the interface.
        method: String,
        /// Its path, without the query.
        object: String,
        /// *credenziale*: what he calls the token that he showed; none for the system's user.
        token: Option<String>,
        /// *origine*: the address he came from; none for who is at the socket.
        from: Option<String>,
        /// *contenuto*: what he sent, in JSON without what is secret; none where nothing was.
        content: Option<String>,
    },
    /// Something happened to a message in the virus store (pec rule 7).
    Quarantine {
        /// What happened.
        what: Custody,
        /// The identifier of the message.
        id: String,
        /// The malware's name, who asked, or why.
        why: String,
    },
    /// A password that came as another system's hash was said, and is kept as ours are (PWD-06).
    Rehashed {
        /// The mailbox.
        address: String,
        /// The credential's name; empty: the owner's.
        credential: String,
        /// How it was hashed before.
        scheme: String,
    },
    /// Somebody's means to prove himself changed, or an attempt at it failed (PWD-01, PWD-02, SEC-03).
    Proof {
        /// What happened.
        what: ProofEvent,
        /// The mailbox.
        address: String,
        /// The credential's name; empty: the owner's.
        credential: String,
        /// Who did it: the address of the client, or the person of the administration.
        by: String,
    },
    /// The accesses of a day are over: what was written of them makes this sum (AUD-01, AUD-03, SEC-03).
    Accesses {
        /// *giorno*: the legal day, `2026-03-12`.
        day: String,
        /// *amministrazione*: whose mailboxes; none: those of no administration.
        tenant: Option<u64>,
        /// *registro=amministrazione*: not of the accesses to mailboxes, but of what was read over the administrative interface.
        readings: bool,
        /// *righe*: how many.
        rows: u64,
        /// Hexadecimal.
        sha256: String,
    },
    /// The second factor of somebody who administrates changed, or he said a code of it (SEC-03).
    PersonProof {
        /// What happened.
        what: ProofEvent,
        /// *persona*: what he is called.
        person: String,
        /// *credenziale*: what he calls the token that he showed; none where somebody else did it.
        token: Option<String>,
        /// Who did it: the address that he came from, or another person.
        by: String,
    },
}

/// What happens to the means that somebody proves himself with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofEvent {
    /// *cambiata*: its user gave his credential another password.
    Changed,
    /// *assegnata*: a file of passwords gave it another one (PWD-03).
    Given,
    /// *recupero-chiesto*: a one-time secret was sent to the holder.
    ResetAsked,
    /// *recupero-fallito*: a secret was said that is not his, or no longer good.
    ResetFailed,
    /// *recuperata*: a password was set with a one-time secret.
    Recovered,
    /// *contatti*: the holder is reached elsewhere from now on.
    Contacts,
    /// *secondo-fattore*: one is wanted from now on.
    FactorAdded,
    /// *secondo-fattore-tolto*: none is wanted any more.
    FactorRemoved,
    /// *codice-di-riserva*: one was used in place of the second factor.
    SpareUsed,
    /// *sbloccato*: a token needs no code for some hours.
    Unlocked,
    /// *sbloccato-sempre*: a token needs no code any more, since a program uses it.
    UnlockedAlways,
    /// *codice-errato*: what was said to unlock it, or to remove the second factor, is no code.
    WrongCode,
}

impl ProofEvent {
    const ALL: [Self; 12] = [
        Self::Changed,
        Self::Given,
        Self::ResetAsked,
        Self::ResetFailed,
        Self::Recovered,
        Self::Contacts,
        Self::FactorAdded,
        Self::FactorRemoved,
        Self::SpareUsed,
        Self::Unlocked,
        Self::UnlockedAlways,
        Self::WrongCode,
    ];

    /// Its word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "cambiata",
            Self::Given => "assegnata",
            Self::ResetAsked => "recupero-chiesto",
            Self::ResetFailed => "recupero-fallito",
            Self::Recovered => "recuperata",
            Self::Contacts => "contatti",
            Self::FactorAdded => "secondo-fattore",
            Self::FactorRemoved => "secondo-fattore-tolto",
            Self::SpareUsed => "codice-di-riserva",
            Self::Unlocked => "sbloccato",
            Self::UnlockedAlways => "sbloccato-sempre",
            Self::WrongCode => "codice-errato",
        }
    }
}

/// What can be ordered about something in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueOrder {
    /// *blocco*: it is not tried any more.
    Hold,
    /// *sblocco*: it is tried again.
    Release,
    /// *tentativo*: it is tried at once.
    Retry,
    /// *rotta*: it goes to another server.
    Reroute,
    /// *eliminazione*: it is given up.
    Drop,
}

impl QueueOrder {
    const ALL: [Self; 5] = [Self::Hold, Self::Release, Self::Retry, Self::Reroute, Self::Drop];

    /// Its word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "blocco",
            Self::Release => "sblocco",
            Self::Retry => "tentativo",
            Self::Reroute => "rotta",
            Self::Drop => "eliminazione",
        }
    }
}

/// How far an administrative act came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// *richiesta*: he may, and it begins.
    Asked,
    /// *negata*: he may not.
    Denied,
    /// *fallita*: it could not be done.
    Failed,
    /// *token-errato*: nobody knows who he is.
    Stranger,
    /// *senza-codice*: he is somebody by his token, and a code of his second factor is wanted first.
    Unproven,
    /// *prova*: he may, and asked only what would come of it: nothing was done.
    Tried,
}

impl Stage {
    const ALL: [Self; 6] = [Self::Asked, Self::Denied, Self::Failed, Self::Stranger, Self::Unproven, Self::Tried];

    /// Its word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "richiesta",
            Self::Denied => "negata",
            Self::Failed => "fallita",
            Self::Stranger => "token-errato",
            Self::Unproven => "senza-codice",
            Self::Tried => "prova",
        }
    }
}

/// What happens to a message in the virus store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Custody {
    /// *deposito*: it was stored.
    Stored,
    /// *consultazione*: somebody read it.
    Read,
    /// *rimozione*: its time was over.
    Removed,
}

impl Custody {
    const ALL: [Self; 3] = [Self::Stored, Self::Read, Self::Removed];

    /// Its word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "deposito",
            Self::Read => "consultazione",
            Self::Removed => "rimozione",
        }
    }
}

const OPEN: &str = "PEC_LogRotate OPEN";
const CLOSE: &str = "PEC_LogRotate CLOSE";
const UPDATE: &str = "PEC_Update aggiornamento-indice";
const CLOCK: &str = "PEC_Clock";
const CONFIG: &str = "PEC_Config";
const QUEUE: &str = "PEC_Queue";
const ADMIN: &str = "PEC_Admin";
const QUARANTINE: &str = "PEC_Quarantine";
const CREDENTIAL: &str = "PEC_Credential";
const ACCESSES: &str = "PEC_Access giorno-chiuso";
const READINGS: &str = "amministrazione";

impl Service {
    /// The line, without an end of line. Control characters of free texts become blanks or go.
    pub fn to_line(&self) -> String {
        let begin = |name: &str| Line::new(self.at, &self.installation, name);
        let line = match &self.event {
            ServiceEvent::Open { segment, day, issuer, service, domains } => begin(OPEN)
                .with("segmento", &segment.to_string())
                .with("giorno", day)
                .with("gestore", issuer)
                .with("servizio", service.as_str())
                .with("domini", &joined(domains)),
            ServiceEvent::Close { segment, lines } => {
                begin(CLOSE).with("segmento", &segment.to_string()).with("righe", &lines.to_string())
            }
            ServiceEvent::IndexUpdate(outcome) => begin(&ended(UPDATE, outcome)).perhaps("motivo", why(outcome)),
            ServiceEvent::Clock(outcome) => begin(&ended(CLOCK, outcome)).perhaps("motivo", why(outcome)),
            ServiceEvent::Configured { sha256, domains, outcome } => begin(&ended(CONFIG, outcome))
                .with("sha256", sha256)
                .perhaps("domini", Some(joined(domains)).filter(|all| !all.is_empty()).as_deref())
                .perhaps("motivo", why(outcome)),
            ServiceEvent::Queue { what, id, item, by, why } => begin(&format!("{QUEUE} {}", what.as_str()))
                .with("identificativo", id)
                .with("elemento", item)
                .with("da", by)
                .with("motivo", why),
            ServiceEvent::Admin { act, stage, by, method, object, token, from, content } => {
                begin(&format!("{ADMIN} {act} {}", stage.as_str()))
                    .with("da", by)
                    .with("metodo", method)
                    .with("oggetto", object)
                    .perhaps("credenziale", token.as_deref())
                    .perhaps("origine", from.as_deref())
                    .perhaps("contenuto", content.as_deref())
            }
            ServiceEvent::Quarantine { what, id, why } => {
                begin(&format!("{QUARANTINE} {}", what.as_str())).with("identificativo", id).with("motivo", why)
            }
            ServiceEvent::Accesses { day, tenant, readings, rows, sha256 } => begin(ACCESSES)
                .with("giorno", day)
                .perhaps("amministrazione", tenant.map(|tenant| tenant.to_string()).as_deref())
                .perhaps("registro", readings.then_some(READINGS))
                .with("righe", &rows.to_string())
                .with("sha256", sha256),
            ServiceEvent::Rehashed { address, credential, scheme } => begin(&format!("{CREDENTIAL} aggiornata"))
                .with("casella", address)
                .with("credenziale", credential)
                .with("schema", scheme),
            ServiceEvent::Proof { what, address, credential, by } => begin(&format!("{CREDENTIAL} {}", what.as_str()))
                .with("casella", address)
                .with("credenziale", credential)
                .with("da", by),
            ServiceEvent::PersonProof { what, person, token, by } => begin(&format!("{CREDENTIAL} {}", what.as_str()))
                .with("persona", person)
                .perhaps("credenziale", token.as_deref())
                .with("da", by),
        };
        line.done()
    }
}

/// What came to an end well, or not.
fn ended(name: &str, outcome: &Result<(), String>) -> String {
    format!("{name} {}", if outcome.is_ok() { "OK" } else { "ERR" })
}

fn joined(domains: &[Domain]) -> String {
    domains.iter().map(Domain::as_str).collect::<Vec<_>>().join(", ")
}

fn why(outcome: &Result<(), String>) -> Option<&str> {
    outcome.as_ref().err().map(String::as_str)
}

pub(super) fn read(parts: Parts) -> Result<Service, Error> {
    let mut fields = Keyed(&parts.keyed);
    let (name, word) = parts.first.rsplit_once(' ').unwrap_or((parts.first.as_str(), ""));
    let event = match (name, word) {
        ("PEC_LogRotate", "OPEN") => ServiceEvent::Open {
            segment: number(&fields.required("segmento")?)?,
            day: day(&mut fields)?,
            issuer: fields.required("gestore")?,
            service: domain(&fields.required("servizio")?)?,
            domains: list(&fields.required("domini")?).map(domain).collect::<Result<_, _>>()?,
        },
        ("PEC_LogRotate", "CLOSE") => ServiceEvent::Close {
            segment: number(&fields.required("segmento")?)?,
            lines: number(&fields.required("righe")?)?,
        },
        (UPDATE, "OK") => ServiceEvent::IndexUpdate(Ok(())),
        (UPDATE, "ERR") => ServiceEvent::IndexUpdate(Err(fields.required("motivo")?)),
        (CONFIG, word @ ("OK" | "ERR")) => {
            let sha256 = fields.required("sha256")?;
            let domains = fields.optional("domini").unwrap_or_default();
            let domains = list(&domains).map(domain).collect::<Result<_, _>>()?;
            let outcome = if word == "OK" { Ok(()) } else { Err(fields.required("motivo")?) };
            ServiceEvent::Configured { sha256, domains, outcome }
        }
        (CLOCK, "OK") => ServiceEvent::Clock(Ok(())),
        (CLOCK, "ERR") => ServiceEvent::Clock(Err(fields.required("motivo")?)),
        (QUEUE, word) => ServiceEvent::Queue {
            what: QueueOrder::ALL.into_iter().find(|o| o.as_str() == word).ok_or_else(unknown)?,
            id: fields.required("identificativo")?,
            item: fields.required("elemento")?,
            by: fields.required("da")?,
            why: fields.required("motivo")?,
        },
        (name, word) if name.strip_prefix(ADMIN).is_some_and(|rest| rest.starts_with(' ')) => ServiceEvent::Admin {
            act: act(&name[ADMIN.len() + 1..])?,
            stage: Stage::ALL.into_iter().find(|s| s.as_str() == word).ok_or_else(unknown)?,
            by: fields.required("da")?,
            method: fields.required("metodo")?,
            object: fields.required("oggetto")?,
            token: fields.optional("credenziale"),
            from: fields.optional("origine"),
            content: fields.optional("contenuto"),
        },
        (QUARANTINE, word) => ServiceEvent::Quarantine {
            what: Custody::ALL.into_iter().find(|c| c.as_str() == word).ok_or_else(unknown)?,
            id: fields.required("identificativo")?,
            why: fields.required("motivo")?,
        },
        ("PEC_Access", "giorno-chiuso") => ServiceEvent::Accesses {
            day: day(&mut fields)?,
            tenant: fields.optional("amministrazione").map(|number_of| number(&number_of)).transpose()?,
            readings: match fields.optional("registro").as_deref() {
                None => false,
                Some(READINGS) => true,
                Some(_) => return Err(bad("registro sconosciuto")),
            },
            rows: number(&fields.required("righe")?)?,
            sha256: fields.required("sha256")?,
        },
        (CREDENTIAL, "aggiornata") => ServiceEvent::Rehashed {
            address: fields.required("casella")?,
            credential: fields.required("credenziale")?,
            scheme: fields.required("schema")?,
        },
        (CREDENTIAL, word) => proof(word, &mut fields)?,
        _ => return Err(unknown()),
    };
    fields.end()?;
    Ok(Service { at: parts.at, installation: parts.installation, event })
}

fn day(fields: &mut Keyed<'_>) -> Result<String, Error> {
    Some(fields.required("giorno")?).filter(|day| calendar::is_day(day)).ok_or_else(|| bad("campo giorno non valido"))
}

fn proof(word: &str, fields: &mut Keyed<'_>) -> Result<ServiceEvent, Error> {
    let what = ProofEvent::ALL.into_iter().find(|e| e.as_str() == word).ok_or_else(unknown)?;
    Ok(match fields.optional("persona") {
        Some(person) => ServiceEvent::PersonProof {
            what,
            person,
            token: fields.optional("credenziale"),
            by: fields.required("da")?,
        },
        None => ServiceEvent::Proof {
            what,
            address: fields.required("casella")?,
            credential: fields.required("credenziale")?,
            by: fields.required("da")?,
        },
    })
}

fn unknown() -> Error {
    bad("evento di servizio sconosciuto")
}

/// The word of a permission.
fn act(text: &str) -> Result<String, Error> {
    let fine = !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    if fine { Ok(text.to_owned()) } else { Err(unknown()) }
}

fn domain(text: &str) -> Result<Domain, Error> {
    Domain::parse(text).map_err(|e| bad(format!("{text}: {e}")))
}

/// A number as it is written: digits only, no leading zero.
fn number(text: &str) -> Result<u64, Error> {
    text.parse().ok().filter(|n: &u64| n.to_string() == text).ok_or_else(|| bad("numero non valido"))
}
