//! Whether the rows of a store belong together.

use sigillo_engine::check::{Check, CheckPage, Finding, Problem, Severity, readable};
use sigillo_store::{Store, tag};

/// What a deep check calls an error, in words, and messages that nobody keeps; bodies left over are none.
///
/// # Errors
/// The store cannot be read.
pub fn errors<S: Store>(store: &S) -> Result<Vec<String>, String> {
    let mut errors = Vec::new();
    let gather = |page: CheckPage| {
        let left = |f: &Finding| f.problem == Problem::Orphan && f.key.first() == Some(&tag::MESSAGE);
        let grave = page.findings.into_iter().filter(|f| f.severity() == Severity::Error || left(f));
        errors.extend(grave.map(|f| format!("{}: {}", readable(&f.key), f.what)));
    };
    Check::new(store, true).run(gather).map_err(|e| e.to_string())?;
    Ok(errors)
}
