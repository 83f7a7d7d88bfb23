//! Who administrates: persons, their roles, and the tokens that they prove themselves with (WEB-10, SEC-06). A token is
//! kept as its SHA-256 alone: its 256 bits are random, so that nothing slower is needed, and looking it up by its hash
//! tells an attacker nothing by its time.

use std::time::Duration;

use sigillo_accounts::{Done, Grant, ISSUED, Mailbox, Person, PersonName, Request, Role, Scope, Target, Token};
use sigillo_base::{Address, MailboxId, PersonId, Secret, TenantId, Timestamp, UnitId, said};
use sigillo_store::{KeyBuilder, KeyReader, Store, Transaction, tag, transact};
use sigillo_wire::Tick;

use crate::factors::person_factor_key;
use crate::fronts::Transaction as Own;
use crate::guard::Origin;
use crate::rows::{decode, encode, mailbox_key};
use crate::tenants::{draw, living, living_unit, named, owner_in, unit_row};
use crate::unlocks::{Bearer, Standing, still_good, unlocked_key};
use crate::{ATTEMPTS, Engine, Error, roles};

/// Grants of one person.
const MAX_GRANTS: usize = 2_000;
/// Persons that are kept, those that ended included.
pub(crate) const MAX_PERSONS: usize = 100_000;
/// Tokens of one person that are good.
const MAX_TOKENS: usize = 100;
/// Tokens of one person that ended and are shown still. Whoever changes his all the time forgets the earliest, so that nobody
/// reads ever more of them.
const MAX_ENDED: usize = 1_000;

pub(crate) fn person_key(id: PersonId) -> KeyBuilder {
    KeyBuilder::new(tag::PERSON).u64(id.0)
}

fn name_key(name: &PersonName) -> KeyBuilder {
    KeyBuilder::new(tag::PERSON_BY_NAME).text(name.as_str())
}

fn token_key(secret: &Secret) -> KeyBuilder {
    KeyBuilder::new(tag::TOKEN).raw(sigillo_smime::sha256(secret.expose().as_bytes()))
}

/// How a token begins that is good for nothing but to be changed: who was given it is then the only one who has what he
/// proves himself with. The beginning is a part of the secret, so that nobody makes another kind of it.
pub const FIRST_TOKEN: &str = "sgp_";

/// What a token is counted by: a part of its hash, which tells nothing of it.
pub fn token_number(secret: &Secret) -> u64 {
    let hash = sigillo_smime::sha256(secret.expose().as_bytes());
    hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Refuses another token to who has so many that are good.
fn few(all: &[(Vec<u8>, Token)], login: &str, now: Timestamp) -> Result<(), Error> {
    if all.iter().filter(|(_, token)| token.is_good(now.as_millis())).count() < MAX_TOKENS {
        return Ok(());
    }
    Err(Error::Invalid(said!(
        "{login} ha già {MAX_TOKENS} token validi: revocarne uno prima",
        "{login} has {MAX_TOKENS} good tokens already: revoke one first"
    )))
}

/// Forgets those that ended first, of too many.
fn forget_ended<S: Store>(tx: &mut Transaction<'_, S>, mut all: Vec<(Vec<u8>, Token)>, now: Timestamp) {
    all.retain(|(_, token)| !token.is_good(now.as_millis()));
    all.sort_by_key(|(_, token)| token.end());
    for (key, _) in all.iter().take(all.len().saturating_sub(MAX_ENDED)) {
        forget_token(tx, key);
    }
}

/// Forgets a token that ended.
pub(crate) fn forget_token<S: Store>(tx: &mut Transaction<'_, S>, key: &[u8]) {
    tx.delete(key);
    tx.delete(unlocked_key(&key[1..]));
}

/// Whom a token shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Him, his token, and how it stands to his second factor.
    Person(Box<Person>, Bearer, Standing),
    /// It is no token, or one that ended.
    Nobody,
    /// It is not looked at: there were too many wrong ones from there.
    Locked,
}

/// A token of somebody, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokened {
    /// What it is.
    pub token: Token,
    /// Until when it needs no code of its person's second factor.
    pub unlocked: Option<Timestamp>,
}

