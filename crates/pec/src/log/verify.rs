//! The proof of a log over a period: chain, digests of closed segments, time stamps, and the rules of consistency.

use std::time::Duration;

use sigillo_base::Timestamp;
use sigillo_smime::Trust;
use sigillo_smime::timestamp::Token;

use super::{Break, Checker, Entry, Report, Segment, SegmentReader, ServiceEvent};

/// Findings kept for the reader; more are only counted.
const FINDINGS: usize = 1_000;
/// How far the clock of a provider may be off (DM 2-11-2005 art. 9): so much earlier than the last line a stamp may be,
/// besides the accuracy that it states.
const CLOCK: Duration = Duration::from_secs(1);
/// So long after its end a segment is stamped; later the stamp is late.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What the one who keeps a segment says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The chain before it.
    pub before: [u8; 32],
    /// The chain after its last line.
    pub head: [u8; 32],
    /// The digest of its file; `None` as long as it is open, or was not found whole.
    pub sha256: Option<[u8; 32]>,
    /// Whether it is closed.
    pub closed: bool,
}

/// The time stamp over a closed segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The segment's number.
    pub segment: u64,
    /// The instant that the authority certifies.
    pub time: Timestamp,
    /// Whether that is more than a day after the segment's end. It proves what was there then all the same.
    pub late: bool,
}

/// What was proven, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// Segments read to their end.
    pub segments: u64,
    /// Of these, the numbers of the first and the last.
    pub numbers: Option<(u64, u64)>,
    /// The one that is not closed yet, when it was among them.
    pub open: Option<u64>,
    /// Lines.
    pub lines: u64,
    /// Closed segments whose time stamp is believed.
    pub stamped: u64,
    /// The time stamps over the digests of closed segments, believed or unjudged. One that claims to be older than the
    /// segment's last line is a finding besides.
    pub stamps: Vec<Stamp>,
    /// Closed segments with a time stamp over their digest that nobody was named to believe.
    pub unjudged: Vec<u64>,
    /// Closed segments without a time stamp.
    pub unstamped: Vec<u64>,
    /// What does not hold together, in Italian; at most a thousand.
    pub findings: Vec<String>,
    /// How many there are.
    pub found: u64,
    /// The rules of consistency: findings, messages judged, open, cut.
    pub rules: Report,
}

impl Proof {
    /// Whether everything is proven. `allow_unstamped`: a closed segment may be without a believed time stamp.
    pub fn holds(&self, allow_unstamped: bool) -> bool {
        let stamped = self.unstamped.is_empty() && self.unjudged.is_empty();
        self.segments > 0 && self.found == 0 && self.rules.findings.is_empty() && (stamped || allow_unstamped)
    }
}

/// Proves segment after segment, in their order.
#[derive(Debug)]
pub struct Verifier<'t> {
    trust: Option<&'t Trust>,
    checker: Checker,
    /// The file being read, and where it broke.
    file: String,
    reader: Option<SegmentReader>,
    broken: Option<Break>,
    last: Option<Segment>,
    /// The latest time in the file, and that of its last line when that closes it.
    latest: Timestamp,
    closing: Option<Timestamp>,
    proof: Proof,
}

impl<'t> Verifier<'t> {
    /// Begins. `from` and `now` as for [`Checker::new`]; without `now` the last line is the present. `trust` judges time
    /// stamps.
    pub fn new(from: Option<Timestamp>, now: Option<Timestamp>, trust: Option<&'t Trust>) -> Self {
        Self {
            trust,
            checker: Checker::new(from, now),
            file: String::new(),
            reader: None,
            broken: None,
            last: None,
            latest: Timestamp::default(),
            closing: None,
            proof: Proof::default(),
        }
    }

    /// A segment begins; its bytes follow by [`Verifier::feed`], its end by [`Verifier::end`].
    pub fn begin(&mut self, file: &str) {
        self.file = file.to_owned();
        (self.broken, self.latest, self.closing) = (None, Timestamp::default(), None);
        self.reader = Some(SegmentReader::new(file, self.last.as_ref().map(|s| s.head)));
    }

    /// Bytes of the segment. After its first break the rest of it is passed over.
    pub fn feed(&mut self, bytes: &[u8]) {
        let Some(reader) = &mut self.reader else { return };
        let (checker, lines) = (&mut self.checker, &mut self.proof.lines);
        let (latest, closing) = (&mut self.latest, &mut self.closing);
        let mut unreadable = Vec::new();
        let fed = reader.feed(bytes, &mut |line| {
            *lines += 1;
            match Entry::parse_line(line) {
                Ok(entry) => {
                    *latest = entry.at().max(*latest);
                    if matches!(&entry, Entry::Service(service) if matches!(service.event, ServiceEvent::Close { .. }))
                    {
                        *closing = Some(entry.at());
                    }
                    checker.entry(&entry);
                }
                Err(error) => unreadable.push(format!("{error}: {}", line.chars().take(120).collect::<String>())),
            }
        });
        if let Err(broken) = fed {
            self.broken = Some(broken);
            self.reader = None;
        }
        unreadable.into_iter().for_each(|what| self.finding(format!("{}: {what}", self.file)));
    }

