//! Whether a certificate may be believed for a purpose at an instant: a path to an anchor (RFC 5280 §6) and the
//! revocation lists of every issuer on it.

mod path;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sigillo_base::{Said, Tell, Timestamp, said, told};

use crate::{Certificate, Crl};

/// How many certificates' verdicts are remembered: providers are a few dozen.
const MAX_REMEMBERED: usize = 4096;

/// Why a certificate is not believed. When several paths fail, the most telling reason is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathError {
    /// No path to an anchor, a bad signature on it, a wrong usage, a name outside the constraints.
    Untrusted(String),
    /// A certificate of the path has expired.
    Expired,
    /// A certificate of the path is not valid yet.
    NotYetValid,
    /// A current list revokes a certificate of the path.
    Revoked,
    /// No current revocation list of an issuer: nothing can be decided now, later perhaps.
    NoCrl,
}

impl Tell for PathError {
    fn said(&self) -> Said {
        match self {
            Self::Untrusted(why) => {
                said!("certificato non attendibile: {why}", "certificate not to be believed: {why}")
            }
            Self::Expired => said!("certificato scaduto", "certificate expired"),
            Self::NotYetValid => said!("certificato non ancora valido", "certificate not valid yet"),
            Self::Revoked => said!("certificato revocato", "certificate revoked"),
            Self::NoCrl => said!("nessuna lista di revoca (CRL) aggiornata", "no current revocation list (CRL)"),
        }
    }
}

told!(PathError);

impl PathError {
    /// Whether the answer may change without anybody issuing another certificate: the peer should try again.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::NoCrl)
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Untrusted(_) => 0,
            Self::NotYetValid => 1,
            Self::Expired => 2,
            Self::NoCrl => 3,
            Self::Revoked => 4,
        }
    }
}

/// The anchors that are believed and the revocation lists at hand. It never changes: a new list makes a new `Trust`,
/// and with it an empty memory of verdicts.
///
/// It judges for two purposes. A certificate that signs mail ([`verify`](Self::verify)) needs a current list of every
/// issuer on its path. A time-stamp authority's ([`Token::verify`](crate::timestamp::Token::verify)) is judged at the
/// instant that the token certifies, years before perhaps, and lists of that time are rarely kept: any list, later ones
/// too, by which a certificate of the path was revoked by then decides, and an issuer without one counts as having
/// revoked nothing.
#[derive(Debug)]
pub struct Trust {
    anchors: Vec<Certificate>,
    crls: Vec<Crl>,
    /// Good verdicts by the certificate's SHA-256. Bad ones are cheap to find again, and strangers could flood them.
    proven: Mutex<HashMap<[u8; 32], Window>>,
}

/// What a certificate is believed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    MailSigning,
    TimeStamping,
}

/// The instants in which a path is good: every certificate valid, every list current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    from: Timestamp,
    /// Not included.
    until: Timestamp,
}

impl Window {
    fn contains(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }

    fn within(self, from: Timestamp, until: Timestamp) -> Self {
        Self { from: self.from.max(from), until: self.until.min(until) }
    }
}

impl Trust {
    /// Believes paths that end in one of `anchors` (roots or not; several may share a name and a key), under `crls`.
    pub fn new(anchors: Vec<Certificate>, crls: Vec<Crl>) -> Self {
        Self { anchors, crls, proven: Mutex::new(HashMap::new()) }
    }

    /// The anchors, as given.
    pub fn anchors(&self) -> &[Certificate] {
        &self.anchors
    }

    /// The revocation lists, as given.
    pub fn crls(&self) -> &[Crl] {
        &self.crls
    }

    /// Judges `leaf` at `now`, with the certificates that came along. A good verdict is remembered for the instants
    /// in which it must be good again: until the first nextUpdate or notAfter, or until another list of an issuer begins,
    /// and not before the last thisUpdate or notBefore.
    pub fn verify(&self, leaf: &Certificate, intermediates: &[Certificate], now: Timestamp) -> Result<(), PathError> {
        if self.remembered().get(&leaf.sha256()).is_some_and(|w| w.contains(now)) {
            return Ok(());
        }
        let window = self.prove(Purpose::MailSigning, leaf, intermediates, now)?;
        self.remember(leaf, window);
        Ok(())
    }

