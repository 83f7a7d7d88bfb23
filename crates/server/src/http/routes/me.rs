//! What somebody who administrates does himself about his token and its second factor (SEC-03): he shows the token, and says
//! codes. Nobody else does it for him, but for who resets what he has lost (`administrators`).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use sigillo_accounts::AT_SOCKET;
use sigillo_admin::api;
use sigillo_base::said;
use sigillo_engine::{Bearer, Enrolment, Origin, Term, Unproven};
use sigillo_wire::Tick;

use super::administrators::{found, made_token, shown};
use super::{At, Fail, Reply, alive, work};
use crate::http::actor::Actor;
use crate::http::extract::Sent;
use crate::http::named::person_name;
use crate::http::socket::Peer;
use crate::http::table::{Need, Row, post, put};
use crate::provider::House;

pub(super) fn rows() -> Vec<Row> {
    vec![
        post(api::MY_TOTP, Need::Enrols, "who administrates gets an authenticator", begin),
        put(api::MY_TOTP, Need::Enrols, "takes the first code of it", confirm),
        post(api::MY_TOTP_REMOVE, Need::Proves, "who administrates removes his second factor", remove),
        post(api::MY_UNLOCK, Need::Unlocks, "unlocks the token that is shown, by a code", unlock),
        post(api::MY_TOKEN, Need::Changes, "gives another token in place of the one that is shown", change),
    ]
}

/// The token of ours that was shown: nothing else has a second factor here, or can be changed.
fn own(actor: &Actor) -> Result<Arc<Bearer>, Fail> {
    let text =
        || said!("soltanto chi mostra un token di Sigillo può farlo", "only who shows a token of Sigillo can do this");
    actor.bearer().cloned().ok_or_else(|| Fail::new(StatusCode::FORBIDDEN, text()))
}

/// Where he is, for the log and for counting: whoever is at the socket is on this machine.
fn whence(ConnectInfo(peer): ConnectInfo<Peer>) -> (String, Option<Origin>) {
    (peer.ip().map_or_else(|| AT_SOCKET.to_owned(), |ip| ip.to_string()), peer.ip().map(Origin::from))
}

async fn begin(State(provider): At, Extension(actor): Extension<Actor>) -> Reply<api::Enrolment> {
    let (bearer, provider) = (own(&actor)?, alive(&provider)?);
    let now = provider.clock.now();
    let begun = work(&provider, move |engine: &House| Ok(engine.begin_own_factor(&bearer, now)?)).await?;
    let Enrolment { seed, uri } = begun;
    Ok(Json(api::Enrolment { seed, uri }))
}

async fn confirm(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    from: ConnectInfo<Peer>,
    Sent(api::Code { code }): Sent<api::Code>,
) -> Reply<api::SpareCodes> {
    let (bearer, provider) = (own(&actor)?, alive(&provider)?);
    let (now, (by, _)) = (provider.clock.now(), whence(from));
    let confirm = move |engine: &House| Ok(engine.confirm_own_factor(&bearer, &code, &by, now)?);
    let spares = work(&provider, confirm).await?;
    Ok(Json(api::SpareCodes { codes: spares.iter().map(|code| code.expose().to_owned()).collect() }))
}

async fn remove(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    from: ConnectInfo<Peer>,
    Sent(api::Code { code }): Sent<api::Code>,
) -> Reply<api::Administrator> {
    let (bearer, provider) = (own(&actor)?, alive(&provider)?);
    let (at, (by, place)) = ((provider.clock.now(), provider.ticks.now()), whence(from));
    let remove = move |engine: &House| {
        let removed = engine.remove_own_factor(&bearer, &code, (&by, place), at);
        removed.map_err(|error| unproven(error, at.1))?;
        shown(engine, found(engine, &person_name(&actor.name())?)?)
    };
    Ok(Json(work(&provider, remove).await?))
}

async fn unlock(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    from: ConnectInfo<Peer>,
    Sent(api::Unlocking { code, hours, always }): Sent<api::Unlocking>,
) -> Reply<api::Unlocked> {
    let term = term(hours, always)?;
    let (bearer, provider) = (own(&actor)?, alive(&provider)?);
    let (at, (by, place)) = ((provider.clock.now(), provider.ticks.now()), whence(from));
    let unlock = move |engine: &House| {
        let until = engine.unlock(&bearer, (&code, term), (&by, place), at).map_err(|error| unproven(error, at.1))?;
        Ok(api::Unlocked { token: bearer.label().to_owned(), until: until.to_string() })
    };
    Ok(Json(work(&provider, unlock).await?))
}

async fn change(
    State(provider): At,
    Extension(actor): Extension<Actor>,
    Sent(api::TokenChange { days }): Sent<api::TokenChange>,
) -> Result<(StatusCode, Json<api::MadeToken>), Fail> {
    let (bearer, provider) = (own(&actor)?, alive(&provider)?);
    let now = provider.clock.now();
    // Whoever has a token for a day was not given one for a year.
    let most = bearer.term().and_then(|term| u32::try_from(term.as_secs() / (24 * 3600)).ok());
    if let Some((days, most)) = days.zip(most).filter(|(days, most)| days > most) {
        let label = bearer.label();
        let text = said!(
            "{days} giorni sono più di quanto vale in tutto «{label}»: al più {most}",
            "{days} days are more than the whole time of “{label}”: at most {most}"
        );
        return Err(Fail::field("days", text));
    }
    // Where nothing is said, what is usual, and no more than can be had.
    let usual = most.map_or(api::TOKEN_DAYS, |most| api::TOKEN_DAYS.min(most.max(1)));
    let made = made_token(Some(days.unwrap_or(usual)), false, now)?;
    let change = move |engine: &House| {
        let (secret, expires) = &made;
        let token = engine.change_token(&bearer, secret, *expires, now)?;
        Ok(api::MadeToken { name: token.name, expires: expires.to_string(), secret: secret.expose().to_owned() })
    };
    Ok((StatusCode::CREATED, Json(work(&provider, change).await?)))
}

fn term(hours: Option<u32>, always: bool) -> Result<Term, Fail> {
    match (hours, always) {
        (Some(_), true) => Err(Fail::field("hours", said!("non con always", "not with always"))),
        (None, true) => Ok(Term::Always),
        (hours, false) => {
            let hours = hours.unwrap_or(api::UNLOCK_HOURS);
            if !(1..=api::MAX_UNLOCK_HOURS).contains(&hours) {
                return Err(Fail::field("hours", said!("da 1 a {}", "1 to {}", api::MAX_UNLOCK_HOURS)));
            }
            Ok(Term::For(Duration::from_secs(u64::from(hours) * 3600)))
        }
    }
}

fn unproven(error: Unproven, now: Tick) -> Fail {
    match error {
        Unproven::Wrong => Fail::new(StatusCode::UNAUTHORIZED, error).kind(api::CODE_WANTED),
        Unproven::Locked(until) => {
            let wait = Duration::from_millis(until.0.saturating_sub(now.0));
            let text = said!(
                "troppi codici sbagliati: riprovare fra {} min",
                "too many wrong codes: try again in {} min",
                wait.as_secs().div_ceil(60)
            );
            Fail::new(StatusCode::TOO_MANY_REQUESTS, text).after(wait)
        }
        Unproven::Engine(error) => error.into(),
    }
}
