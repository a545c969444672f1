//! The worker's wasm module.

fn main() {
    std::panic::set_hook(Box::new(|panic| drydock_playground::worker::failed(&panic.to_string())));
    if let Err(error) = drydock_playground::worker::start() {
        drydock_playground::worker::failed(&format!("the worker did not start: {error:?}"));
    }
}
