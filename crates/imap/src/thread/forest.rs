//! Trees that are cut and joined, and asked for their roots: link-cut trees (Sleator and Tarjan 1983). A loop is seen in
//! logarithmic time however deep the trees, where walking up would let a few crafted messages cost hours.

/// No node.
const NONE: usize = usize::MAX;

/// Nodes with parents, and above them the splay trees that make each question cheap.
#[derive(Debug)]
pub struct Forest {
    parent: Vec<Option<usize>>,
    /// The parent in a splay tree, or where the path of this splay tree goes on.
    up: Vec<usize>,
    /// Splay children: towards the root, and away from it.
    down: Vec<[usize; 2]>,
}

impl Forest {
    /// So many nodes, each by itself.
    pub fn new(nodes: usize) -> Self {
        Self { parent: vec![None; nodes], up: vec![NONE; nodes], down: vec![[NONE; 2]; nodes] }
    }

    /// The parent of a node.
    pub fn parent(&self, node: usize) -> Option<usize> {
        self.parent[node]
    }

    /// Makes `parent` the parent of a node that has none, unless that would be a loop.
    pub fn link(&mut self, parent: usize, node: usize) {
        if self.root(parent) != node {
            self.access(node);
            self.up[node] = parent;
            self.parent[node] = Some(parent);
        }
    }

    /// Takes a node away from its parent.
    pub fn cut(&mut self, node: usize) {
        if self.parent[node].take().is_some() {
            self.access(node);
            let above = std::mem::replace(&mut self.down[node][0], NONE);
            self.up[above] = NONE;
        }
    }

    fn root(&mut self, node: usize) -> usize {
        self.access(node);
        let mut root = node;
        while self.down[root][0] != NONE {
            root = self.down[root][0];
        }
        self.splay(root);
        root
    }

    /// Makes the path from the root to a node one splay tree, with the node on top.
    fn access(&mut self, node: usize) {
        let (mut below, mut at) = (NONE, node);
        while at != NONE {
            self.splay(at);
            self.down[at][1] = below;
            below = at;
            at = self.up[at];
        }
        self.splay(node);
    }

    fn splay(&mut self, node: usize) {
        while let Some(side) = self.side(node) {
            let above = self.up[node];
            if let Some(side_above) = self.side(above) {
                self.rotate(if side == side_above { above } else { node });
            }
            self.rotate(node);
        }
    }

    /// Which child of its splay parent a node is, if it has one.
    fn side(&self, node: usize) -> Option<usize> {
        let above = self.up[node];
        if above == NONE { None } else { self.down[above].iter().position(|child| *child == node) }
    }

    /// Puts a node above its splay parent.
    fn rotate(&mut self, node: usize) {
        let Some(side) = self.side(node) else { return };
        let above = self.up[node];
        let moved = self.down[node][1 - side];
        if let Some(side_above) = self.side(above) {
            self.down[self.up[above]][side_above] = node;
        }
        self.up[node] = self.up[above];
        self.up[above] = node;
        self.down[node][1 - side] = above;
        self.down[above][side] = moved;
        if moved != NONE {
            self.up[moved] = above;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// As a plain list of parents, walked up.
        #[test]
        fn loops_are_seen(steps in prop::collection::vec((0usize..12, 0usize..12, any::<bool>()), 0..80)) {
            let mut forest = Forest::new(12);
            let mut plain = [None; 12];
            for (parent, node, cut) in steps {
                if cut {
                    forest.cut(node);
                    plain[node] = None;
                } else if plain[node].is_none() {
                    forest.link(parent, node);
                    let mut above = Some(parent);
                    while above.is_some_and(|at| at != node) {
                        above = plain[above.unwrap()];
                    }
                    if above.is_none() {
                        plain[node] = Some(parent);
                    }
                }
                for (at, parent) in plain.iter().enumerate() {
                    prop_assert_eq!(forest.parent(at), *parent);
                }
            }
        }
    }
}
