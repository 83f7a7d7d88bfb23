//! Whether rows and chain belong together: that no line stands outside of the chain, and none in it twice. That the
//! chain itself is whole shows whoever reads a segment.

use sigillo_base::Timestamp;
use sigillo_store::{KeyBuilder, KeyReader, Store, tag};

use super::read::LegalLog;
use super::rows::{LinkRow, Place, TipRow, chain_key, get, pending_key, range, read_key, read_line, tip_key};
use crate::Error;
use crate::rows::decode;

/// Markers looked at.
const MARKERS: usize = 10_000;

/// A page of what was compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// Lines looked at.
    pub lines: u64,
    /// Of these, lines that wait for their place in the chain.
    pub waiting: u64,
    /// What is wrong, in Italian.
    pub findings: Vec<String>,
    /// Where to go on; `None` at the end.
    pub next: Option<Place>,
}

impl<S: Store> LegalLog<'_, S> {
    /// Compares lines with times in `[from, to)` after a place with the chain, about `rows` rows at a time (a line has
    /// two). The first page looks at the lines that wait and at the end of the chain, too.
    ///
    /// # Errors
    /// The store's fault; damaged rows are findings.
    pub fn audit(&self, from: Timestamp, to: Timestamp, after: Option<Place>, rows: usize) -> Result<Audit, Error> {
        let mut page = Audit::default();
        if after.is_none() {
            self.markers(&mut page)?;
            self.end(&mut page)?;
        }
        let (from, to) = range(from, to);
        let from = after.map_or(from.clone(), |place| place.after().max(from));
        let found = self.store.scan(&from, &to, rows)?;
        let full = found.len() == rows;
        let mut last = None;
        for (key, _) in &found {
            let (place, _) = read_key(key)?;
            if last != Some(place) {
                self.line(place, &mut page)?;
            }
            last = Some(place);
        }
        page.next = last.filter(|_| full);
        Ok(page)
    }

    fn line(&self, place: Place, page: &mut Audit) -> Result<(), Error> {
        page.lines += 1;
        let mut wrong = |what: &str| page.findings.push(format!("riga {place} ({}): {what}", place.at));
        match read_line(self.store, place) {
            Ok(Some(_)) => {}
            Ok(None) => wrong("il testo manca"),
            Err(error @ sigillo_store::Error::Corrupt { .. }) => wrong(&error.to_string()),
            Err(fault) => return Err(fault.into()),
        }
        let key = place.linked();
        let sequence = match self.store.get(key.as_ref())? {
            Some(value) => match decode::<u64>(&key, &value) {
                Ok(sequence) => Some(sequence),
                Err(error) => {
                    wrong(&error.to_string());
                    return Ok(());
                }
            },
            None => None,
        };
        match sequence {
            Some(sequence) => match get::<S, LinkRow>(self.store, &chain_key(sequence)) {
                Ok(Some(link)) if link.place() == place => {}
                Ok(Some(_)) => wrong(&format!("alla posizione {sequence} della catena sta un'altra riga")),
                Ok(None) => wrong(&format!("la posizione {sequence} della catena manca")),
                Err(error) => wrong(&error.to_string()),
            },
            None if self.store.get(pending_key(place).as_ref())?.is_some() => page.waiting += 1,
            None => wrong("non è nella catena e non attende di entrarvi"),
        }
        Ok(())
    }

    fn end(&self, page: &mut Audit) -> Result<(), Error> {
        let Some(tip) = get::<S, TipRow>(self.store, &tip_key())? else { return Ok(()) };
        match self.link(tip.next.saturating_sub(1)) {
            Ok(link) if link.hash == tip.head => {}
            Ok(_) => page.findings.push("la fine della catena non è quella della sua ultima riga".into()),
            Err(error) => page.findings.push(error.to_string()),
        }
        Ok(())
    }

    fn markers(&self, page: &mut Audit) -> Result<(), Error> {
        let (from, to) = KeyBuilder::new(tag::LOG_PENDING).range();
        for (key, _) in self.store.scan(&from, &to, MARKERS)? {
            let place = Place::read(&mut KeyReader::new(&key, tag::LOG_PENDING)?)?;
            if matches!(read_line(self.store, place), Ok(None)) {
                page.findings.push(format!("riga {place} ({}): attende di entrare nella catena e non c'è", place.at));
            } else if self.store.get(place.linked().as_ref())?.is_some() {
                page.findings.push(format!("riga {place} ({}): attende, ed è già nella catena", place.at));
            }
        }
        Ok(())
    }
}
