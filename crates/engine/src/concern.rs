//! Whom something concerns (AUD-03): which administrations are told of a line of the legal log, or of a look. What is theirs,
//! and what their own do, by who had it when it happened (SEC-05). What a request of the administrative interface is about says
//! who knows its paths ([`Asked`]).

use std::net::IpAddr;

use sigillo_accounts::{AT_SOCKET, PersonName};
use sigillo_base::{Address, Domain, TenantId, Timestamp};
use sigillo_pec::log::{Entry, Service, ServiceEvent};
use sigillo_store::Store;

use crate::{Engine, Error};

/// Something of somebody's, as it is called. It need not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An administration, or what is in it.
    Tenant(TenantId),
    /// A domain.
    Domain(Domain),
    /// A mailbox or list: of whom its domain is.
    Address(Address),
    /// Somebody who administrates: of whom he belongs to.
    Person(PersonName),
}

/// What a line says of a request of the administrative interface.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// What it is about; `None`: nothing that anybody in particular has.
    pub about: Option<Subject>,
    /// To whom it gives a domain, if it gives one; to `None` within that: to the provider.
    pub gives_to: Option<Option<TenantId>>,
}

/// Why a line concerns an administration. What is no name of anything is the provider's.
#[derive(Debug, PartialEq, Eq)]
enum Reason {
    /// It is about this, which is its.
    Its(Option<Subject>),
    /// The same where that says nothing of the provider: what nobody in particular has is its by who does it.
    Theirs(Subject),
    /// It is given something.
    Given(Option<TenantId>),
    /// The message is of somebody of its, or for one.
    Message(String),
}

/// Why an event concerns whom it does; of the service's own acts nothing is told to anybody.
fn reasons(event: &ServiceEvent, asked: impl FnOnce(&str, Option<&str>) -> Asked) -> Vec<Reason> {
    let person = |login: &str| Reason::Its(PersonName::parse(login).ok().map(Subject::Person));
    let address = |text: &str| Reason::Its(Address::parse(text).ok().map(Subject::Address));
    match event {
        ServiceEvent::Admin { by, object, content, .. } => {
            let Asked { about, gives_to } = asked(object, content.as_deref());
            // Who is given a domain learns of it, and who had it.
            let (had, given) = (about.map(Reason::Theirs), gives_to.map(Reason::Given));
            had.into_iter().chain(given).chain([person(by)]).collect()
        }
        ServiceEvent::PersonProof { person: who, by, .. } => {
            // By whom, or from where he did it himself.
            let place = by == AT_SOCKET || by.parse::<IpAddr>().is_ok();
            [person(who)].into_iter().chain((!place).then(|| person(by))).collect()
        }
        ServiceEvent::Proof { address: of, .. } | ServiceEvent::Rehashed { address: of, .. } => vec![address(of)],
        ServiceEvent::Queue { id, by, .. } => vec![person(by), Reason::Message(id.clone())],
        ServiceEvent::Quarantine { id, .. } => vec![Reason::Message(id.clone())],
        ServiceEvent::Open { .. }
        | ServiceEvent::Close { .. }
        | ServiceEvent::IndexUpdate(_)
        | ServiceEvent::Configured { .. }
        | ServiceEvent::Clock(_)
        | ServiceEvent::Accesses { .. } => Vec::new(),
    }
}

impl<S: Store> Engine<S> {
    /// Whom a line of the legal log concerns, nobody twice; `None` among them is the provider itself. `asked` reads what the
    /// line has of a request: its path and its content.
    ///
    /// # Errors
    /// The store's fault.
    pub fn concerned(
        &self,
        Service { at, event, .. }: &Service,
        asked: impl FnOnce(&str, Option<&str>) -> Asked,
    ) -> Result<Vec<Option<TenantId>>, Error> {
        let mut whom = Vec::new();
        for reason in reasons(event, asked) {
            match reason {
                Reason::Its(Some(subject)) => whom.push(self.whose_then(&subject, *at)?),
                Reason::Its(None) => whom.push(None),
                Reason::Theirs(subject) => whom.extend(self.whose_then(&subject, *at)?.map(Some)),
                Reason::Given(to) => whom.push(to),
                Reason::Message(id) => whom.extend(self.of_message(&id)?),
            }
        }
        whom.sort_unstable();
        whom.dedup();
        Ok(whom)
    }

    /// Who is told that somebody looked at something: whom he works for, whatever it was, and nobody else; of who works for no
    /// administration the one whose it was. `None`: the provider.
    ///
    /// # Errors
    /// The store's fault.
    pub fn told_of_look(
        &self,
        by: Option<TenantId>,
        about: Option<&Subject>,
        at: Timestamp,
    ) -> Result<Option<TenantId>, Error> {
        match (by, about) {
            (None, Some(subject)) => self.whose_then(subject, at),
            (own, _) => Ok(own),
        }
    }

    /// Whose something was then; `None`: the provider's, or nobody's.
    fn whose_then(&self, subject: &Subject, at: Timestamp) -> Result<Option<TenantId>, Error> {
        match subject {
            Subject::Tenant(id) => Ok(Some(*id)),
            Subject::Domain(domain) => Ok(self.owners(domain)?.at(at)),
            Subject::Address(address) => Ok(self.owners(address.domain())?.at(at)),
            Subject::Person(name) => Ok(self.person(name)?.and_then(|(_, person)| person.tenant.map(TenantId))),
        }
    }

