//! From what the servers answered to what holds.

/// What is known of the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Within the tolerance.
    Synchronised {
        /// What must be added to our time to get UTC, in milliseconds.
        offset_ms: i64,
    },
    /// Measured beyond the tolerance: what is certified now would carry a wrong time.
    Off {
        /// What must be added to our time to get UTC, in milliseconds.
        offset_ms: i64,
    },
    /// Not measured.
    Unknown {
        /// Why, for the operator.
        why: String,
    },
}

impl State {
    /// The state after another measurement. A clock found off stays so until it is found right: that the servers fall
    /// silent makes it no better.
    pub(super) fn then(&self, measured: Self) -> Self {
        match (self, &measured) {
            (Self::Off { .. }, Self::Unknown { .. }) => self.clone(),
            _ => measured,
        }
    }

    pub(super) fn same_kind(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// Judges by the median of the servers' offsets, so that one wrong server of three decides nothing; of an even number by
/// the middle one that speaks for the clock. `held_ms` is how far our time is ahead of the system's.
pub(super) fn judge(answers: &[Result<i64, String>], held_ms: i64, tolerance_ms: i64) -> State {
    let mut offsets: Vec<i64> = answers.iter().flatten().map(|offset| offset.saturating_sub(held_ms)).collect();
    offsets.sort_unstable();
    let middle = [offsets.len().saturating_sub(1) / 2, offsets.len() / 2].into_iter().filter_map(|i| offsets.get(i));
    match middle.copied().min_by_key(|offset| offset.unsigned_abs()) {
        Some(offset_ms) if offset_ms.unsigned_abs() <= tolerance_ms.unsigned_abs() => State::Synchronised { offset_ms },
        Some(offset_ms) => State::Off { offset_ms },
        None => {
            let why: Vec<&str> = answers.iter().filter_map(|a| a.as_ref().err().map(String::as_str)).collect();
            State::Unknown { why: why.join("; ") }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(offsets: &[i64]) -> State {
        judge(&offsets.iter().map(|o| Ok(*o)).collect::<Vec<_>>(), 0, 1000)
    }

    #[test]
    fn one_second_is_the_edge_to_either_side() {
        for (offset_ms, right) in [(0, true), (1000, true), (-1000, true), (1001, false), (-1001, false)] {
            let want = if right { State::Synchronised { offset_ms } } else { State::Off { offset_ms } };
            assert_eq!(judged(&[offset_ms]), want);
        }
        assert_eq!(judged(&[i64::MIN]), State::Off { offset_ms: i64::MIN });
    }

    #[test]
    fn one_wrong_server_of_three_decides_nothing() {
        assert_eq!(judged(&[5000, 3, -2]), State::Synchronised { offset_ms: 3 });
        assert_eq!(judged(&[1500, 3, 1600]), State::Off { offset_ms: 1500 });
        assert_eq!(judged(&[5000, 3]), State::Synchronised { offset_ms: 3 }, "nor one of two");
        assert_eq!(judge(&[Err("a: x".into()), Ok(7)], 0, 1000), State::Synchronised { offset_ms: 7 });
    }

    #[test]
    fn what_the_service_shows_is_judged_not_what_the_system_has() {
        assert_eq!(judge(&[Ok(0)], 1500, 1000), State::Off { offset_ms: -1500 });
        assert_eq!(judge(&[Ok(1500)], 1500, 1000), State::Synchronised { offset_ms: 0 });
    }

    #[test]
    fn without_an_answer_nothing_is_known_but_a_clock_that_is_off_stays_off() {
        let unknown = judge(&[Err("a: x".into()), Err("b: y".into())], 0, 1000);
        assert_eq!(unknown, State::Unknown { why: "a: x; b: y".into() });
        let (off, right) = (State::Off { offset_ms: 1500 }, State::Synchronised { offset_ms: 0 });
        assert_eq!(off.then(unknown.clone()), off);
        assert_eq!(off.then(right.clone()), right);
        assert_eq!(right.then(unknown.clone()), unknown);
    }
}
