//! What the holder of a mailbox does himself, with nothing but his password: no token, no role. Each request goes through the
//! door of the engine that counts, delays and writes down logins, so that guessing is worth no more here than by IMAP.

use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use sigillo_accounts::PasswordHash;
use sigillo_admin::api;
use sigillo_base::said;
use sigillo_engine::front::{self, Claimant, OwnProof, Refused, Turned};
use sigillo_engine::{Asking, Enrolment, Error, Login, LoginError, Peer};

use super::{At, Fail, Reply, address, alive, weighing};
use crate::http::extract::Sent;
use crate::http::socket;
use crate::http::table::{Need, Row, post, put};
use crate::ids::random;
use crate::provider::{House, Provider};

/// Octets of a request: nobody's password is so long.
const MOST: u64 = 16 << 10;
/// When who asks for a secret is answered, in milliseconds.
const ANSWER_MS: u64 = 1000;

pub(super) fn rows() -> Vec<Row> {
    let all = vec![
        put(api::OWN_PASSWORD, Need::Own, "a holder changes his own password", change),
        post(api::OWN_TOTP, Need::Own, "a holder gets an authenticator", begin),
        put(api::OWN_TOTP, Need::Own, "takes the first code of an authenticator", confirm),
        post(api::OWN_RESET, Need::Own, "sends a holder a one-time secret", ask_reset),
        post(api::OWN_RESET_CONFIRM, Need::Own, "sets a password by it", recover),
        post(api::OWN_TOTP_REMOVE, Need::Own, "a holder removes his second factor", remove),
    ];
    all.into_iter().map(|row| row.up_to(MOST)).collect()
}

/// Where a request comes from.
type Whence = ConnectInfo<socket::Peer>;

async fn change(State(provider): At, from: Whence, Sent(asked): Sent<api::OwnPassword>) -> Reply<api::OwnChanged> {
    let api::OwnPassword { user, password, code, new_password } = asked;
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let change =
        move |engine: &House, login: &Login, by: &str| engine.change_own(login, &new_password, random(), by, now);
    as_holder(&provider, (user.clone(), OwnProof::Password(password, code)), from, change).await?;
    Ok(Json(api::OwnChanged { user }))
}

async fn begin(State(provider): At, from: Whence, Sent(asked): Sent<api::OwnProof>) -> Reply<api::Enrolment> {
    let api::OwnProof { user, password, code } = asked;
    let provider = alive(&provider)?;
    let name = user.clone();
    let begin = move |engine: &House, login: &Login, _: &str| engine.begin_factor(login, &name);
    let Enrolment { seed, uri } = as_holder(&provider, (user, OwnProof::Password(password, code)), from, begin).await?;
    Ok(Json(api::Enrolment { seed, uri }))
}

async fn confirm(State(provider): At, from: Whence, Sent(asked): Sent<api::FirstCode>) -> Reply<api::SpareCodes> {
    let api::FirstCode { user, password, code } = asked;
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let confirm = move |engine: &House, login: &Login, by: &str| engine.confirm_factor(login, &code, by, now);
    let spares = as_holder(&provider, (user, OwnProof::Password(password, None)), from, confirm).await?;
    Ok(Json(api::SpareCodes { codes: spares.iter().map(|code| code.expose().to_owned()).collect() }))
}

async fn remove(State(provider): At, from: Whence, Sent(asked): Sent<api::OwnProof>) -> Reply<api::OwnChanged> {
    let api::OwnProof { user, password, code } = asked;
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let remove = move |engine: &House, login: &Login, by: &str| engine.remove_factor(login, by, now);
    as_holder(&provider, (user.clone(), OwnProof::Password(password, code)), from, remove).await?;
    Ok(Json(api::OwnChanged { user }))
}

/// Whoever is at the socket is on this machine.
fn met(ConnectInfo(peer): Whence) -> Peer {
    peer.ip().map_or(Peer::LOCAL, |ip| Peer { ip })
}

