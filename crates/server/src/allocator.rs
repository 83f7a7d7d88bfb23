//! How the program hands out memory: to Rust, and to the libraries in C and C++ beside it.
//!
//! glibc's own keeps a heap for each thread and, once large blocks were freed, gives next to nothing back; held to giving it
//! back, it made a message cost a quarter more CPU (docs/performance.md). jemalloc gives back within a second what is free,
//! by a thread of its own. How it does so is set where it is built (`.cargo/config.toml`); `MALLOC_CONF` overrides it.

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;
