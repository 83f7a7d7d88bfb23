//! Whether the rows of a store belong together.

use sigillo_engine::check::{Check, CheckPage, Severity, readable};
use sigillo_store::Store;

/// What a deep check calls an error, in words; bodies left over are none.
///
/// # Errors
/// The store cannot be read.
pub fn errors<S: Store>(store: &S) -> Result<Vec<String>, String> {
    let mut errors = Vec::new();
    let gather = |page: CheckPage| {
        let grave = page.findings.into_iter().filter(|f| f.severity() == Severity::Error);
        errors.extend(grave.map(|f| format!("{}: {}", readable(&f.key), f.what)));
    };
    Check::new(store, true).run(gather).map_err(|e| e.to_string())?;
    Ok(errors)
}