/// Somebody to be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// What he will be called by.
    pub login: PersonName,
    /// First name and surname.
    pub name: String,
    /// An ordinary address of his.
    pub mail: Option<Address>,
    /// The administration that he belongs to; `None` for the provider's own people.
    pub tenant: Option<TenantId>,
}

impl<S: Store> Engine<S> {
    /// Names somebody who may nothing yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the name was given before, to whomever, or his administration is not there.
    pub fn add_person(&self, new: &NewPerson, now: Timestamp) -> Result<PersonId, Error> {
        named(said!("nome e cognome", "full name"), &new.name)?;
        let row = Person {
            login: new.login.as_str().into(),
            name: new.name.trim().into(),
            mail: new.mail.as_ref().map(|mail| mail.as_str().to_owned()).unwrap_or_default(),
            tenant: new.tenant.map(|id| id.0),
            created: now.as_millis(),
            ..Person::default()
        };
        transact(&self.store, ATTEMPTS, |tx| {
            if tx.get(name_key(&new.login))?.is_some() {
                return Err(Error::Invalid(said!(
                    "«{}» è, o è stato, di un'altra persona: un nome non si dà due volte",
                    "“{}” is, or was, another person's: no name is given twice",
                    row.login
                )));
            }
            if let Some(tenant) = new.tenant {
                living(tx, tenant)?;
            }
            let id = PersonId(draw(tx, "person")?);
            tx.put(person_key(id), encode(&row));
            tx.put(name_key(&new.login), encode(&id.0));
            Ok(id)
        })
    }

    /// Gives somebody a role, or takes it. Who answers for a mailbox is in the register of operations (WEB-12).
    ///
    /// # Errors
    /// [`Error::Invalid`] when he is not there or ended, the role is not granted in such a scope, the scope is not there
    /// or of another administration than his.
    pub fn set_grant(&self, name: &PersonName, grant: Grant, given: bool, request: &Request) -> Result<Person, Error> {
        if !grant.scope.fits(grant.role) {
            return Err(Error::Invalid(said!(
                "il ruolo {} non si dà in questo ambito",
                "the role {} is not given in this scope",
                grant.role.name()
            )));
        }
        let target = self.scope_target(grant.scope)?;
        transact(&self.store, ATTEMPTS, |tx| {
            check_scope(tx, grant.scope)?;
            let target = match grant.scope {
                // Still when this is committed: a domain that changes hands takes its mailboxes from whoever answered for them.
                Scope::Mailbox(id) => Target { tenant: owner_of(tx, MailboxId(id))?, ..target },
                _ => target,
            };
            let (row, changed) = give(tx, name, grant, given, &target)?;
            if let (Scope::Mailbox(id), true) = (grant.scope, changed) {
                let (out, into) = if given { ("", name.as_str()) } else { (name.as_str(), "") };
                self.record_responsible(tx, MailboxId(id), out, into, request)?;
            }
            Ok(row)
        })
    }

    /// Says who answers for a mailbox, and that nobody else does (WEB-12); `false` when it was so already.
    ///
    /// # Errors
    /// As for [`set_grant`](Self::set_grant).
    pub fn set_responsible(
        &self,
        id: MailboxId,
        person: Option<&PersonName>,
        request: &Request,
    ) -> Result<bool, Error> {
        transact(&self.store, ATTEMPTS, |tx| self.set_responsible_in(tx, id, person, request))
    }

    pub(crate) fn set_responsible_in(
        &self,
        tx: &mut Own<'_, S>,
        id: MailboxId,
        person: Option<&PersonName>,
        request: &Request,
    ) -> Result<bool, Error> {
        let grant = Grant { role: Role::MailboxResponsible, scope: Scope::Mailbox(id.0) };
        let owner = owner_of(tx, id)?;
        let target = Target { tenant: owner, unit: None, mailbox: Some(id) };
        roles::still(tx)?;
        let before = self.responsible_to(id, owner)?;
        let after: Vec<String> = person.map(|name| name.as_str().to_owned()).into_iter().collect();
        if before == after {
            return Ok(false);
        }
        if let Some(name) = person {
            give(tx, name, grant, true, &target)?;
        }
        for name in before.iter().filter(|name| !after.contains(name)) {
            if let Ok(name) = PersonName::parse(name) {
                give(tx, &name, grant, false, &target)?;
            }
        }
        self.record_responsible(tx, id, &before.join(", "), &after.join(", "), request)?;
        Ok(true)
    }

