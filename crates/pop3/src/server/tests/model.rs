//! Two clients of one maildrop, and the maildrop as it should be.

use super::toy::{Client, Toy};
use proptest::prelude::*;
use sigillo_wire::{Session, Tick};

#[derive(Debug, Clone)]
enum Does {
    LogsIn,
    Marks(usize),
    Unmarks,
    Reads(usize),
    Quits,
    Breaks,
    GetsMail,
}

fn does() -> impl Strategy<Value = Does> {
    prop_oneof![
        3 => Just(Does::LogsIn),
        4 => (0usize..5).prop_map(Does::Marks),
        1 => Just(Does::Unmarks),
        2 => (0usize..5).prop_map(Does::Reads),
        2 => Just(Does::Quits),
        1 => Just(Does::Breaks),
        2 => Just(Does::GetsMail),
    ]
}

/// What one client should see: the UIDs at its login, and which it marked.
#[derive(Default)]
struct View {
    uids: Vec<u32>,
    marked: Vec<usize>,
}

proptest! {
    #[test]
    fn two_sessions_are_as_their_model(steps in prop::collection::vec((0usize..2, does()), 0..60)) {
        let toy = Toy::of(&[b"a\r\n", b"b\r\n"]);
        let mut there: Vec<u32> = vec![1, 2];
        let mut clients = [Client::new(&toy, true), Client::new(&toy, true)];
        let mut views: [Option<View>; 2] = [None, None];
        for (who, step) in steps {
            let client = &mut clients[who];
            client.received.clear();
            match step {
                Does::GetsMail => {
                    toy.borrow_mut().deliver(b"c\r\n");
                    there.push(toy.borrow().next);
                }
                Does::LogsIn if views[who].is_none() => {
                    *client = Client::new(&toy, true);
                    client.received.clear();
                    let said = client.ask("AUTH PLAIN AGFubmEAcHc=");
                    let free = views[1 - who].is_none();
                    prop_assert_eq!(said.starts_with("+OK"), free, "{}", said);
                    prop_assert!(free || said.starts_with("-ERR [IN-USE] "));
                    views[who] = free.then(|| View { uids: there.clone(), marked: Vec::new() });
                }
                step => {
                    let Some(view) = &mut views[who] else { continue };
                    let there_in_view = |n: usize| n < view.uids.len() && !view.marked.contains(&n);
                    match step {
                        Does::Marks(n) => {
                            let fine = there_in_view(n);
                            prop_assert_eq!(client.ask(&format!("DELE {}", n + 1)).starts_with("+OK"), fine);
                            if fine {
                                view.marked.push(n);
                            }
                        }
                        Does::Unmarks => {
                            client.ask("RSET");
                            view.marked.clear();
                        }
                        Does::Reads(n) => {
                            let fine = there_in_view(n) && there.contains(&view.uids[n]);
                            prop_assert_eq!(client.ask(&format!("RETR {}", n + 1)).starts_with("+OK"), fine);
                        }
                        Does::Quits => {
                            prop_assert!(client.ask("QUIT").starts_with("+OK"));
                            let gone: Vec<u32> = view.marked.iter().map(|n| view.uids[*n]).collect();
                            there.retain(|uid| !gone.contains(uid));
                            views[who] = None;
                        }
                        _ => {
                            client.server.end_of_input(Tick(1));
                            client.pump();
                            prop_assert!(client.closed);
                            views[who] = None;
                        }
                    }
                }
            }
            let held: Vec<u32> = toy.borrow().messages.iter().map(|(uid, _)| *uid).collect();
            prop_assert_eq!(&held, &there);
            if let Some(view) = &views[who] {
                let left = view.uids.len() - view.marked.len();
                let stat = format!("+OK {left} {}\r\n", left * 3);
                prop_assert_eq!(clients[who].ask("STAT"), stat);
            }
        }
    }
}
