//! Noticing that an element comes into sight.

use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit};

/// Watches an element for as long as it lives.
pub struct Sight {
    observer: IntersectionObserver,
    _seen: Closure<dyn FnMut(js_sys::Array)>,
}

impl Sight {
    /// Calls `seen` each time that the element comes into sight. `margin` widens or narrows what counts as sight, as CSS
    /// margins. Nothing where the browser can't tell.
    pub fn watch(element: &Element, margin: &str, seen: impl Fn() + 'static) -> Option<Sight> {
        let seen = Closure::new(move |entries: js_sys::Array| {
            if entries.iter().any(|entry| entry.unchecked_into::<IntersectionObserverEntry>().is_intersecting()) {
                seen();
            }
        });
        let options = IntersectionObserverInit::new();
        options.set_root_margin(margin);
        let observer = IntersectionObserver::new_with_options(seen.as_ref().unchecked_ref(), &options).ok()?;
        observer.observe(element);
        Some(Sight { observer, _seen: seen })
    }
}

impl Drop for Sight {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}
