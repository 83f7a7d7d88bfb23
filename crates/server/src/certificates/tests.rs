use std::sync::OnceLock;

use sigillo_pec::index::Entry;
use sigillo_smime::authority::{Authority, Issued};

use super::*;

const NAME: &str = "Gestore";

struct Scene {
    now: Timestamp,
    authority: Authority,
    signing: Issued,
}

fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        // Certificates know whole seconds.
        let now = Timestamp::from_millis(crate::clock::system_time().as_millis() / 1000 * 1000);
        let authority = Authority::new("CA", now.minus(DAY * 800), now.plus(DAY * 800)).unwrap();
        let address = "posta-certificata@pec.example".parse().unwrap();
        let signing = authority.issue_pec(NAME, &address, now.minus(DAY), now.plus(DAY * 300)).unwrap();
        Scene { now, authority, signing }
    })
}

fn listing(name: &str, certificates: Vec<Certificate>) -> Index {
    Index::new(vec![Entry {
        name: name.into(),
        unit: None,
        certificates,
        mail_receipt: "posta-certificata@pec.example".parse().unwrap(),
        domains: Vec::new(),
        description: None,
        ldif_url: None,
    }])
}

fn told(purpose: Purpose, index: &Index, now: Timestamp) -> api::Certificate {
    let trust = Trust::new(Vec::new(), Vec::new());
    let certificate = scene().signing.certificate();
    Around { name: NAME, index, trust: &trust, now }.told(&Held { purpose, at: "x".into(), certificate })
}

#[test]
fn an_end_is_near_by_what_the_certificate_is_for() {
    let (scene, index) = (scene(), listing(NAME, vec![scene().signing.certificate()]));
    let at = |purpose, days: u32| told(purpose, &index, scene.now.plus(DAY * (300 - days))).state;
    assert_eq!([61, 59, 29].map(|days| at(Purpose::Signing, days)), ["fine", "soon", "urgent"]);
    assert_eq!([31, 29, 6].map(|days| at(Purpose::Tls, days)), ["fine", "soon", "urgent"]);
    assert_eq!(told(Purpose::Signing, &index, scene.now.plus(DAY * 301)).state, "expired");
    assert_eq!(told(Purpose::Next, &index, scene.now.minus(DAY * 2)).state, "future");
    // One that lives for six days is renewed after four.
    let (warn, alarm) = Purpose::Tls.warns(DAY * 6);
    assert!(warn < DAY * 2 && alarm < warn);
}

#[test]
fn what_signs_has_to_be_in_the_index_under_our_name() {
    let (now, leaf) = (scene().now, scene().signing.certificate());
    let (ours, others, none) = (listing(NAME, vec![leaf.clone()]), listing("Altro", vec![leaf]), Index::default());
    let state = |purpose, index| {
        let told = told(purpose, index, now);
        (told.listed, told.is_alarming())
    };
    assert_eq!(state(Purpose::Signing, &ours), (Some(true), false));
    assert_eq!(state(Purpose::Signing, &others), (Some(false), true));
    assert_eq!(state(Purpose::Signing, &none), (Some(false), true));
    assert_eq!(state(Purpose::Next, &none), (Some(false), false), "it waits");
    assert_eq!(state(Purpose::Left, &none), (Some(false), false), "it is over");
    assert_eq!(state(Purpose::Tls, &none), (None, false));
}

#[test]
fn of_each_authority_the_newest_list_counts() {
    let scene = scene();
    let list = |number: u64, from: Timestamp, until: Timestamp| {
        let der = scene.authority.crl(&[], from, until, number).unwrap();
        Crl::from_der(&der).unwrap()
    };
    let (old, new) =
        (list(1, scene.now.minus(DAY * 9), scene.now.minus(DAY)), list(2, scene.now.minus(DAY), scene.now.plus(DAY)));
    let states = |crls: Vec<Crl>| {
        let (index, trust) = (Index::default(), Trust::new(vec![scene.authority.certificate()], crls));
        let all = Around { name: NAME, index: &index, trust: &trust, now: scene.now }.all(&[], None);
        let lists = all.into_iter().filter(|one| one.purpose == "crl");
        lists.map(|one| (one.state, one.days_left)).collect::<Vec<_>>()
    };
    assert_eq!(states(vec![old.clone(), new]), [("fine".to_owned(), Some(1))]);
    assert_eq!(states(vec![old]), [("expired".to_owned(), Some(-1))]);
}
