//! Where a message waits while it arrives: its last bytes in memory, the rest in the spool. So a connection costs the
//! same memory whatever the size of what it brings, and what its size costs is paid only while it is worked on. As long
//! as there is room in the [`Hall`] that all share, messages of middle size never see the spool.

use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sigillo_wire::Tick;

use crate::{Doors, Pace, Rejected};

/// The port to a place for messages that are not whole yet. What is in it means nothing after a crash: nobody was told
/// "250".
pub trait Spool: Send + Sync {
    /// A place for one message, empty; dropping it gives the room back.
    ///
    /// # Errors
    /// What the system says; for the peer it is a 4xx at the end of its message.
    fn open(&self) -> io::Result<Box<dyn Spooled>>;
}

/// A place for one message. Calls may block.
pub trait Spooled: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> Spooled for T {}

/// A spool in memory, for tests and the simulated world.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemorySpool;

impl Spool for MemorySpool {
    fn open(&self) -> io::Result<Box<dyn Spooled>> {
        Ok(Box::new(Cursor::new(Vec::new())))
    }
}

/// Bytes of a message that stay in memory; with the piece that passes them it goes to the spool.
const HELD: usize = 64 * 1024;

/// Bytes of a message that stay in memory where the hall has room for them.
const LARGE: usize = 1 << 20;

/// What messages on their way may hold together, beyond what each may by itself.
#[derive(Debug)]
pub struct Hall {
    free: AtomicUsize,
}

impl Hall {
    /// Room for so many bytes.
    pub const fn new(bytes: usize) -> Self {
        Self { free: AtomicUsize::new(bytes) }
    }

    fn take(&self, bytes: usize) -> bool {
        let less = |free: usize| free.checked_sub(bytes);
        self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }

    fn give(&self, bytes: usize) {
        self.free.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Default for Hall {
    /// 32 MiB.
    fn default() -> Self {
        Self::new(32 << 20)
    }
}

/// What one message has taken of the hall.
struct Room {
    hall: Arc<Hall>,
    bytes: usize,
}

impl Room {
    /// Makes it so large, by steps of [`HELD`]; whether it is.
    fn grow(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes).div_ceil(HELD) * HELD;
        let grown = self.hall.take(more);
        self.bytes += if grown { more } else { 0 };
        grown
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.hall.give(self.bytes);
    }
}

/// How many copies of a message its work holds at the most: as it came, and as it will lie in the store.
pub(crate) const COPIES: usize = 2;

/// What that work holds when it reads the message in pieces: chunks on their way into the store, a header section, and what
/// is told of the parts.
const PASSING: usize = 8 << 20;

/// A message on its way in.
pub(crate) struct Incoming {
    spool: Arc<dyn Spool>,
    room: Room,
    held: Vec<u8>,
    spooled: usize,
    /// When it began, and what came since, also what was forgotten.
    began: Option<Tick>,
    came: u64,
    place: Option<Box<dyn Spooled>>,
    /// What kept it from being spooled: from then on its bytes are heard and forgotten.
    failed: Option<Rejected>,
}

impl Incoming {
    pub(crate) fn new(doors: &Doors) -> Self {
        Self::within(Arc::clone(&doors.spool), Arc::clone(&doors.hall))
    }

    fn within(spool: Arc<dyn Spool>, hall: Arc<Hall>) -> Self {
        let room = Room { hall, bytes: 0 };
        Self { spool, room, held: Vec::new(), spooled: 0, began: None, came: 0, place: None, failed: None }
    }

    /// An empty one with the same spool and hall.
    fn fresh(&self) -> Self {
        Self::within(Arc::clone(&self.spool), Arc::clone(&self.room.hall))
    }

    /// Forgets what came.
    pub(crate) fn clear(&mut self) {
        *self = self.fresh();
    }

    /// A message begins.
    pub(crate) fn begin(&mut self, now: Tick) {
        self.clear();
        self.began = Some(now);
    }

    /// When the rest comes too late, if nothing comes before; `None` when no message is on its way.
    pub(crate) fn overdue(&self, pace: Pace) -> Option<Tick> {
        let earned_ms = self.came.saturating_mul(1000).checked_div(pace.bytes_s)?;
        Some(self.began?.plus_ms(pace.grace_ms).plus_ms(earned_ms))
    }

    /// So many octets of it came over the wire, also those that were not kept: a message that is refused already must come
    /// as any other.
    pub(crate) fn heard(&mut self, octets: u64) {
        self.came = self.came.max(octets);
    }

    /// Takes a piece.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.came += bytes.len() as u64;
        if self.failed.is_none() {
            self.held.extend_from_slice(bytes);
        }
    }

    /// Whether [`Incoming::spool`] is due before more comes.
    pub(crate) fn is_full(&mut self) -> bool {
        let beyond = self.held.len().saturating_sub(HELD);
        beyond > 0 && (self.spooled > 0 || self.held.len() > LARGE || !self.room.grow(beyond))
    }

