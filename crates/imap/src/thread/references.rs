//! `REFERENCES` (RFC 5256 §3), step by step.

use std::collections::BTreeMap;

use super::forest::Forest;
use super::{Message, Threads, age};

pub fn threads(messages: &[Message], names: usize) -> Threads {
    let mut tree = Tree::linked(messages, names);
    tree.sort_roots(); // (4)
    tree.join_subjects();
    tree.sort_all();
    Threads { roots: tree.roots, children: tree.children }
}

/// Nodes below the number of messages are messages, the others dummies. Only what hangs on `roots` counts.
struct Tree<'m> {
    messages: &'m [Message],
    roots: Vec<usize>,
    children: Vec<Vec<usize>>,
}

impl<'m> Tree<'m> {
    /// Steps (1) to (3): who answers whom, without the dummies that nobody needs.
    fn linked(messages: &'m [Message], names: usize) -> Self {
        // The first message with an identifier has it; the identifiers that nobody has are dummies.
        let mut node_of: Vec<Option<usize>> = vec![None; names];
        for (at, message) in messages.iter().enumerate() {
            if let Some(id) = message.id {
                node_of[id].get_or_insert(at);
            }
        }
        let mut nodes = messages.len();
        let node_of: Vec<usize> = node_of
            .into_iter()
            .map(|node| {
                node.unwrap_or_else(|| {
                    nodes += 1;
                    nodes - 1
                })
            })
            .collect();
        let mut forest = Forest::new(nodes);
        for (at, message) in messages.iter().enumerate() {
            // (A) Each reference is the parent of the next.
            for pair in message.refs.windows(2) {
                let (parent, node) = (node_of[pair[0]], node_of[pair[1]]);
                if forest.parent(node).is_none() {
                    forest.link(parent, node);
                }
            }
            // (B) The last is the message's own, whatever others said.
            let last = message.refs.last().map(|id| node_of[*id]);
            if forest.parent(at) != last {
                forest.cut(at);
                if let Some(last) = last {
                    forest.link(last, at);
                }
            }
        }
        Self::pruned(messages, &forest, nodes)
    }

    /// Steps (2) and (3). What hangs on a dummy hangs on what that hangs on, up to the top, where a dummy stays if it
    /// holds several together.
    fn pruned(messages: &'m [Message], forest: &Forest, nodes: usize) -> Self {
        let mut below: Vec<Vec<usize>> = vec![Vec::new(); nodes];
        let mut tops = Vec::new();
        for node in 0..nodes {
            match forest.parent(node) {
                Some(parent) => below[parent].push(node),
                None => tops.push(node),
            }
        }
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); nodes];
        let mut left: Vec<(usize, usize)> = tops.iter().map(|top| (*top, *top)).collect();
        // Each node with the one it will hang on, or itself at the top.
        while let Some((node, over)) = left.pop() {
            let message = node < messages.len();
            if message && node != over {
                children[over].push(node);
            }
            left.extend(below[node].iter().map(|child| (*child, if message { node } else { over })));
        }
        let root = |top: usize| match children[top].as_slice() {
            _ if top < messages.len() => Some(top),
            [] => None,
            [only] => Some(*only),
            _ => Some(top),
        };
        Self { messages, roots: tops.into_iter().filter_map(root).collect(), children }
    }

    const fn is_dummy(&self, node: usize) -> bool {
        node >= self.messages.len()
    }

    /// The message that stands for a root: itself, or the oldest under a dummy.
    fn head(&self, root: usize) -> usize {
        if self.is_dummy(root) {
            let oldest = self.children[root].iter().min_by_key(|child| age(self.messages, **child));
            oldest.copied().unwrap_or_default()
        } else {
            root
        }
    }

    fn sort_roots(&mut self) {
        let mut roots = std::mem::take(&mut self.roots);
        roots.sort_by_cached_key(|root| age(self.messages, self.head(*root)));
        self.roots = roots;
    }

    /// Step (5): threads of one subject are one.
    fn join_subjects(&mut self) {
        let mut table: BTreeMap<&'m str, usize> = BTreeMap::new();
        for slot in 0..self.roots.len() {
            let (subject, current) = (self.subject(slot), self.roots[slot]);
            let held = table.get(subject).map(|held| self.roots[*held]);
            let better = held.is_none_or(|held| {
                !self.is_dummy(held) && (self.is_dummy(current) || (self.answers(held) && !self.answers(current)))
            });
            if better && !subject.is_empty() {
                table.insert(subject, slot);
            }
        }
        let mut merged = vec![false; self.roots.len()];
        for (slot, merged) in merged.iter_mut().enumerate() {
            if let Some(&held) = table.get(self.subject(slot)).filter(|held| **held != slot) {
                self.merge(held, slot);
                *merged = true;
            }
        }
        let mut gone = merged.into_iter();
        self.roots.retain(|_| !gone.next().unwrap_or_default());
    }

    /// (5.C.iv): the thread at `slot` goes into the one at `held`.
    fn merge(&mut self, held: usize, slot: usize) {
        let (into, current) = (self.roots[held], self.roots[slot]);
        if self.is_dummy(into) && self.is_dummy(current) {
            let children = std::mem::take(&mut self.children[current]);
            self.children[into].extend(children);
        } else if self.is_dummy(into) || (self.answers(current) && !self.answers(into)) {
            self.children[into].push(current);
        } else {
            self.children.push(vec![into, current]);
            self.roots[held] = self.children.len() - 1;
        }
    }

    fn subject(&self, slot: usize) -> &'m str {
        &self.messages[self.head(self.roots[slot])].base.text
    }

    fn answers(&self, node: usize) -> bool {
        !self.is_dummy(node) && self.messages[node].base.answer
    }

    /// Step (6). Dummies are only at the top, so that the order of the sets does not matter.
    fn sort_all(&mut self) {
        for children in &mut self.children {
            children.sort_by_key(|child| age(self.messages, *child));
        }
        self.sort_roots();
    }
}
