//! The worker's wasm module.

use wasm_bindgen::prelude::wasm_bindgen;

/// For the worker's script (web/finish.mjs): it brings what `kubectl explain` says of types and fields.
#[wasm_bindgen]
pub fn describe(descriptions: Vec<u8>) {
    drydock_playground::worker::describe(descriptions);
}

fn main() {
    std::panic::set_hook(Box::new(|panic| drydock_playground::worker::failed(&panic.to_string())));
    if let Err(error) = drydock_playground::worker::start() {
        drydock_playground::worker::failed(&format!("the worker did not start: {error:?}"));
    }
}
