//! Many sessions on a few folders: whatever happens in them, each client that believes what it is told knows its folder, what
//! it names by a number is what it means, a command does what it says and no more, and a client that comes back by QRESYNC
//! knows its folder again.

mod reader;

use super::*;
use crate::{Change, Flags, Mailboxes, StoreOp};
use proptest::prelude::*;
use reader::{Going, KINDS, Reader, Set, Showing, between, responses, truth};

/// The folders that there may be; the INBOX always is.
const NAMES: [&str; 3] = ["INBOX", "Altra", "Terza"];
/// What others do, in a folder or to one.
#[derive(Debug, Clone)]
enum Happening {
    Arrives(usize),
    Flagged { folder: usize, at: usize, flag: usize },
    Unflagged { folder: usize, at: usize },
    Goes(usize, usize),
    Forgets(usize),
    Names(Naming),
}

/// Names of folders, by their places in [`NAMES`].
#[derive(Debug, Clone)]
enum Naming {
    Create(usize),
    Delete(usize),
    Rename(usize, usize),
}

impl Naming {
    fn from(&self) -> usize {
        match self {
            Self::Create(name) | Self::Delete(name) | Self::Rename(name, _) => *name,
        }
    }

    fn possible(&self, world: &Toy) -> bool {
        let there = |name: &usize| world.folders.contains_key(NAMES[*name]);
        match self {
            Self::Create(name) => !there(name),
            Self::Delete(name) => there(name),
            Self::Rename(from, to) => there(from) && !there(to),
        }
    }
}

impl Happening {
    fn happen(&self, world: &mut Toy) {
        let pick = |world: &Toy, folder: usize, at: usize| {
            let messages = &world.folders.get(NAMES[folder])?.messages;
            messages.get(at % messages.len().max(1)).map(|m| m.0.uid)
        };
        match self {
            Self::Arrives(folder) if world.folders.contains_key(NAMES[*folder]) => {
                world.deliver(NAMES[*folder], PLAIN);
            }
            Self::Forgets(folder) if world.folders.contains_key(NAMES[*folder]) => world.at(NAMES[*folder]).forget(),
            Self::Arrives(_) | Self::Forgets(_) => {}
            Self::Flagged { folder, at, flag } => {
                if let Some(uid) = pick(world, *folder, *at) {
                    world.at(NAMES[*folder]).flag(uid, System::ALL[*flag]);
                }
            }
            Self::Unflagged { folder, at } => {
                if let Some(uid) = pick(world, *folder, *at) {
                    world.at(NAMES[*folder]).change(uid, &Change::new(StoreOp::Set, Flags::new()));
                }
            }
            Self::Goes(folder, at) => {
                if let Some(uid) = pick(world, *folder, *at) {
                    world.at(NAMES[*folder]).remove(|row| row.uid == uid);
                }
            }
            Self::Names(naming) => {
                let done = match naming {
                    Naming::Create(name) => world.create(NAMES[*name], None).map(drop),
                    Naming::Delete(name) => world.delete(NAMES[*name]),
                    Naming::Rename(from, to) => world.rename(NAMES[*from], NAMES[*to]),
                };
                assert!(done.is_ok() || done.is_err_and(|refusal| refusal.code.is_some()));
            }
        }
    }
}

#[derive(Debug, Clone)]
struct Storing {
    op: StoreOp,
    named: Flags,
    silent: bool,
    /// UNCHANGEDSINCE so far behind the folder's mod-sequence.
    back: Option<u64>,
}

#[derive(Debug, Clone)]
enum Step {
    Others(Happening),
    Noop,
    Idle(Happening),
    Fetch(Set, bool),
    Store(Set, Storing),
    Search,
    Expunge(Option<Set>),
    Transfer(Set, usize, bool),
    Append(usize, usize),
    Replace(Set, usize),
    Name(Naming),
    Goes { how: Going, meanwhile: Vec<Happening>, to: usize, examined: bool, showing: Option<Showing> },
}

fn folder() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0usize), 2 => Just(1), 1 => Just(2)]
}

