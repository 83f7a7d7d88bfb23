//! What a path names, and what who may not read it hears: that it is not there, in the very words of what is nowhere
//! (SEC-05). So nobody learns by a refusal what others have. What somebody reads and may not do is refused by name.

use sigillo_accounts::{Act, Person, PersonName, Target};
use sigillo_base::{Address, Domain, TenantId, said};

use super::actor::Actor;
use super::fail::Fail;
use crate::provider::House;

/// Something of somebody's, as a request calls it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Named<'n> {
    Mailbox(&'n str),
    List(&'n str),
    Domain(&'n str),
    Tenant(&'n str),
    /// The address book of an administration: who works for a part of it reads all of that.
    Book(&'n str),
    Person(&'n str),
    Operation(&'n str),
    Dispatch(&'n str),
}

impl<'n> Named<'n> {
    /// What a path names first; `None` where that is nobody's but the service's own.
    pub(super) fn first(path: &str, params: &'n [(String, String)]) -> Option<Self> {
        let (_, name) = params.first()?;
        Some(match path.split('/').nth(2)? {
            "mailboxes" => Self::Mailbox(name),
            "lists" => Self::List(name),
            "domains" => Self::Domain(name),
            "tenants" if path.contains("/address-book") => Self::Book(name),
            "tenants" => Self::Tenant(name),
            "persons" => Self::Person(name),
            "operations" => Self::Operation(name),
            "dispatches" => Self::Dispatch(name),
            _ => return None,
        })
    }

    /// That it is not there.
    pub(super) fn missing(self) -> Fail {
        Fail::missing(match self {
            Self::Mailbox(name) => said!("la casella {name} non c'è", "there is no mailbox {name}"),
            Self::List(name) => said!("la lista {name} non c'è", "there is no list {name}"),
            Self::Domain(name) => said!(
                "il dominio {name} non è servito da questo gestore",
                "the domain {name} is not served by this provider"
            ),
            Self::Tenant(id) | Self::Book(id) => {
                said!("l'amministrazione {id} non c'è", "there is no administration {id}")
            }
            Self::Person(name) => said!("non c'è nessuno che si chiami {name}", "there is nobody called {name}"),
            Self::Operation(id) => said!("l'operazione {id} non c'è", "there is no operation {id}"),
            Self::Dispatch(id) => {
                said!("il registro non conosce il messaggio {id}", "the log does not know the message {id}")
            }
        })
    }

    /// The permission to read it.
    const fn reading(self) -> Act {
        match self {
            Self::Mailbox(_) | Self::Operation(_) => Act::MailboxRead,
            Self::List(_) => Act::ListRead,
            Self::Domain(_) => Act::DomainRead,
            Self::Tenant(_) => Act::TenantRead,
            Self::Book(_) => Act::AddressBookRead,
            Self::Person(_) => Act::PersonRead,
            Self::Dispatch(_) => Act::DispatchRead,
        }
    }

    /// Refuses who may not read it, as who names what is nowhere.
    pub(super) fn need_seen(self, engine: &House, actor: &Actor) -> Result<(), Fail> {
        if self.is_seen(engine, actor)? { Ok(()) } else { Err(self.missing().hidden(self.reading())) }
    }

    /// Whether somebody may read it. What is not there is the service's own, or of whom it would be. From the system's user
    /// nothing is hidden that he names: the machine is his.
    fn is_seen(self, engine: &House, actor: &Actor) -> Result<bool, Fail> {
        if actor.is_system() {
            return Ok(true);
        }
        let at = match self {
            Self::Mailbox(text) | Self::List(text) => {
                Address::parse(text).map_or(Ok(Target::SERVICE), |address| engine.target(&address))?
            }
            Self::Domain(text) => domain(engine, text)?,
            Self::Person(text) => person(engine, text)?,
            Self::Tenant(text) | Self::Book(text) => match text.parse() {
                Ok(id) => return actor.may_within(engine, self.reading(), TenantId(id)),
                Err(_) => Target::SERVICE,
            },
            // Who reads them anywhere is answered by what each is about.
            Self::Operation(_) | Self::Dispatch(_) => return Ok(false),
        };
        Ok(actor.may(self.reading(), &at))
    }
}

/// Whose a domain of this name is.
pub(super) fn domain(engine: &House, name: &str) -> Result<Target, Fail> {
    let Ok(domain) = Domain::parse(name) else { return Ok(Target::SERVICE) };
    Ok(Target { tenant: engine.owner(&domain)?, ..Target::SERVICE })
}

/// Where the person of this name is looked for.
pub(super) fn person(engine: &House, name: &str) -> Result<Target, Fail> {
    let Ok(name) = person_name(name) else { return Ok(Target::SERVICE) };
    Ok(engine.person(&name)?.map_or(Target::SERVICE, |(_, person)| home(&person)))
}

/// Where somebody is looked for.
pub(super) fn home(person: &Person) -> Target {
    Target { tenant: person.tenant.map(TenantId), ..Target::SERVICE }
}

/// The name of somebody in a path or body.
pub(super) fn person_name(text: &str) -> Result<PersonName, Fail> {
    PersonName::parse(text).map_err(Fail::bad)
}