/// Sends a one-time secret where the holder is reached, if there is such a mailbox and he is reached anywhere. The answer is
/// the same, and comes at the same time, whatever is so: nobody waits here for what is found out.
async fn ask_reset(
    State(provider): At,
    from: Whence,
    asking: super::requests::Asking,
    Sent(asked): Sent<api::ResetAsked>,
) -> Result<(StatusCode, Json<api::ResetTold>), Fail> {
    let api::ResetAsked { user } = asked;
    let peer = met(from);
    let provider = alive(&provider)?;
    let (now, tick) = (provider.clock.now(), provider.ticks.now());
    if let Some(until) = provider.engine.reset_asked(&user, peer.ip.into(), tick) {
        let minutes = until.0.saturating_sub(tick.0).div_ceil(60_000);
        let text = said!(
            "troppe richieste da questo indirizzo: riprovare fra {minutes} min",
            "too many requests from this address: try again in {minutes} min"
        );
        return Err(Fail::new(StatusCode::TOO_MANY_REQUESTS, text));
    }
    let at_work = Arc::clone(&provider);
    tokio::spawn(async move {
        let ask = move |engine: &House| {
            let by = peer.ip.to_string();
            // Whoever asks does not hear why nothing was sent; who runs the service does.
            match address(&user).map(|address| engine.ask_reset(&address, Asking::Anybody(peer.ip), now)) {
                Ok(Ok(to)) => tracing::info!(user, peer = by, to = to.masked(), "a secret for a new password"),
                Ok(Err(error)) => tracing::info!(user, peer = by, %error, "no secret for a new password"),
                Err(_) => tracing::info!(user, peer = by, "no secret for a new password: no address"),
            }
            Ok(())
        };
        if let Err(fail) = weighing(&at_work, PasswordHash::MEMORY as u64, ask).await {
            tracing::error!(error = fail.detail.it, "whether a secret was wanted could not be looked at");
        }
    });
    tokio::time::sleep_until(provider.ticks.instant(tick.plus_ms(ANSWER_MS)).into()).await;
    let detail = said!(
        "se la casella c'è e si sa dove raggiungere chi la tiene, gli arriva un codice, buono per 15 minuti; finché vale non ne parte un altro",
        "if the mailbox is there and it is known where its holder is reached, a code comes there, good for 15 minutes; while it is good no other is sent"
    );
    Ok((StatusCode::ACCEPTED, Json(api::ResetTold { detail: detail.pick(asking.lang()).to_owned() })))
}

async fn recover(State(provider): At, from: Whence, Sent(asked): Sent<api::Recovery>) -> Reply<api::OwnChanged> {
    let api::Recovery { user, secret, new_password } = asked;
    let provider = alive(&provider)?;
    let now = provider.clock.now();
    let recover =
        move |engine: &House, login: &Login, by: &str| engine.recover(login, &new_password, random(), by, now);
    as_holder(&provider, (user.clone(), OwnProof::Secret(secret)), from, recover).await?;
    Ok(Json(api::OwnChanged { user }))
}

/// Does something for who proves himself; who does not hears so later.
async fn as_holder<T: Send + 'static>(
    provider: &Provider,
    (user, proof): (String, OwnProof),
    from: Whence,
    then: impl FnOnce(&House, &Login, &str) -> Result<T, Error> + Send + 'static,
) -> Result<T, Fail> {
    let peer = met(from);
    let (whole, at) = (Arc::clone(&provider.engine), (provider.clock.now(), provider.ticks.now()));
    let claimant = Claimant { user, proof, peer };
    let done = weighing(provider, PasswordHash::MEMORY as u64, move |_| {
        Ok(front::own(&whole, &claimant, at, |engine, login| then(engine, login, &peer.ip.to_string())))
    });
    match done.await? {
        Ok(done) => Ok(done),
        Err(Turned::Engine(error)) => Err(error.into()),
        Err(Turned::Away(refused, until)) => {
            tokio::time::sleep_until(provider.ticks.instant(until).into()).await;
            Err(away(refused))
        }
    }
}

fn away(refused: Refused) -> Fail {
    match refused {
        Refused::Credentials => Fail::new(StatusCode::UNAUTHORIZED, LoginError::Credentials),
        Refused::Code(why, _) => Fail::new(StatusCode::UNAUTHORIZED, why).kind(api::CODE_WANTED),
        Refused::Blocked(why) | Refused::Expired(why) | Refused::Rights(why) => Fail::new(StatusCode::FORBIDDEN, why),
        Refused::Limit(why) => Fail::new(StatusCode::TOO_MANY_REQUESTS, why),
        Refused::Fault => {
            let text = said!("non si può verificare ora: riprovare", "it cannot be checked now: try again");
            Fail::new(StatusCode::SERVICE_UNAVAILABLE, text)
        }
    }
}
