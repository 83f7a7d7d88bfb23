//! From a written legal time back to the instant. No time zone data: the offset is written beside.

use sigillo_base::Timestamp;

/// The instant of a civil date and time at an offset east of Greenwich, in minutes. `None` when there is no such date
/// or time (a leap second, 60, is allowed: RFC 6109 §4.2) or it lies before 1970.
pub(crate) fn instant(date: (i64, i64, i64), time: (i64, i64, i64), millis: i64, offset: i64) -> Option<Timestamp> {
    let (year, month, day) = date;
    let (hour, minute, second) = time;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    let fine = (1..=length).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second)
        && (0..1000).contains(&millis)
        && (1970..10_000).contains(&year);
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute - offset) * 60 + second;
    (fine && seconds >= 0).then(|| Timestamp::from_millis(seconds * 1000 + millis))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// An offset `+hhmm` or `+hh:mm` in minutes (RFC 6109 §4.2 writes the colon, real messages do not).
pub(crate) fn offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let (h, m) = match digits.len() {
        4 => (digits.get(..2)?, digits.get(2..)?),
        5 if digits.as_bytes()[2] == b':' => (digits.get(..2)?, digits.get(3..)?),
        _ => return None,
    };
    let (h, m) = (number(h)?, number(m)?);
    (h < 24 && m < 60).then_some(sign * (h * 60 + m))
}

/// Whether this is a date of the calendar, `2026-03-12`.
pub(crate) fn is_day(text: &str) -> bool {
    Timestamp::legal_day(text).is_some()
}

/// A number of ASCII digits only: `parse` would take a sign as well.
pub(crate) fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        let t = instant((2026, 3, 12), (10, 15, 1), 0, 60).unwrap();
        assert_eq!(t.rfc5322(), "Thu, 12 Mar 2026 10:15:01 +0100");
        assert_eq!(instant((2000, 2, 29), (0, 0, 0), 0, 0).unwrap().as_secs(), 951_782_400);
        assert!(instant((2100, 2, 29), (0, 0, 0), 0, 0).is_none());
        assert!(instant((2026, 6, 30), (23, 59, 60), 0, 0).is_some());
        assert!(instant((2026, 6, 31), (23, 59, 59), 0, 0).is_none());
        assert!(instant((1970, 1, 1), (0, 0, 0), 0, 60).is_none());
    }

    #[test]
    fn days_as_the_log_names_them() {
        assert!(is_day("2026-03-12") && is_day("2024-02-29"));
        for bad in ["", "2026-3-12", "2026-02-29", "2026-03-12T", "12/03/2026", "2026-03-12-01"] {
            assert!(!is_day(bad), "{bad:?}");
        }
    }

    #[test]
    fn offsets_in_both_spellings() {
        assert_eq!(offset("+0200"), Some(120));
        assert_eq!(offset("+02:00"), Some(120));
        assert_eq!(offset("-0130"), Some(-90));
        for bad in ["", "0200", "+2", "+02.00", "+0260", "+02é0"] {
            assert_eq!(offset(bad), None, "{bad:?}");
        }
    }
}