    fn record_responsible(
        &self,
        tx: &mut Own<'_, S>,
        id: MailboxId,
        before: &str,
        after: &str,
        request: &Request,
    ) -> Result<(), Error> {
        let key = mailbox_key(id);
        let Some(value) = tx.get(&key)? else { return Ok(()) };
        let (row, unit): (Mailbox, _) = (decode(&key, &value)?, unit_row(tx, id)?);
        let shown = |names: &str| if names.is_empty() { "—".to_owned() } else { names.to_owned() };
        let detail = format!("{} → {}", shown(before), shown(after));
        self.record(tx, &row, unit, Done::MailboxResponsible, detail, request)
    }

    /// Ends somebody: his tokens are worth nothing from now on, and his second factor goes. His name stays his. That he answers
    /// for his mailboxes no more is in the register of operations (WEB-12).
    ///
    /// # Errors
    /// [`Error::Invalid`] when he is not there, or ended already.
    pub fn end_person(&self, name: &PersonName, request: &Request) -> Result<Person, Error> {
        transact(&self.store, ATTEMPTS, |tx| {
            let (id, row) = working(tx, name)?;
            self.end_in(tx, id, row, request)
        })
    }

    fn end_in(&self, tx: &mut Own<'_, S>, id: PersonId, row: Person, request: &Request) -> Result<Person, Error> {
        for grant in &row.grants {
            let Scope::Mailbox(of) = grant.scope else { continue };
            let Some((_, domain)) = roles::answered(tx, MailboxId(of))? else { continue };
            if row.tenant.is_none() || row.tenant.map(TenantId) == owner_in(tx, &domain)? {
                self.record_responsible(tx, MailboxId(of), &row.login, "", request)?;
            }
        }
        let row = Person { ended: Some(request.now().as_millis()), ..row };
        tx.put(person_key(id), encode(&row));
        let factor = person_factor_key(id);
        if tx.get(&factor)?.is_some() {
            tx.delete(&factor);
            self.lock_all(tx, id)?;
        }
        roles::changed(tx)?;
        Ok(row)
    }

    /// Ends everybody of an administration that is removed in this transaction, and takes the roles that the provider's own
    /// people have in it. Whoever is named there meanwhile reads its row as well: one of the two looks again.
    pub(crate) fn end_all_of(&self, tx: &mut Own<'_, S>, tenant: TenantId, now: Timestamp) -> Result<(), Error> {
        let inside = |scope: &Scope| matches!(scope, Scope::Tenant(of) | Scope::Unit(of, _) if *of == tenant.0);
        let concerned = |row: &Person| {
            let works = row.tenant == Some(tenant.0) || row.grants.iter().any(|had| inside(&had.scope));
            works && row.ended.is_none()
        };
        for (id, _) in self.administrators(PersonId(0), MAX_PERSONS)?.into_iter().filter(|(_, row)| concerned(row)) {
            let key = person_key(id);
            let Some(value) = tx.get(&key)? else { continue };
            let mut row: Person = decode(&key, &value)?;
            if row.tenant == Some(tenant.0) {
                self.end_in(tx, id, row, &Request::own(now))?;
            } else {
                row.grants.retain(|had| !inside(&had.scope));
                tx.put(&key, encode(&row));
                roles::changed(tx)?;
            }
        }
        Ok(())
    }

    /// Somebody by his name.
    ///
    /// # Errors
    /// The store's fault.
    pub fn person(&self, name: &PersonName) -> Result<Option<(PersonId, Person)>, Error> {
        let key = name_key(name);
        let Some(value) = self.store.get(key.as_ref())? else { return Ok(None) };
        let id = PersonId(decode(&key, &value)?);
        Ok(self.person_by_id(id)?.map(|row| (id, row)))
    }

