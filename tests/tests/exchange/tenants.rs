//! Administrations and who administrates: what ends with one, what the roles of all come to, what a domain brings with it
//! (SEC-05, SEC-06, WEB-04, WEB-12).

use std::time::Duration;

use sigillo_accounts::{Done, Grant, PersonName, Plan, Profile, Quantities, Request, Role, Scope};
use sigillo_base::{Domain, MailboxId, Secret, TenantId, UnitId};
use sigillo_engine::check::Repair;
use sigillo_engine::{Change, Engine, NewPerson, Shown, Term};
use sigillo_store::{Batch, Durability, KeyBuilder, MemoryStore, Store, tag};
use sigillo_tests::fixtures::{self, NOW, address};
use sigillo_tests::house::{House, Known};
use sigillo_wire::Tick;

use super::check::assert_clean;
use super::factors::code;
use super::life::hash;
use super::rows;

const STUDIO: &str = "studio.example";

fn name(text: &str) -> PersonName {
    PersonName::parse(text).expect("a name")
}

fn token(login: &str) -> Secret {
    Secret::new(format!("sgt_{login}"))
}

fn provider() -> House {
    House::new(fixtures::alfa(), 1, &Known::fixtures(), NOW)
}

/// Somebody with a token.
fn somebody(engine: &Engine<MemoryStore>, login: &str, tenant: Option<TenantId>, grants: &[(Role, Scope)]) {
    let new = NewPerson { login: name(login), name: "Una Persona".into(), mail: None, tenant };
    engine.add_person(&new, NOW).expect("a person");
    for (role, scope) in grants {
        give(engine, login, *role, *scope, true);
    }
    let until = NOW.plus(Duration::from_secs(3600));
    engine.add_token(&name(login), "prova", &token(login), until, NOW).expect("a token");
}

fn give(engine: &Engine<MemoryStore>, login: &str, role: Role, scope: Scope, given: bool) {
    engine.set_grant(&name(login), Grant { role, scope }, given, &Request::own(NOW)).expect("a role");
}

fn comes_in(engine: &Engine<MemoryStore>, login: &str) -> bool {
    matches!(engine.who_shows(&token(login), None, NOW).expect("looked up"), Shown::Person(..))
}

fn grants(engine: &Engine<MemoryStore>, login: &str) -> Vec<Grant> {
    engine.person(&name(login)).expect("read").expect("there").1.grants
}

