//! What a path names, read in one place for whoever asks that; and what who may not read it hears: that it is not there, in the
//! very words of what is nowhere (SEC-05). So nobody learns by a refusal what others have. What somebody reads and may not do is
//! refused by name.

use std::borrow::Cow;

use sigillo_accounts::{Act, Person, PersonName, Target};
use sigillo_admin::api;
use sigillo_base::{Address, Domain, TenantId, said};
use sigillo_engine::{Asked, Subject};

use super::actor::Actor;
use super::fail::Fail;
use crate::provider::House;

/// What all paths of the interface begin with.
const ROOT: &str = "/v1/";

/// What a path names first: something in a collection, of which the rest of the path may be a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Thing<'p> {
    collection: &'p str,
    name: Cow<'p, str>,
    part: Option<&'p str>,
}

impl<'p> Thing<'p> {
    /// Of a request: of the path as the table has it, and what stands in it. `None` where nothing stands in it: what is made has
    /// no name yet.
    pub(super) fn asked(path: &'p str, params: &'p [(String, String)]) -> Option<Self> {
        let (_, name) = params.first()?;
        Self::of(path, |_| name.into())
    }

    /// Of a path as the log has it, also where the table of today has none like it.
    pub(super) fn written(path: &'p str) -> Option<Self> {
        // What is no text is nobody's name.
        Self::of(path, |name| api::unescaped(name).unwrap_or_default().into())
    }

    fn of(path: &'p str, name: impl FnOnce(&'p str) -> Cow<'p, str>) -> Option<Self> {
        let mut parts = path.strip_prefix(ROOT)?.split('/');
        let (collection, place) = (parts.next()?, parts.next()?);
        Some(Self { collection, name: name(place), part: parts.next() })
    }

    /// What it is of somebody's; `None` where it is the service's own.
    pub(super) fn named(&self) -> Option<Named<'_>> {
        let name = self.name.as_ref();
        Some(match self.collection {
            "mailboxes" => Named::Mailbox(name),
            "lists" => Named::List(name),
            "domains" => Named::Domain(name),
            "tenants" if self.part == Some("address-book") => Named::Book(name),
            "tenants" => Named::Tenant(name),
            "persons" => Named::Person(name),
            "operations" => Named::Operation(name),
            "dispatches" => Named::Dispatch(name),
            _ => return None,
        })
    }

    /// What it is to who tells whose things are.
    pub(super) fn subject(&self) -> Option<Subject> {
        self.named()?.subject()
    }

    /// What is changed with it, however its name is written: one thing with all its parts.
    pub(super) fn resource(&self) -> Resource {
        let name = Address::parse(&self.name).map_or_else(|_| self.name.to_lowercase(), |address| address.key());
        Resource { collection: self.collection.to_owned(), name }
    }
}

/// The collection of a path: `mailboxes`.
pub(super) fn collection(path: &str) -> &str {
    path.strip_prefix(ROOT).unwrap_or_default().split('/').next().unwrap_or_default()
}

/// Something that is changed by one after another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Resource {
    collection: String,
    name: String,
}

/// What the log has of a request: what it is about, by its path, and to whom it gives a domain, by its content.
pub(super) fn asked(path: &str, content: Option<&str>) -> Asked {
    let thing = Thing::written(path);
    let named = thing.as_ref().and_then(Thing::named);
    let gives_to = match named {
        Some(Named::Domain(_)) => content.and_then(|text| serde_json::from_str::<api::Owner>(text).ok()),
        _ => None,
    };
    Asked { about: named.and_then(Named::subject), gives_to: gives_to.map(|to| to.tenant.map(TenantId)) }
}

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

