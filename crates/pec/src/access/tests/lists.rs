//! Distribution lists: the checks see the list, the facts its members.

use super::*;

const LIST: &str = "tutti@ente.example";

fn list(address_: &str, members: &[&str]) -> List {
    List { address: address(address_), members: members.iter().map(|m| address(m)).collect() }
}

/// Examines a message whose To is exactly this.
fn to(header: &str, rcpts: &[&str], lists: &[List], policy: &Policy) -> Examined {
    let message = format!("From: mario@studio.example\r\nTo: {header}\r\nSubject: x\r\n\r\ny\r\n");
    let (from, to): (_, Vec<_>) = (address("mario@studio.example"), rcpts.iter().map(|t| address(t)).collect());
    let s = Submission { from: &from, to: &to, lists, message: message.as_bytes() };
    examine(&s, &class, policy, facts().id)
}

fn recipients(e: &Examined) -> Vec<(&str, RecipientClass)> {
    e.facts.recipients.iter().map(|r| (r.address.as_str(), r.class)).collect()
}

#[test]
fn the_header_names_the_list_and_the_facts_its_members() {
    use RecipientClass::{Certified, External};
    let lists = [list(LIST, &["anna@ente.example", "bruno@posta.example"])];
    let e = to(
        "tutti@ente.example, carla@posta.example",
        &["TUTTI@ente.example", "carla@posta.example"],
        &lists,
        &policy(),
    );
    assert_eq!(e.defects, []);
    let expected =
        [("anna@ente.example", Certified), ("bruno@posta.example", External), ("carla@posta.example", External)];
    assert_eq!(recipients(&e), expected, "members in the list's place, each of its own class");
    let e = to("carla@posta.example", &[LIST, "carla@posta.example"], &lists, &policy());
    assert_eq!(e.reasons(), "il destinatario tutti@ente.example non compare nei campi To o Cc");
    let e = to("anna@ente.example", &[LIST], &lists, &policy());
    assert_eq!(e.defects.len(), 2, "a member in the header is not the list: {:?}", e.defects);
}

#[test]
fn who_is_member_and_recipient_is_certified_once() {
    let lists = [
        list(LIST, &["anna@ente.example", "ANNA@ente.example"]),
        list("altri@ente.example", &["Anna@ente.example", "bruno@posta.example"]),
    ];
    let rcpts = ["anna@ente.example", LIST, "altri@ente.example", LIST];
    let e = to(&rcpts[..3].join(", "), &rcpts, &lists, &policy());
    assert_eq!(e.defects, []);
    let named: Vec<&str> = recipients(&e).into_iter().map(|(a, _)| a).collect();
    assert_eq!(named, ["anna@ente.example", "bruno@posta.example"], "in the spelling that came first");
}

#[test]
fn limits_count_members() {
    let members: Vec<String> = (0..10).map(|i| format!("r{i}@ente.example")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let lists = [list(LIST, &members)];
    let run = |p: Policy| to(LIST, &[LIST], &lists, &p).defects;
    assert_eq!(run(Policy { max_recipients: 10, ..policy() }), []);
    assert_eq!(run(Policy { max_recipients: 9, ..policy() }), [Defect::TooManyRecipients { count: 10, limit: 9 }]);
    let size = format!("From: mario@studio.example\r\nTo: {LIST}\r\nSubject: x\r\n\r\ny\r\n").len() as u64;
    assert_eq!(run(Policy { size_times_recipients: Some(size * 10), ..policy() }), []);
    let limit = size * 10 - 1;
    assert_eq!(
        run(Policy { size_times_recipients: Some(limit), ..policy() }),
        [Defect::TooMuch { product: size * 10, limit }]
    );
}

#[test]
fn an_empty_list_is_refused_by_name() {
    let e = to(LIST, &[LIST], &[list(LIST, &[])], &policy());
    assert_eq!(e.reasons(), "l'assenza di componenti nella lista di distribuzione tutti@ente.example");
    // The refusal's certification data must name a recipient, by the DTD.
    assert_eq!(recipients(&e), [(LIST, RecipientClass::Certified)]);
}

proptest! {
    #[test]
    fn lists_expand_to_each_member_once(direct in prop::collection::vec(0usize..6, 0..6), members in prop::collection::vec(prop::collection::vec(0usize..6, 0..5), 0..4)) {
        let name = |i: &usize| if *i < 3 { format!("r{i}@ente.example") } else { format!("R{i}@posta.example") };
        let lists: Vec<List> = members.iter().enumerate().map(|(n, all)| {
            let all: Vec<String> = all.iter().map(name).collect();
            list(&format!("lista{n}@ente.example"), &all.iter().map(String::as_str).collect::<Vec<_>>())
        }).collect();
        let mut rcpts: Vec<String> = direct.iter().map(name).collect();
        rcpts.extend(lists.iter().map(|l| l.address.to_string()));
        let rcpts: Vec<&str> = rcpts.iter().map(String::as_str).collect();
        let header = if rcpts.is_empty() { "nessuno@ente.example".into() } else { rcpts.join(", ") };
        let e = to(&header, &rcpts, &lists, &policy());
        let mut expected: Vec<String> = Vec::new();
        let mut add = |a: &str| if !expected.iter().any(|e| e.eq_ignore_ascii_case(a)) { expected.push(a.to_owned()) };
        direct.iter().for_each(|i| add(&name(i)));
        for l in &lists {
            if l.members.is_empty() { add(l.address.as_str()) }
            l.members.iter().for_each(|m| add(m.as_str()));
        }
        let got: Vec<&str> = recipients(&e).into_iter().map(|(a, _)| a).collect();
        prop_assert_eq!(got, expected);
        let empty = lists.iter().filter(|l| l.members.is_empty()).count();
        prop_assert_eq!(e.defects.iter().filter(|d| matches!(d, Defect::EmptyList(_))).count(), empty);
        let other = e.defects.iter().filter(|d| !matches!(d, Defect::EmptyList(_))).count();
        prop_assert_eq!(other, if rcpts.is_empty() { 2 } else { 0 });
        // Without lists nothing changes.
        let direct: Vec<&str> = rcpts[..direct.len()].to_vec();
        if !direct.is_empty() {
            let header = direct.join(", ");
            let (with, without) = (to(&header, &direct, &lists, &policy()), to(&header, &direct, &[], &policy()));
            prop_assert_eq!(with.facts, without.facts);
        }
    }
}
