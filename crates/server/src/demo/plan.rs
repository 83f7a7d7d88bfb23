//! Who takes part: Alfa and Beta, their domains and mailboxes.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use sigillo_accounts::Profile;
use sigillo_base::{Address, Domain, Secret, said};

use crate::complaint::Context as _;

/// The short name of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Short {
    /// Alfa PEC S.p.A.
    Alfa,
    /// Beta PEC S.r.l.
    Beta,
}

impl Short {
    /// As folders and options have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alfa => "alfa",
            Self::Beta => "beta",
        }
    }
}

/// A provider.
#[derive(Debug, Clone)]
pub(super) struct House {
    pub short: Short,
    pub name: &'static str,
    pub service: &'static str,
    /// MX and TLS name.
    pub host: &'static str,
    /// User domains; the first has the additional boxes.
    pub domains: &'static [&'static str],
    named: &'static [(&'static str, Profile)],
}

/// A mailbox with its password.
#[derive(Debug, Clone)]
pub(super) struct Box {
    pub address: Address,
    pub profile: Profile,
    pub password: Secret,
}

/// Passwords by address; the additional boxes of a provider share the one under `*@` and the first domain.
pub(super) type Passwords = BTreeMap<String, Secret>;

/// Both, Alfa first.
pub(super) fn houses() -> Vec<House> {
    vec![
        House {
            short: Short::Alfa,
            name: "Alfa PEC S.p.A.",
            service: "posta-certificata@pec.alfa.example",
            host: "mx.pec.alfa.example",
            domains: &["comune-alfa.example", "studio.example"],
            named: &[
                ("anna@comune-alfa.example", Profile::Standard),
                ("protocollo@comune-alfa.example", Profile::Standard),
                ("mario@studio.example", Profile::Standard),
                ("massiva@comune-alfa.example", Profile::MassiveExtraLarge),
            ],
        },
        House {
            short: Short::Beta,
            name: "Beta PEC S.r.l.",
            service: "posta-certificata@pec.beta.example",
            host: "mx.pec.beta.example",
            domains: &["ente-beta.example"],
            named: &[
                ("bruno@ente-beta.example", Profile::Standard),
                ("ufficio@ente-beta.example", Profile::Standard),
                ("massiva@ente-beta.example", Profile::MassiveExtraLarge),
            ],
        },
    ]
}

impl House {
    pub(super) fn service_address(&self) -> Result<Address> {
        Address::parse(self.service).context(self.service)
    }

    /// User domains and the service domain: what the provider index lists.
    pub(super) fn managed(&self) -> Result<Vec<Domain>> {
        let mut domains = self.domains.iter().map(|d| Domain::parse(d)).collect::<Result<Vec<_>, _>>()?;
        domains.push(self.service_address()?.domain().clone());
        Ok(domains)
    }

    /// The names that passwords are kept under.
    pub(super) fn password_names(&self) -> Vec<String> {
        let mut names = vec![self.service.to_owned(), self.shared()];
        names.extend(self.named.iter().map(|(address, _)| (*address).to_owned()));
        names
    }

    fn shared(&self) -> String {
        format!("*@{}", self.domains[0])
    }

    /// The service mailbox first, then the named ones, then the additional ones.
    pub(super) fn boxes(&self, standard: usize, massive: usize, passwords: &Passwords) -> Result<Vec<Box>> {
        let make = |address: &str, profile: Profile, password: &str| -> Result<Box> {
            let password = passwords
                .get(password)
                .told(|| said!("manca la password di {password}", "the password of {password} is missing"))?;
            Ok(Box { address: Address::parse(address)?, profile, password: password.clone() })
        };
        let mut boxes = vec![make(self.service, Profile::Service, self.service)?];
        for (address, profile) in self.named {
            boxes.push(make(address, *profile, address)?);
        }
        let more = [("u", standard, Profile::Standard), ("m", massive, Profile::MassiveExtraLarge)];
        for (letter, count, profile) in more {
            for i in 1..=count {
                boxes.push(make(&format!("{letter}{i}@{}", self.domains[0]), profile, &self.shared())?);
            }
        }
        Ok(boxes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_of_both_kinds_share_one_password() {
        let alfa = &houses()[0];
        let passwords: Passwords =
            alfa.password_names().into_iter().map(|n| (n.clone(), Secret::new(format!("pw {n}")))).collect();
        let boxes = alfa.boxes(2, 1, &passwords).unwrap();
        let names: Vec<_> = boxes.iter().map(|b| b.address.as_str()).collect();
        assert_eq!(names[0], "posta-certificata@pec.alfa.example");
        assert_eq!(names[5..], ["u1@comune-alfa.example", "u2@comune-alfa.example", "m1@comune-alfa.example"]);
        assert!(boxes[5].password == boxes[7].password && boxes[1].password != boxes[2].password);
        assert_eq!(boxes[7].profile, Profile::MassiveExtraLarge);
        assert_eq!(alfa.managed().unwrap().len(), 3);
    }
}
