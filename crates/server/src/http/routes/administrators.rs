//! Persons who administrate, their roles and tokens. Nobody rules over who may as much as himself: somebody is ended, and
//! given a token, by who could have given him every role that he has.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use data_encoding::BASE32_NOPAD;
use sigillo_accounts::{Act, Grant, Person, PersonName, Role, Scope, Target, Token};
use sigillo_admin::api;
use sigillo_base::{MailboxId, PersonId, Secret, TenantId, Timestamp, said};
use sigillo_engine::{Error, FIRST_TOKEN, NewPerson, Tokened};

use super::requests::Asking;
use super::{At, Fail, PAGE, Reply, address, alive, mailbox, not_among, pages, work};
use crate::http::actor::{Actor, denied};
use crate::http::extract::{Params, Sent};
use crate::http::named::{Named, home, person_name};
use crate::http::table::{On, Row, delete, get, post, put};
use crate::ids::random;
use crate::provider::House;

pub(super) fn rows() -> Vec<Row> {
    vec![
        get(api::PERSONS, (Act::PersonRead, On::Each), "the persons who administrate", persons),
        post(api::PERSONS, (Act::PersonWrite, On::Handler), "names somebody", add),
        get("/v1/persons/{name}", (Act::PersonRead, On::Person), "somebody who administrates", one),
        delete("/v1/persons/{name}", WRITE, "ends somebody", end),
        put("/v1/persons/{name}/roles", WRITE, "gives a role", give),
        delete("/v1/persons/{name}/roles", WRITE, "takes a role", take),
        get("/v1/persons/{name}/tokens", WRITE, "somebody's tokens", tokens),
        post("/v1/persons/{name}/tokens", WRITE, "gives somebody a token", add_token),
        delete("/v1/persons/{name}/tokens/{token}", WRITE, "ends a token", revoke),
        delete("/v1/persons/{name}/totp", WRITE, "removes a second factor that is lost", reset),
    ]
}

const WRITE: (Act, On) = (Act::PersonWrite, On::Person);

async fn persons(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Params(asked): Params<api::Listing>,
) -> Reply<api::Administrators> {
    let list = move |engine: &House| {
        let more = |after: &u64| {
            let rows = engine.administrators(PersonId(*after), PAGE)?;
            Ok(rows.into_iter().map(|(id, person)| (id.0, person)).collect())
        };
        let show = |person: Person| {
            let seen = actor.may(Act::PersonRead, &home(&person));
            seen.then(|| shown(engine, person)).transpose()
        };
        let (persons, next) = pages::page((pages::number(&asked)?, pages::most(&asked)?), more, show)?;
        Ok(api::Administrators { persons, next: next.map(|after| after.to_string()) })
    };
    Ok(Json(work(&*alive(&provider)?, list).await?))
}

async fn one(State(provider): At, Path(name): Path<String>) -> Reply<api::Administrator> {
    let read = move |engine: &House| shown(engine, found(engine, &person_name(&name)?)?);
    Ok(Json(work(&*alive(&provider)?, read).await?))
}

async fn add(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Sent(api::NewAdministrator { login, name, mail, tenant }): Sent<api::NewAdministrator>,
) -> Result<(StatusCode, Json<api::Administrator>), Fail> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let make = move |engine: &House| {
        let tenant = tenant.map(TenantId);
        actor.need(Act::PersonWrite, &Target { tenant, ..Target::SERVICE })?;
        let mail = mail.as_deref().filter(|mail| !mail.is_empty()).map(address).transpose()?;
        let login = person_name(&login)?;
        engine.add_person(&NewPerson { login: login.clone(), name, mail, tenant }, now)?;
        shown(engine, found(engine, &login)?)
    };
    Ok((StatusCode::CREATED, Json(work(&provider, make).await?)))
}

async fn end(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    asking: Asking,
) -> Reply<api::Administrator> {
    let provider = alive(&provider)?;
    let request = asking.request(provider.clock.now())?;
    let set = move |engine: &House| {
        let name = ruled(engine, &actor, &name)?;
        shown(engine, engine.end_person(&name, &request)?)
    };
    Ok(Json(work(&provider, set).await?))
}

async fn give(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    asking: Asking,
    Sent(asked): Sent<api::RoleGrant>,
) -> Reply<api::Administrator> {
    grant(provider, (actor, asking), name, asked, true).await
}

