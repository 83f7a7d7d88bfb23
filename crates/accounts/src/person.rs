//! Who administrates: persons, never accounts that several share (SEC-06).

use serde::{Deserialize, Serialize};
use sigillo_base::{Said, Tell, TenantId, said, told};

use crate::role::{Act, Grant, Target};

/// Somebody who administrates, in the service or for administrations. Not who reads a mailbox: that is a
/// [`Credential`](crate::Credential) of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// What he is called by everywhere, once in the whole service: see [`PersonName`].
    pub login: String,
    /// First name and surname: of one human being.
    pub name: String,
    /// Where he is told what concerns him: an ordinary address, or empty.
    pub mail: String,
    /// The administration that he belongs to; nobody of the provider's own people has one.
    pub tenant: Option<u64>,
    /// What he may do, and where.
    pub grants: Vec<Grant>,
    /// When he was named, in milliseconds since the Unix epoch.
    pub created: i64,
    /// When he ended, in milliseconds. He stays, so that what he did keeps its author.
    pub ended: Option<i64>,
}

impl Person {
    /// Whether he may do this.
    pub fn may(&self, act: Act, target: &Target) -> bool {
        self.works_for(target) && self.grants.iter().any(|grant| grant.allows(act, target))
    }

    /// Whether he may do this to anybody at all.
    pub fn may_somewhere(&self, act: Act) -> bool {
        self.ended.is_none() && self.grants.iter().any(|grant| grant.role.may(act))
    }

    /// Whether he may give or take a role whose scope lies at this target.
    pub fn may_name(&self, grant: &Grant, at: &Target) -> bool {
        self.works_for(at) && self.grants.iter().any(|own| own.may_name(grant, at))
    }

    /// Who belongs to an administration does nothing to what is another's, whatever he was granted when it was not yet.
    fn works_for(&self, target: &Target) -> bool {
        self.ended.is_none() && self.tenant.is_none_or(|own| target.tenant == Some(TenantId(own)))
    }
}

/// A secret that one person proves himself with to the interface. Who had one keeps its name in the trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Whose.
    pub person: u64,
    /// What he calls it: the machine or program it lies on.
    pub name: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created: i64,
    /// When it is no longer good, in milliseconds.
    pub expires: i64,
    /// When it was revoked, in milliseconds.
    pub revoked: Option<i64>,
}

impl Token {
    /// Whether it is good at this time, in milliseconds.
    pub fn is_good(&self, now_ms: i64) -> bool {
        self.revoked.is_none() && now_ms < self.expires
    }

    /// When it is, or was, no longer good, in milliseconds.
    pub fn end(&self) -> i64 {
        self.revoked.map_or(self.expires, |revoked| revoked.min(self.expires))
    }
}

/// What a person is called: 3 to 64 letters without accents, digits, `.`, `_`, `-`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonName(String);

/// A text that cannot name a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadPerson {
    /// The characters or the length.
    Form(String),
    /// A name that several people would use.
    Shared(String),
    /// A name that the trail gives to who is no person.
    Reserved(String),
}

impl Tell for BadPerson {
    fn said(&self) -> Said {
        match self {
            Self::Form(name) => said!(
                "«{name}» non può essere il nome di accesso di una persona: da 3 a 64 fra lettere senza accento, cifre, «.», «_» e «-»",
                "“{name}” cannot be what a person is called: 3 to 64 letters without accents, digits, “.”, “_” and “-”"
            ),
            Self::Shared(name) => said!(
                "«{name}» è il nome di un ruolo, non di una persona: ogni accesso amministrativo è di una persona sola",
                "“{name}” is the name of a role, not of a person: each administrative access is one person's alone"
            ),
            Self::Reserved(name) => said!(
                "«{name}» nei registri indica chi non è una persona: il nome di accesso deve essere un altro",
                "“{name}” means in the registers somebody who is no person: choose another name"
            ),
        }
    }
}

told!(BadPerson);

/// Names under which several people come in, wherever they are allowed.
const SHARED: [&str; 12] = [
    "admin",
    "administrator",
    "amministratore",
    "assistenza",
    "gestore",
    "helpdesk",
    "operatore",
    "postmaster",
    "referente",
    "root",
    "supporto",
    "ufficio",
];

/// Who is called so in the trail has not said who he is.
pub const STRANGER: &str = "sconosciuto";

/// Where somebody is, in the trail, who came by the socket: in the place of an address.
pub const AT_SOCKET: &str = "socket";

