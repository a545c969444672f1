//! The page: a Yew application of four panes over one channel to the worker.
//!
//! - [`app`]: the whole of it; holds what the worker has told and hands it to the panes. `messages` is the part that acts
//!   on the worker's messages, `wishes` the part that acts on what the panes ask for.
//! - The panes: [`lesson`], [`editor`], [`map`], [`terminal`]; around them [`topbar`], [`split`], [`dialog`], [`icons`], [`sight`].
//! - The edges: [`js`] (bindings to `web/src`), [`link`] (the worker), [`storage`] (what is kept), [`params`] (the address).
//!
//! A pane gets plain data as properties and asks for things by one callback with an enum of wishes.

pub mod app;
pub mod dialog;
pub mod editor;
pub mod icons;
pub mod js;
pub mod lesson;
pub mod link;
pub mod map;
mod messages;
pub mod panes;
pub mod params;
mod parts;
pub mod sight;
pub mod split;
pub mod storage;
pub mod terminal;
pub mod topbar;
mod wishes;

/// Puts the page into the document's element `app`.
pub fn start() {
    let root =
        web_sys::window().and_then(|window| window.document()).and_then(|document| document.get_element_by_id("app"));
    if let Some(root) = root {
        yew::Renderer::<app::App>::with_root(root).render();
    }
}
