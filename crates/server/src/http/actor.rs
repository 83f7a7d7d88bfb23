//! Who asks, and what he may: a person by his roles, or the system's user on the socket (SEC-05, SEC-06).

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::StatusCode;
use sigillo_accounts::{AT_SOCKET, Act, Grant, ISSUED, Person, PersonName, Scope, Target, system_user};
use sigillo_base::{TenantId, UnitId, said};
use sigillo_engine::{Bearer, Error};

use super::fail::Fail;
use crate::provider::House;

/// Who asks.
#[derive(Debug, Clone)]
pub(super) enum Actor {
    /// The system's user at the other end of the socket, while nobody was named, or for what is left to him.
    System {
        /// His number.
        uid: u32,
        /// Somebody was named who runs the service.
        administrated: bool,
    },
    /// A person, the token of ours that he showed (none where the issuer has signed one for him), and where he is, if it is
    /// elsewhere.
    Person(Arc<Person>, Option<Arc<Bearer>>, Option<IpAddr>),
}

impl Actor {
    /// As he is called in the log.
    pub(super) fn name(&self) -> String {
        match self {
            Self::System { uid, .. } => system_user(*uid),
            Self::Person(person, ..) => person.login.clone(),
        }
    }

    /// What he was let in by.
    pub(super) const fn proof(&self) -> &'static str {
        match self {
            Self::System { .. } => AT_SOCKET,
            Self::Person(..) => "token",
        }
    }

    /// What he calls the token that he showed, if he did.
    pub(super) fn token(&self) -> Option<String> {
        match self {
            Self::System { .. } => None,
            Self::Person(_, token, _) => Some(token.as_ref().map_or(ISSUED, |bearer| bearer.label()).to_owned()),
        }
    }

    /// Where he is; none for who is at the socket, or was let in there.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::System { .. } => None,
            Self::Person(.., ip) => *ip,
        }
    }

    /// The token of ours that he showed.
    pub(super) fn bearer(&self) -> Option<&Arc<Bearer>> {
        match self {
            Self::System { .. } => None,
            Self::Person(_, token, _) => token.as_ref(),
        }
    }

    /// Whether he may do this.
    pub(super) fn may(&self, act: Act, target: &Target) -> bool {
        match self {
            Self::System { administrated: false, .. } => true,
            Self::System { .. } => matches!(act, Act::ServiceRead | Act::PersonRead | Act::PersonWrite),
            Self::Person(person, ..) => person.may(act, target),
        }
    }

    /// Whether he may do this somewhere: then lists show him what he may see.
    pub(super) fn may_somewhere(&self, act: Act) -> bool {
        match self {
            Self::System { .. } => self.may(act, &Target::SERVICE),
            Self::Person(person, ..) => person.may_somewhere(act),
        }
    }

    /// Whether he may do this anywhere in an administration: in all of it, in a unit of it, at a mailbox of it.
    pub(super) fn may_within(&self, engine: &House, act: Act, tenant: TenantId) -> Result<bool, Fail> {
        if self.may(act, &Target::tenant(tenant)) {
            return Ok(true);
        }
        let grants = match self {
            Self::System { .. } => &[][..],
            Self::Person(person, ..) => &person.grants,
        };
        for Grant { scope, .. } in grants.iter().filter(|grant| grant.role.may(act)) {
            let there = match *scope {
                Scope::Unit(of, unit) if of == tenant.0 => {
                    engine.units(tenant)?.iter().any(|(id, _)| *id == UnitId(unit))
                }
                Scope::Mailbox(_) => true,
                _ => false,
            };
            if !there {
                continue;
            }
            match engine.scope_target(*scope) {
                Ok(target) if target.tenant == Some(tenant) && self.may(act, &target) => return Ok(true),
                // A mailbox that went away opens nothing.
                Ok(_) | Err(Error::Invalid(_)) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(false)
    }

    /// Whether he is the system's user at the socket.
    pub(super) const fn is_system(&self) -> bool {
        matches!(self, Self::System { .. })
    }

    /// The administration that he belongs to.
    pub(super) fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::System { .. } => None,
            Self::Person(person, ..) => person.tenant.map(TenantId),
        }
    }

    /// Whether he is the person of this name.
    pub(super) fn is(&self, name: &PersonName) -> bool {
        matches!(self, Self::Person(person, ..) if person.login == name.as_str())
    }

    /// Whether he may give or take a role whose scope lies at this target.
    pub(super) fn may_name(&self, grant: &Grant, at: &Target) -> bool {
        match self {
            Self::System { .. } => true,
            Self::Person(person, ..) => person.may_name(grant, at),
        }
    }

    /// Refuses who may not.
    pub(super) fn need(&self, act: Act, target: &Target) -> Result<(), Fail> {
        if self.may(act, target) { Ok(()) } else { Err(denied(act)) }
    }
}

/// The answer to who may not.
pub(super) fn denied(act: Act) -> Fail {
    let text = said!(
        "serve il permesso «{}» su ciò che si chiede",
        "the permission “{}” is needed on what is asked for",
        act.name()
    );
    Fail::new(StatusCode::FORBIDDEN, text)
}
