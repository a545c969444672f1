//! The page's wasm module.

fn main() {
    std::panic::set_hook(Box::new(|panic| drydock_playground::page::js::page_failed(&panic.to_string())));
    drydock_playground::page::start();
}
