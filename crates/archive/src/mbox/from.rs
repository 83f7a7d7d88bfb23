//! The date in a From_ line: `Thu Mar 12 09:15:01 2026`, in UTC where no offset stands before or after the year.

use sigillo_base::Timestamp;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The date at the end of what follows `From `; `None` when there is none.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.iter().rposition(|w| DAYS.contains(w))?;
    let (month, day, time) = (words.get(at + 1)?, words.get(at + 2)?, words.get(at + 3)?);
    let month = MONTHS.iter().position(|m| m == month)? + 1;
    let day: u8 = day.parse().ok().filter(|d| *d > 0)?;
    let time = if time.len() == 5 { format!("{time}:00") } else { (*time).to_owned() };
    let (mut year, mut zone) = (None, None);
    for word in words.get(at + 4..)?.iter().take(3) {
        if word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit()) {
            year = year.or(Some(*word));
        } else if let Some(offset) = offset(word) {
            zone = Some(offset);
        }
    }
    Timestamp::from_iso(&format!("{}-{month:02}-{day:02}T{time}{}", year?, zone.as_deref().unwrap_or("Z")))
}

/// `+0100` as `+01:00`.
fn offset(word: &str) -> Option<String> {
    let digits = word.strip_prefix(['+', '-']).filter(|d| d.len() == 4 && d.bytes().all(|b| b.is_ascii_digit()))?;
    Some(format!("{}{}:{}", &word[..1], &digits[..2], &digits[2..]))
}

/// The date as it is written.
pub(super) fn write(date: Timestamp) -> String {
    let seconds = date.as_secs();
    let weekday = DAYS[usize::try_from(seconds / 86_400 % 7).unwrap_or_default()];
    let (day, clock) = (date.utc_day(), seconds % 86_400);
    let month: usize = day.get(5..7).and_then(|m| m.parse().ok()).unwrap_or(1);
    let (year, day) = (day.get(..4).unwrap_or_default(), day.get(8..).unwrap_or_default());
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("{weekday} {} {day} {hour:02}:{minute:02}:{second:02} {year}", MONTHS[month - 1])
}
