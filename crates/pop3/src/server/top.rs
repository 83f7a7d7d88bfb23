//! TOP: a message's header and so many lines of its body.

use super::listing::decimal;
use super::{Problem, Server};

impl Server {
    pub(super) fn top(&mut self, argument: &[u8]) -> Result<(), Problem> {
        let mut words = argument.split(|b| *b == b' ').filter(|word| !word.is_empty());
        let (Some(number), Some(lines), None) = (words.next(), words.next(), words.next()) else {
            return Err(Problem::Bad("TOP messaggio righe"));
        };
        let lines = decimal(lines).ok_or(Problem::Bad("TOP messaggio righe"))?;
        self.read(number, Some(lines))
    }
}