async fn take(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    asking: Asking,
    Sent(asked): Sent<api::RoleGrant>,
) -> Reply<api::Administrator> {
    grant(provider, (actor, asking), name, asked, false).await
}

async fn grant(
    provider: super::Provided,
    (actor, asking): (Actor, Asking),
    name: String,
    asked: api::RoleGrant,
    given: bool,
) -> Reply<api::Administrator> {
    let provider = alive(&provider)?;
    let request = asking.request(provider.clock.now())?;
    let set = move |engine: &House| {
        let grant = parse(engine, &actor, &asked)?;
        if !actor.may_name(&grant, &engine.scope_target(grant.scope)?) {
            return Err(denied(Act::PersonWrite));
        }
        let name = person_name(&name)?;
        if given && actor.is(&name) {
            return Err(Fail::new(
                StatusCode::FORBIDDEN,
                said!(
                    "nessuno dà un ruolo a se stesso: lo chiede a un altro",
                    "nobody gives himself a role: ask somebody else"
                ),
            ));
        }
        shown(engine, engine.set_grant(&name, grant, given, &request)?)
    };
    Ok(Json(work(&provider, set).await?))
}

async fn tokens(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    Params(asked): Params<api::Listing>,
) -> Reply<api::Tokens> {
    let list = move |engine: &House| tokens_of(engine, &ruled(engine, &actor, &name)?, &asked);
    Ok(Json(work(&*alive(&provider)?, list).await?))
}

async fn add_token(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    Sent(api::NewToken { name: label, days, first }): Sent<api::NewToken>,
) -> Result<(StatusCode, Json<api::MadeToken>), Fail> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let (secret, expires) = made_token(days, first, now)?;
    let make = move |engine: &House| {
        let name = ruled(engine, &actor, &name)?;
        let made = engine.add_token(&name, &label, &secret, expires, now)?;
        Ok(api::MadeToken { name: made.name, expires: expires.to_string(), secret: secret.expose().to_owned() })
    };
    Ok((StatusCode::CREATED, Json(work(&provider, make).await?)))
}

/// Another secret, and until when it is good.
pub(super) fn made_token(days: Option<u32>, first: bool, now: Timestamp) -> Result<(Secret, Timestamp), Fail> {
    let days = days.unwrap_or(api::TOKEN_DAYS);
    if !(1..=api::MAX_TOKEN_DAYS).contains(&days) {
        return Err(Fail::field("days", said!("da 1 a {}", "1 to {}", api::MAX_TOKEN_DAYS)));
    }
    let kind = if first { FIRST_TOKEN } else { "sgt_" };
    let secret = format!("{kind}{}", BASE32_NOPAD.encode(&random::<32>()).to_lowercase());
    Ok((Secret::new(secret), now.plus(Duration::from_secs(u64::from(days) * 24 * 3600))))
}

async fn revoke(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path((name, token)): Path<(String, String)>,
) -> Reply<api::Tokens> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let set = move |engine: &House| {
        let name = ruled(engine, &actor, &name)?;
        engine.revoke_token(&name, &token, now)?;
        tokens_of(engine, &name, &api::Listing::default())
    };
    Ok(Json(work(&provider, set).await?))
}

/// For who has lost his authenticator and his spare codes. Not for oneself: whoever has only the token would need no code.
async fn reset(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
) -> Reply<api::Administrator> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let set = move |engine: &House| {
        let name = ruled(engine, &actor, &name)?;
        if actor.is(&name) {
            let text = said!(
                "nessuno si toglie così il secondo fattore: «sigillo person totp remove», o lo chiede a un altro",
                "nobody removes his own second factor so: “sigillo person totp remove”, or ask somebody else"
            );
            return Err(Fail::new(StatusCode::FORBIDDEN, text));
        }
        engine.reset_factor(&name, &actor.name(), now)?;
        shown(engine, found(engine, &name)?)
    };
    Ok(Json(work(&provider, set).await?))
}

pub(super) fn found(engine: &House, name: &PersonName) -> Result<Person, Fail> {
    engine.person(name)?.map(|(_, person)| person).ok_or_else(|| Named::Person(name.as_str()).missing())
}

