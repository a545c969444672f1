//! The bar at the top: time, undo, new cluster, panes, theme.

use yew::{Callback, Html, Properties, TargetCast, classes, function_component, html};

use crate::bridge::Speed;
use crate::page::icons::{icon, mark};
use crate::page::panes::Pane;

/// What the bar asks the page to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wish {
    /// Run time at this speed.
    Speed(Speed),
    /// Take the last command back.
    Undo,
    /// Ask whether to begin again.
    Reset,
    /// Show or hide a pane.
    Pane(Pane),
    /// The other theme.
    Theme,
    /// Switch the mode for screen readers.
    ScreenReader,
}

/// What the bar is given.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// Simulated time, as text.
    pub clock: String,
    /// The speed of time.
    pub speed: Speed,
    /// The panes that can be shown, and whether they are.
    pub panes: Vec<(Pane, bool)>,
    /// Whether the theme is dark.
    pub dark: bool,
    /// Whether terminals speak to screen readers.
    pub screen_reader: bool,
    /// What to do.
    pub on_wish: Callback<Wish>,
}

/// The bar.
#[function_component]
pub fn TopBar(props: &Props) -> Html {
    let wish = |wish: Wish| props.on_wish.reform(move |_| wish);
    let panes = props.panes.iter().map(|(pane, shown)| {
        html! {
            <button class="icon-button" aria-pressed={shown.to_string()} aria-label={format!("Show {}", pane.title().to_lowercase())}
                title={format!("{} pane", pane.title())} onclick={wish(Wish::Pane(*pane))}>{ icon(pane.icon()) }</button>
        }
    });
    html! {
        <header class="topbar">
            <h1 class="brand">{ mark() }<span>{ "Drydock" }</span></h1>
            <div class="time" role="group" aria-label="Simulated time">{ time(props) }</div>
            <span class="spacer" />
            <div class="bar-group">
                <button class="button quiet" onclick={wish(Wish::Undo)} title="Take the last command back: cluster and files as before">
                    { icon("undo") }<span class="bar-word">{ "Undo" }</span></button>
                <button class="button quiet" onclick={wish(Wish::Reset)} title="Begin again with a new cluster">
                    { icon("reset") }<span class="bar-word">{ "Reset" }</span></button>
            </div>
            if props.panes.len() > 1 {
                <div class="bar-group panes-switch" role="group" aria-label="Panes">{ for panes }</div>
            }
            <div class="bar-group">
                <button class="icon-button screen-reader" aria-pressed={props.screen_reader.to_string()}
                    aria-label="Screen reader mode of the terminal" title="Screen reader mode of the terminal"
                    onclick={wish(Wish::ScreenReader)}><span class="glyph">{ "Aa" }</span></button>
                <button class="icon-button" aria-label={if props.dark { "Light theme" } else { "Dark theme" }}
                    title={if props.dark { "Light theme" } else { "Dark theme" }} onclick={wish(Wish::Theme)}>
                    { icon(if props.dark { "sun" } else { "moon" }) }</button>
            </div>
        </header>
    }
}

/// The clock, pause, and the choice of speed.
fn time(props: &Props) -> Html {
    let paused = props.speed == Speed::Paused;
    let switch = if paused { Speed::Times(1) } else { Speed::Paused };
    let on_wish = &props.on_wish;
    let options = Speed::ALL.iter().enumerate().map(|(at, speed)| {
        html! { <option value={at.to_string()} selected={*speed == props.speed}>{ speed.label() }</option> }
    });
    let pick = on_wish.reform(|event: yew::Event| {
        let at = event.target_unchecked_into::<web_sys::HtmlSelectElement>().selected_index();
        let speed = usize::try_from(at).ok().and_then(|at| Speed::ALL.get(at)).copied();
        Wish::Speed(speed.unwrap_or(Speed::Times(1)))
    });
    html! {
        <>
            <button class="icon-button" aria-label={if paused { "Let time run" } else { "Pause time" }}
                title={if paused { "Let time run" } else { "Pause time: the terminal still answers" }}
                onclick={on_wish.reform(move |_| Wish::Speed(switch))}>{ icon(if paused { "play" } else { "pause" }) }</button>
            <span class={classes!("clock", paused.then_some("still"))} title="The cluster's time (UTC)">{ &props.clock }</span>
            <label class="select" title="How fast time runs">
                <span class="hidden">{ "Speed of time" }</span>
                <select onchange={pick}>{ for options }</select>
                { icon("down") }
            </label>
        </>
    }
}