#[test]
fn with_an_administration_end_its_persons_and_every_role_in_it() {
    let house = provider();
    let engine = house.engine();
    let [one, two] = ["Comune", "Ente"].map(|name| engine.add_tenant(name, "c", &[], NOW).expect("one"));
    let unit = engine.add_unit(one, "Anagrafe", NOW).expect("a unit");
    somebody(engine, "l.bianchi", Some(one), &[(Role::TechnicalContact, Scope::Tenant(one.0))]);
    somebody(engine, "p.unita", Some(one), &[(Role::UnitProvisioner, Scope::Unit(one.0, unit.0))]);
    somebody(engine, "g.verdi", Some(two), &[(Role::TechnicalContact, Scope::Tenant(two.0))]);
    let (desk, elsewhere) = (Role::HelpDeskL2, Scope::Tenant(two.0));
    let unit_of_one = (Role::UnitProvisioner, Scope::Unit(one.0, unit.0));
    somebody(engine, "d.desk", None, &[(desk, Scope::Tenant(one.0)), unit_of_one, (desk, elsewhere)]);
    // A second factor with an unlocked token ends as well.
    let Shown::Person(_, bearer, _) = engine.who_shows(&token("l.bianchi"), None, NOW).expect("read") else {
        panic!("a token")
    };
    let seed = engine.begin_own_factor(&bearer, NOW).expect("begun").seed;
    engine.confirm_own_factor(&bearer, &code(&seed, NOW), "192.0.2.7", NOW).expect("confirmed");
    let later = NOW.plus(Duration::from_secs(60));
    engine.unlock(&bearer, (&code(&seed, later), Term::Always), ("192.0.2.7", None), (later, Tick(0))).expect("open");
    engine.assign_domain(&Domain::parse(STUDIO).expect("a domain"), Some(one), NOW).expect("a domain");
    engine.remove_tenant(one, NOW).expect_err("it has a domain");
    // Also while the domain is out of the configuration; there it can be taken from it, and given to nobody.
    let (all, studio) = (engine.domains(), Domain::parse(STUDIO).expect("a domain"));
    engine.replace_domains(all.iter().filter(|domain| **domain != studio).cloned().collect());
    engine.remove_tenant(one, NOW).expect_err("it comes back");
    engine.assign_domain(&studio, Some(two), NOW).expect_err("it is not served");
    assert!(["l.bianchi", "p.unita", "g.verdi", "d.desk"].iter().all(|login| comes_in(engine, login)), "nothing ended");
    engine.assign_domain(&studio, None, NOW).expect("the provider's");
    engine.assign_domain(&studio, None, NOW).expect_err("nobody's, and not served");
    engine.remove_tenant(one, NOW).expect("it is empty");
    engine.replace_domains(all);
    let still = ["l.bianchi", "p.unita", "g.verdi", "d.desk"].map(|login| comes_in(engine, login));
    assert_eq!(still, [false, false, true, true]);
    assert_eq!(grants(engine, "d.desk"), [Grant { role: desk, scope: elsewhere }]);
    assert_eq!(grants(engine, "g.verdi").len(), 1);
    for gone in [tag::PERSON_FACTOR, tag::UNLOCKED] {
        assert!(rows::of(&house.store, gone).is_empty(), "{gone:x}");
    }
    // Nobody is named there any more, nor gets a role in what was its.
    let new = NewPerson { login: name("x.nuova"), name: "Una Persona".into(), mail: None, tenant: Some(one) };
    engine.add_person(&new, NOW).expect_err("it is gone");
    let again = NewPerson { login: name("l.bianchi"), tenant: Some(two), ..new };
    engine.add_person(&again, NOW).expect_err("a name is given once");
    for scope in [Scope::Tenant(one.0), Scope::Unit(one.0, unit.0)] {
        let role = if scope == Scope::Tenant(one.0) { desk } else { Role::UnitProvisioner };
        engine.set_grant(&name("d.desk"), Grant { role, scope }, true, &Request::own(NOW)).expect_err("gone");
    }
    assert_clean(&house.store, "without it");
}

/// Whoever gives, takes or ends: another server on the same store knows it at once.
#[test]
fn what_roles_come_to_is_known_at_once_and_read_once() {
    let house = provider();
    let (one, other) = (house.engine(), House::on(house.store.clone(), fixtures::alfa(), 7, &Known::fixtures()));
    let both = |what: &str, administrated: bool, answers: &[&str], of: MailboxId| {
        for engine in [one, other.engine()] {
            assert_eq!(engine.is_administrated().ok(), Some(administrated), "{what}");
            assert_eq!(engine.responsible(of).expect("read"), answers, "{what}");
        }
    };
    let anna = one.add_mailbox(&address("x@comune-alfa.example"), Profile::Standard, hash(), NOW).expect("a mailbox");
    both("nobody is there", false, &[], anna);
    somebody(one, "m.rossi", None, &[]);
    somebody(one, "g.verdi", None, &[]);
    both("without a role", false, &[], anna);
    give(one, "m.rossi", Role::SupplierAdmin, Scope::Supplier, true);
    both("given", true, &[], anna);
    give(other.engine(), "m.rossi", Role::SupplierAdmin, Scope::Supplier, false);
    both("taken by the other", false, &[], anna);
    give(one, "m.rossi", Role::SupplierAdmin, Scope::Supplier, true);
    one.set_responsible(anna, Some(&name("g.verdi")), &Request::own(NOW)).expect("named");
    both("answers", true, &["g.verdi"], anna);
    other.engine().set_responsible(anna, Some(&name("m.rossi")), &Request::own(NOW)).expect("named");
    both("another answers", true, &["m.rossi"], anna);
    // What is known is not read again: a row that is broken meanwhile nobody sees.
    let id = one.person(&name("g.verdi")).expect("read").expect("there").0;
    let (key, mut batch) = (KeyBuilder::new(tag::PERSON).u64(id.0), Batch::new());
    let whole = house.store.get(key.as_ref()).expect("read").expect("a row");
    batch.put(key.as_ref(), b"\x63newer");
    house.store.commit(&batch, Durability::Synced).expect("broken");
    both("as it was", true, &["m.rossi"], anna);
    assert_eq!(one.damaged_rows(), 0);
    let mut batch = Batch::new();
    batch.put(key.as_ref(), &whole);
    house.store.commit(&batch, Durability::Synced).expect("whole again");
    one.end_person(&name("m.rossi"), &Request::own(NOW)).expect("ended");
    both("ended", false, &[], anna);
}

