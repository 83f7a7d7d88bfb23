//! One attempt to hand a message over: the servers of its destination one after the other, each as safe as it must be.

use std::net::SocketAddr;
use std::sync::Arc;

use sigillo_base::{Address, Secret};
use sigillo_engine::Dispatch;
use sigillo_smtp::client::{self, Failure, RecipientOutcome};
use sigillo_store::Store;

use super::idle::Target;
use super::lanes::Seat;
use super::policy::{Demand, Demanded};
use super::report::Trouble;
use super::route::{Host, Way};
use super::security::Security;
use super::transaction::{Open, Sent};
use super::{Relay, closed, destination, watchdog};
use crate::config::{Route, RouteTls};
use crate::ids::random;

/// Outcomes, or why another server should be tried; outside, why nothing can be tried now.
type Tried = Result<Result<Vec<RecipientOutcome>, String>, String>;

impl<S: Store> Relay<S> {
    /// One attempt over all servers of the destination. `Err` says why it could not be made now.
    pub(super) async fn attempt(
        &self,
        dispatch: &Arc<Dispatch>,
        seat: &mut Seat<'_>,
    ) -> Result<Vec<RecipientOutcome>, String> {
        let way = match &dispatch.route {
            Some(ordered) => self.routes.ordered(ordered).await,
            None => self.routes.find(&dispatch.to, u64::from_be_bytes(random())).await,
        };
        let (hosts, route) = match way {
            Way::Hosts { hosts, route } => (hosts, route),
            Way::Later(why) => return Err(why),
            // The directory says that the domain is certified: what the DNS says against it may be its mistake.
            Way::Never(why) if dispatch.require_tls => return Err(why),
            Way::Never(why) => return Ok(refused(dispatch, &why)),
        };
        let route = route.as_deref();
        let wanted = (dispatch.require_tls, dispatch.marked);
        let demand = match dispatch.about_tls {
            true => Demand::nothing(&dispatch.to),
            false => self.policies.demand(&dispatch.to, wanted, route, &self.counts).await,
        };
        let (mut why, mut unprotected, mut down) = (format!("{}: nessun server", dispatch.to), None, false);
        for host in &hosts {
            for address in &host.addresses {
                let demanded = match self.policies.of(&demand, host, address.port(), &self.counts).await {
                    Ok(demanded) => demanded,
                    Err(said) => {
                        tracing::warn!(host = host.name, why = said, "nothing may go to this server now");
                        (why, down) = (said, true);
                        break;
                    }
                };
                let call = Call { dispatch, host, address: *address, demanded: &demanded, route };
                match self.call(&call, seat).await? {
                    // Another server of theirs may protect it (RFC 8689 §4.2.1).
                    Ok(outcomes) if dispatch.marked && ours(&outcomes) => unprotected = Some(outcomes),
                    Ok(outcomes) => return Ok(outcomes),
                    Err(said) => (why, down) = (said, true),
                }
            }
        }
        if let Some(outcomes) = unprotected.filter(|_| !down) {
            return Ok(outcomes);
        }
        warn_of_clear(dispatch, &demand, &why);
        Err(why)
    }

    /// One address of one server: over a connection that is open, or a new one.
    async fn call(&self, call: &Call<'_>, seat: &mut Seat<'_>) -> Tried {
        let target = call.target();
        let room = self.servers.enter(&target.address);
        self.engine.goes_to(&call.dispatch.to, &target.address.to_string());
        if room.crowded {
            return Err(format!("{} [{}]: troppi messaggi attendono già questo server", target.name, target.address));
        }
        let _turn = seat.turn(&room.places).await.map_err(closed)?;
        watchdog::step(&target.name, "inizio");
        if let Some(mut open) = self.idle.take(&target) {
            match open.send(self, call.dispatch).await {
                Sent::Done(outcomes) => {
                    self.idle.keep(&target, open);
                    return Ok(Ok(outcomes));
                }
                Sent::Broken(outcomes) if arrived_perhaps(&outcomes) => return Ok(Ok(outcomes)),
                // Nothing of it can have arrived: a connection that lay idle may be gone by now.
                Sent::Broken(_) => {}
                Sent::Unreadable(error) => return Err(error),
            }
        }
        if let Err(why) = self.pauses.may_try(&target, self.clock.now()) {
            return Ok(Err(why));
        }
        let tried = self.dial(call, &target).await?;
        Ok(tried
            .inspect_err(|why| tracing::info!(host = target.name, address = %target.address, why, "not handed over")))
    }

