//! Message numbers, and the lists of LIST and UIDL, which are written piece by piece.

use super::{Open, PIECE, Problem, Server, State, Wait};

/// What stands beside a number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column {
    Size,
    Id,
}

/// A list under way: from this message on.
#[derive(Debug)]
pub(super) struct Listing {
    column: Column,
    next: usize,
}

impl Open {
    /// The index of a message that is there and not marked.
    pub(super) fn find(&self, number: &[u8]) -> Result<usize, Problem> {
        let number: usize = decimal(number).ok_or(Problem::Bad("Serve il numero di un messaggio"))?;
        let index = number.checked_sub(1).filter(|at| self.marked.get(*at) == Some(&false));
        index.ok_or_else(|| Problem::No(None, "Messaggio inesistente".into()))
    }

    /// How many messages are not marked, and of how many octets.
    pub(super) fn sums(&self) -> (usize, u64) {
        let left = self.drop.messages.iter().zip(&self.marked).filter(|(_, marked)| !**marked);
        left.fold((0, 0), |(count, size), (message, _)| (count + 1, size + u64::from(message.size)))
    }

    fn line(&self, at: usize, column: Column) -> String {
        let (number, message) = (at + 1, self.drop.messages[at]);
        match column {
            Column::Size => format!("{number} {}", message.size),
            Column::Id => format!("{number} {:08x}{:08x}", self.drop.uid_validity, message.uid),
        }
    }
}

/// Digits and nothing else, blanks around them apart.
pub(super) fn decimal<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(bytes).ok()?.trim_matches(' ');
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

impl Server {
    /// Tells one message's line, or begins the list of all.
    pub(super) fn tell(&mut self, argument: &[u8], column: Column) -> Result<(), Problem> {
        let open = self.open()?;
        if argument.trim_ascii().is_empty() {
            let (count, size) = open.sums();
            self.ok(&format!("{count} messaggi, {size} ottetti"));
            self.wait = Wait::List(Listing { column, next: 0 });
            return Ok(());
        }
        let line = open.line(open.find(argument)?, column);
        self.ok(&line);
        Ok(())
    }

    /// The next piece of a list.
    pub(super) fn more(&mut self, Listing { column, mut next }: Listing) {
        let State::Transaction(open) = &self.state else { return };
        let mut out = String::new();
        while next < open.marked.len() && out.len() < PIECE {
            if !open.marked[next] {
                out.push_str(&open.line(next, column));
                out.push_str("\r\n");
            }
            next += 1;
        }
        if next < open.marked.len() {
            self.wait = Wait::List(Listing { column, next });
        } else {
            out.push_str(".\r\n");
        }
        self.write(out.into_bytes());
    }
}