#[test]
fn a_domain_brings_no_more_mailboxes_than_are_left_of_what_was_ordered() {
    let house = provider();
    let engine = house.engine();
    let tenant = engine.add_tenant("Comune", "c", &[], NOW).expect("one");
    let [own, studio] = ["comune-alfa.example", STUDIO].map(|text| Domain::parse(text).expect("a domain"));
    engine.assign_domain(&own, Some(tenant), NOW).expect("its own");
    let add = |at: &str, profile| engine.add_mailbox(&address(at), profile, hash(), NOW).expect("a mailbox");
    let approve = |ordered: &[(&str, u64)]| {
        let quantities = ordered.iter().map(|(profile, n)| ((*profile).to_owned(), *n)).collect();
        let version = engine.add_plan(tenant, &Plan { quantities, ..Plan::default() }).expect("a version");
        engine.approve_plan(tenant, version, "m.rossi", NOW).expect("approved");
    };
    add("uno@comune-alfa.example", Profile::Standard);
    for at in ["uno@studio.example", "due@studio.example"] {
        add(at, Profile::Standard);
    }
    let massive = add("tre@studio.example", Profile::MassiveSmall);
    let out = add("quattro@studio.example", Profile::Standard);
    engine.change(out, &Change::Deactivate, &Request::own(NOW)).expect("it does not count");
    approve(&[("standard", 2)]);
    let refused = engine.assign_domain(&studio, Some(tenant), NOW).expect_err("too many").to_string();
    assert!(refused.contains("«standard»: 2 nel dominio, 1 in uso, 2 previste, 1 di troppo"), "{refused}");
    assert!(refused.contains("«massive-small»: 1 nel dominio, 0 in uso, 0 previste, 1 di troppo"), "{refused}");
    assert_eq!(engine.owner(&studio).expect("read"), None, "it stayed");
    approve(&[("standard", 3)]);
    let refused = engine.assign_domain(&studio, Some(tenant), NOW).expect_err("one too many").to_string();
    assert!(!refused.contains("standard"), "{refused}");
    engine.change(massive, &Change::Cancel, &Request::own(NOW)).expect("it does not count");
    engine.assign_domain(&studio, Some(tenant), NOW).expect("there is room");
    // Once it is its, a smaller plan takes nothing away, and saying so again is no change.
    approve(&[("standard", 1)]);
    engine.assign_domain(&studio, Some(tenant), NOW).expect("it is its already");
    engine.assign_domain(&studio, None, NOW).expect("away");
    assert!(engine.assign_domain(&studio, Some(tenant), NOW).is_err());
    assert_clean(&house.store, "with domains that came and went");
}

/// How many standard mailboxes an administration has in use, and its unit of this number.
fn used(engine: &Engine<MemoryStore>, tenant: TenantId, unit: UnitId) -> (u64, u64) {
    let (all, units) = engine.in_use(tenant).expect("read");
    let standard = |counts: &Quantities| counts.get("standard").copied().unwrap_or_default();
    (standard(&all), standard(&units[&unit.0]))
}

