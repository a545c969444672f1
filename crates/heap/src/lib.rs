//! The memory of the wasm modules. A module that names this crate (`use drydock_heap as _;`) allocates with it; natively
//! it does nothing.
//!
//! A simulated cluster is millions of small pieces. What the standard library brings for wasm (dlmalloc) asks the engine
//! for a page or two of 64 KiB whenever it is short of memory, and each time the engine thinks about collecting garbage:
//! at ten thousand pods a quarter of all time went into that and into the search for room.

#[cfg(target_family = "wasm")]
mod growing;
