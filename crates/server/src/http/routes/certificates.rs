//! Certificates, keys and lists in use, and the change to the next signing certificate.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sigillo_accounts::Act;
use sigillo_admin::{Lang, api};
use sigillo_base::said;

use super::requests::Asking;
use super::{At, Fail, Reply, alive};
use crate::certificates::{Around, Held, Purpose};
use crate::complaint;
use crate::config::Problem;
use crate::http::table::{On, Row, get, post};
use crate::provider::{Plan, Provider};

pub(super) fn rows() -> Vec<Row> {
    const READ: (Act, On) = (Act::ServiceRead, On::Service);
    const WRITE: (Act, On) = (Act::ServiceWrite, On::Service);
    vec![
        get(api::CERTIFICATES, READ, "certificates, keys and revocation lists in use", list),
        post(api::CERTIFICATES_RENEW, WRITE, "asks the ACME authority for another certificate of the doors", renew)
            .real(),
        get(api::CERTIFICATES_ROLL, READ, "whether the next certificate could sign", plan),
        post(api::CERTIFICATES_ROLL, WRITE, "signs with the next certificate", roll).real(),
    ]
}

async fn list(State(provider): At) -> Reply<api::Certificates> {
    Ok(Json(api::Certificates { certificates: all(&*alive(&provider)?) }))
}

async fn plan(State(provider): At, asking: Asking) -> Reply<api::Roll> {
    let provider = alive(&provider)?;
    let plan = provider.plan_roll().await;
    Ok(Json(told(&provider, &plan, asking.lang())))
}

async fn roll(State(provider): At, asking: Asking) -> Reply<api::Roll> {
    let provider = alive(&provider)?;
    let refused = |problems: crate::config::Problems| Fail::new(StatusCode::CONFLICT, problems);
    let plan = provider.roll().await.map_err(refused)?;
    Ok(Json(told(&provider, &plan, asking.lang())))
}

async fn renew(State(provider): At) -> Reply<api::AcmeStatus> {
    let provider = alive(&provider)?;
    let Some(acme) = &provider.acme else {
        let text = said!("nella configurazione in uso manca [tls.acme]", "the configuration in use has no [tls.acme]");
        return Err(Fail::new(StatusCode::CONFLICT, text));
    };
    let renewed = provider.renew_tls(acme).await;
    renewed.map_err(|error| Fail::new(StatusCode::BAD_GATEWAY, complaint::of(&error)))?;
    Ok(Json(acme.status()))
}

fn told(provider: &Provider, plan: &Plan, lang: Lang) -> api::Roll {
    let held = |purpose, certificate: &sigillo_smime::Certificate| {
        let of = |held: &&Held| held.certificate == *certificate;
        let at = provider.shown().held.iter().find(of).map_or_else(String::new, |held| held.at.clone());
        with(provider, |around| around.told(&Held { purpose, at, certificate: certificate.clone() }))
    };
    api::Roll {
        from: held(Purpose::Signing, &plan.from),
        to: plan.to.as_ref().map(|to| held(Purpose::Next, &to.identity.certificate)),
        missing: plan.missing.iter().map(|problem: &Problem| problem.say(lang)).collect(),
    }
}

fn with<T>(provider: &Provider, make: impl FnOnce(&Around<'_>) -> T) -> T {
    let (config, index, trust) = (provider.config(), provider.engine.index(), provider.engine.trust());
    make(&Around { name: &config.name.value, index: &index, trust: &trust, now: provider.clock.now() })
}

/// Everything with an end.
fn all(provider: &Provider) -> Vec<api::Certificate> {
    let (shown, dkim) = (provider.shown(), provider.dkim.as_deref());
    with(provider, |around| around.all(&shown.held, dkim))
}

/// Those of ours that are in use or will be.
pub(super) fn ours(provider: &Provider) -> Vec<api::Certificate> {
    let purposes = [Purpose::Signing, Purpose::Next, Purpose::Tls, Purpose::IndexClient];
    let shown = provider.shown();
    let held = shown.held.iter().filter(|held| purposes.contains(&held.purpose));
    with(provider, |around| held.map(|held| around.told(held)).collect())
}
