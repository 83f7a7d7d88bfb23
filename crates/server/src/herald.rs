//! Who tells people what the engine has for them outside of certified mail: mail that came becomes alerts and copies, short
//! messages go to the gateway, mails into the queue. Nothing else waits for it, and how much it has in hand is bounded.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sigillo_accounts::Channel;
use sigillo_base::Timestamp;
use sigillo_engine::{Engine, Error, Outgoing};
use sigillo_store::Store;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::bell::Bells;
use crate::clock::ServiceClock;
use crate::net::Pool;
use crate::sms::{Failure, Gateway, pause};

/// Short messages in hand at once.
const AT_ONCE: usize = 4;
/// Arrivals made something of in one go.
const ARRIVALS: usize = 32;
/// Mails put into the queue in one go.
const LETTERS: usize = 16;
/// Without a bell, work is looked for this often.
const LOOK: Duration = Duration::from_secs(30);
/// Between two looks at what is due and was not taken.
const BREATH: Duration = Duration::from_millis(200);
/// After a fault of the store.
const FAULT: Duration = Duration::from_secs(2);
const MINUTE: Duration = Duration::from_secs(60);

/// Tells people.
pub struct Herald<S: Store> {
    /// Whose notices they are.
    pub engine: Arc<Engine<S>>,
    /// Where blocking calls run.
    pub pool: Pool,
    /// Service time.
    pub clock: Arc<ServiceClock>,
    /// Who tells of work.
    pub bells: Arc<Bells>,
    /// Who sends short messages; `None`: nobody, and they wait until their time is over.
    pub gateway: Option<Arc<Gateway>>,
}

/// How many messages went in this minute, and how the gateway is.
struct Pace {
    minute: Instant,
    sent: u32,
    /// Failures of the gateway in a row.
    failures: u32,
    /// It is left alone until then.
    until: Instant,
}

impl Pace {
    fn new() -> Self {
        let now = Instant::now();
        Self { minute: now, sent: 0, failures: 0, until: now }
    }

    /// How many may be sent now, and when there may be more.
    fn room(&mut self, per_minute: u32) -> Result<usize, Duration> {
        let now = Instant::now();
        if now < self.until {
            return Err(self.until - now);
        }
        if now.duration_since(self.minute) >= MINUTE {
            (self.minute, self.sent) = (now, 0);
        }
        match per_minute.saturating_sub(self.sent) {
            0 => Err((self.minute + MINUTE).saturating_duration_since(now)),
            // A gateway that failed is tried with one.
            _ if self.failures > 0 => Ok(1),
            free => Ok((free as usize).min(AT_ONCE)),
        }
    }

    fn went(&mut self, done: &Result<(), Failure>) {
        self.sent += 1;
        match done {
            Err(Failure::Gateway(_)) => {
                self.until = Instant::now() + pause(self.failures);
                self.failures += 1;
            }
            Ok(()) | Err(Failure::Message(_)) => self.failures = 0,
        }
    }
}

impl<S: Store> Herald<S> {
    /// Sends short messages until the service ends.
    pub async fn texts(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let mut pace = Pace::new();
        let per_minute = self.gateway.as_ref().map_or(u32::MAX, |gateway| gateway.per_minute());
        while !*shutdown.borrow() {
            let wait = match pace.room(per_minute) {
                Err(wait) => wait,
                Ok(room) => match self.send_due(room, &mut pace).await {
                    Ok(0) => self.rest(Engine::next_text).await,
                    Ok(_) => continue,
                    Err(wait) => wait,
                },
            };
            // While nothing may be sent no bell is heeded.
            let deaf = pace.room(per_minute).is_err();
            pass(&mut shutdown, (!deaf).then_some(&self.bells.texts), wait).await;
        }
    }

    /// Makes notices and copies of mail that came, and puts mails into the queue, until the service ends.
    pub async fn letters(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        while !*shutdown.borrow() {
            let (engine, clock) = (Arc::clone(&self.engine), Arc::clone(&self.clock));
            let work = move || {
                let now = clock.now();
                Ok(engine.tell_arrivals(now, ARRIVALS)? + engine.post_letters(now, LETTERS)?)
            };
            let wait = match self.work(work).await {
                Some(0) => self.rest(Engine::next_letter).await,
                Some(_) => continue,
                None => FAULT,
            };
            pass(&mut shutdown, Some(&self.bells.letters), wait).await;
        }
    }

