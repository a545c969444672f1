//! The page's icons: strokes on a grid of 16, in the colour of the text around them.

use yew::virtual_dom::VNode;
use yew::{AttrValue, Html, html};

/// Name and drawing of each icon.
const ICONS: &[(&str, &str)] = &[
    ("book", "M8 3.5C6.5 2.6 4.4 2.3 2 2.5v10c2.4-.2 4.5.1 6 1 1.5-.9 3.6-1.2 6-1v-10c-2.4-.2-4.5.1-6 1zm0 0v10"),
    ("file", "M4 1.5h5L12.5 5v9.5h-8.5zM9 1.5V5h3.5"),
    ("map", "M8 1.5 14 5v6l-6 3.5L2 11V5zM2 5l6 3.5L14 5M8 8.5v6"),
    ("prompt", "m2.5 4 4 4-4 4M8 12.5h5.5"),
    ("play", "M4.5 2.8v10.4L13 8z"),
    ("pause", "M5 3v10M11 3v10"),
    ("undo", "M5.5 3 2.5 6l3 3M3 6h6.5a4 4 0 0 1 0 8H6"),
    ("reset", "M13 8a5 5 0 1 1-1.5-3.6M12 1.5v3.2H8.8"),
    (
        "sun",
        "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
    ),
    ("moon", "M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3z"),
    ("more", "M3 8h.01M8 8h.01M13 8h.01"),
    ("plus", "M8 3v10M3 8h10"),
    ("close", "m4 4 8 8M12 4l-8 8"),
    ("check", "m3 8.5 3.2 3.2L13 4.8"),
    ("copy", "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3"),
    ("left", "m10 3-5 5 5 5"),
    ("right", "m6 3 5 5-5 5"),
    ("down", "m3 6 5 5 5-5"),
    ("pencil", "M10.5 2.5 13.5 5.5 5.5 13.5H2.5V10.5zM8.8 4.2l3 3"),
    ("trash", "M2.5 4h11M6 4V2.5h4V4M4 4l.6 9.5h6.8L12 4M6.6 6.5v4.5M9.4 6.5v4.5"),
    ("open", "M6.5 3H3v10h10V9.5M9 2.5h4.5V7M13.5 2.5 7.5 8.5"),
    ("bulb", "M5.8 11.5C4.5 10.6 3.7 9.3 3.7 7.7a4.3 4.3 0 0 1 8.6 0c0 1.6-.8 2.9-2.1 3.8v1.3H5.8zM6.5 14.5h3"),
    ("list", "M6 4h8M6 8h8M6 12h8M2.5 4h.01M2.5 8h.01M2.5 12h.01"),
    ("apply", "M8 13V3M4 7l4-4 4 4"),
    ("flag", "M3.5 14.5v-12h8.5l-1.8 3 1.8 3H3.5"),
    ("anchor", "M8 5v9M8 5a1.6 1.6 0 1 0 0-3.2A1.6 1.6 0 0 0 8 5zM5 7h6M2.5 9.5C2.8 12.3 5 14 8 14s5.2-1.7 5.5-4.5"),
];

/// The icon of that name; it says nothing to screen readers.
pub fn icon(name: &str) -> Html {
    let path = ICONS.iter().find(|(known, _)| *known == name).map_or("", |(_, path)| path);
    VNode::from_html_unchecked(AttrValue::from(format!(
        "<svg class=\"icon\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><path d=\"{path}\"/></svg>"
    )))
}

/// Drydock's mark: a hull in a dock, in the accent's colour.
pub fn mark() -> Html {
    html! {
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
            <path class="mark-dock" d="M3 9v17h26V9" />
            <path class="mark-hull" d="M7.5 15h17l-2.6 7.2h-11.8z" />
            <path class="mark-hull" d="M11.2 9.4h4.2v4h-4.2zM16.8 9.4H21v4h-4.2z" />
        </svg>
    }
}
