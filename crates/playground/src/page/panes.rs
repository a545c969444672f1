//! The four panes and which of them are on show.

/// A pane of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pane {
    /// The lesson.
    Lesson,
    /// The manifest editor.
    Editor,
    /// The picture of the cluster.
    Map,
    /// The terminals.
    Terminal,
}

impl Pane {
    /// All, in reading order.
    pub const ALL: [Pane; 4] = [Pane::Lesson, Pane::Editor, Pane::Map, Pane::Terminal];

    /// As the page calls it.
    pub fn title(self) -> &'static str {
        match self {
            Pane::Lesson => "Lesson",
            Pane::Editor => "Editor",
            Pane::Map => "Cluster",
            Pane::Terminal => "Terminal",
        }
    }

    /// As the style sheet calls it: also the pane's id.
    pub fn name(self) -> &'static str {
        match self {
            Pane::Lesson => "lesson",
            Pane::Editor => "editor",
            Pane::Map => "map",
            Pane::Terminal => "terminal",
        }
    }

    /// Its icon.
    pub fn icon(self) -> &'static str {
        match self {
            Pane::Lesson => "book",
            Pane::Editor => "file",
            Pane::Map => "map",
            Pane::Terminal => "prompt",
        }
    }
}
