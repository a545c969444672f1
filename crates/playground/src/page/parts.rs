//! The parts that the page is put together from, each with what it is given.

use yew::{AttrValue, Callback, Context, Html, classes, html};

use crate::page::app::{App, Msg, clock_text, reload};
use crate::page::editor::EditorPane;
use crate::page::icons::icon;
use crate::page::lesson::LessonPane;
use crate::page::map::Map;
use crate::page::panes::Pane;
use crate::page::params::Layout;
use crate::page::split::Splitter;
use crate::page::terminal::TerminalPane;
use crate::page::topbar::TopBar;

/// Share of the first pane when nobody has moved the line, in percent.
fn default_share(name: &str) -> f64 {
    match name {
        "lesson" => 36.0,
        "upper" => 56.0,
        _ => 52.0,
    }
}

impl App {
    fn share(&self, name: &str) -> f64 {
        self.choices.sizes.get(name).copied().unwrap_or_else(|| default_share(name))
    }

    pub(super) fn sizes(&self) -> String {
        ["lesson", "upper", "map"].map(|name| format!("--{name}:{}%", self.share(name))).join(";")
    }

    pub(super) fn splitter(&self, ctx: &Context<App>, name: &'static str, label: &'static str, upright: bool) -> Html {
        html! {
            <Splitter {name} {label} {upright} value={self.share(name)} default={default_share(name)}
                on_change={ctx.link().callback(move |share| Msg::Split(name, share))} />
        }
    }

    pub(super) fn pane(&self, pane: Pane, content: Html) -> Html {
        let away = (!self.panes.contains(&pane)).then_some("away");
        html! {
            <section key={pane.name()} id={pane.name()} class={classes!("pane", pane.name(), away)} aria-label={pane.title()}>
                { content }
            </section>
        }
    }

    pub(super) fn bar(&self, ctx: &Context<App>) -> Html {
        let panes = self.params.layout.unwrap_or(Layout::Full).panes();
        let panes: Vec<_> = Pane::ALL
            .into_iter()
            .filter(|pane| panes.contains(pane) || self.panes.contains(pane))
            .map(|pane| (pane, self.panes.contains(&pane)))
            .collect();
        html! {
            <TopBar clock={clock_text(self.clock)} speed={self.speed} {panes} dark={self.dark}
                screen_reader={self.choices.screen_reader} on_wish={ctx.link().callback(Msg::Bar)} />
        }
    }

    pub(super) fn lesson_pane(&self, ctx: &Context<App>) -> Html {
        html! {
            <LessonPane course={self.course.clone()} current={self.source.id().to_owned()} lesson={self.lesson.clone()} drawings={self.drawings.clone()}
                trouble={self.trouble.clone().map(AttrValue::from)} progress={self.progress.clone()} done={self.done.clone()}
                active={self.active} unfit={self.unfit} dark={self.dark} on_wish={ctx.link().callback(Msg::Lesson)}
                on_file={ctx.link().callback(Msg::File)} />
        }
    }

    pub(super) fn editor_pane(&self, ctx: &Context<App>) -> Html {
        html! {
            <EditorPane files={self.files.clone()} listing={self.listing.clone()} dark={self.dark}
                on_wish={ctx.link().callback(Msg::Editor)} />
        }
    }

    pub(super) fn map_pane(&self, ctx: &Context<App>) -> Html {
        let on_command = ctx.link().callback(|(command, enter)| Msg::Command(command, enter));
        html! {
            <Map view={self.view.clone()} news={self.news.clone()} story={self.story.clone()} system={self.choices.system}
                on_system={ctx.link().callback(Msg::System)} on_story={ctx.link().callback(Msg::Story)}
                on_rewind={ctx.link().callback(|(at, command)| Msg::Rewind(at, command))} {on_command} />
        }
    }

    pub(super) fn terminal_pane(&self, ctx: &Context<App>) -> Html {
        html! {
            <TerminalPane tabs={self.tabs.clone()} shown={self.terminal} screen_reader={self.choices.screen_reader}
                screens={self.screens.clone()} on_wish={ctx.link().callback(Msg::Terminal)} />
        }
    }

    /// Between map and editor, where there is no room for both.
    pub(super) fn upper_tabs(&self, ctx: &Context<App>) -> Html {
        let tab = |pane: Pane| {
            let shown = self.upper == pane;
            html! {
                <button role="tab" aria-selected={shown.to_string()} class={classes!(shown.then_some("shown"))}
                    onclick={ctx.link().callback(move |_| Msg::Choose(pane))}>{ icon(pane.icon()) }{ pane.title() }</button>
            }
        };
        html! { <div class="upper-tabs" role="tablist" aria-label="Cluster or editor">{ tab(Pane::Map) }{ tab(Pane::Editor) }</div> }
    }

    /// Between all panes, on a phone.
    pub(super) fn bottom_tabs(&self, ctx: &Context<App>) -> Html {
        let tabs = Pane::ALL.into_iter().filter(|pane| self.panes.contains(pane)).map(|pane| {
            let shown = self.tab == pane;
            html! {
                <button aria-current={shown.then_some("true")} class={classes!(shown.then_some("shown"))}
                    onclick={ctx.link().callback(move |_| Msg::Choose(pane))}>{ icon(pane.icon()) }<span>{ pane.title() }</span></button>
            }
        });
        html! { <nav class="bottom-tabs" aria-label="Panes">{ for tabs }</nav> }
    }

    pub(super) fn failed(&self, ctx: &Context<App>, failure: &str) -> Html {
        html! {
            <div class="failure" role="alert">
                <h2>{ "The cluster has stopped" }</h2>
                <p>{ failure }</p>
                <button class="button primary" onclick={Callback::from(|_| reload())}>{ "Reload the page" }</button>
                { " " }
                <button class="button" onclick={ctx.link().callback(|_| Msg::StartOver)}>{ "Begin with a new cluster" }</button>
            </div>
        }
    }
}