    /// Judges `leaf` as of `at`, shortly before `now`, by the lists that are current `now`: they still name what had been
    /// revoked and has expired since (RFC 5280 §3.3).
    pub fn verify_as_of(
        &self,
        leaf: &Certificate,
        intermediates: &[Certificate],
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(), PathError> {
        let mut verdict = Err(PathError::NoCrl);
        for path in self.paths(leaf, intermediates, at)? {
            let mut pairs = path.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?)));
            verdict = pairs.try_for_each(|(certificate, issuer)| self.revocation(certificate, issuer, now).map(|_| ()));
            if verdict.is_ok() {
                break;
            }
        }
        verdict
    }

    /// Every path of a mail-signing certificate to an anchor that holds at `at`, leaf first, whatever lists say: for who
    /// judges an old signature by lists that came later ([`Crl::revoked_at`]). An error when there is none.
    pub fn paths<'a>(
        &'a self,
        leaf: &'a Certificate,
        intermediates: &'a [Certificate],
        at: Timestamp,
    ) -> Result<Vec<Vec<&'a Certificate>>, PathError> {
        let mut worst: Option<PathError> = None;
        let mut good = Vec::new();
        for path in path::candidates(leaf, intermediates, &self.anchors) {
            match path::check(Purpose::MailSigning, &path, at) {
                Ok(()) => good.push(path),
                Err(e) if worst.as_ref().is_none_or(|w| e.rank() > w.rank()) => worst = Some(e),
                Err(_) => {}
            }
        }
        if good.is_empty() { Err(worst.unwrap_or_else(|| unknown_issuer(leaf))) } else { Ok(good) }
    }

    /// Judges `leaf` as a time-stamp authority's at the instant `at` which it certifies. Nothing is remembered: tokens
    /// are of many instants, each with lists of its own.
    pub(crate) fn verify_time_stamping(
        &self,
        leaf: &Certificate,
        intermediates: &[Certificate],
        at: Timestamp,
    ) -> Result<(), PathError> {
        // openssl passes over usages that it does not know.
        if !leaf.only_stamps_time() {
            return Err(PathError::Untrusted("non è (solo) per marche temporali (extendedKeyUsage)".into()));
        }
        self.prove(Purpose::TimeStamping, leaf, intermediates, at).map(|_| ())
    }

    fn prove(
        &self,
        purpose: Purpose,
        leaf: &Certificate,
        intermediates: &[Certificate],
        now: Timestamp,
    ) -> Result<Window, PathError> {
        let mut worst: Option<PathError> = None;
        for candidate in path::candidates(leaf, intermediates, &self.anchors) {
            match self.judge(purpose, &candidate, now) {
                Ok(window) => return Ok(window),
                Err(e) if worst.as_ref().is_none_or(|w| e.rank() > w.rank()) => worst = Some(e),
                Err(_) => {}
            }
        }
        Err(worst.unwrap_or_else(|| unknown_issuer(leaf)))
    }

    /// One path, leaf first, anchor last.
    fn judge(&self, purpose: Purpose, path: &[&Certificate], now: Timestamp) -> Result<Window, PathError> {
        path::check(purpose, path, now)?;
        let all = Window { from: Timestamp::default(), until: Timestamp::from_millis(i64::MAX) };
        let mut window = path.iter().fold(all, |w, c| w.within(c.not_before(), c.not_after()));
        for pair in path.windows(2) {
            if let [certificate, issuer] = pair {
                match purpose {
                    Purpose::MailSigning => {
                        let (from, until) = self.revocation(certificate, issuer, now)?;
                        window = window.within(from, until);
                    }
                    Purpose::TimeStamping => {
                        let revoked = |crl: &Crl| crl.revoked_at(certificate, issuer).is_some_and(|since| since <= now);
                        if self.crls.iter().any(revoked) {
                            return Err(PathError::Revoked);
                        }
                    }
                }
            }
        }
        Ok(window)
    }

    /// What the newest current list of `issuer` says of `certificate`; the instants in which that list is the one to ask:
    /// it is current, and none that comes later has begun.
    fn revocation(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
    ) -> Result<(Timestamp, Timestamp), PathError> {
        let current = |crl: &&Crl| crl.window().is_some_and(|(from, until)| from <= now && now < until);
        let mut lists: Vec<&Crl> = self.crls.iter().filter(current).collect();
        lists.sort_by_key(|crl| std::cmp::Reverse(crl.this_update()));
        let newest = lists.into_iter().find(|crl| crl.speaks_for(certificate, issuer));
        match newest.map(|crl| (crl, crl.window())) {
            Some((crl, _)) if crl.revokes(certificate) => Err(PathError::Revoked),
            Some((_, Some((from, until)))) => {
                let next = |crl: &&Crl| crl.this_update() > now && crl.speaks_for(certificate, issuer);
                let next = self.crls.iter().filter(next).map(Crl::this_update).min();
                Ok((from, next.map_or(until, |next| until.min(next))))
            }
            _ => Err(PathError::NoCrl),
        }
    }

    fn remember(&self, leaf: &Certificate, window: Window) {
        let mut proven = self.remembered();
        if proven.len() >= MAX_REMEMBERED {
            proven.clear();
        }
        proven.insert(leaf.sha256(), window);
    }

    fn remembered(&self) -> MutexGuard<'_, HashMap<[u8; 32], Window>> {
        // A panic elsewhere cannot leave half an entry: each is written at once.
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown_issuer(leaf: &Certificate) -> PathError {
    PathError::Untrusted(format!("emesso da «{}», non riconosciuta", leaf.issuer()))
}

#[cfg(test)]
mod tests;