    async fn dial(&self, call: &Call<'_>, target: &Target) -> Tried {
        let mut try_tls = true;
        loop {
            let login = match call.login().await {
                Ok(login) => login,
                Err(why) => return Ok(Err(why)),
            };
            let names =
                [call.host.tlsa_bases.as_slice(), &[call.host.name.clone(), call.dispatch.to.to_string()]].concat();
            let mut open = match self.wire.connect(target, &names, login, call.dispatch, try_tls).await {
                Ok(open) => open,
                Err(error) => {
                    self.pauses.failed(target, &error.to_string(), self.clock.now());
                    return Ok(Err(format!("{} [{}]: {error}", target.name, target.address)));
                }
            };
            let sent = open.first(self, call.dispatch).await;
            let in_clear_next = open.tls_failed.is_some() && !target.security.needs_tls() && try_tls;
            if !in_clear_next {
                self.heed(call, target, &open, &sent);
            }
            match sent {
                Sent::Done(outcomes) => {
                    self.idle.keep(target, open);
                    return Ok(Ok(outcomes));
                }
                // Ordinary mail goes in clear rather than not at all; certified mail never does.
                Sent::Broken(_) if in_clear_next => try_tls = false,
                Sent::Broken(outcomes) if next_host(&outcomes) => return Ok(Err(reason(&outcomes, call.host))),
                Sent::Broken(outcomes) => return Ok(Ok(outcomes)),
                Sent::Unreadable(error) => return Err(error),
            }
        }
    }

    /// What a session says of the server: for the pauses, and for the reports about TLS.
    fn heed(&self, call: &Call<'_>, target: &Target, open: &Open, sent: &Sent) {
        if open.is_met() {
            self.pauses.answered(target);
        } else if let Sent::Broken(outcomes) = sent {
            self.pauses.failed(target, &reason(outcomes, call.host), self.clock.now());
        }
        let demanded = call.demanded;
        let trouble = match (open.tls_failed, open.is_tls()) {
            (Some(trouble), _) => Some(trouble),
            (None, true) => demanded.trouble.or_else(|| open.overlooked().filter(|_| demanded.testing)),
            // Said only when the server came so far as to offer it or not.
            (None, false) if open.is_met() || target.security.needs_tls() => Some(Trouble::StarttlsNotSupported),
            (None, false) => return,
        };
        if trouble.is_some() {
            self.metrics.tls_failures.add(destination(call.dispatch));
        }
        if call.dispatch.about_tls {
            return;
        }
        let result = trouble.map_or(Ok(()), Err);
        self.counts.count(&demanded.policy, &target.name, Some(target.address.ip()), result);
    }
}

/// A message on its way to one address.
struct Call<'a> {
    dispatch: &'a Arc<Dispatch>,
    host: &'a Host,
    address: SocketAddr,
    demanded: &'a Demanded,
    route: Option<&'a Route>,
}

impl Call<'_> {
    fn target(&self) -> Target {
        Target {
            name: self.host.name.clone(),
            address: self.address,
            security: self.demanded.security.clone(),
            implicit: self.route.is_some_and(|r| r.tls == RouteTls::Implicit),
            user: self.route.and_then(|r| r.login.as_ref()).map(|l| l.user.clone()).unwrap_or_default(),
        }
    }

    /// Who we are there; the password is read each time, so that it may change.
    async fn login(&self) -> Result<Option<client::Login>, String> {
        let Some(login) = self.route.and_then(|route| route.login.as_ref()) else { return Ok(None) };
        let file = &login.password.value;
        let text =
            tokio::fs::read_to_string(file).await.map_err(|e| format!("{}: non si legge: {e}", file.display()))?;
        let password = Secret::new(text.lines().next().unwrap_or_default().to_owned());
        Ok(Some(client::Login { user: login.user.clone(), password }))
    }
}

/// A certified domain without TLS is told to the operator, who can speak with the other provider.
fn warn_of_clear(dispatch: &Dispatch, demand: &Demand, why: &str) {
    if dispatch.require_tls && demand.floor != Security::Opportunistic {
        tracing::warn!(to = %dispatch.to, why, "a certified domain is not reached under TLS: nothing goes in clear, the message waits");
    }
}

/// Whether it was we who did not hand it over, for what the server does not offer.
fn ours(outcomes: &[RecipientOutcome]) -> bool {
    outcomes.iter().all(|o| matches!(&o.result, Err(f) if f.permanent && f.reply.is_none()))
}

fn arrived_perhaps(outcomes: &[RecipientOutcome]) -> bool {
    outcomes.iter().any(|o| o.result.as_ref().map_or_else(|f| f.maybe_delivered, |_| true))
}

/// Whether another server of the destination may do better: nothing was answered for good, nothing may have arrived.
fn next_host(outcomes: &[RecipientOutcome]) -> bool {
    outcomes.iter().all(|o| matches!(&o.result, Err(f) if !f.permanent && !f.maybe_delivered))
}

fn reason(outcomes: &[RecipientOutcome], host: &Host) -> String {
    let first = outcomes.iter().find_map(|o| o.result.as_ref().err());
    first.map_or_else(|| format!("{}: connessione interrotta", host.name), |f| f.text.clone())
}

fn refused(dispatch: &Dispatch, why: &str) -> Vec<RecipientOutcome> {
    let failure = |r: &Address| RecipientOutcome { address: r.clone(), result: Err(Failure::local(true, why)) };
    dispatch.rcpts.iter().map(failure).collect()
}