    /// The segment ends; gives what it was when it holds together. `expected`: what its keeper says; `stamp`: its token
    /// or `None`.
    pub fn end(&mut self, expected: Option<&Expected>, stamp: Option<&[u8]>) -> Option<Segment> {
        let read = match (self.broken.take(), self.reader.take()) {
            (Some(broken), _) => Err(broken.to_string()),
            (None, Some(reader)) => reader.finish().map_err(|b| b.to_string()),
            (None, None) => Err(format!("{}: non è stato letto", self.file)),
        };
        let segment = match read {
            Ok(segment) => segment,
            Err(broken) => {
                self.finding(broken);
                // What follows is judged by itself.
                self.last = None;
                return None;
            }
        };
        self.follows(&segment);
        if let Some(expected) = expected {
            self.as_expected(&segment, expected);
        }
        match self.closing {
            Some(closing) => self.closed(&segment, closing, stamp),
            None => self.proof.open = Some(segment.number),
        }
        self.last = Some(segment.clone());
        Some(segment)
    }

    /// Something that cannot be proven, in Italian.
    pub fn finding(&mut self, what: String) {
        self.proof.found += 1;
        if self.proof.findings.len() < FINDINGS {
            self.proof.findings.push(what);
        }
    }

    /// What was proven in all.
    pub fn finish(self) -> Proof {
        Proof { rules: self.checker.finish(), ..self.proof }
    }

    fn follows(&mut self, segment: &Segment) {
        let (proof, number) = (&mut self.proof, segment.number);
        proof.segments += 1;
        proof.numbers =
            Some(proof.numbers.map_or((number, number), |(first, last)| (first.min(number), last.max(number))));
        match &self.last {
            Some(last) if last.number + 1 != number || !last.closed => {
                let what = format!("{}: il segmento {number} segue il {}", self.file, last.number);
                self.finding(what);
            }
            None if number == 1 && segment.before != [0; 32] => {
                self.finding(format!("{}: la catena del primo segmento non comincia da zero", self.file));
            }
            _ => {}
        }
    }

    fn as_expected(&mut self, segment: &Segment, expected: &Expected) {
        let wrong = [
            (segment.closed == expected.closed, "non è chiuso come si dice"),
            (segment.before == expected.before, "non comincia dalla catena che si dice"),
            (segment.head == expected.head, "l'ultima riga è stata alterata, o altre mancano alla fine"),
            (expected.sha256.is_none_or(|d| d == segment.sha256), "l'impronta del file non è quella conservata"),
            (!expected.closed || expected.sha256.is_some(), "è chiuso e non ha ancora l'impronta"),
        ];
        for (_, what) in wrong.into_iter().filter(|(fine, _)| !fine) {
            self.finding(format!("{}: {what}", self.file));
        }
    }

    /// Rules are settled by the time at which the segment was closed: a single line of a wrong time must not make
    /// messages look old that still wait.
    fn closed(&mut self, segment: &Segment, closing: Timestamp, stamp: Option<&[u8]>) {
        if self.latest.since(closing) > DAY {
            let (file, latest) = (&self.file, self.latest);
            self.finding(format!(
                "{file}: una riga porta l'ora {latest}, oltre un giorno dopo la chiusura ({closing})"
            ));
        }
        self.checker.settle(closing);
        self.stamp(segment, closing, stamp);
    }

    fn stamp(&mut self, segment: &Segment, closing: Timestamp, stamp: Option<&[u8]>) {
        let Some(token) = stamp else { return self.proof.unstamped.push(segment.number) };
        let judged = Token::parse(token).and_then(|token| match self.trust {
            Some(trust) => token.verify(&segment.sha256, trust).map(|_| (token, true)),
            None if *token.digest() == segment.sha256 => Ok((token, false)),
            None => Err(sigillo_smime::Error::Imprint),
        });
        let (token, believed) = match judged {
            Ok(judged) => judged,
            Err(error) => return self.finding(format!("{}: marca temporale: {error}", self.file)),
        };
        let time = token.time();
        let stamp = Stamp { segment: segment.number, time, late: time.since(closing) > DAY };
        self.proof.stamps.push(stamp);
        match believed {
            true => self.proof.stamped += 1,
            false => self.proof.unjudged.push(segment.number),
        }
        // Nobody can have stamped a file before its last line was written.
        if time.plus(token.accuracy().unwrap_or_default()).plus(CLOCK) < closing {
            let file = &self.file;
            self.finding(format!("{file}: marca temporale: la sua ora {time} precede la chiusura ({closing})"));
        }
    }
}
