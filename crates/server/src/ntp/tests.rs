//! Against time servers that say what the test wants. The real one is in `tests/tests/e2e/clock.rs`.

use super::*;
use std::net::UdpSocket as Socket;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An answer as a server of stratum 2 gives it, whose clock differs by so many milliseconds from ours.
fn answer(question: &[u8], ahead_ms: i64) -> Vec<u8> {
    let apart = Duration::from_millis(ahead_ms.unsigned_abs());
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let time = Stamp::of_unix(if ahead_ms < 0 { unix - apart } else { unix + apart }).0.to_be_bytes();
    let mut packet = vec![0; 48];
    (packet[0], packet[1]) = (4 << 3 | 4, 2);
    packet[24..32].copy_from_slice(&question[40..48]);
    packet[32..40].copy_from_slice(&time);
    packet[40..48].copy_from_slice(&time);
    packet
}

/// A server that answers each question with these packets; and how often it was asked.
fn server(say: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> (HostPort, Arc<AtomicUsize>) {
    let socket = Socket::bind("127.0.0.1:0").unwrap();
    let at = HostPort::parse(&socket.local_addr().unwrap().to_string(), None).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut question = [0; 100];
        while let Ok((count, from)) = socket.recv_from(&mut question) {
            counter.fetch_add(1, Ordering::SeqCst);
            assert_eq!((count, question[0]), (48, 0b00_100_011), "a question of a client");
            for packet in say(&question[..count]) {
                socket.send_to(&packet, from).unwrap();
            }
        }
    });
    (at, asked)
}

fn monitor(servers: &[HostPort]) -> Monitor {
    let folder = tempfile::tempdir().unwrap();
    Monitor::new(servers, 1000, Arc::new(ServiceClock::open(folder.path(), 1.0).unwrap()))
}

async fn measured(say: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> State {
    (*monitor(&[server(say).0]).measure().await).clone()
}

/// The offset, and whether it is right. Asked up to three times until it is one of these: a machine that pauses between a
/// question and its answer measures its own pause.
async fn offset(
    say: impl Fn(&[u8]) -> Vec<Vec<u8>> + Clone + Send + 'static,
    wanted: RangeInclusive<i64>,
) -> (i64, bool) {
    let mut told = (i64::MAX, false);
    for _ in 0..3 {
        told = match measured(say.clone()).await {
            State::Synchronised { offset_ms } => (offset_ms, true),
            State::Off { offset_ms } => (offset_ms, false),
            State::Unknown { why } => panic!("{why}"),
        };
        if wanted.contains(&told.0) {
            return told;
        }
    }
    panic!("{} is none of {wanted:?}", told.0)
}

#[track_caller]
fn unknown(state: &State, part: &str) {
    let State::Unknown { why } = state else { panic!("{state:?}") };
    assert!(why.contains(part) && why.starts_with("127.0.0.1:"), "{why}");
}

#[tokio::test]
async fn the_offset_is_measured_to_either_side() {
    for ahead in [0, 700, -700, 1500, -1500, 3_600_000, -86_400_000] {
        let wanted = ahead - 249..=ahead + 249;
        let (_, right) = offset(move |question| vec![answer(question, ahead)], wanted).await;
        assert_eq!(right, ahead.abs() <= 1000, "{ahead}");
    }
}

#[tokio::test]
async fn a_server_that_sends_a_kiss_is_left_alone() {
    let (at, asked) = server(|question| {
        let mut kiss = answer(question, 0);
        kiss[1] = 0;
        kiss[12..16].copy_from_slice(b"RATE");
        vec![kiss]
    });
    let monitor = monitor(&[at]);
    unknown(&*monitor.measure().await, "rifiuto RATE");
    unknown(&*monitor.measure().await, "ha chiesto di non essere interrogato");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_server_that_is_not_synchronised_or_in_doubt_proves_nothing() {
    let changed = |change: fn(&mut Vec<u8>)| {
        move |question: &[u8]| {
            let mut packet = answer(question, 1500);
            change(&mut packet);
            vec![packet]
        }
    };
    unknown(&measured(changed(|p| p[0] |= 0b11 << 6)).await, "non è sincronizzato");
    unknown(&measured(changed(|p| p[1] = 16)).await, "non è sincronizzato");
    unknown(&measured(changed(|p| p[40..48].fill(0))).await, "non è sincronizzato");
    // Root dispersion of 1.2 s, then a root delay of 2.4 s.
    unknown(&measured(changed(|p| p[8..12].copy_from_slice(&0x0001_3333_u32.to_be_bytes()))).await, "incerta di 1");
    unknown(&measured(changed(|p| p[4..8].copy_from_slice(&0x0002_6666_u32.to_be_bytes()))).await, "incerta di 1");
}

#[tokio::test]
async fn packets_that_answer_nothing_are_passed_over() {
    let say = |question: &[u8]| {
        let with = |change: fn(&mut Vec<u8>)| {
            let mut packet = answer(question, 9000);
            change(&mut packet);
            packet
        };
        vec![
            Vec::new(),
            b"HTTP/1.1 400 Bad Request".to_vec(),
            vec![0xff; 480],
            with(|p| p.truncate(47)),
            with(|p| p[0] = 4 << 3 | 3),
            with(|p| p[0] = 7 << 3 | 4),
            with(|p| p[31] ^= 1),
            with(|p| (p[1], p[24]) = (0, p[24] ^ 1)),
            answer(question, 400),
        ]
    };
    let (_, right) = offset(say, 200..=600).await;
    assert!(right, "what counts is the last one");
}

#[tokio::test]
async fn silence_garbage_and_nobody_there_are_unknown_in_time() {
    let begun = Instant::now();
    let (silent, _) = server(|_| Vec::new());
    let (garbage, _) = server(|_| vec![vec![7; 48]]);
    let closed = {
        let socket = Socket::bind("127.0.0.1:0").unwrap();
        HostPort::parse(&socket.local_addr().unwrap().to_string(), None).unwrap()
    };
    let nobody = HostPort::parse("ntp.nowhere.invalid", Some(PORT)).unwrap();
    let monitor = monitor(&[silent.clone(), garbage.clone(), closed.clone(), nobody.clone()]);
    let State::Unknown { why } = (*monitor.measure().await).clone() else { panic!("nobody answered") };
    for at in [silent, garbage, closed, nobody] {
        assert!(why.contains(at.as_str()), "{at} is not in: {why}");
    }
    assert!(begun.elapsed() < PATIENCE * 3, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn without_servers_nothing_is_asked_and_nothing_known() {
    let monitor = monitor(&[]);
    let State::Unknown { why } = (*monitor.measure().await).clone() else { panic!("nobody was asked") };
    assert!(why.contains("clock.servers"), "{why}");
}

#[test]
fn seconds_that_begin_again_in_2036_change_nothing() {
    let before = Stamp(u64::MAX - (5 << 32));
    let after = before.plus(Duration::from_millis(10_500));
    assert!(after.0 < before.0);
    assert_eq!((after.since(before), before.since(after)), (10_500, -10_500));
    assert_eq!(Stamp::of_unix(Duration::from_millis(1500)).since(Stamp::of_unix(Duration::ZERO)), 1500);
}
