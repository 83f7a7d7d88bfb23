//! `ORDEREDSUBJECT` (RFC 5256 §3): messages of one base subject are a thread, the oldest above the others.

use super::{Message, Threads, age};

pub fn threads(messages: &[Message]) -> Threads {
    let mut order: Vec<usize> = (0..messages.len()).collect();
    let key = |at: &usize| (&messages[*at].base.text, age(messages, *at));
    order.sort_by(|a, b| key(a).cmp(&key(b)));
    let mut threads = Threads { roots: Vec::new(), children: vec![Vec::new(); messages.len()] };
    for thread in order.chunk_by(|a, b| messages[*a].base.text == messages[*b].base.text) {
        threads.flat(thread);
    }
    threads.roots.sort_by_key(|root| age(messages, *root));
    threads
}