/// What a token is called, in the trail, that an issuer has signed.
pub const ISSUED: &str = "oidc";

/// Before the number of a user of the system, in the trail.
const SYSTEM: &str = "uid-";

/// What a user of the system is called in the trail.
pub fn system_user(uid: u32) -> String {
    format!("{SYSTEM}{uid}")
}

/// Whether a name means, in the trail, somebody or some place that is no person: a person of that name would be taken for
/// it, and what it did for his.
pub fn is_reserved(name: &str) -> bool {
    let user = name.strip_prefix(SYSTEM).is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
    let word = [STRANGER, AT_SOCKET, ISSUED].iter().any(|word| name.eq_ignore_ascii_case(word));
    user || word || !name.bytes().any(|b| b.is_ascii_alphabetic()) || name.parse::<std::net::IpAddr>().is_ok()
}

impl PersonName {
    /// Takes a name, in any case.
    ///
    /// # Errors
    /// [`BadPerson`].
    pub fn parse(text: &str) -> Result<Self, BadPerson> {
        let name = text.to_ascii_lowercase();
        let fine = name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
        if !fine || !(3..=64).contains(&name.len()) {
            return Err(BadPerson::Form(text.chars().take(80).collect()));
        }
        let word = name.trim_end_matches(|c: char| c.is_ascii_digit() || ".-_".contains(c));
        if SHARED.contains(&word) {
            return Err(BadPerson::Shared(name));
        }
        if is_reserved(&name) {
            return Err(BadPerson::Reserved(name));
        }
        Ok(Self(name))
    }

    /// As it is kept.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::{Role, Scope};

    #[test]
    fn a_name_is_of_one_person() {
        for fine in ["m.rossi", "rssmra80a01h501u", "anna-bianchi", "ufficio.rossi"] {
            assert_eq!(PersonName::parse(fine).unwrap().as_str(), fine);
        }
        assert_eq!(PersonName::parse("M.Rossi").unwrap().as_str(), "m.rossi");
        for shared in ["admin", "ADMIN", "root", "helpdesk2", "operatore.1", "ufficio"] {
            assert!(matches!(PersonName::parse(shared), Err(BadPerson::Shared(_))), "{shared}");
        }
        for bad in ["", "ab", "m rossi", "m@rossi", "più", "a\0b", &"x".repeat(65)] {
            assert!(matches!(PersonName::parse(bad), Err(BadPerson::Form(_))), "{bad:?}");
        }
    }

    #[test]
    fn nobody_is_called_like_what_the_trail_calls_others() {
        let system = system_user(0);
        for name in [STRANGER, "Sconosciuto", AT_SOCKET, ISSUED, &system, "uid-1000", "192.0.2.7", "12345", "..."] {
            assert!(matches!(PersonName::parse(name), Err(BadPerson::Reserved(_))), "{name}");
        }
        for fine in ["uid-rossi", "uid.1", "sconosciuto.rossi", "192.0.2.rossi", "a10.0.0.1"] {
            assert!(PersonName::parse(fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn a_mailbox_that_went_to_another_administration_took_no_grant_with_it() {
        let grants = vec![Grant { role: Role::MailboxResponsible, scope: Scope::Mailbox(7) }];
        let person = Person { tenant: Some(1), grants, ..Person::default() };
        let of =
            |tenant| Target { tenant: Some(TenantId(tenant)), unit: None, mailbox: Some(sigillo_base::MailboxId(7)) };
        assert!(person.may(Act::MailboxRead, &of(1)) && !person.may(Act::MailboxRead, &of(2)));
    }

    #[test]
    fn who_has_ended_may_do_nothing_and_a_token_ends() {
        let grants = vec![Grant { role: Role::SupplierAdmin, scope: Scope::Supplier }];
        let mut person = Person { login: "m.rossi".into(), grants, ..Person::default() };
        assert!(person.may(Act::ServiceWrite, &Target::SERVICE));
        assert!(!person.may(Act::PasswordFile, &Target::SERVICE), "that is the technical contact's alone (PWD-04)");
        person.ended = Some(1);
        assert!(!person.may(Act::ServiceRead, &Target::SERVICE) && !person.may_somewhere(Act::ServiceRead));
        let token = Token { person: 1, name: "pc".into(), created: 0, expires: 10, revoked: None };
        assert!(token.is_good(9) && !token.is_good(10));
        assert!(!Token { revoked: Some(5), ..token }.is_good(6));
    }
}
