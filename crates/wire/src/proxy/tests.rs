use super::*;

/// Feeds as a socket would: exactly what is asked for. The header's end, and what it says.
fn feed(stream: &[u8]) -> Result<(usize, Option<SocketAddr>), Malformed> {
    let mut have = 0;
    loop {
        match read(&stream[..have])? {
            Progress::Done(source) => return Ok((have, source)),
            Progress::More(more) if have + more > stream.len() => return Err(Malformed("waits for ever")),
            Progress::More(more) => have += more,
        }
    }
}

fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [V2, &[command, family], &length, rest].concat()
}

fn source(text: &str) -> Option<SocketAddr> {
    Some(text.parse().unwrap())
}

const TCP4: [u8; 12] = [192, 0, 2, 7, 198, 51, 100, 1, 0x80, 1, 0, 25];

#[test]
fn version_1_as_haproxy_writes_it_and_not_a_byte_more() {
    let good = [
        ("PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n", source("192.0.2.7:56324")),
        ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", source("255.255.255.255:65535")),
        ("PROXY TCP6 2001:db8::7 2001:db8::1 0 465\r\n", source("[2001:db8::7]:0")),
        ("PROXY UNKNOWN\r\n", None),
        ("PROXY UNKNOWN ffff:f...f:ffff whatever 65535\r\n", None),
    ];
    for (header, says) in good {
        let stream = format!("{header}EHLO pc\r\n");
        assert_eq!(feed(stream.as_bytes()), Ok((header.len(), says)), "{header}");
    }
}

#[test]
fn version_1_is_strict() {
    let bad = [
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324 25 7\r\n",
        "PROXY TCP4  192.0.2.7 198.51.100.1 56324 25\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324 65536\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 056324 25\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 +5632 25\r\n",
        "PROXY TCP4 192.0.2.07 198.51.100.1 5632 25\r\n",
        "PROXY TCP4 2001:db8::7 2001:db8::1 56324 25\r\n",
        "PROXY TCP6 192.0.2.7 198.51.100.1 56324 25\r\n",
        "PROXY UDP4 192.0.2.7 198.51.100.1 56324 25\r\n",
        "PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\nEHLO x\r\n",
        "PROXY UNKNOWN \0\r\n",
        "proxy TCP4 192.0.2.7 198.51.100.1 56324 25\r\n",
        "EHLO pc.example.example.example\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{7c}\x03\x03aaaaaaaaaa",
    ];
    for header in bad {
        assert_ne!(feed(header.as_bytes()), Err(Malformed("waits for ever")), "{header:?} is decided");
        assert!(feed(header.as_bytes()).is_err(), "{header:?}");
    }
    let long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(200));
    assert_eq!(feed(long.as_bytes()), Err(Malformed("a line of version 1 is too long")));
}

#[test]
fn version_2_with_and_without_extensions() {
    let rest = b"EHLO pc\r\n";
    let alpn = [1, 0, 4, b's', b'm', b't', b'p'];
    let tcp6 = [[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7].as_slice(), &[0; 16], &[1, 2, 0, 25]].concat();
    let good = [
        (v2(0x21, 0x11, &TCP4), source("192.0.2.7:32769")),
        (v2(0x21, 0x11, &[&TCP4[..], &alpn, &[4, 0, 0]].concat()), source("192.0.2.7:32769")),
        (v2(0x21, 0x21, &tcp6), source("[2001:db8::7]:258")),
        (v2(0x20, 0x00, &[]), None),
        (v2(0x20, 0x11, &TCP4), None),
        (v2(0x21, 0x00, &alpn), None),
    ];
    for (header, says) in good {
        let stream = [&header[..], rest].concat();
        assert_eq!(feed(&stream), Ok((header.len(), says)), "{header:x?}");
    }
}

#[test]
fn version_2_is_strict() {
    let bad = [
        v2(0x11, 0x11, &TCP4),
        v2(0x22, 0x11, &TCP4),
        v2(0x21, 0x12, &TCP4),
        v2(0x21, 0x31, &[0; 216]),
        v2(0x21, 0x11, &TCP4[..11]),
        v2(0x21, 0x21, &TCP4),
        v2(0x21, 0x11, &[&TCP4[..], &[1, 0]].concat()),
        v2(0x21, 0x11, &[&TCP4[..], &[1, 0, 9, 7]].concat()),
        v2(0x21, 0x11, &[&TCP4[..], &vec![0; MAX_HEADER]].concat()),
    ];
    for header in bad {
        assert!(feed(&header).is_err_and(|e| e != Malformed("waits for ever")), "{header:x?}");
    }
    let announced = [V2, &[0x21, 0x11, 0xff, 0xff]].concat();
    assert_eq!(feed(&announced), Err(Malformed("a header of version 2 is too long")), "before it came");
}
