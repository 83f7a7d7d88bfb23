//! The issuer of signed tokens: `[oidc]`, and whom its tokens name.

use sigillo_base::{Complaint, Domain, said};
use toml::Spanned;

use super::located::{Located, Reader};
use super::raw;
use crate::fetch::Url;

/// An issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    /// Its name, letter by letter as its tokens have it.
    pub issuer: Located<String>,
    /// Where it describes itself (OpenID Connect Discovery 1.0, §4).
    pub discovery: Url,
    /// Persons of the administrative interface who come by its tokens; `None`: nobody.
    pub persons: Option<Shown>,
    /// Mailboxes whose owners do.
    pub mailboxes: Option<OidcMailboxes>,
}

/// What a token must be meant for, and where it names somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What must be among its audience.
    pub audience: String,
    /// The claim that holds the name.
    pub claim: String,
}

/// Mailboxes that tokens open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcMailboxes {
    /// The claim holds the address.
    pub shown: Shown,
    /// Their domains.
    pub domains: Vec<Domain>,
}

impl Reader<'_> {
    pub(super) fn oidc(&mut self, raw: raw::Oidc, ours: &[Domain], introspected: bool) -> Option<Oidc> {
        let remedy = said!("scrivere https://macchina/percorso", "write https://host/path");
        let issuer = self.check("oidc.issuer", raw.issuer, remedy, |text| {
            let clear = || said!("non è cifrato: vi si prendono le chiavi", "is in clear: keys come from there");
            let discovery: Url = format!("{}/.well-known/openid-configuration", text.trim_end_matches('/'))
                .parse()
                .map_err(|bad: Complaint| bad.0)?;
            if discovery.is_https() { Ok((text.clone(), discovery)) } else { Err(clear()) }
        })?;
        let (name, discovery) = issuer.value;
        let issuer = Located { value: name, key: issuer.key, line: issuer.line };
        let persons = self.optional(raw.persons, |r, raw| r.shown("oidc.persons", raw))?;
        let mailboxes = self.optional(raw.mailboxes, |r, raw| r.oidc_mailboxes(raw, ours, introspected))?;
        if persons.as_ref().zip(mailboxes.as_ref()).is_some_and(|(p, m)| p.audience == m.shown.audience) {
            // A mail program's token would administrate.
            let what = said!(
                "lo stesso audience apre le caselle e l'amministrazione",
                "the same audience opens mailboxes and the administration"
            );
            let remedy = said!("darne due diversi", "give two different ones");
            self.tell(&issuer, what, remedy);
            return None;
        }
        Some(Oidc { issuer, discovery, persons, mailboxes })
    }

    fn shown(&mut self, table: &str, raw: raw::OidcShown) -> Option<Shown> {
        let audience = self.text(&format!("{table}.audience"), raw.audience)?.value;
        Some(Shown { audience, claim: self.text(&format!("{table}.claim"), raw.claim)?.value })
    }

    fn oidc_mailboxes(
        &mut self,
        raw: raw::OidcMailboxes,
        ours: &[Domain],
        introspected: bool,
    ) -> Option<OidcMailboxes> {
        if introspected {
            let what =
                said!("i gettoni delle caselle li conosce già [oauth]", "[oauth] knows mailboxes' tokens already");
            let remedy = said!("tenere [oauth] o [oidc.mailboxes]", "keep [oauth] or [oidc.mailboxes]");
            return self.wrong("oidc.mailboxes.audience", &raw.audience, what, remedy);
        }
        let shown = self.shown("oidc.mailboxes", raw::OidcShown { audience: raw.audience, claim: raw.claim })?;
        let mut domains = Vec::new();
        for domain in raw.domains {
            let at = Spanned::new(domain.span(), ());
            let domain = self.domain("oidc.mailboxes.domains", domain)?;
            if !ours.contains(&domain) {
                let what =
                    said!("{domain} non è fra i domini del gestore", "{domain} is none of the provider's domains");
                let remedy = said!("scrivere domini di provider.domains", "write domains of provider.domains");
                return self.wrong("oidc.mailboxes.domains", &at, what, remedy);
            }
            domains.push(domain);
        }
        Some(OidcMailboxes { shown, domains })
    }
}