    fn person_by_id(&self, id: PersonId) -> Result<Option<Person>, Error> {
        let key = person_key(id);
        self.store.get(key.as_ref())?.map(|value| decode(&key, &value)).transpose().map_err(Error::from)
    }

    /// At most `limit` persons behind this one, by number, those who ended included.
    ///
    /// # Errors
    /// The store's fault.
    pub fn administrators(&self, after: PersonId, limit: usize) -> Result<Vec<(PersonId, Person)>, Error> {
        let from = person_key(PersonId(after.0.saturating_add(1)));
        let (_, to) = KeyBuilder::new(tag::PERSON).range();
        Ok(self.sound(from.as_ref(), &to, limit, |key, value| Ok((number_of(key)?, decode(key, value)?)))?)
    }

    /// Gives somebody a token; the secret is whoever calls this has drawn, of 256 bits.
    ///
    /// # Errors
    /// [`Error::Invalid`] when he is not there or ended, has a token of this name, or too many.
    pub fn add_token(
        &self,
        name: &PersonName,
        label: &str,
        secret: &Secret,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<Token, Error> {
        named(said!("nome del token", "name of the token"), label)?;
        if label.eq_ignore_ascii_case(ISSUED) {
            return Err(Error::Invalid(said!(
                "«{label}» nei registri è il token firmato da un fornitore d'identità: dargli un altro nome",
                "“{label}” in the registers is a token that an issuer signed: give it another name"
            )));
        }
        transact(&self.store, ATTEMPTS, |tx| {
            let (id, row) = working(tx, name)?;
            // Two that are made at once meet at the counter: one of them looks again.
            draw(tx, "token")?;
            let all = self.tokens_of(id)?;
            if all.iter().any(|(_, token)| token.name == label && token.is_good(now.as_millis())) {
                return Err(Error::Invalid(said!(
                    "{} ha già un token «{label}»: revocarlo prima",
                    "{} has a token “{label}” already: revoke it first",
                    row.login
                )));
            }
            few(&all, &row.login, now)?;
            forget_ended(tx, all, now);
            let (created, expires) = (now.as_millis(), expires.as_millis());
            let token = Token { person: id.0, name: label.into(), created, expires, revoked: None };
            tx.put(token_key(secret), encode(&token));
            Ok(token)
        })
    }

    /// Ends a token.
    ///
    /// # Errors
    /// [`Error::Invalid`] when he has no such token that is good.
    pub fn revoke_token(&self, name: &PersonName, label: &str, now: Timestamp) -> Result<(), Error> {
        let missing = || {
            Error::Invalid(said!(
                "{} non ha un token «{label}» valido",
                "{} has no token “{label}” that is good",
                name.as_str()
            ))
        };
        let (id, _) = self.person(name)?.ok_or_else(missing)?;
        let good = |token: &Token| token.name == label && token.is_good(now.as_millis());
        let found = self.tokens_of(id)?.into_iter().find(|(_, token)| good(token));
        let (key, _) = found.ok_or_else(missing)?;
        transact(&self.store, ATTEMPTS, |tx| {
            let mut row: Token = decode(&key, &tx.get(&key)?.ok_or_else(missing)?)?;
            row.revoked = row.revoked.or(Some(now.as_millis()));
            tx.put(&key, encode(&row));
            tx.delete(unlocked_key(&key[1..]));
            Ok(())
        })
    }

    /// Gives who shows a token another in its place, under its name: the one that he shows ends in the same commit. A second
    /// factor locks the new one as any other. It is good no longer than the whole of that one's time ([`Bearer::term`]): whoever
    /// gave a token for a day has not given one for a year.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the token ended meanwhile, or the new one would be good for longer.
    pub fn change_token(
        &self,
        bearer: &Bearer,
        secret: &Secret,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<Token, Error> {
        if bearer.term().is_some_and(|term| expires > now.plus(term)) {
            return Err(Error::Invalid(said!(
                "il token nuovo non può valere più a lungo di quanto valeva in tutto «{}»",
                "the new token cannot be good for longer than the whole time of “{}”",
                bearer.label
            )));
        }
        transact(&self.store, ATTEMPTS, |tx| {
            let old = still_good(tx, bearer, now)?;
            draw(tx, "token")?;
            // As many are good as before: one ends.
            forget_ended(tx, self.tokens_of(bearer.id)?, now);
            let new = Token { created: now.as_millis(), expires: expires.as_millis(), ..old.clone() };
            tx.put(
                KeyBuilder::new(tag::TOKEN).raw(bearer.hash),
                encode(&Token { revoked: Some(now.as_millis()), ..old }),
            );
            tx.delete(unlocked_key(&bearer.hash));
            tx.put(token_key(secret), encode(&new));
            Ok(new)
        })
    }

    /// The tokens of somebody, without their secrets.
    ///
    /// # Errors
    /// The store's fault.
    pub fn tokens(&self, name: &PersonName) -> Result<Vec<Tokened>, Error> {
        let Some((id, _)) = self.person(name)? else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for (key, token) in self.tokens_of(id)? {
            all.push(Tokened { token, unlocked: self.unlocked_until(&key[1..])? });
        }
        all.sort_by_key(|tokened| tokened.token.created);
        Ok(all)
    }

    /// By a walk over everybody's: a row is found by the hash of its secret alone. They are few in a service, and nobody waits
    /// for this.
    pub(crate) fn tokens_of(&self, id: PersonId) -> Result<Vec<(Vec<u8>, Token)>, Error> {
        let (from, to) = KeyBuilder::new(tag::TOKEN).range();
        let all = self.sound(&from, &to, usize::MAX, |key, value| Ok((key.to_vec(), decode::<Token>(key, value)?)))?;
        Ok(all.into_iter().filter(|(_, token)| token.person == id.0).collect())
    }

    /// Who shows this secret. From another machine its failures are counted with those of logins: a place from which too
    /// many come is heard no more for a while, but for who is known there.
    ///
    /// # Errors
    /// The store's fault.
    pub fn who_shows(&self, secret: &Secret, from: Option<(Origin, Tick)>, now: Timestamp) -> Result<Shown, Error> {
        // A token that ended and is shown again and again locks itself, not its neighbours.
        let name = format!("token {:016x}", token_number(secret));
        if from.is_some_and(|(place, tick)| self.guard.locked(&name, place, tick).is_some()) {
            return Ok(Shown::Locked);
        }
        let person = self.holder(secret, now)?;
        if let Some((place, tick)) = from {
            match &person {
                Some(_) => self.guard.succeeded(&name, place, tick),
                None => self.guard.failed(&name, place, tick),
            }
        }
        let Some((person, bearer)) = person else { return Ok(Shown::Nobody) };
        let standing = if bearer.first { Standing::First } else { self.standing(&bearer, now)? };
        Ok(Shown::Person(Box::new(person), bearer, standing))
    }

    /// Whose it is, and as what he shows it.
    fn holder(&self, secret: &Secret, now: Timestamp) -> Result<Option<(Person, Bearer)>, Error> {
        let key = token_key(secret);
        let Some(value) = self.store.get(key.as_ref())? else { return Ok(None) };
        let token: Token = decode(&key, &value)?;
        if !token.is_good(now.as_millis()) {
            return Ok(None);
        }
        let (id, hash) = (PersonId(token.person), sigillo_smime::sha256(secret.expose().as_bytes()));
        let person = self.person_by_id(id)?.filter(|person| person.ended.is_none());
        Ok(person.map(|person| {
            let first = secret.expose().starts_with(FIRST_TOKEN);
            let whole = Duration::from_millis(token.expires.abs_diff(token.created));
            (person.clone(), Bearer { id, login: person.login, label: token.name, hash, first, whole })
        }))
    }

    /// Where a scope lies.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is a mailbox that is not there.
    pub fn scope_target(&self, scope: Scope) -> Result<Target, Error> {
        Ok(match scope {
            Scope::Supplier => Target::SERVICE,
            Scope::Tenant(tenant) => Target::tenant(TenantId(tenant)),
            Scope::Unit(tenant, unit) => Target { unit: Some(UnitId(unit)), ..Target::tenant(TenantId(tenant)) },
            Scope::Mailbox(id) => {
                let row = self.mailbox(MailboxId(id))?.filter(|row| !row.is_gone()).ok_or_else(no_mailbox)?;
                self.target(&Address::parse(&row.address).map_err(|_| no_mailbox())?)?
            }
        })
    }
}

fn check_scope<S: Store>(tx: &mut Transaction<'_, S>, scope: Scope) -> Result<(), Error> {
    match scope {
        Scope::Tenant(tenant) => living(tx, TenantId(tenant)).map(drop),
        Scope::Unit(tenant, unit) => {
            living(tx, TenantId(tenant))?;
            living_unit(tx, TenantId(tenant), UnitId(unit)).map(drop)
        }
        Scope::Supplier | Scope::Mailbox(_) => Ok(()),
    }
}

/// Gives somebody a role or takes it; tells whether that changed anything. Where it fails it wrote nothing.
fn give<S: Store>(
    tx: &mut Transaction<'_, S>,
    name: &PersonName,
    grant: Grant,
    given: bool,
    target: &Target,
) -> Result<(Person, bool), Error> {
    let (id, mut row) = working(tx, name)?;
    // Who belongs to an administration works for nobody else (SEC-05).
    if given && row.tenant.is_some() && row.tenant.map(TenantId) != target.tenant {
        return Err(Error::Invalid(said!(
            "{} è di un'altra amministrazione: non può averne ruoli qui",
            "{} is of another administration: no role here can be given",
            row.login
        )));
    }
    let had = row.grants.contains(&grant);
    row.grants.retain(|had| *had != grant);
    if given {
        row.grants.push(grant);
    }
    if row.grants.len() > MAX_GRANTS {
        return Err(Error::Invalid(said!(
            "una persona ha al più {MAX_GRANTS} ruoli",
            "a person has at most {MAX_GRANTS} roles"
        )));
    }
    tx.put(person_key(id), encode(&row));
    if had != given {
        roles::changed(tx)?;
    }
    Ok((row, had != given))
}

/// Whose a mailbox is.
fn owner_of<S: Store>(tx: &mut Transaction<'_, S>, id: MailboxId) -> Result<Option<TenantId>, Error> {
    let key = mailbox_key(id);
    let row: Mailbox = decode(&key, &tx.get(&key)?.ok_or_else(no_mailbox)?)?;
    match Address::parse(&row.address) {
        Ok(address) => owner_in(tx, address.domain()),
        Err(_) => Ok(None),
    }
}

fn no_mailbox() -> Error {
    Error::Invalid(said!("la casella non esiste", "there is no such mailbox"))
}

/// Somebody who has not ended.
pub(crate) fn working<S: Store>(tx: &mut Transaction<'_, S>, name: &PersonName) -> Result<(PersonId, Person), Error> {
    let missing =
        || Error::Invalid(said!("non c'è nessuno che si chiami {}", "there is nobody called {}", name.as_str()));
    let key = name_key(name);
    let id = PersonId(decode(&key, &tx.get(&key)?.ok_or_else(missing)?)?);
    let key = person_key(id);
    let row: Person = decode(&key, &tx.get(&key)?.ok_or_else(missing)?)?;
    if row.ended.is_some() {
        return Err(Error::Invalid(said!("{} non amministra più", "{} administrates no more", row.login)));
    }
    Ok((id, row))
}

/// A row of somebody.
pub(crate) fn read(key: &[u8], value: &[u8]) -> Result<Person, sigillo_store::Error> {
    number_of(key)?;
    decode(key, value)
}

fn number_of(key: &[u8]) -> Result<PersonId, sigillo_store::Error> {
    let mut reader = KeyReader::new(key, tag::PERSON)?;
    let id = PersonId(reader.u64()?);
    reader.end()?;
    Ok(id)
}
