//! Persons who administrate, their roles and tokens. Nobody rules over who may as much as himself: somebody is ended, and
//! given a token, by who could have given him every role that he has.

use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, put};
use axum::{Extension, Json, Router};
use data_encoding::BASE32_NOPAD;
use sigillo_accounts::{Act, Grant, Person, PersonName, Role, Scope, Target, Token};
use sigillo_admin::api;
use sigillo_base::{MailboxId, Secret, TenantId, Timestamp};
use sigillo_engine::{Error, NewPerson};

use super::{At, Fail, Reply, address, alive, mailbox, work};
use crate::http::authority::{Actor, denied, person_name};
use crate::ids::random;
use crate::provider::House;

pub(super) fn router() -> Router<super::Provided> {
    Router::new()
        .route(api::PERSONS, get(persons).post(add))
        .route("/v1/persons/{name}", delete(end))
        .route("/v1/persons/{name}/roles", put(give).delete(take))
        .route("/v1/persons/{name}/tokens", get(tokens).post(add_token))
        .route("/v1/persons/{name}/tokens/{token}", delete(revoke))
}

async fn persons(State(provider): At, Extension(actor): Extension<Actor>) -> Reply<api::Administrators> {
    let list = move |engine: &House| {
        let seen = engine.administrators()?.into_iter().filter(|person| actor.may(Act::PersonRead, &home(person)));
        let persons = seen.map(|person| shown(engine, person)).collect::<Result<_, _>>()?;
        Ok(api::Administrators { persons })
    };
    Ok(Json(work(&*alive(&provider)?, list).await?))
}

async fn add(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    body: Result<Json<api::NewAdministrator>, JsonRejection>,
) -> Result<(StatusCode, Json<api::Administrator>), Fail> {
    let Json(api::NewAdministrator { login, name, mail, tenant }) = body?;
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
) -> Reply<api::Administrator> {
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let set = move |engine: &House| {
        let name = ruled(engine, &actor, &name)?;
        shown(engine, engine.end_person(&name, now)?)
    };
    Ok(Json(work(&provider, set).await?))
}

async fn give(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    body: Result<Json<api::RoleGrant>, JsonRejection>,
) -> Reply<api::Administrator> {
    grant(provider, actor, name, body?.0, true).await
}

async fn take(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    body: Result<Json<api::RoleGrant>, JsonRejection>,
) -> Reply<api::Administrator> {
    grant(provider, actor, name, body?.0, false).await
}

async fn grant(
    provider: super::Provided,
    actor: Actor,
    name: String,
    asked: api::RoleGrant,
    given: bool,
) -> Reply<api::Administrator> {
    let set = move |engine: &House| {
        let grant = parse(engine, &asked)?;
        if !actor.may_name(&grant, &engine.scope_target(grant.scope)?) {
            return Err(denied(Act::PersonWrite));
        }
        let name = person_name(&name)?;
        if given && actor.is(&name) {
            return Err(Fail::new(StatusCode::FORBIDDEN, "nessuno dà un ruolo a se stesso: lo chiede a un altro"));
        }
        // Who is not of the administration that names him is told apart from nobody.
        actor.need(Act::PersonWrite, &home(&found(engine, &name)?))?;
        shown(engine, engine.set_grant(&name, grant, given)?)
    };
    Ok(Json(work(&*alive(&provider)?, set).await?))
}

async fn tokens(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
) -> Reply<api::Tokens> {
    let list = move |engine: &House| {
        let name = ruled(engine, &actor, &name)?;
        Ok(all_tokens(engine.tokens(&name)?))
    };
    Ok(Json(work(&*alive(&provider)?, list).await?))
}

async fn add_token(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Path(name): Path<String>,
    body: Result<Json<api::NewToken>, JsonRejection>,
) -> Result<(StatusCode, Json<api::MadeToken>), Fail> {
    let Json(api::NewToken { name: label, days }) = body?;
    let days = days.unwrap_or(api::TOKEN_DAYS);
    if !(1..=api::MAX_TOKEN_DAYS).contains(&days) {
        return Err(Fail::bad(format!("days: da 1 a {}", api::MAX_TOKEN_DAYS)));
    }
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let make = move |engine: &House| {
        let name = ruled(engine, &actor, &name)?;
        let secret = format!("sgt_{}", BASE32_NOPAD.encode(&random::<32>()).to_lowercase());
        let expires = now.plus(Duration::from_secs(u64::from(days) * 24 * 3600));
        let made = engine.add_token(&name, &label, &Secret::new(secret.clone()), expires, now)?;
        Ok(api::MadeToken { name: made.name, expires: expires.to_string(), secret })
    };
    Ok((StatusCode::CREATED, Json(work(&provider, make).await?)))
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
        Ok(all_tokens(engine.tokens(&name)?))
    };
    Ok(Json(work(&provider, set).await?))
}

/// Where somebody is looked for.
fn home(person: &Person) -> Target {
    Target { tenant: person.tenant.map(TenantId), ..Target::SERVICE }
}

fn found(engine: &House, name: &PersonName) -> Result<Person, Fail> {
    let missing = || Fail::missing(format!("non c'è nessuno che si chiami {}", name.as_str()));
    engine.person(name)?.map(|(_, person)| person).ok_or_else(missing)
}

/// Somebody whom this actor may end, and give tokens to.
fn ruled(engine: &House, actor: &Actor, text: &str) -> Result<PersonName, Fail> {
    let name = person_name(text)?;
    let person = found(engine, &name)?;
    actor.need(Act::PersonWrite, &home(&person))?;
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

fn parse(engine: &House, asked: &api::RoleGrant) -> Result<Grant, Fail> {
    let api::RoleGrant { role, scope } = asked;
    let unknown = || {
        let names: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
        Fail::bad(format!("role: «{role}» non è fra {}", names.join(", ")))
    };
    let bad =
        || Fail::bad(format!("scope: «{scope}» non è supplier, tenant/NUMERO, unit/NUMERO/NUMERO o mailbox/INDIRIZZO"));
    let number = |text: &str| text.parse::<u64>().map_err(|_| bad());
    let scope = match *scope.split('/').collect::<Vec<_>>().as_slice() {
        ["supplier"] => Scope::Supplier,
        ["tenant", tenant] => Scope::Tenant(number(tenant)?),
        ["unit", tenant, unit] => Scope::Unit(number(tenant)?, number(unit)?),
        ["mailbox", name] => Scope::Mailbox(mailbox(engine, name)?.id),
        _ => return Err(bad()),
    };
    Ok(Grant { role: Role::parse(role).ok_or_else(unknown)?, scope })
}

fn shown(engine: &House, person: Person) -> Result<api::Administrator, Fail> {
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
    let Person { login, name, mail, tenant, created, ended, .. } = person;
    Ok(api::Administrator { login, name, mail, tenant, roles, created: time(created), ended: ended.map(time) })
}

fn all_tokens(tokens: Vec<Token>) -> api::Tokens {
    let time = |ms| Timestamp::from_millis(ms).to_string();
    let shown = |Token { name, created, expires, revoked, .. }| api::Token {
        name,
        created: time(created),
        expires: time(expires),
        revoked: revoked.map(time),
    };
    api::Tokens { tokens: tokens.into_iter().map(shown).collect() }
}
