//! Time as the certified-mail rules want it: one instant per transaction, shown as Italian legal time.

use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;

/// An instant, in milliseconds since 1970-01-01T00:00:00Z. It never comes from a clock here: every use-case takes
/// one as an argument, and every fact of one transaction carries the same one (RFC 6109 §4.1, DM 2-11-2005 art. 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

/// An instant in Italian legal time (Europe/Rome), in the forms that notices and daticert.xml need
/// (RFC 6109 §4.2, §4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegalTime {
    /// `12/03/2026`
    pub day: String,
    /// `10:15:01`
    pub time: String,
    /// `+0100`
    pub zone: String,
    /// `2026-03-12`: sorts like time does; names the day of the legal log.
    pub iso_day: String,
}

const ROME: TimeZone = jiff::tz::get!("Europe/Rome");
/// 1970-01-01 to 9999-01-01: what fits into the formats and into jiff.
const MAX_MILLIS: i64 = 253_370_764_800_000;

impl Timestamp {
    /// From milliseconds since the Unix epoch; held to the years 1970 to 9998, which the formats can show.
    pub const fn from_millis(millis: i64) -> Self {
        Self(if millis < 0 {
            0
        } else if millis > MAX_MILLIS {
            MAX_MILLIS
        } else {
            millis
        })
    }

    /// Reads ISO 8601: `2026-03-12T10:15:01+01:00`, `…Z`, or without an offset legal time (Europe/Rome), in which a
    /// plain date is its first instant. `None` for anything else, and before 1970.
    pub fn from_iso(text: &str) -> Option<Self> {
        let instant = text.parse::<jiff::Timestamp>().or_else(|_| {
            let civil: jiff::civil::DateTime = text.parse()?;
            civil.to_zoned(ROME).map(|z| z.timestamp())
        });
        Some(instant.ok()?.as_millisecond()).filter(|millis| *millis >= 0).map(Self::from_millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0 / 1000
    }

    /// The instant `span` later.
    pub const fn plus(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(span.as_millis() as i64))
    }

    /// The instant `span` earlier.
    pub const fn minus(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub(span.as_millis() as i64))
    }

    /// How long after `earlier` this is; zero when it is not after it. Elapsed time, so a daylight-saving night
    /// counts 23 or 25 hours as they are.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(if self.0 > earlier.0 { (self.0 - earlier.0) as u64 } else { 0 })
    }

    /// Italian legal time of this instant.
    pub fn legal(self) -> LegalTime {
        let z = self.zoned();
        LegalTime {
            day: z.strftime("%d/%m/%Y").to_string(),
            time: z.strftime("%H:%M:%S").to_string(),
            zone: z.strftime("%z").to_string(),
            iso_day: z.strftime("%Y-%m-%d").to_string(),
        }
    }

    /// The legal day `2026-03-12` from its first instant to the first of the next, which is 23, 24 or 25 hours later;
    /// `None` when the text is no date from 1970 to 9998.
    pub fn legal_day(iso_day: &str) -> Option<(Self, Self)> {
        let day: jiff::civil::Date = iso_day.parse().ok()?;
        let midnight = |day: jiff::civil::Date| day.to_zoned(ROME).ok().map(|z| z.timestamp().as_millisecond());
        let (from, to) = (midnight(day)?, midnight(day.tomorrow().ok()?)?);
        let fine = from >= 0 && to <= MAX_MILLIS && day.to_string() == iso_day;
        fine.then_some((Self(from), Self(to)))
    }

    /// The day in UTC: `2026-03-12`. Reports between providers go by it (RFC 8460 §4.1).
    pub fn utc_day(self) -> String {
        jiff::Timestamp::from_millisecond(self.0)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
            .strftime("%Y-%m-%d")
            .to_string()
    }

    /// The `date-time` of RFC 5322 §3.3 in legal time: `Thu, 12 Mar 2026 10:15:01 +0100`.
    pub fn rfc5322(self) -> String {
        self.zoned().strftime("%a, %d %b %Y %H:%M:%S %z").to_string()
    }

    /// The INTERNALDATE of IMAP (RFC 9051 §9): `12-Mar-2026 10:15:01 +0100`.
    pub fn imap(self) -> String {
        self.zoned().strftime("%d-%b-%Y %H:%M:%S %z").to_string()
    }

    fn zoned(self) -> jiff::Zoned {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_zoned(ROME)
    }
}

