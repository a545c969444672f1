//! What is kept in the browser between visits. Where there is no storage (a frame without the right, a private window),
//! everything works and nothing is kept.

use drydock_sorted::{SortedMap, SortedSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Local storage under our own prefix.
#[derive(Clone, PartialEq, Default)]
pub struct Storage {
    inner: Option<web_sys::Storage>,
}

const PREFIX: &str = "drydock:";

impl Storage {
    /// The page's local storage, if it has any that works.
    pub fn of_page() -> Storage {
        let inner = web_sys::window().and_then(|window| window.local_storage().ok().flatten());
        Storage { inner }
    }

    /// The text kept under `key`.
    pub fn text(&self, key: &str) -> Option<String> {
        self.inner.as_ref()?.get_item(&format!("{PREFIX}{key}")).ok().flatten()
    }

    /// Keeps a text; answers whether there was room.
    pub fn keep_text(&self, key: &str, text: &str) -> bool {
        self.inner.as_ref().is_some_and(|storage| storage.set_item(&format!("{PREFIX}{key}"), text).is_ok())
    }

    /// What is kept under `key`, or the default.
    pub fn get<T: DeserializeOwned + Default>(&self, key: &str) -> T {
        self.text(key).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// Keeps something.
    pub fn keep<T: Serialize>(&self, key: &str, value: &T) {
        if let Ok(text) = serde_json::to_string(value) {
            self.keep_text(key, &text);
        }
    }

    /// Forgets what is kept under `key`.
    pub fn forget(&self, key: &str) {
        if let Some(storage) = &self.inner {
            // Nothing to forget where nothing can be kept.
            let _ = storage.remove_item(&format!("{PREFIX}{key}"));
        }
    }
}

/// What the learner has done in one lesson.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Solved tasks of each exercise, by the exercise's id.
    pub solved: SortedMap<String, SortedSet<usize>>,
    /// How many tasks the lesson had when it was last open.
    pub tasks: usize,
    /// Where the learner stopped reading: pixels from the top.
    pub place: i32,
}

impl Progress {
    /// How many tasks are solved.
    pub fn count(&self) -> usize {
        self.solved.values().map(SortedSet::len).sum()
    }
}

/// What the learner chose.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    /// `light` or `dark`; empty follows the system.
    pub theme: String,
    /// Sizes of the panes, by splitter, in percent.
    pub sizes: SortedMap<String, f64>,
    /// Panes that are hidden.
    pub hidden: SortedSet<String>,
    /// The lesson that was last open.
    pub lesson: String,
    /// Whether terminals speak to screen readers.
    pub screen_reader: bool,
    /// Whether the map shows what belongs to the cluster itself.
    pub system: bool,
    /// Files that were open in the editor.
    pub files: Vec<String>,
}
