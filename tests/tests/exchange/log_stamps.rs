//! Files of the legal log before foreign eyes, and the stamps of an authority over them.

use std::process::Command;

use sigillo_base::Timestamp;
use sigillo_smime::{Trust, timestamp};
use sigillo_tests::fixtures::{NOW, alfa, authority};
use sigillo_tests::house::{House, Known};
use sigillo_tests::log::{file, prove_as_it_is};
use sigillo_tests::street::Street;
use sigillo_tests::tsa::{self, Tsa};

use super::log::{ANNA, BRUNO, DAY, send};

#[test]
fn a_file_is_good_for_python_and_for_openssl() {
    let mut street = Street::new(11);
    street.houses[0].engine().chain_log(NOW).expect("opened");
    send(&street, ANNA, &[BRUNO], "");
    street.run();
    let house = &street.houses[0];
    let engine = house.engine();
    engine.close_segments(NOW.plus(DAY)).expect("closed");
    let [segment] = &engine.unstamped_segments(10).expect("segments")[..] else { panic!("one segment") };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(segment.file_name());
    std::fs::write(&path, file(engine, 1).expect("the file")).expect("written");
    let script = "import hashlib, sys\n\
        data = open(sys.argv[1], 'rb').read()\n\
        head = bytes(32)\n\
        for line in data[:-1].split(b'\\n'):\n\
        \x20   text, before = line.rsplit(b': catena=', 1)\n\
        \x20   assert bytes.fromhex(before.decode()) == head, line\n\
        \x20   head = hashlib.sha256(head + line + b'\\n').digest()\n\
        print(head.hex(), hashlib.sha256(data).hexdigest(), data.count(b'\\n'))\n";
    let told = run(Command::new("python3").args(["-c", script]).arg(&path));
    let hex = |b: &[u8; 32]| data_encoding::HEXLOWER.encode(b);
    let digest = segment.sha256.expect("a digest");
    assert_eq!(told.trim(), format!("{} {} {}", hex(&segment.head), hex(&digest), segment.lines));
    // A stamp of another file is refused, the right one is kept, and openssl verifies what lies beside the file.
    let tsa = Tsa::start(&authority());
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, tsa.anchor().to_pem()).expect("written");
    assert!(engine.stamp_segment(1, &stamp(&tsa, &[7; 32], 1), NOW).is_err());
    let token = stamp(&tsa, &digest, 2);
    engine.stamp_segment(1, &token, NOW).expect("kept");
    engine.stamp_segment(1, &token, NOW).expect("the same again");
    assert!(engine.stamp_segment(1, &stamp(&tsa, &digest, 3), NOW).is_err(), "one stamp for one segment");
    assert!(engine.unstamped_segments(10).expect("segments").is_empty());
    let kept = engine.ledger().stamp(1).expect("the stamp").expect("a stamp");
    let answer = folder.path().join("answer.tsr");
    std::fs::write(&answer, timestamp::answer(&kept)).expect("written");
    let verify = |file: &std::path::Path| {
        let mut openssl = Command::new("openssl");
        openssl.args(["ts", "-verify", "-data"]).arg(file).arg("-in").arg(&answer);
        openssl.arg("-CAfile").arg(&ca).output().expect("openssl runs").status.success()
    };
    assert!(verify(&path));
    std::fs::write(&path, file(engine, 1).expect("the file").replace("Convocazione", "convocazione")).expect("written");
    assert!(!verify(&path));
    let trust = Trust::new(vec![tsa.anchor()], vec![]);
    let proof = prove_as_it_is(engine, NOW.plus(DAY), Some(&trust)).expect("a proof");
    assert_eq!((proof.stamped, &proof.findings), (1, &Vec::new()));
    assert!(proof.holds(false) && proof.stamps[0].late, "{:?}", proof.stamps);
    let unknown = Trust::new(vec![alfa().identity.certificate], vec![]);
    let proof = prove_as_it_is(engine, NOW.plus(DAY), Some(&unknown)).expect("a proof");
    assert!(proof.findings.iter().any(|f| f.contains("marca temporale")), "{proof:#?}");
}

/// The authority stamps with the clock of the machine; the segment is closed so much before or after.
#[test]
fn a_stamp_is_as_old_as_its_segment_or_that_is_said() {
    let tsa = Tsa::start(&authority());
    let trust = Trust::new(vec![tsa.anchor()], vec![]);
    let proof = |hours: i64| {
        let now = sigillo_server::clock::system_time();
        let closing = Timestamp::from_millis(now.as_millis() + hours * 3_600_000);
        let opening = Timestamp::from_millis(closing.as_millis() - 48 * 3_600_000);
        let house = House::new(alfa(), 7, &Known::fixtures(), opening);
        let engine = house.engine();
        engine.chain_log(opening).expect("opened");
        assert_eq!(engine.close_segments(closing).expect("closed"), 1);
        let digest = engine.unstamped_segments(1).expect("segments")[0].sha256.expect("a digest");
        engine.stamp_segment(1, &stamp(&tsa, &digest, 9), closing).expect("kept");
        let judged = prove_as_it_is(engine, closing, Some(&trust)).expect("a proof");
        let unjudged = prove_as_it_is(engine, closing, None).expect("a proof");
        assert_eq!((judged.stamped, &unjudged.unjudged), (1, &vec![1]));
        assert_eq!((&judged.findings, &judged.stamps), (&unjudged.findings, &unjudged.stamps));
        judged
    };
    let in_time = proof(0);
    assert!(in_time.holds(false) && !in_time.stamps[0].late, "{in_time:#?}");
    let late = proof(-25);
    assert!(late.holds(false) && late.stamps[0].late, "{late:#?}");
    let early = proof(1);
    assert!(!early.holds(true) && early.findings[0].contains("precede la chiusura"), "{early:#?}");
}

/// A token over a digest.
fn stamp(tsa: &Tsa, digest: &[u8; 32], nonce: u64) -> Vec<u8> {
    let query = timestamp::request(digest, nonce).expect("a query");
    let (status, answer) = tsa::ask(&tsa.url(), &tsa::post(tsa::QUERY, &query));
    assert_eq!(status, 200);
    timestamp::response(&answer, digest, nonce).expect("a token").der().to_vec()
}

fn run(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
