//! `X-CONVERSATION`: messages that share an identifier, whoever names it and where, are one thread.

use super::{Message, Threads, age};

pub fn threads(messages: &[Message], names: usize) -> Threads {
    // Messages first, then names: whoever has a name is in its set.
    let mut sets = Sets((0..messages.len() + names).collect());
    for (at, message) in messages.iter().enumerate() {
        for name in &message.refs {
            sets.join(at, messages.len() + name);
        }
    }
    let mut order: Vec<(usize, (i64, usize))> =
        (0..messages.len()).map(|at| (sets.find(at), age(messages, at))).collect();
    order.sort_unstable();
    let mut threads = Threads { roots: Vec::new(), children: vec![Vec::new(); messages.len()] };
    for thread in order.chunk_by(|a, b| a.0 == b.0) {
        threads.flat(&thread.iter().map(|(_, (_, at))| *at).collect::<Vec<_>>());
    }
    threads.roots.sort_by_key(|root| age(messages, *root));
    threads
}

/// Disjoint sets: each member points towards the one that stands for its set.
struct Sets(Vec<usize>);

impl Sets {
    fn find(&mut self, mut at: usize) -> usize {
        while self.0[at] != at {
            self.0[at] = self.0[self.0[at]];
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        // The lower stands for both, whatever the order of joining.
        self.0[a.max(b)] = a.min(b);
    }
}
