//! The core as a wasm module for Node: what `cargo xtask test` compares with the native build, and the benchmarks.

use drydock_wasm as _;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

/// The digest of the scenario's event log.
#[wasm_bindgen]
pub fn digest() -> String {
    drydock_session::scenario::digest(1)
}

/// The benchmarks' figures, one JSON object a line.
#[wasm_bindgen]
pub fn bench(quick: bool) -> String {
    let clock = || now() / 1000.0;
    let figures = drydock_session::scenario::benchmarks(&clock, quick);
    let lines = figures.iter().map(|figure| {
        format!("{{\"name\": \"{}\", \"value\": {:.3}, \"unit\": \"{}\"}}\n", figure.name, figure.value, figure.unit)
    });
    lines.collect()
}
