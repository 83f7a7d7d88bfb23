//! How the messages found are told: SEARCH and SORT (RFC 3501 §7.2.5, RFC 5256 §4), and ESEARCH (RFC 4731, RFC 5267).

use crate::search::Returns;
use crate::set;

/// A message that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Sequence number less one.
    pub index: usize,
    /// Its UID.
    pub uid: u32,
    /// Its mod-sequence.
    pub modseq: u64,
}

/// What was found, in the order in which it is told.
#[derive(Debug)]
pub struct Findings<'f> {
    /// The messages.
    pub found: &'f [Found],
    /// Told by UID.
    pub uid: bool,
    /// With the highest mod-sequence.
    pub modseq: bool,
}

impl Findings<'_> {
    /// `* SEARCH 2 5 (MODSEQ 9)`, or the same with another name.
    pub fn line(&self, name: &str) -> String {
        let mut out = format!("* {name}");
        for found in self.found {
            out.push_str(&format!(" {}", self.number(found)));
        }
        if let Some(modseq) = self.found.iter().map(|f| f.modseq).max().filter(|_| self.modseq) {
            out.push_str(&format!(" (MODSEQ {modseq})"));
        }
        out
    }

    /// `* ESEARCH (TAG "a") UID MIN 2 …`; `None` when nothing but saving was asked for.
    pub fn extended(&self, tag: &str, asked: Returns) -> Option<String> {
        let all = asked.all || asked == Returns::default();
        if !(all || asked.min || asked.max || asked.count) {
            return None;
        }
        let mut out = format!("* ESEARCH (TAG \"{tag}\")");
        if self.uid {
            out.push_str(" UID");
        }
        if let (Some(first), Some(last)) = (self.found.first(), self.found.last()) {
            if asked.min {
                out.push_str(&format!(" MIN {}", self.number(first)));
            }
            if asked.max {
                out.push_str(&format!(" MAX {}", self.number(last)));
            }
            if all {
                out.push_str(&format!(" ALL {}", set::compress(self.found.iter().map(|f| self.number(f)))));
            }
        }
        if asked.count {
            out.push_str(&format!(" COUNT {}", self.found.len()));
        }
        if let Some(modseq) = self.told(asked).map(|f| f.modseq).max().filter(|_| self.modseq) {
            out.push_str(&format!(" MODSEQ {modseq}"));
        }
        Some(out)
    }

    /// Those that the answer is about: the first and the last when it is about them alone (RFC 4731 §3.2,
    /// RFC 5182 §2.4), all of them otherwise.
    pub fn told(&self, asked: Returns) -> impl Iterator<Item = &Found> {
        let ends = (asked.min || asked.max) && !asked.all && !asked.count;
        let last = self.found.len().saturating_sub(1);
        let kept = move |at: usize| !ends || (asked.min && at == 0) || (asked.max && at == last);
        self.found.iter().enumerate().filter(move |(at, _)| kept(*at)).map(|(_, found)| found)
    }

    fn number(&self, found: &Found) -> u32 {
        if self.uid { found.uid } else { u32::try_from(found.index + 1).unwrap_or(u32::MAX) }
    }
}
