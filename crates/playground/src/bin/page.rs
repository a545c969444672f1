//! The page's wasm module.

fn main() {
    yew::set_custom_panic_hook(Box::new(|panic| drydock_playground::page::js::page_failed(&panic.to_string())));
    drydock_playground::page::start();
}