impl fmt::Display for Timestamp {
    /// ISO 8601 with the legal offset: `2026-03-12T10:15:01.000+01:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.zoned().strftime("%Y-%m-%dT%H:%M:%S%.3f%:z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let t: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_millis(t.as_millisecond())
    }

    #[test]
    fn legal_time_in_winter_and_summer() {
        let l = at("2026-03-12T09:15:01Z").legal();
        assert_eq!((l.day.as_str(), l.time.as_str(), l.zone.as_str()), ("12/03/2026", "10:15:01", "+0100"));
        assert_eq!(at("2026-07-01T22:30:00Z").legal().iso_day, "2026-07-02");
        assert_eq!(at("2026-03-12T09:15:01Z").rfc5322(), "Thu, 12 Mar 2026 10:15:01 +0100");
        assert_eq!(at("2026-03-12T09:15:01Z").imap(), "12-Mar-2026 10:15:01 +0100");
        assert_eq!(at("2026-07-01T22:30:00Z").to_string(), "2026-07-02T00:30:00.000+02:00");
    }

    #[test]
    fn a_legal_day_has_the_hours_it_has() {
        let hours = |day| Timestamp::legal_day(day).map(|(from, to)| to.since(from).as_secs() / 3600);
        let days = ["2026-03-12", "2026-03-29", "2026-10-25"].map(hours);
        assert_eq!(days, [Some(24), Some(23), Some(25)]);
        let (from, to) = Timestamp::legal_day("2026-03-29").unwrap();
        assert_eq!(
            (from.to_string(), to.to_string()),
            ("2026-03-29T00:00:00.000+01:00".to_owned(), "2026-03-30T00:00:00.000+02:00".to_owned())
        );
        for bad in ["", "2026-02-29", "2026-3-1", "12/03/2026", "1969-12-31", "9999-12-31", "2026-03-12T10:00:00"] {
            assert_eq!(Timestamp::legal_day(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_day_in_utc_begins_after_the_legal_one() {
        assert_eq!(at("2026-03-11T23:30:00Z").utc_day(), "2026-03-11");
        assert_eq!(at("2026-03-11T23:30:00Z").legal().iso_day, "2026-03-12");
    }

    #[test]
    fn iso_8601_is_read_with_and_without_its_offset() {
        let noon = at("2026-07-01T10:00:00Z");
        for text in ["2026-07-01T10:00:00Z", "2026-07-01T12:00:00+02:00", "2026-07-01T12:00:00", "2026-07-01T12:00"] {
            assert_eq!(Timestamp::from_iso(text), Some(noon), "{text}");
        }
        assert_eq!(Timestamp::from_iso("2026-07-01"), Some(at("2026-06-30T22:00:00Z")));
        assert_eq!(Timestamp::from_iso(&noon.to_string()), Some(noon), "what Display writes");
        for bad in ["", "ieri", "2026-13-01", "2026-02-30", "12/03/2026", "1969-12-31", "2026-07-01T25:00"] {
            assert_eq!(Timestamp::from_iso(bad), None, "{bad}");
        }
    }

    #[test]
    fn elapsed_time_ignores_daylight_saving() {
        let before = at("2026-10-24T22:00:00Z");
        assert_eq!(before.legal().time, "00:00:00");
        assert_eq!(before.plus(Duration::from_secs(24 * 3600)).legal().time, "23:00:00");
        assert_eq!(before.plus(Duration::from_secs(60)).since(before).as_secs(), 60);
        assert_eq!(before.since(before.plus(Duration::from_secs(1))), Duration::ZERO);
    }

    #[test]
    fn the_edges_are_held() {
        assert_eq!(Timestamp::from_millis(-5), Timestamp::default());
        assert!(Timestamp::from_millis(i64::MAX).rfc5322().contains(" 9999 "));
    }
}
