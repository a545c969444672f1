//! What wasm modules run on. A module that names this crate (`use drydock_wasm as _;`) has it; natively it does nothing.
//!
//! - [`heap`]: the allocator.
//! - [`bytes`]: comparing bytes, eight at a time.
//!
//! It is the one crate with unsafe code: both are what safe code stands on.

#[cfg(any(target_family = "wasm", test))]
mod bytes;
#[cfg(target_family = "wasm")]
mod heap;
