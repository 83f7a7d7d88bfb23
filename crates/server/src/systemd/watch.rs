//! The watchdog's food, and the sentence of `systemctl status`.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sigillo_admin::Lang;

use super::Notifier;
use crate::metrics::Word;
use crate::provider::Provider;

/// Without a watchdog the sentence is looked at this often.
const LOOK: Duration = Duration::from_secs(10);

/// What a look shows.
struct Seen {
    /// A restart would not help.
    alive: bool,
    sentence: String,
}

/// Tells systemd that the provider is alive, and how it is, as long as there is one.
///
/// Food is given after each look alone, and the look reads the store on a thread that may block: a runtime that no longer
/// turns, a store that no longer answers and one that only a restart helps end in a restart. Nothing else does: a full
/// disk, a clock that is off, an antivirus that hangs are told in the sentence.
pub async fn watch(provider: Weak<Provider>, notifier: Arc<Notifier>, lang: Lang) {
    let look = move || {
        let provider = provider.upgrade()?;
        Some(Seen { alive: provider.answers(), sentence: sentence(&provider, lang) })
    };
    if notifier.is_heard() {
        feed(&notifier, look).await;
    }
}

async fn feed(notifier: &Notifier, look: impl Fn() -> Option<Seen> + Send + Sync + 'static) {
    let pause = notifier.watchdog().map_or(LOOK, |patience| (patience / 3).min(LOOK));
    let (look, mut told) = (Arc::new(look), String::new());
    loop {
        let look = Arc::clone(&look);
        match tokio::task::spawn_blocking(move || look()).await {
            Ok(Some(seen)) => {
                if seen.alive && notifier.watchdog().is_some() {
                    notifier.alive();
                }
                if seen.sentence != told {
                    notifier.status(&seen.sentence);
                    told = seen.sentence;
                }
            }
            Ok(None) => return,
            Err(error) => tracing::error!(%error, "a look at the service broke off"),
        }
        tokio::time::sleep(pause).await;
    }
}

/// How the provider is, in a sentence. May block as long as a signature.
pub fn sentence(provider: &Provider, lang: Lang) -> String {
    if provider.draining() {
        return lang
            .pick("si ferma: attende le transazioni in corso", "stopping: waits for open transactions")
            .to_owned();
    }
    let missing = provider.conditions().into_iter().filter_map(|(condition, why)| Some((condition.word(), why?)));
    let why: Vec<String> = match lang {
        Lang::It => missing.map(|(_, why)| why).collect(),
        Lang::En => missing.map(|(word, _)| word.to_owned()).collect(),
    };
    if why.is_empty() {
        return lang.pick("in servizio", "in service").to_owned();
    }
    format!("{}: {}", lang.pick("non si accetta posta", "no mail is accepted, for want of"), why.join("; "))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn heard(socket: &UnixDatagram) -> Option<String> {
        let mut buffer = [0; 256];
        let n = socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..n]).into_owned())
    }

    /// Looks, one after the other: well, latched, well; the fourth does not return while the test lasts.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_latched_store_and_a_look_that_hangs_get_no_food() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        let notifier = Notifier::to(path.as_os_str(), Duration::from_millis(90)).unwrap();
        let (looks, (go, wait)) = (AtomicUsize::new(0), std::sync::mpsc::channel::<()>());
        let wait = parking_lot::Mutex::new(wait);
        let look = move || {
            let n = looks.fetch_add(1, Ordering::SeqCst);
            if n == 3 {
                // Until the sender is gone.
                return wait.lock().recv().ok().and(None);
            }
            Some(Seen { alive: n != 1, sentence: if n == 1 { "male" } else { "bene" }.to_owned() })
        };
        let feeding = tokio::spawn(async move { feed(&notifier, look).await });
        let all = tokio::task::spawn_blocking(move || {
            systemd.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let mut all: Vec<String> = (0..5).filter_map(|_| heard(&systemd)).collect();
            systemd.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            all.extend(heard(&systemd));
            all
        });
        let all = all.await.unwrap();
        assert_eq!(all, ["WATCHDOG=1", "STATUS=bene", "STATUS=male", "WATCHDOG=1", "STATUS=bene"]);
        drop(go);
        feeding.await.unwrap();
    }
}