/// Somebody of his whom this actor may end, and give tokens to.
fn ruled(engine: &House, actor: &Actor, text: &str) -> Result<PersonName, Fail> {
    let name = person_name(text)?;
    let person = found(engine, &name)?;
    for grant in &person.grants {
        let at = match engine.scope_target(grant.scope) {
            // A mailbox that went away takes nothing with it.
            Err(Error::Invalid(_)) => home(&person),
            found => found?,
        };
        if !actor.may_name(grant, &at) {
            return Err(denied(Act::PersonWrite));
        }
    }
    Ok(name)
}

/// A role and where it is to hold; what he may not read is not there to be named.
fn parse(engine: &House, actor: &Actor, asked: &api::RoleGrant) -> Result<Grant, Fail> {
    let api::RoleGrant { role, scope } = asked;
    let unknown = || {
        let names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
        Fail::field(
            "role",
            not_among(role, &format!("fra {}", names.join(", ")), &format!("among {}", names.join(", "))),
        )
    };
    let bad = || {
        let (it, en) = (
            "supplier, tenant/NUMERO, unit/NUMERO/NUMERO o mailbox/INDIRIZZO",
            "supplier, tenant/NUMBER, unit/NUMBER/NUMBER or mailbox/ADDRESS",
        );
        Fail::field("scope", not_among(scope, it, en))
    };
    let number = |text: &str| text.parse::<u64>().map_err(|_| bad());
    let role = Role::parse(role).ok_or_else(unknown)?;
    let seen = |named: Named<'_>| named.need_seen(engine, actor);
    let scope = match *scope.split('/').collect::<Vec<_>>().as_slice() {
        ["supplier"] => Scope::Supplier,
        ["tenant", tenant] => {
            seen(Named::Tenant(tenant))?;
            Scope::Tenant(number(tenant)?)
        }
        ["unit", tenant, unit] => {
            seen(Named::Tenant(tenant))?;
            Scope::Unit(number(tenant)?, number(unit)?)
        }
        ["mailbox", name] => {
            seen(Named::Mailbox(name))?;
            Scope::Mailbox(mailbox(engine, name)?.id)
        }
        _ => return Err(bad()),
    };
    Ok(Grant { role, scope })
}

pub(super) fn shown(engine: &House, person: Person) -> Result<api::Administrator, Fail> {
    let time = |ms| Timestamp::from_millis(ms).to_string();
    let mut roles = Vec::new();
    for Grant { role, scope } in &person.grants {
        let scope = match *scope {
            Scope::Supplier => "supplier".to_owned(),
            Scope::Tenant(tenant) => format!("tenant/{tenant}"),
            Scope::Unit(tenant, unit) => format!("unit/{tenant}/{unit}"),
            Scope::Mailbox(id) => match engine.mailbox(MailboxId(id))? {
                Some(row) => format!("mailbox/{}", row.address),
                None => format!("mailbox/#{id}"),
            },
        };
        roles.push(api::RoleGrant { role: role.name().to_owned(), scope });
    }
    let second_factor = match PersonName::parse(&person.login) {
        Ok(name) => engine.person_has_factor(&name)?,
        Err(_) => false,
    };
    let Person { login, name, mail, tenant, created, ended, .. } = person;
    let (created, ended) = (time(created), ended.map(time));
    Ok(api::Administrator { login, name, mail, tenant, roles, second_factor, created, ended })
}

/// A page of somebody's tokens, by when they were made: those that ended long ago go meanwhile.
fn tokens_of(engine: &House, name: &PersonName, asked: &api::Listing) -> Result<api::Tokens, Fail> {
    let time = |ms| Timestamp::from_millis(ms).to_string();
    let shown = |Tokened { token: Token { name, created, expires, revoked, .. }, unlocked }| api::Token {
        name,
        created: time(created),
        expires: time(expires),
        revoked: revoked.map(time),
        unlocked: unlocked.map(|until| until.to_string()),
    };
    let mut last = 0;
    let mut by_time = |tokened: Tokened| {
        last = u64::try_from(tokened.token.created).unwrap_or_default().max(last + 1);
        (last, shown(tokened))
    };
    let all = engine.tokens(name)?.into_iter().map(&mut by_time).collect();
    let (tokens, next) = pages::page_of((pages::number(asked)?, pages::most(asked)?), all);
    Ok(api::Tokens { tokens, next: next.map(|after: u64| after.to_string()) })
}