    /// Moves what is in memory into the spool; blocks. `may` is whether the provider takes mail now: a message must not
    /// eat the room that the store keeps for what was promised.
    pub(crate) fn spool(&mut self, may: Result<(), Rejected>) {
        if let Err(rejected) = may.and_then(|()| self.write().map_err(|e| unspooled(&e))) {
            (self.held, self.place, self.spooled) = (Vec::new(), None, 0);
            self.failed = Some(rejected);
        }
        self.room = Room { hall: Arc::clone(&self.room.hall), bytes: 0 };
    }

    fn write(&mut self) -> io::Result<()> {
        let place = match &mut self.place {
            Some(place) => place,
            none => none.insert(self.spool.open()?),
        };
        place.write_all(&self.held)?;
        self.spooled += self.held.len();
        self.held.clear();
        self.held.shrink_to(2 * HELD);
        Ok(())
    }

    /// Bytes of memory that the work on it will take, beyond what it holds by itself.
    pub(crate) fn weight(&self) -> usize {
        self.spooled.saturating_mul(COPIES) + self.held.len().saturating_sub(HELD)
    }

    /// Bytes of memory that the work on it will take, beyond what it holds by itself, when it is read in pieces.
    pub(crate) fn passing_weight(&self) -> usize {
        self.weight().min(PASSING)
    }

    /// The whole message in memory, and room for the next one; blocks.
    ///
    /// # Errors
    /// 452 4.3.1 when the disk was full, 451 4.3.0 when it cannot be read back.
    pub(crate) fn take(&mut self) -> Result<Vec<u8>, Rejected> {
        let mut came = self.take_apart()?;
        if came.place.is_none() {
            return Ok(came.last);
        }
        came.read(0, came.len()).map_err(|e| unspooled(&e))
    }

    /// What came, where it lies, and room for the next one.
    ///
    /// # Errors
    /// 452 4.3.1 when the disk was full.
    pub(crate) fn take_apart(&mut self) -> Result<Came, Rejected> {
        let fresh = self.fresh();
        let all = std::mem::replace(self, fresh);
        match all.failed {
            Some(rejected) => Err(rejected),
            None => Ok(Came { place: all.place, spooled: all.spooled, last: all.held, _room: all.room }),
        }
    }
}

/// All that came: what was spooled, then what is still in memory.
pub(crate) struct Came {
    place: Option<Box<dyn Spooled>>,
    spooled: usize,
    last: Vec<u8>,
    /// Taken as long as it lies in memory.
    _room: Room,
}

impl Came {
    /// In bytes.
    pub(crate) fn len(&self) -> usize {
        self.spooled + self.last.len()
    }

    /// These of its bytes, all of them; blocks.
    ///
    /// # Errors
    /// What the system says; `UnexpectedEof` when there are not so many.
    pub(crate) fn read(&mut self, from: usize, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        let (spooled, last) = bytes.split_at_mut(len.min(self.spooled.saturating_sub(from)));
        if let Some(place) = self.place.as_mut().filter(|_| !spooled.is_empty()) {
            place.seek(SeekFrom::Start(from as u64))?;
            place.read_exact(spooled)?;
        }
        let at = from.saturating_sub(self.spooled);
        let held = self.last.get(at..at + last.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        last.copy_from_slice(held);
        Ok(bytes)
    }
}

/// The answer to who brings a message that cannot be kept on its way.
fn unspooled(error: &io::Error) -> Rejected {
    tracing::error!(%error, "a message cannot be spooled");
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Rejected::refused(452, (4, 3, 1), "Spazio insufficiente per ricevere il messaggio, riprovare più tardi")
        }
        _ => Rejected::refused(451, (4, 3, 0), "Errore temporaneo del sistema, riprovare"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message on its way where the hall has no room.
    fn incoming(spool: impl Spool + 'static) -> Incoming {
        Incoming::within(Arc::new(spool), Arc::new(Hall::new(0)))
    }

    /// A disk of so many bytes.
    struct Small(usize);

    struct Place(usize, Cursor<Vec<u8>>);

    impl Spool for Small {
        fn open(&self) -> io::Result<Box<dyn Spooled>> {
            Ok(Box::new(Place(self.0, Cursor::default())))
        }
    }

    impl Write for Place {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let full = io::Error::from(io::ErrorKind::StorageFull);
            self.0 = self.0.checked_sub(bytes.len()).ok_or(full)?;
            self.1.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Read for Place {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.1.read(bytes)
        }
    }

    impl Seek for Place {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.1.seek(to)
        }
    }

    fn bring(incoming: &mut Incoming, message: &[u8], cut: usize) -> usize {
        let mut most = 0;
        for piece in message.chunks(cut) {
            incoming.push(piece);
            most = most.max(incoming.held.len());
            if incoming.is_full() {
                incoming.spool(Ok(()));
            }
        }
        most
    }

