//! The antivirus adapter against a real clamd, and the program that stands on it.

use std::path::Path;
use std::time::Duration;

use data_encoding::BASE64_MIME;
use sigillo_engine::{Antivirus, Verdict};
use sigillo_server::antivirus::{Clamd as Client, Endpoint};
use sigillo_tests::clamd::{Clamd, MALWARE, eicar};
use sigillo_tests::demo::{Demo, binary, run};

fn client(clamd: &Clamd) -> Client {
    let at = Endpoint::parse(&clamd.socket().to_string_lossy(), Path::new("")).expect("a path");
    Client::new(at, 2, Duration::from_secs(60))
}

/// A message whose body is this, with these fields about it.
fn message(fields: &str, body: &str) -> Vec<u8> {
    let head =
        "From: anna@comune-alfa.example\r\nTo: bruno@ente-beta.example\r\nSubject: prova\r\nMIME-Version: 1.0\r\n";
    format!("{head}Message-ID: <prova@x>\r\n{fields}\r\n{body}\r\n").into_bytes()
}

/// The same with one attachment beside a text.
fn attached(fields: &str, body: &str) -> Vec<u8> {
    let text = "--b\r\nContent-Type: text/plain\r\n\r\nIn allegato.\r\n";
    message("Content-Type: multipart/mixed; boundary=b\r\n", &format!("{text}--b\r\n{fields}\r\n{body}\r\n--b--"))
}

fn base64(bytes: &[u8], name: &str) -> Vec<u8> {
    let fields = format!(
        "Content-Type: application/octet-stream; name={name}\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename={name}\r\n"
    );
    attached(&fields, &BASE64_MIME.encode(bytes))
}

/// An archive with one compressed file, made by a program that is not ours.
fn zipped(name: &str, content: &str) -> Vec<u8> {
    let script = "import io,sys,zipfile\nout=io.BytesIO()\n\
                  with zipfile.ZipFile(out,'w',zipfile.ZIP_DEFLATED) as z: z.writestr(sys.argv[1],sys.stdin.read()*9)\n\
                  print(out.getvalue().hex())";
    let ran = run("python3", &["-c", script, name], content.as_bytes(), 20).fine("python3 makes an archive");
    data_encoding::HEXLOWER.decode(ran.out.trim().as_bytes()).expect("hexadecimal")
}

#[test]
fn clamd_finds_malware_wherever_it_is_in_a_message_and_nothing_in_a_clean_one() {
    let (mut clamd, eicar) = (Clamd::start(), eicar());
    let client = client(&clamd);
    let version = client.version().expect("clamd answers");
    assert!(version.starts_with("ClamAV "), "{version}");
    let zip = zipped("eicar.com", &eicar);
    assert!(!String::from_utf8_lossy(&zip).contains("EICAR-STANDARD"), "the archive must be compressed");
    let inner = String::from_utf8(base64(eicar.as_bytes(), "eicar.com")).expect("ASCII");
    let infected = Verdict::Infected { malware: MALWARE.into(), engine: version };
    let cases = [
        ("plain", message("", &eicar), &infected),
        ("attachment", base64(eicar.as_bytes(), "eicar.com"), &infected),
        ("archive", base64(&zip, "eicar.zip"), &infected),
        ("attached message", attached("Content-Type: message/rfc822\r\n", &inner), &infected),
        ("clean", message("", "Buongiorno.\r\n"), &Verdict::Clean),
        ("clean attachment", base64(b"Buongiorno.\r\n", "saluti.txt"), &Verdict::Clean),
        ("clean archive", base64(&zipped("saluti.txt", "Buongiorno.\r\n"), "saluti.zip"), &Verdict::Clean),
        ("empty", Vec::new(), &Verdict::Clean),
    ];
    for (name, message, want) in &cases {
        assert_eq!(client.scan(message).as_ref(), Ok(*want), "{name}");
    }
    let line = "Una riga lunga quanto basta a riempire sessanta megabyte di testo semplice.\r\n";
    let big = message("", &line.repeat((60 << 20) / line.len()));
    assert_eq!(client.scan(&big), Ok(Verdict::Clean), "60 MB");
    let big = message("", &format!("{}\r\n{eicar}", line.repeat((60 << 20) / line.len())));
    assert_eq!(client.scan(&big), Ok(infected.clone()), "at the end of 60 MB");
    let error = client.scan(&vec![b'x'; 101 << 20]).expect_err("over StreamMaxLength");
    assert!(error.0.contains("StreamMaxLength"), "{error}");

    clamd.stop();
    for (name, message, _) in &cases {
        assert!(client.scan(message).is_err(), "{name}: killed, and nothing is clean by memory");
    }
    clamd.restart();
    for (name, message, want) in &cases {
        assert_eq!(client.scan(message).as_ref(), Ok(*want), "{name}, after a restart");
    }
}

#[test]
fn a_clamd_that_hangs_gives_no_verdict_in_time() {
    let clamd = Clamd::start();
    let at = Endpoint::parse(&clamd.socket().to_string_lossy(), Path::new("")).expect("a path");
    let client = Client::new(at.clone(), 2, Duration::from_secs(30));
    let hasty = Client::new(at, 2, Duration::from_secs(1));
    assert_eq!(client.scan(&message("", "Uno.")), Ok(Verdict::Clean));
    clamd.signal("STOP");
    let error = hasty.scan(&message("", "Due.")).expect_err("it is stopped");
    assert!(error.0.contains("timeout_s"), "{error}");
    clamd.signal("CONT");
    assert_eq!(client.scan(&message("", "Due.")), Ok(Verdict::Clean));
}

#[test]
fn the_demonstration_names_its_scanner_and_says_when_there_is_none() {
    let mut clamd = Clamd::start();
    let demo = Demo::start(&["--without", "beta", "--clamd", &clamd.socket().to_string_lossy()]);
    let socket = demo.info.alfa().admin_socket.to_string_lossy().into_owned();
    let status = || run(binary(), &["status", "--json", "--socket", &socket], b"", 30).fine("status").out;
    let antivirus = || serde_json::from_str::<serde_json::Value>(&status()).expect("JSON")["antivirus"].clone();
    let up = antivirus();
    assert_eq!(up["at"].as_str(), clamd.socket().to_str());
    assert!(up["engine"].as_str().is_some_and(|e| e.starts_with("ClamAV ")) && up["error"].is_null(), "{up}");
    clamd.stop();
    let down = antivirus();
    assert!(down["engine"].is_null() && down["error"].as_str().is_some_and(|e| e.contains("clamd")), "{down}");
    assert!(!demo.place.said().contains("NON vengono controllati"), "{}", demo.place.said());
    let unscanned = Demo::start(&["--without", "beta"]);
    let said = unscanned.place.said();
    assert_eq!(said.matches("NON vengono controllati").count(), 1, "{said}");
    let socket = unscanned.info.alfa().admin_socket.to_string_lossy().into_owned();
    let table = run(binary(), &["status", "--socket", &socket], b"", 30).fine("status").out;
    assert!(table.contains("NESSUNO"), "{table}");
}
