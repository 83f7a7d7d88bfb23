//! When to look for newer copies, in service time.

use std::time::Duration;

use sigillo_base::Timestamp;
use sigillo_smime::Crl;

use super::lists::Outcome;

/// After a failure, the index is looked for again within this time.
const INDEX_RETRY: Duration = Duration::from_secs(3600);
/// A list whose server fails is asked for again after this time, however long it is good.
const LIST_RETRY: Duration = Duration::from_secs(300);
/// Between two requests for one list.
const LIST_BREATH: Duration = Duration::from_secs(60);

/// The first look after a start: at once when the copy is older than an interval.
pub(super) fn first_index(signed_at: Option<Timestamp>, interval: Duration, chance: f64, now: Timestamp) -> Timestamp {
    signed_at.map_or(now, |at| at.plus(spread(interval, chance)).max(now))
}

/// The next look, after one at `now`.
pub(super) fn next_index(interval: Duration, failed: bool, chance: f64, now: Timestamp) -> Timestamp {
    let span = if failed { interval.min(INDEX_RETRY) } else { interval };
    now.plus(spread(span, chance))
}

/// Nine tenths of a span, and a tenth by chance.
fn spread(span: Duration, chance: f64) -> Duration {
    span.mul_f64(0.9 + 0.1 * chance)
}

/// The first look for a list after a start: at half its life, and at once when there is none or that is past.
pub(super) fn first_list(kept: Option<&Crl>, interval: Duration, now: Timestamp) -> Timestamp {
    kept.and_then(half_life).map_or(now, |half| half.clamp(now, now.plus(interval)))
}

/// The next look for a list, after one at `now`: at half its life, then at half of what is left of it, and once in an
/// interval at the least, since a revocation may come early.
pub(super) fn next_list(kept: Option<&Crl>, interval: Duration, outcome: Outcome, now: Timestamp) -> Timestamp {
    let wait = match (kept.and_then(half_life), kept.and_then(Crl::next_update)) {
        (Some(half), _) if half > now => half.since(now),
        (_, Some(next)) => next.since(now) / 2,
        _ => LIST_RETRY,
    };
    let most = if outcome == Outcome::Failed { interval.min(LIST_RETRY) } else { interval };
    now.plus(wait.min(most).max(LIST_BREATH))
}

fn half_life(list: &Crl) -> Option<Timestamp> {
    let life = list.next_update()?.since(list.this_update());
    Some(list.this_update().plus(life / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sigillo_smime::authority::Authority;

    const HOUR: Duration = Duration::from_secs(3600);
    const DAY: Duration = Duration::from_secs(24 * 3600);
    const T0: Timestamp = Timestamp::from_millis(1_773_306_901_000);

    #[test]
    fn the_index_is_looked_for_daily_and_at_the_start_when_it_is_older() {
        for chance in [0.0, 0.5, 1.0] {
            let next = next_index(DAY, false, chance, T0);
            assert!(next > T0.plus(21 * HOUR) && next <= T0.plus(DAY), "{next}");
            let retry = next_index(DAY, true, chance, T0);
            assert!(retry > T0.plus(HOUR / 2) && retry <= T0.plus(HOUR), "{retry}");
            let first = first_index(Some(T0), DAY, chance, T0.plus(HOUR));
            assert!(first > T0.plus(21 * HOUR) && first <= T0.plus(DAY), "{first}");
            assert_eq!(first_index(Some(T0), DAY, chance, T0.plus(25 * HOUR)), T0.plus(25 * HOUR));
            assert_eq!(first_index(None, DAY, chance, T0), T0);
        }
        assert_ne!(next_index(DAY, false, 0.1, T0), next_index(DAY, false, 0.9, T0), "not all at the same moment");
    }

    #[test]
    fn a_list_is_renewed_at_half_its_life_and_ever_more_often_before_its_end() {
        let authority = Authority::new("CA", T0, T0.plus(DAY * 900)).unwrap();
        let list = |life| Crl::from_der(&authority.crl(&[], T0, T0.plus(life), 1).unwrap()).unwrap();
        let day = list(DAY);
        let first = |at| first_list(Some(&day), DAY, at);
        assert_eq!(first(T0), T0.plus(12 * HOUR));
        assert_eq!(first(T0.plus(13 * HOUR)), T0.plus(13 * HOUR));
        assert_eq!(first_list(None, DAY, T0), T0);

        let next = |outcome, at| next_list(Some(&day), DAY, outcome, at);
        assert_eq!(next(Outcome::Replaced, T0.plus(HOUR)), T0.plus(12 * HOUR));
        assert_eq!(next(Outcome::Unchanged, T0.plus(12 * HOUR)), T0.plus(18 * HOUR), "half of what is left");
        assert_eq!(next(Outcome::Unchanged, T0.plus(18 * HOUR)), T0.plus(21 * HOUR));
        let last = T0.plus(DAY - Duration::from_secs(90));
        assert_eq!(next(Outcome::Unchanged, last), last.plus(LIST_BREATH), "before its end, and not in a storm");
        assert_eq!(next(Outcome::Failed, T0.plus(HOUR)), T0.plus(HOUR + LIST_RETRY));
        assert_eq!(next(Outcome::Failed, T0.plus(DAY)), T0.plus(DAY + LIST_BREATH), "out of date: soon");
        assert_eq!(next_list(None, DAY, Outcome::Failed, T0), T0.plus(LIST_RETRY));

        let year = list(DAY * 365);
        assert_eq!(first_list(Some(&year), DAY, T0), T0.plus(DAY), "a revocation may come early");
        assert_eq!(next_list(Some(&year), DAY, Outcome::Unchanged, T0), T0.plus(DAY));
    }
}
