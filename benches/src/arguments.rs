//! The command line: what `cargo bench -- …` passes on.

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Arguments {
    /// Parts of names; a case runs when its name contains one. None: all run.
    names: Vec<String>,
    /// Only say the names.
    pub list: bool,
    /// One short run of each: not for figures, but to see that all of it works (`cargo test --benches`, or `--quick`).
    pub quick: bool,
    /// What takes long takes as long as the requirement says.
    pub full: bool,
}

impl Arguments {
    /// Reads them. Cargo adds `--bench` when it measures, wherever `--quick` stands; other options are left to other harnesses.
    pub fn read(arguments: impl Iterator<Item = String>) -> Self {
        let (mut read, mut quick, mut measures) = (Self::default(), false, false);
        for argument in arguments {
            match argument.as_str() {
                "--bench" => measures = true,
                "--quick" => quick = true,
                "--list" => read.list = true,
                "--full" => read.full = true,
                option if option.starts_with('-') => {}
                name => read.names.push(name.to_owned()),
            }
        }
        read.quick = quick || !measures;
        read
    }

    /// Whether this case is to run; with `--list` its name is said instead.
    pub fn wants(&self, name: &str) -> bool {
        let named = self.names.is_empty() || self.names.iter().any(|n| name.contains(n.as_str()));
        if self.list && named {
            println!("{name}: benchmark");
        }
        named && !self.list
    }

    /// How many runs make a median.
    pub fn runs(&self, wanted: usize) -> usize {
        if self.quick { 1 } else { wanted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_short_unless_cargo_measures_and_nobody_says_otherwise() {
        let quick = |said: &[&str]| Arguments::read(said.iter().map(|a| (*a).to_owned())).quick;
        assert!(quick(&[]) && quick(&["--quick", "--bench"]) && quick(&["imap", "--bench", "--quick"]));
        assert!(!quick(&["imap", "--bench"]));
    }
}