    /// Until something falls due.
    async fn rest(&self, next: fn(&Engine<S>) -> Result<Option<Timestamp>, Error>) -> Duration {
        let engine = Arc::clone(&self.engine);
        match self.work(move || next(&engine)).await {
            Some(next) => next.map_or(LOOK, |at| self.clock.until(at).clamp(BREATH, LOOK)),
            None => FAULT,
        }
    }

    /// Sends at most `room` messages that are due; gives how many there were, or how long to rest.
    async fn send_due(&self, room: usize, pace: &mut Pace) -> Result<usize, Duration> {
        let (engine, clock) = (Arc::clone(&self.engine), Arc::clone(&self.clock));
        let due = self.work(move || engine.take_texts(clock.now(), room)).await.ok_or(FAULT)?;
        let count = due.len();
        let mut open = JoinSet::new();
        for text in due {
            let gateway = self.gateway.clone();
            open.spawn(async move { (send(gateway.as_deref(), &text).await, text) });
        }
        while let Some(ended) = open.join_next().await {
            // One that panicked is due again when its hold is over.
            let Ok((done, text)) = ended else { continue };
            pace.went(&done);
            let now = self.clock.now();
            if let Some(gateway) = &self.gateway {
                gateway.went(&done, now);
            }
            self.settle(done, text, now).await;
        }
        Ok(count)
    }

    async fn settle(&self, done: Result<(), Failure>, text: Outgoing, now: Timestamp) {
        let (to, kind) = (text.to.masked(), text.kind.as_str());
        let notice = format!("{:032x}", text.id);
        let engine = Arc::clone(&self.engine);
        match done {
            Ok(()) => {
                tracing::info!(notice, to, kind, "told");
                self.work(move || engine.text_sent(&text, now)).await;
            }
            Err(Failure::Message(why) | Failure::Gateway(why)) => {
                tracing::warn!(notice, to, kind, why, "not told yet");
                self.work(move || engine.text_failed(&text, &why, now)).await;
            }
        }
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Option<T> {
        match self.pool.run(work).await? {
            Ok(done) => Some(done),
            Err(error) => {
                tracing::error!(%error, "the outbox of notices");
                None
            }
        }
    }
}

async fn send(gateway: Option<&Gateway>, text: &Outgoing) -> Result<(), Failure> {
    match (gateway, &text.to) {
        (Some(gateway), Channel::Sms(phone)) => gateway.send(text.id, phone, &text.text).await,
        (None, _) => Err(Failure::Gateway("nessuno manda SMS: manca [sms] nella configurazione".to_owned())),
        (_, Channel::Mail(_)) => Err(Failure::Message("non è un numero di telefono".to_owned())),
    }
}

/// Until the bell rings, the time is over or the service ends.
async fn pass(shutdown: &mut watch::Receiver<bool>, bell: Option<&Notify>, longest: Duration) {
    let rings = async {
        match bell {
            Some(bell) => bell.notified().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = shutdown.wait_for(|down| *down) => {}
        () = rings => {}
        () = tokio::time::sleep(longest) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_its_number_and_a_gateway_that_failed_is_left_alone() {
        let mut pace = Pace::new();
        assert_eq!(pace.room(3), Ok(3));
        (0..3).for_each(|_| pace.went(&Ok(())));
        assert!(pace.room(3).is_err_and(|wait| wait > Duration::from_secs(50)));
        assert_eq!(pace.room(60), Ok(AT_ONCE));
        pace.went(&Err(Failure::Message(String::new())));
        assert_eq!(pace.room(60), Ok(AT_ONCE), "one that is not wanted says nothing about the others");
        pace.went(&Err(Failure::Gateway(String::new())));
        assert!(pace.room(60).is_err());
        pace.until = Instant::now();
        assert_eq!(pace.room(60), Ok(1), "then it is tried with one");
        pace.went(&Ok(()));
        assert_eq!(pace.room(60), Ok(AT_ONCE));
    }
}