    /// Whose a message is, by the first line of the log about it: its sender's, and its recipients'.
    fn of_message(&self, id: &str) -> Result<Vec<Option<TenantId>>, Error> {
        let first = self.ledger().of(id, None, 1)?.pop();
        let Some(Ok(Entry::Event(record))) = first.map(|logged| Entry::parse_line(&logged.line)) else {
            return Ok(Vec::new());
        };
        let recipients = record.recipients.iter().map(|recipient| recipient.address.as_str());
        let addresses = [record.sender.as_str()].into_iter().chain(recipients);
        let mut domains: Vec<_> =
            addresses.filter_map(|text| Some(Address::parse(text).ok()?.domain().clone())).collect();
        domains.sort_unstable();
        domains.dedup();
        domains.iter().map(|domain| Ok(self.owners(domain)?.at(record.at))).collect()
    }
}

#[cfg(test)]
mod tests {
    use sigillo_pec::log::{Custody, ProofEvent, QueueOrder, Stage};

    use super::*;

    fn person(login: &str) -> Reason {
        Reason::Its(Some(Subject::Person(PersonName::parse(login).unwrap())))
    }

    fn anna() -> Address {
        Address::parse("anna@comune.example").unwrap()
    }

    fn of(event: &ServiceEvent) -> Vec<Reason> {
        reasons(event, |_, _| panic!("no request"))
    }

    fn of_request(asked: Asked) -> Vec<Reason> {
        let event = ServiceEvent::Admin {
            act: "tenant-write".into(),
            stage: Stage::Asked,
            by: "m.rossi".into(),
            method: "PUT".into(),
            object: "/v1/domains/comune.example/tenant".into(),
            token: None,
            from: None,
            content: Some("{\"tenant\":2}".into()),
        };
        reasons(&event, |object, content| {
            assert_eq!((object, content), ("/v1/domains/comune.example/tenant", Some("{\"tenant\":2}")));
            asked
        })
    }

    #[test]
    fn a_request_concerns_whose_it_is_about_who_is_given_something_and_who_asks() {
        let domain = || Subject::Domain(Domain::parse("comune.example").unwrap());
        let (had, asks) = (|| Reason::Theirs(domain()), || person("m.rossi"));
        let of = |about, gives_to| of_request(Asked { about, gives_to });
        assert_eq!(of(None, None), [asks()]);
        assert_eq!(of(Some(domain()), None), [had(), asks()]);
        assert_eq!(of(Some(domain()), Some(Some(TenantId(2)))), [had(), Reason::Given(Some(TenantId(2))), asks()]);
        assert_eq!(of(None, Some(None)), [Reason::Given(None), asks()], "back to the provider");
    }

    #[test]
    fn a_means_to_prove_oneself_concerns_whose_it_is_and_who_else_touched_it() {
        let by = |by: &str| {
            let (person, by) = ("l.bianchi".to_owned(), by.to_owned());
            of(&ServiceEvent::PersonProof { what: ProofEvent::FactorRemoved, person, token: None, by })
        };
        for own in [AT_SOCKET, "192.0.2.7", "2001:db8::7"] {
            assert_eq!(by(own), [person("l.bianchi")], "{own}");
        }
        assert_eq!(by("m.rossi"), [person("l.bianchi"), person("m.rossi")]);
        // The system's user is of nobody, and so is what is no address.
        assert_eq!(by("uid-0").pop(), Some(Reason::Its(None)));
        let (credential, what) = (String::new(), ProofEvent::Changed);
        for (address, its) in [(anna().to_string(), Some(Subject::Address(anna()))), ("anna".to_owned(), None)] {
            let (proof, hashed) = ((address.clone(), credential.clone(), "l.bianchi".to_owned()), credential.clone());
            let proof = ServiceEvent::Proof { what, address: proof.0, credential: proof.1, by: proof.2 };
            let hashed = ServiceEvent::Rehashed { address, credential: hashed, scheme: "bcrypt".into() };
            assert_eq!((of(&proof), of(&hashed)), (vec![Reason::Its(its.clone())], vec![Reason::Its(its)]));
        }
    }

    #[test]
    fn an_order_concerns_whose_message_it_is_and_who_gave_it_and_the_services_own_acts_nobody() {
        let (id, item, by) = ("opec1".to_owned(), "1".to_owned(), "m.rossi".to_owned());
        let message = || Reason::Message("opec1".into());
        let order = ServiceEvent::Queue { what: QueueOrder::Hold, id: id.clone(), item, by, why: "prova".into() };
        assert_eq!(of(&order), [person("m.rossi"), message()]);
        assert_eq!(of(&ServiceEvent::Quarantine { what: Custody::Read, id, why: "m.rossi".into() }), [message()]);
        assert_eq!(of(&ServiceEvent::Clock(Ok(()))), []);
        assert_eq!(of(&ServiceEvent::Close { segment: 1, lines: 2 }), []);
    }
}