#[test]
fn a_unit_counts_what_it_has_of_the_domains_that_are_its_administrations_own() {
    let house = provider();
    let engine = house.engine();
    let [one, two] = ["Comune", "Ente"].map(|name| engine.add_tenant(name, "c", &[], NOW).expect("one"));
    let [own, studio] = ["comune-alfa.example", STUDIO].map(|text| Domain::parse(text).expect("a domain"));
    for domain in [&own, &studio] {
        engine.assign_domain(domain, Some(one), NOW).expect("its");
    }
    let unit = engine.add_unit(one, "Anagrafe", NOW).expect("a unit");
    let approve = |in_all: u64, in_unit: u64| {
        let of = |n: u64| Quantities::from([("standard".to_owned(), n)]);
        let plan = Plan { quantities: of(in_all), units: [(unit.0, of(in_unit))].into(), ..Plan::default() };
        engine.approve_plan(one, engine.add_plan(one, &plan).expect("a version"), "m.rossi", NOW).expect("approved");
    };
    let add = |at: &str| {
        let (at, request) = (address(at), Request::own(NOW));
        engine.add_mailbox_to(Some(unit), &at, Profile::Standard, hash(), &request).map_err(|e| e.to_string())
    };
    approve(9, 2);
    let first = add("uno@studio.example").expect("made");
    add("due@studio.example").expect("made");
    let refused = add("uno@comune-alfa.example").expect_err("a third");
    assert!(refused.contains("2 sono in uso"), "{refused}");
    // Away with its mailboxes: the unit has room again, and its plan says so.
    engine.assign_domain(&studio, Some(two), NOW).expect("another's");
    assert_eq!(used(engine, one, unit), (0, 0));
    for at in ["uno@comune-alfa.example", "due@comune-alfa.example"] {
        add(at).expect("there is room");
    }
    assert_eq!(used(engine, one, unit), (2, 2));
    // What was of the unit is so again when the domain comes back, if the plan has room for that too.
    let refused = engine.assign_domain(&studio, Some(one), NOW).expect_err("too many of the unit").to_string();
    assert!(refused.contains("struttura 1, «standard»: 2 nel dominio, 2 in uso, 2 previste, 2 di troppo"), "{refused}");
    approve(9, 4);
    engine.assign_domain(&studio, Some(one), NOW).expect("there is room");
    assert_eq!(used(engine, one, unit), (4, 4));
    engine.change(first, &Change::Unit(None), &Request::own(NOW)).expect("of no unit");
    assert_eq!(used(engine, one, unit), (4, 3));
    assert_clean(&house.store, "with a domain that came and went");
}

/// As a release before left it, which counted a unit over all domains: that is not believed, and counted anew.
#[test]
fn counts_of_a_release_before_are_counted_anew() {
    let house = provider();
    let engine = house.engine();
    let one = engine.add_tenant("Comune", "c", &[], NOW).expect("one");
    engine.assign_domain(&Domain::parse(STUDIO).expect("a domain"), Some(one), NOW).expect("its");
    let unit = engine.add_unit(one, "Anagrafe", NOW).expect("a unit");
    let add = |at: &str| {
        engine.add_mailbox_to(Some(unit), &address(at), Profile::Standard, hash(), &Request::own(NOW)).expect("made");
    };
    add("uno@studio.example");
    let mut batch = Batch::new();
    for (key, _) in rows::of(&house.store, tag::COUNTED) {
        batch.delete(key);
    }
    let counted = |kind: u8| KeyBuilder::new(tag::COUNTED).u8(kind);
    for key in [counted(0).text(STUDIO), counted(1).u64(one.0).u64(unit.0)] {
        batch.put(key.as_ref(), b"\x01\x01\x08standard\x63");
    }
    house.store.commit(&batch, Durability::Synced).expect("as it was");
    assert_clean(&house.store, "of a release before");
    assert_eq!(used(engine, one, unit), (1, 1));
    add("due@studio.example");
    assert_eq!(used(engine, one, unit), (2, 2));
    assert!(house.store.get(counted(0).text(STUDIO).as_ref()).expect("read").is_none(), "nobody reads it any more");
    assert_clean(&house.store, "counted anew");
    // A unit's count that is lost is found by that of its domain.
    let mut batch = Batch::new();
    batch.delete(counted(3).text(STUDIO).u64(one.0).u64(unit.0).as_ref());
    house.store.commit(&batch, Durability::Synced).expect("lost");
    let repaired = Repair::new(&house.store, NOW).run().expect("repaired");
    assert_eq!((repaired.done.len(), repaired.left.len()), (1, 0), "{repaired:?}");
    assert_eq!(used(engine, one, unit), (2, 2));
}