impl Named<'_> {
    /// What it is to who tells whose things are; what is no name is nobody's. Administrations count from 1.
    fn subject(self) -> Option<Subject> {
        match self {
            Self::Mailbox(name) | Self::List(name) => Address::parse(name).ok().map(Subject::Address),
            Self::Domain(name) => Domain::parse(name).ok().map(Subject::Domain),
            Self::Tenant(id) | Self::Book(id) => {
                id.parse().ok().filter(|id| *id > 0).map(|id| Subject::Tenant(TenantId(id)))
            }
            Self::Person(name) => PersonName::parse(name).ok().map(Subject::Person),
            Self::Operation(_) | Self::Dispatch(_) => None,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn params(name: &str) -> [(String, String); 1] {
        [("address".to_owned(), name.to_owned())]
    }

    #[test]
    fn a_request_and_its_line_of_the_log_name_the_same() {
        for (row, name, line) in [
            ("/v1/mailboxes/{address}", "anna@comune.example", "/v1/mailboxes/anna@comune.example"),
            ("/v1/mailboxes/{address}/block", "a+b@comune.example", "/v1/mailboxes/a%2Bb@comune.example/block"),
            ("/v1/lists/{address}/unit", "tutti@comune.example", "/v1/lists/tutti@comune.example/unit"),
            ("/v1/domains/{name}/tenant", "comune.example", "/v1/domains/comune.example/tenant"),
            ("/v1/tenants/{tenant}/units/{unit}", "7", "/v1/tenants/7/units/1"),
            ("/v1/tenants/{tenant}/address-book", "7", "/v1/tenants/7/address-book"),
            ("/v1/persons/{name}/roles", "m.rossi", "/v1/persons/m.rossi/roles"),
            ("/v1/queue/{order}", "hold", "/v1/queue/hold"),
        ] {
            let params = params(name);
            let (asked, written) = (Thing::asked(row, &params).unwrap(), Thing::written(line).unwrap());
            let of = |thing: &Thing| (format!("{:?}", thing.named()), thing.subject(), thing.resource());
            assert_eq!(of(&asked), of(&written), "{line}");
        }
        assert_eq!(Thing::asked("/v1/mailboxes", &[]), None);
        assert_eq!((Thing::written("/v1/mailboxes"), Thing::written("/healthz")), (None, None));
    }

    #[test]
    fn a_line_of_the_log_is_about_whom_its_path_names_and_gives_what_its_content_says() {
        let about = |path: &str| asked(path, None).about;
        let anna = || Some(Subject::Address(Address::parse("anna@comune.example").unwrap()));
        assert_eq!(
            (about("/v1/mailboxes/anna%40comune.example/folders"), about("/v1/lists/anna@comune.example")),
            (anna(), anna())
        );
        assert_eq!(about("/v1/tenants/7/address-book/anna@x.example"), Some(Subject::Tenant(TenantId(7))));
        assert_eq!(about("/v1/persons/m.rossi"), Some(Subject::Person(PersonName::parse("m.rossi").unwrap())));
        for nobodys in [
            "/v1/tenants/0",
            "/v1/tenants/x",
            "/v1/mailboxes/apply",
            "/v1/mailboxes/%4",
            "/v1/domains/%FF",
            "/v1/operations/7",
            "/v1/status",
            "/v1/queue/hold",
        ] {
            assert_eq!(about(nobodys), None, "{nobodys}");
        }
        let gives = |path: &str, content: &str| asked(path, Some(content)).gives_to;
        let (path, to) = ("/v1/domains/comune.example/tenant", Some(TenantId(2)));
        assert_eq!((gives(path, "{\"tenant\":2}"), gives(path, "{\"tenant\":null}")), (Some(to), Some(None)));
        assert_eq!((gives(path, "{\"unit\":2}"), gives("/v1/mailboxes/a@x.example", "{\"tenant\":2}")), (None, None));
        // Whatever it is that is given.
        assert_eq!(gives("/v1/domains/%FF/tenant", "{\"tenant\":2}"), Some(to));
    }

    #[test]
    fn a_resource_is_one_however_it_is_written_with_all_its_parts() {
        let of = |path: &str, name: &str| Thing::asked(path, &params(name)).unwrap().resource();
        let block = "/v1/mailboxes/{address}/block";
        assert_eq!(of(block, "anna@comune.example"), of("/v1/mailboxes/{address}", "ANNA@Comune.Example"));
        assert_ne!(of(block, "anna@comune.example"), of(block, "bruno@comune.example"));
        assert_ne!(of(block, "anna@comune.example"), of("/v1/lists/{address}", "anna@comune.example"));
        assert_eq!(of("/v1/tenants/{tenant}", "7"), of("/v1/tenants/{tenant}/address-book/{address}", "7"));
        assert_eq!(collection("/v1/openapi.json"), "openapi.json");
    }
}
