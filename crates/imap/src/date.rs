//! Dates as IMAP and mail headers write them. Days compare as texts, `2026-03-12`.

use sigillo_base::Timestamp;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The `date` of SEARCH, `1-Feb-1994`, as a day; `None` also of one that no month has.
pub fn day(text: &str) -> Option<String> {
    let mut parts = text.split('-');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    let (day, year) = (number(day, 2)?, number(year, 4)?);
    iso(day, month, year).filter(|iso| number(&iso[5..7], 2).is_some_and(|month| day <= days_of(year, month)))
}

/// Days of a month of the Gregorian calendar.
const fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The `date-time` of APPEND, `17-Jul-1996 02:44:25 -0700`, the day padded with a blank or a zero.
pub fn date_time(text: &str) -> Option<Timestamp> {
    let text = text.trim_start();
    let (date, rest) = text.split_once(' ')?;
    let iso = day(date)?;
    let (time, zone) = rest.split_once(' ')?;
    let mut clock = time.split(':').map(|p| if p.len() == 2 { number(p, 2) } else { None });
    let (h, m, s) = (clock.next()??, clock.next()??, clock.next()??);
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let offset = number(digits, 4).filter(|_| digits.len() == 4)?;
    if clock.next().is_some() || h > 23 || m > 59 || s > 60 || offset % 100 > 59 {
        return None;
    }
    let seconds = midnight(&iso)? + h * 3600 + m * 60 + s - sign * (offset / 100 * 3600 + offset % 100 * 60);
    Some(Timestamp::from_millis(seconds.saturating_mul(1000)))
}

/// The day that a Date field names, in its own zone: `Thu, 12 Mar 2026 10:15:01 +0100`.
pub fn sent_day(field: &str) -> Option<String> {
    sent(field).map(|(day, _)| day)
}

/// The moment that a Date field names (RFC 5256 §2.2): without a time that can be read the beginning of its day,
/// without a zone that can be read in UTC. `None` without a day.
pub fn sent_time(field: &str) -> Option<Timestamp> {
    let (day, rest) = sent(field)?;
    let mut words = rest.split_whitespace();
    let clock = words.next().and_then(clock);
    let zone = words.next().filter(|_| clock.is_some()).and_then(zone);
    let seconds = midnight(&day)? + clock.unwrap_or(0) - zone.unwrap_or(0);
    Some(Timestamp::from_millis(seconds.saturating_mul(1000)))
}

/// The day, and what follows it.
fn sent(field: &str) -> Option<(String, &str)> {
    let after_name = field.split_once(',').map_or(field, |(_, rest)| rest);
    let mut rest = after_name;
    let mut word = || {
        rest = rest.trim_ascii_start();
        let (word, after) = rest.split_at(rest.find([' ', '\t']).unwrap_or(rest.len()));
        rest = after;
        Some(word).filter(|w| !w.is_empty())
    };
    let (day, month, year) = (word()?, word()?, word()?);
    let year = match (year.len(), number(year, 4)?) {
        (2, y) if y < 50 => 2000 + y,
        (2 | 3, y) => 1900 + y,
        (_, y) => y,
    };
    Some((iso(number(day, 2)?, month.get(..3)?, year)?, rest))
}

/// `10:15` or `10:15:01`, in seconds.
fn clock(text: &str) -> Option<i64> {
    let mut parts = text.split(':').map(|p| number(p, 2));
    let (h, m, s) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    (parts.next().is_none() && h < 24 && m < 60 && s <= 60).then_some(h * 3600 + m * 60 + s)
}

/// `+0100` or one of the names of RFC 5322 §4.3, in seconds east of Greenwich.
fn zone(text: &str) -> Option<i64> {
    if let Some((sign, digits)) = text.split_at_checked(1).filter(|(sign, _)| matches!(*sign, "+" | "-")) {
        let offset = number(digits, 4).filter(|n| digits.len() == 4 && n % 100 < 60)?;
        let seconds = offset / 100 * 3600 + offset % 100 * 60;
        return Some(if sign == "-" { -seconds } else { seconds });
    }
    let hours = match text.to_ascii_uppercase().as_str() {
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => return None,
    };
    Some(hours * 3600)
}

/// The first second of a day in UTC.
fn midnight(iso: &str) -> Option<i64> {
    Some(days_from_civil(number(&iso[..4], 4)?, number(&iso[5..7], 2)?, number(&iso[8..], 2)?) * 86_400)
}

fn number(text: &str, most: usize) -> Option<i64> {
    let fine = !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    if fine { text.parse().ok() } else { None }
}

fn iso(day: i64, month: &str, year: i64) -> Option<String> {
    let month = MONTHS.iter().position(|m| m.eq_ignore_ascii_case(month))? + 1;
    (1..=31).contains(&day).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// Days since 1970-01-01 in the Gregorian calendar.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_dates() {
        assert_eq!(day("1-Feb-1994").as_deref(), Some("1994-02-01"));
        assert_eq!(day("1-Foo-1994"), None);
        assert_eq!(day("32-Jan-1994"), None);
        assert_eq!(day("29-Feb-2024").as_deref(), Some("2024-02-29"));
        assert!(["29-Feb-2026", "29-Feb-1900", "31-Apr-2026", "30-Feb-2024"].iter().all(|d| day(d).is_none()));
        for (text, millis) in [
            ("12-Mar-2026 10:15:01 +0100", Some(1_773_306_901_000)),
            (" 1-Jan-1970 00:00:00 +0000", Some(0)),
            ("29-Feb-2024 23:30:00 -0130", Some(1_709_254_800_000)),
            ("12-Mar-2026 10:15 +0100", None),
            ("12-Mar-2026 10:15:01 CET", None),
        ] {
            assert_eq!(date_time(text).map(Timestamp::as_millis), millis, "{text}");
        }
        assert_eq!(sent_day("Thu, 12 Mar 2026 10:15:01 +0100").as_deref(), Some("2026-03-12"));
        assert_eq!(sent_day(" 2 March 98 x").as_deref(), Some("1998-03-02"));
        assert_eq!(sent_day("yesterday"), None);
        for (text, millis) in [
            ("Thu, 12 Mar 2026 10:15:01 +0100", Some(1_773_306_901_000)),
            ("12 Mar 2026 09:15:01 GMT", Some(1_773_306_901_000)),
            ("12 Mar 2026 09:15:01", Some(1_773_306_901_000)),
            ("12 Mar 2026 04:15:01 EST", Some(1_773_306_901_000)),
            ("12 Mar 2026\t10:15:01 +0100 (CET)", Some(1_773_306_901_000)),
            ("12 Mar 2026 99:15 +0100", Some(1_773_273_600_000)),
            ("12 Mar 2026", Some(1_773_273_600_000)),
            ("domani", None),
        ] {
            assert_eq!(sent_time(text).map(Timestamp::as_millis), millis, "{text}");
        }
    }

    proptest! {
        #[test]
        fn internal_dates_round_trip(seconds in 0i64..4_000_000_000) {
            let at = Timestamp::from_millis(seconds * 1000);
            prop_assert_eq!(date_time(&at.imap()), Some(at));
        }

        #[test]
        fn never_panics(text in "\\PC{0,40}") {
            let _ = (day(&text), date_time(&text), sent_day(&text), sent_time(&text));
        }
    }
}
