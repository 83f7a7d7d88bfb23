//! The command line of `sigillo demo`: exit codes, ports, demo.json.

use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use sigillo_tests::demo::{Demo, Place, Ports, sigillo, wait_for};
use tempfile::TempDir;

#[test]
fn a_wrong_option_is_exit_2() {
    for args in [
        &["demo", "--nonsense"][..],
        &["demo", "--speed", "0"],
        &["demo", "--speed", "fast"],
        &["demo", "--without", "gamma"],
        &["demo", "--base-port", "70000"],
        &["demo", "--once", "--no-exchange"],
        &["nonsense"],
        &[],
    ] {
        let ran = sigillo(args, 20);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.all());
        assert!(!ran.err.trim().is_empty(), "{args:?} says nothing");
    }
}

#[test]
fn an_occupied_port_is_exit_3_and_named() {
    for offset in [0, 4, 12] {
        let (folder, ports) = (TempDir::new().expect("a folder"), Ports::take());
        let port = ports.base + offset;
        let _other = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
        let (data, base) = (folder.path().to_string_lossy(), ports.base.to_string());
        let ran = sigillo(&["demo", "--data", &data, "--base-port", &base, "--no-exchange"], 60);
        assert_eq!(ran.code, Some(3), "{}", ran.all());
        assert!(ran.err.contains(&port.to_string()), "the port is not named: {}", ran.err);
        assert!(!folder.path().join("demo.json").exists(), "demo.json although it never was ready");
    }
}

#[test]
fn a_folder_that_cannot_be_made_is_exit_3() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("a file");
    let ran = sigillo(&["demo", "--data", &file.join("data").to_string_lossy(), "--no-exchange"], 30);
    assert_eq!(ran.code, Some(3), "{}", ran.all());
    assert!(ran.err.contains("file/data"), "the folder is not named: {}", ran.err);
}

#[test]
fn demo_json_says_how_to_reach_it_and_goes_with_it() {
    let demo = Demo::start(&["--mailboxes", "2", "--massive", "1", "--speed", "2"]);
    let (info, base) = (&demo.info, demo.place.ports.base);
    assert_eq!(demo.place.mode("demo.json"), 0o600);
    assert_eq!(demo.place.mode("passwords.json"), 0o600);
    assert!(info.data_dir.is_absolute() && info.ca_file.is_file() && info.index_file.is_file(), "{info:?}");
    assert!((info.speed - 2.0).abs() < f64::EPSILON);
    let names: Vec<&str> = info.providers.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["Alfa PEC S.p.A.", "Beta PEC S.r.l."]);
    for (provider, base) in info.providers.iter().zip([base, base + 10]) {
        let p = provider;
        let roles = [&p.smtp, &p.submission, &p.submissions, &p.imap, &p.imaps, &p.pop3, &p.pop3s];
        for (offset, host) in (0..).zip(roles) {
            assert_eq!(*host, format!("127.0.0.1:{}", base + offset));
            assert!(TcpStream::connect(host).is_ok(), "{host} does not accept");
        }
        assert!(provider.admin_socket.exists(), "{}", provider.admin_socket.display());
    }
    let boxes = |i: usize| {
        let box_ = |m: &sigillo_tests::demo::Mailbox| format!("{} {}", m.address, m.profile.as_deref().unwrap_or("?"));
        info.providers[i].mailboxes.iter().map(box_).collect::<Vec<_>>()
    };
    assert_eq!(
        boxes(0),
        [
            "anna@comune-alfa.example standard",
            "protocollo@comune-alfa.example standard",
            "mario@studio.example standard",
            "massiva@comune-alfa.example massive-extra-large",
            "u1@comune-alfa.example standard",
            "u2@comune-alfa.example standard",
            "m1@comune-alfa.example massive-extra-large",
        ]
    );
    assert_eq!(boxes(1).len(), 6, "{:?}", boxes(1));
    let mailboxes = &info.providers[0].mailboxes;
    assert_eq!(mailboxes[4].password, mailboxes[6].password, "one password for all additional boxes");
    let place = Arc::clone(&demo.place);
    assert_eq!(demo.terminate(), Some(0), "{}", place.said());
    assert!(!place.data().join("demo.json").exists(), "demo.json is left behind");
}

#[test]
fn a_second_demonstration_on_the_same_folder_is_refused() {
    let demo = Demo::start(&[]);
    let (data, ports) = (demo.place.data(), Ports::take());
    let base = ports.base.to_string();
    let ran = sigillo(&["demo", "--data", &data.to_string_lossy(), "--base-port", &base, "--no-exchange"], 30);
    assert_eq!(ran.code, Some(3), "{}", ran.all());
    assert!(data.join("demo.json").exists(), "the second one removed demo.json of the first");
    assert!(demo.inbox("anna@comune-alfa.example").is_empty(), "the first one goes on");
}

#[test]
fn killed_and_started_again_it_keeps_passwords_ports_and_mail() {
    let place = Arc::new(Place::new(&["--no-exchange"]));
    let first = place.again();
    first.send("anna@comune-alfa.example", "mario@studio.example", "kept@comune-alfa.example");
    let before = first.info.clone();
    drop(first); // kill -9
    assert!(place.data().join("demo.json").exists(), "a kill leaves it");
    let second = place.again();
    let (old, new) = (before.mailbox("mario@studio.example"), second.info.mailbox("mario@studio.example"));
    assert_eq!((&old.1.password, &old.0.imaps), (&new.1.password, &new.0.imaps));
    let found = second.await_kinds("mario@studio.example", "kept@comune-alfa.example", &["posta-certificata"]);
    assert_eq!(found.len(), 1);
}

#[test]
fn who_is_left_out_is_not_announced_and_refuses_connections() {
    let demo = Demo::start(&["--without", "alfa"]);
    let names: Vec<&str> = demo.info.providers.iter().map(|p| p.name_short.as_str()).collect();
    assert_eq!(names, ["beta"]);
    assert!(TcpStream::connect(("127.0.0.1", demo.place.ports.base)).is_err(), "Alfa must not listen");
    wait_for("Beta", std::time::Duration::from_secs(5), || TcpStream::connect(&demo.info.providers[0].smtp).ok());
}
