//! `cargo bench -p sigillo-benches [-- NAME…]`: see the crate's documentation.

fn main() {
    sigillo_benches::main(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")));
}
