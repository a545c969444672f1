//! What the page's address asks for: `?lesson=pods&layout=split&theme=dark&session=docs`.

use crate::page::panes::Pane;

/// The parameters of the address, read once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Params {
    /// A lesson: its name in the course, or the address of a Markdown file.
    pub lesson: Option<String>,
    /// The panes to show.
    pub layout: Option<Layout>,
    /// The theme, whatever the system and the learner's last choice say.
    pub theme: Option<Theme>,
    /// The name under which the session is kept, so that several embeds on one site don't share a cluster.
    pub session: Option<String>,
}

/// Which panes a page is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// All.
    Full,
    /// A terminal and nothing else.
    Terminal,
    /// A lesson and nothing else.
    Lesson,
    /// Lesson and terminal.
    Split,
    /// Map and terminal.
    Map,
    /// Editor and terminal.
    Editor,
}

impl Layout {
    /// The panes.
    pub fn panes(self) -> &'static [Pane] {
        match self {
            Layout::Full => &[Pane::Lesson, Pane::Editor, Pane::Map, Pane::Terminal],
            Layout::Terminal => &[Pane::Terminal],
            Layout::Lesson => &[Pane::Lesson],
            Layout::Split => &[Pane::Lesson, Pane::Terminal],
            Layout::Map => &[Pane::Map, Pane::Terminal],
            Layout::Editor => &[Pane::Editor, Pane::Terminal],
        }
    }

    fn parse(text: &str) -> Option<Layout> {
        Some(match text {
            "full" => Layout::Full,
            "terminal" => Layout::Terminal,
            "lesson" => Layout::Lesson,
            "split" => Layout::Split,
            "map" => Layout::Map,
            "editor" => Layout::Editor,
            _ => return None,
        })
    }
}

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// As the style sheet and the address name it.
    pub fn name(self) -> &'static str {
        match self {
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The theme of that name.
    pub fn parse(text: &str) -> Option<Theme> {
        [Theme::Light, Theme::Dark].into_iter().find(|theme| theme.name() == text)
    }

    /// The other one.
    pub fn other(self) -> Theme {
        match self {
            Theme::Light => Theme::Dark,
            Theme::Dark => Theme::Light,
        }
    }
}

impl Params {
    /// Reads decoded pairs; what is unknown or makes no sense is passed over.
    pub fn read<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Params {
        let mut params = Params::default();
        for (name, value) in pairs {
            match name {
                "lesson" if !value.is_empty() => params.lesson = Some(value.to_owned()),
                "layout" => params.layout = Layout::parse(value),
                "theme" => params.theme = Theme::parse(value),
                "session" if !value.is_empty() => params.session = Some(value.to_owned()),
                _ => {}
            }
        }
        params
    }

    /// The parameters of this page's address.
    pub fn of_page() -> Params {
        let search = web_sys::window().and_then(|window| window.location().search().ok()).unwrap_or_default();
        let Ok(search) = web_sys::UrlSearchParams::new_with_str(&search) else { return Params::default() };
        let pairs: Vec<(&str, Option<String>)> =
            ["lesson", "layout", "theme", "session"].map(|name| (name, search.get(name))).into();
        Params::read(pairs.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_knows() {
        let cases = [
            (vec![], Params::default()),
            (
                vec![("lesson", "pods"), ("layout", "split"), ("theme", "dark"), ("other", "x")],
                Params {
                    lesson: Some("pods".into()),
                    layout: Some(Layout::Split),
                    theme: Some(Theme::Dark),
                    session: None,
                },
            ),
            (vec![("layout", "sideways"), ("theme", ""), ("lesson", "")], Params::default()),
            (vec![("session", "docs-1")], Params { session: Some("docs-1".into()), ..Params::default() }),
        ];
        for (pairs, expected) in cases {
            assert_eq!(Params::read(pairs.clone()), expected, "{pairs:?}");
        }
    }
}