    fn message() -> Vec<u8> {
        (0..1_000_003_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
    }

    #[test]
    fn a_message_comes_out_as_it_went_in_and_little_of_it_stays_in_memory() {
        let message = message();
        for cut in [1000, 1 << 16, message.len()] {
            let mut incoming = self::incoming(MemorySpool);
            let most = bring(&mut incoming, &message, cut);
            assert!(most <= HELD + cut, "{most} bytes in memory at once");
            assert!(incoming.weight() + COPIES * HELD >= COPIES * message.len(), "{}", incoming.weight());
            assert!(incoming.passing_weight() <= PASSING);
            assert!(incoming.take().unwrap() == message, "cut by {cut}");
            assert_eq!((incoming.weight(), incoming.take().unwrap().len()), (0, 0), "room for the next one");
            bring(&mut incoming, &message, cut);
            let mut came = incoming.take_apart().unwrap();
            let last = came.len() - 10;
            for from in [0, 70_000, came.spooled - 5, came.spooled, last].map(|from| from.min(last)) {
                assert!(came.read(from, 10).unwrap() == message[from..from + 10], "{from}");
            }
            assert!(came.read(came.len() - 9, 10).is_err(), "there are not so many");
        }
    }

    #[test]
    fn a_small_message_never_sees_the_disk() {
        let mut incoming = self::incoming(Small(0));
        bring(&mut incoming, &message()[..HELD], 1000);
        assert_eq!(incoming.weight(), 0);
        assert!(incoming.take().unwrap() == message()[..HELD]);
    }

    #[test]
    fn messages_of_middle_size_stay_in_memory_as_long_as_all_together_have_room() {
        let hall = Arc::new(Hall::new(300_000));
        let arriving = || Incoming::within(Arc::new(MemorySpool), Arc::clone(&hall));
        let (mut first, mut second) = (arriving(), arriving());
        bring(&mut first, &message()[..250_000], 1000);
        bring(&mut second, &message()[..250_000], 1000);
        assert_eq!((first.spooled, second.spooled > 0), (0, true), "the second finds the hall full");
        assert_eq!(first.weight(), 250_000 - HELD);
        assert!(second.take().unwrap() == message()[..250_000] && first.take().unwrap() == message()[..250_000]);
        assert_eq!(hall.free.load(Ordering::Relaxed), 300_000, "all of it is given back");
        let mut large = Incoming::within(Arc::new(MemorySpool), Arc::new(Hall::new(10 << 20)));
        let long = [message(), message()].concat();
        assert!(bring(&mut large, &long, 1000) <= LARGE + 1000 && large.spooled > 0);
        assert!(large.take().unwrap() == long);
        bring(&mut first, &message()[..250_000], 1000);
        first.clear();
        assert_eq!(hall.free.load(Ordering::Relaxed), 300_000, "also what was forgotten");
    }

    #[test]
    fn a_full_disk_is_told_at_the_end_and_the_next_message_finds_room() {
        let mut incoming = self::incoming(Small(300_000));
        let most = bring(&mut incoming, &message(), 1000);
        assert!(most <= HELD + 1000, "what is refused anyway is not kept");
        let answer = incoming.take().unwrap_err().reply();
        assert_eq!((answer.code, answer.enhanced), (452, Some((4, 3, 1))));
        bring(&mut incoming, &message()[..200_000], 1000);
        assert!(incoming.take().unwrap() == message()[..200_000]);
    }

    #[test]
    fn a_message_must_come_at_a_pace_once_it_had_its_grace() {
        let pace = Pace { grace_ms: 1000, bytes_s: 100 };
        let mut incoming = self::incoming(Small(0));
        assert_eq!(incoming.overdue(pace), None, "no message is on its way");
        incoming.begin(Tick(5));
        assert_eq!(incoming.overdue(pace), Some(Tick(1005)));
        incoming.push(&[0; 250]);
        assert_eq!(incoming.overdue(pace), Some(Tick(3505)));
        assert_eq!(incoming.overdue(Pace { bytes_s: 0, ..pace }), None, "any pace will do");
        incoming.push(&message());
        incoming.spool(Ok(()));
        assert!(incoming.failed.is_some() && incoming.overdue(pace).is_some(), "also what is forgotten must come");
        assert!(incoming.take().is_err());
        assert_eq!(incoming.overdue(pace), None);
    }

    #[test]
    fn nothing_is_spooled_while_the_provider_takes_nothing() {
        let mut incoming = self::incoming(MemorySpool);
        incoming.push(&message());
        incoming.spool(Err(Rejected::refused(451, (4, 3, 2), "Orologio fuori tolleranza")));
        assert!(incoming.place.is_none());
        assert_eq!(incoming.take().unwrap_err().reply().code, 451);
    }
}