fn naming() -> impl Strategy<Value = Naming> {
    prop_oneof![
        3 => (1usize..3).prop_map(Naming::Create),
        1 => (1usize..3).prop_map(Naming::Delete),
        2 => (1usize..3).prop_map(|from| Naming::Rename(from, 3 - from)),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    let at = || 0usize..40;
    prop_oneof![
        6 => folder().prop_map(Happening::Arrives),
        6 => (folder(), at(), 0usize..5).prop_map(|(folder, at, flag)| Happening::Flagged { folder, at, flag }),
        2 => (folder(), at()).prop_map(|(folder, at)| Happening::Unflagged { folder, at }),
        5 => (folder(), at()).prop_map(|(folder, at)| Happening::Goes(folder, at)),
        1 => folder().prop_map(Happening::Forgets),
        2 => naming().prop_map(Happening::Names),
    ]
}

fn named() -> impl Strategy<Value = Set> {
    (0usize..40, 1usize..4, any::<bool>()).prop_map(|(at, span, uid)| Set { at, span, uid })
}

fn storing() -> impl Strategy<Value = Storing> {
    let flags = prop::sample::select(vec!["\\Seen Lavoro", "\\Deleted", "\\Deleted \\Flagged", "$Uno", "\\Seen"]);
    let op = prop::sample::select(vec![StoreOp::Add, StoreOp::Add, StoreOp::Remove, StoreOp::Set]);
    (op, flags, any::<bool>(), prop::option::of(0u64..5)).prop_map(|(op, flags, silent, back)| Storing {
        op,
        named: Flags::parse(flags).unwrap(),
        silent,
        back,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let going = prop::sample::select(vec![Going::Unselect, Going::Close, Going::Select, Going::Cut]);
    let showing = (0usize..3, prop::option::of(1usize..4)).prop_map(|(uids, pairs)| Showing { uids, pairs });
    let meanwhile = prop::collection::vec(happening(), 0..6);
    let goes = (going, meanwhile, folder(), prop::bool::weighted(0.3), prop::option::weighted(0.8, showing));
    prop_oneof![
        8 => happening().prop_map(Step::Others),
        3 => Just(Step::Noop),
        2 => happening().prop_map(Step::Idle),
        4 => (named(), any::<bool>()).prop_map(|(set, reads)| Step::Fetch(set, reads)),
        6 => (named(), storing()).prop_map(|(set, storing)| Step::Store(set, storing)),
        1 => Just(Step::Search),
        3 => prop::option::of(named()).prop_map(Step::Expunge),
        4 => (named(), folder(), any::<bool>()).prop_map(|(set, to, moving)| Step::Transfer(set, to, moving)),
        2 => (folder(), 1usize..4).prop_map(|(to, count)| Step::Append(to, count)),
        2 => (named(), folder()).prop_map(|(set, to)| Step::Replace(set, to)),
        1 => naming().prop_map(Step::Name),
        5 => goes.prop_map(|(how, meanwhile, to, examined, showing)| Step::Goes { how, meanwhile, to, examined, showing }),
    ]
}

fn act(reader: &mut Reader, world: &mut Toy, step: Step) {
    match step {
        Step::Others(event) => event.happen(world),
        Step::Noop => drop(reader.command(world, "NOOP")),
        Step::Idle(event) => reader.idle(world, &event),
        Step::Fetch(set, reads) => reader.fetch(world, set, reads),
        Step::Store(set, storing) => reader.store(world, set, &storing),
        Step::Search => reader.search(world),
        Step::Expunge(set) => reader.expunge(world, set),
        Step::Transfer(set, to, moving) => reader.transfer(world, set, NAMES[to], moving),
        Step::Append(to, count) => reader.append(world, NAMES[to], count),
        Step::Replace(set, to) => reader.replace(world, set, NAMES[to]),
        Step::Name(naming) => reader.name(world, &naming),
        Step::Goes { how, meanwhile, to, examined, showing } => {
            reader.go(world, how);
            meanwhile.iter().for_each(|event| event.happen(world));
            if !reader.client.closed {
                reader.select(world, NAMES[to], examined, showing);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn every_client_knows_the_folder(
        steps in prop::collection::vec((0..KINDS.len(), step(), prop::option::weighted(0.15, happening())), 1..40),
    ) {
        let mut world = Toy::new();
        world.own_validity = true;
        world.create("Altra", None).unwrap();
        for _ in 0..3 {
            world.deliver("INBOX", PLAIN);
        }
        let mut readers: Vec<Reader> = KINDS.into_iter().map(|kind| Reader::new(&mut world, kind)).collect();
        for (who, step, overtaken) in steps {
            if let Some(others) = overtaken.filter(|_| !matches!(step, Step::Goes { .. } | Step::Idle(_))) {
                world.overtaken = Some(Box::new(move |world| others.happen(world)));
            }
            act(&mut readers[who], &mut world, step);
            world.overtaken = None;
            readers[who].settle(&mut world);
            // Who listens is not always quick.
            for reader in readers.iter_mut().skip(who).filter(|reader| reader.kind.listens) {
                let said = reader.hear(&mut world);
                reader.believe(&responses(&said), true);
                if reader.client.closed {
                    reader.settle(&mut world);
                }
            }
        }
        // Who put a message into another folder himself is not told of it: at the end others do.
        let names: Vec<String> = world.folders.keys().cloned().collect();
        for name in &names {
            world.deliver(name, PLAIN);
        }
        for reader in &mut readers {
            if reader.kind.listens {
                let said = reader.hear(&mut world);
                reader.believe(&responses(&said), true);
            } else {
                reader.command(&mut world, "NOOP");
                reader.look_at_new(&mut world);
            }
            if reader.client.closed {
                reader.settle(&mut world);
            }
            let open = reader.open.as_ref().unwrap();
            let is = truth(&world, open.number, reader.kind);
            prop_assert_eq!(Some(&open.slots), is.as_ref());
            for name in names.iter().filter(|name| reader.kind.listens && world.folders[*name].number != open.number) {
                let known: Option<usize> = between(&reader.others[name], "MESSAGES ", ' ').and_then(|n| n.parse().ok());
                prop_assert_eq!(known, Some(world.folders[name].messages.len()));
            }
        }
    }
}