/// Whose administration is told that somebody answers for a mailbox, or does so no more.
fn responsibles(engine: &Engine<MemoryStore>) -> Vec<(Option<u64>, String)> {
    let all = engine.operations(None, None, 99).expect("read").into_iter().map(|(_, operation)| operation);
    let ours = all.filter(|operation| operation.done == Done::MailboxResponsible);
    ours.map(|operation| (operation.tenant, operation.detail)).collect()
}

#[test]
fn who_answers_for_a_mailbox_goes_with_his_administration_and_does_not_come_back_with_the_domain() {
    let house = provider();
    let engine = house.engine();
    let [one, two] = ["Comune", "Ente"].map(|name| engine.add_tenant(name, "c", &[], NOW).expect("one"));
    let [own, studio] = ["comune-alfa.example", STUDIO].map(|text| Domain::parse(text).expect("a domain"));
    for domain in [&own, &studio] {
        engine.assign_domain(domain, Some(one), NOW).expect("its");
    }
    let [goes, stays] = ["uno@studio.example", "uno@comune-alfa.example"]
        .map(|at| engine.add_mailbox(&address(at), Profile::Standard, hash(), NOW).expect("a mailbox"));
    let answers = |of: MailboxId| (Role::MailboxResponsible, Scope::Mailbox(of.0));
    somebody(engine, "l.bianchi", Some(one), &[answers(goes), answers(stays)]);
    somebody(engine, "d.desk", None, &[answers(goes)]);
    assert_eq!(engine.responsible(goes).expect("read"), ["d.desk", "l.bianchi"]);
    let key = KeyBuilder::new(tag::PERSON).u64(engine.person(&name("l.bianchi")).expect("read").expect("there").0.0);
    let before = house.store.get(key.as_ref()).expect("read").expect("a row");
    let told = responsibles(engine).len();
    engine.assign_domain(&studio, Some(two), NOW).expect("another's");
    assert_eq!(engine.responsible(goes).expect("read"), ["d.desk"], "the provider's own goes on");
    let left = Grant { role: Role::MailboxResponsible, scope: Scope::Mailbox(stays.0) };
    assert_eq!(grants(engine, "l.bianchi"), [left]);
    // His administration hears of it, and the other one nothing of him.
    assert_eq!(responsibles(engine)[told..], [(Some(one.0), "l.bianchi → —".to_owned())]);
    let again = Grant { scope: Scope::Mailbox(goes.0), ..left };
    engine.set_grant(&name("l.bianchi"), again, true, &Request::own(NOW)).expect_err("of another administration");
    // As if the hand-over had broken off: it shows to nobody, and is nothing when the domain is back.
    let mut batch = Batch::new();
    batch.put(key.as_ref(), &before);
    house.store.commit(&batch, Durability::Synced).expect("as it was");
    let other = House::on(house.store.clone(), fixtures::alfa(), 7, &Known::fixtures());
    assert_eq!(grants(other.engine(), "l.bianchi").len(), 2);
    assert_eq!(other.engine().responsible(goes).expect("read"), ["d.desk"]);
    other.engine().assign_domain(&studio, Some(one), NOW).expect("back");
    assert_eq!(other.engine().responsible(goes).expect("read"), ["d.desk"]);
    assert_eq!(grants(engine, "l.bianchi"), [left]);
    // Who ends answers for nothing more, and the register says so of each mailbox.
    let told = responsibles(engine).len();
    for login in ["l.bianchi", "d.desk"] {
        engine.end_person(&name(login), &Request::own(NOW)).expect("ended");
    }
    let ended = ["l.bianchi → —", "d.desk → —"].map(|detail| (Some(one.0), detail.to_owned()));
    assert_eq!(responsibles(engine)[told..], ended);
    assert_clean(&house.store, "with nobody");
}
