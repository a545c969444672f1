//! Bindings to `web/src`: the object `drydock` that page.js defines.

use std::cell::Cell;

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use web_sys::Element;

#[wasm_bindgen]
extern "C" {
    /// The worker, started before the page's wasm.
    pub type Worker;

    #[wasm_bindgen(thread_local_v2, js_namespace = drydock, js_name = worker)]
    static WORKER: Worker;

    /// Sends a message.
    #[wasm_bindgen(method)]
    pub fn post(this: &Worker, text: &str);

    /// Says who is to have the worker's messages; those that came before are handed over at once.
    #[wasm_bindgen(method)]
    pub fn listen(this: &Worker, listener: &Closure<dyn FnMut(String)>);

    /// An xterm.js terminal.
    #[derive(Clone, PartialEq)]
    pub type Terminal;

    /// A terminal in an element. The closures must live as long as it does.
    #[wasm_bindgen(constructor, js_namespace = drydock)]
    pub fn new(
        host: &Element,
        label: &str,
        on_data: &Closure<dyn FnMut(String)>,
        on_resize: &Closure<dyn FnMut(u16, u16)>,
    ) -> Terminal;

    /// Writes text; `done` is called once, when it has been taken in.
    #[wasm_bindgen(method)]
    pub fn write(this: &Terminal, text: &str, done: &JsValue);

    /// Fits the terminal to its host.
    #[wasm_bindgen(method)]
    pub fn fit(this: &Terminal);

    /// Columns.
    #[wasm_bindgen(method)]
    pub fn columns(this: &Terminal) -> u16;

    /// Rows.
    #[wasm_bindgen(method)]
    pub fn rows(this: &Terminal) -> u16;

    /// Takes the keyboard.
    #[wasm_bindgen(method)]
    pub fn focus(this: &Terminal);

    /// Shows the last line.
    #[wasm_bindgen(method, js_name = scrollToEnd)]
    pub fn scroll_to_end(this: &Terminal);

    /// Empties screen and history.
    #[wasm_bindgen(method)]
    pub fn reset(this: &Terminal);

    /// Reads its colours from the page again.
    #[wasm_bindgen(method)]
    pub fn recolour(this: &Terminal);

    /// Switches the mode for screen readers.
    #[wasm_bindgen(method, js_name = screenReader)]
    pub fn screen_reader(this: &Terminal, on: bool);

    /// Lets go of everything.
    #[wasm_bindgen(method)]
    pub fn dispose(this: &Terminal);

    /// Loads Monaco; resolves to an [`Editors`].
    #[wasm_bindgen(js_namespace = drydock, js_name = editor, catch)]
    pub async fn load_editor() -> Result<JsValue, JsValue>;

    /// What makes editors.
    pub type Editors;

    /// An editor in an element. The closures must live as long as it does.
    #[wasm_bindgen(method)]
    pub fn create(
        this: &Editors,
        host: &Element,
        on_change: &Closure<dyn FnMut(String, String)>,
        on_apply: &Closure<dyn FnMut()>,
    ) -> Editor;

    /// A Monaco editor with a model for each file.
    #[derive(Clone, PartialEq)]
    pub type Editor;

    /// Makes a file's text known, or changes it.
    #[wasm_bindgen(method)]
    pub fn put(this: &Editor, path: &str, text: &str);

    /// Shows a file.
    #[wasm_bindgen(method)]
    pub fn show(this: &Editor, path: &str);

    /// Forgets a file.
    #[wasm_bindgen(method, js_name = drop)]
    pub fn forget(this: &Editor, path: &str);

    /// Marks problems: JSON text of a list of `{ line, message }`.
    #[wasm_bindgen(method)]
    pub fn mark(this: &Editor, path: &str, problems: &str);

    /// Takes the keyboard.
    #[wasm_bindgen(method, js_name = focus)]
    pub fn focus_editor(this: &Editor);

    /// Reads its colours from the page again.
    #[wasm_bindgen(method, js_name = recolour)]
    pub fn recolour_editor(this: &Editor);

    /// Lets go of everything.
    #[wasm_bindgen(method, js_name = dispose)]
    pub fn dispose_editor(this: &Editor);

    /// Draws a Mermaid diagram; resolves to SVG text.
    #[wasm_bindgen(js_namespace = drydock, js_name = diagram)]
    pub fn draw_diagram(source: &str, dark: bool) -> Promise;
}

#[wasm_bindgen]
extern "C" {
    /// The page's clock, in milliseconds.
    #[wasm_bindgen(js_namespace = performance)]
    pub fn now() -> f64;

    /// Says that the page itself has failed.
    #[wasm_bindgen(js_namespace = drydock, js_name = failed)]
    pub fn page_failed(message: &str);

    /// Copies a text, where that is allowed.
    #[wasm_bindgen(js_namespace = drydock)]
    pub fn copy(text: &str);

    /// Compresses a text to text; resolves to it.
    #[wasm_bindgen(js_namespace = drydock, catch)]
    async fn pack(text: &str) -> Result<JsValue, JsValue>;

    /// The text that was compressed; rejects when it's something else.
    #[wasm_bindgen(js_namespace = drydock, catch)]
    pub async fn unpack(packed: &str) -> Result<JsValue, JsValue>;
}

thread_local! {
    /// How many texts were packed so far.
    static PACKED: Cell<u32> = const { Cell::new(0) };
}

/// Packs a text and hands it over, unless another one was to be packed in the meantime.
pub fn pack_in_order(text: String, keep: impl FnOnce(String) + 'static) {
    let number = PACKED.get() + 1;
    PACKED.set(number);
    wasm_bindgen_futures::spawn_local(async move {
        let packed = pack(&text).await.ok().and_then(|packed| packed.as_string());
        if let Some(packed) = packed.filter(|_| PACKED.get() == number) {
            keep(packed);
        }
    });
}

/// The worker that page.js started.
pub fn with_worker<T>(work: impl FnOnce(&Worker) -> T) -> T {
    WORKER.with(work)
}
