//! What is open in the editor, and what of it the session doesn't have yet.

use std::rc::Rc;

use crate::bridge::Problem;

/// An open file.
#[derive(Debug, Clone, PartialEq)]
pub struct Buffer {
    /// Its path.
    pub path: String,
    /// Its text as it is edited.
    pub text: Rc<str>,
    /// Grows when the text is changed by anyone but the editor itself.
    pub version: u64,
    /// Whether the session has another text.
    pub dirty: bool,
    /// Whether a program waits for the edit to end.
    pub awaited: bool,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// The open files, in the order of their tabs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Files {
    open: Vec<Buffer>,
    shown: Option<String>,
}

impl Files {
    /// The open files.
    pub fn open(&self) -> &[Buffer] {
        &self.open
    }

    /// The file that is shown.
    pub fn shown(&self) -> Option<&Buffer> {
        let shown = self.shown.as_deref()?;
        self.open.iter().find(|buffer| buffer.path == shown)
    }

    /// The open file of that path.
    pub fn get(&self, path: &str) -> Option<&Buffer> {
        self.open.iter().find(|buffer| buffer.path == path)
    }

    fn get_mut(&mut self, path: &str) -> Option<&mut Buffer> {
        self.open.iter_mut().find(|buffer| buffer.path == path)
    }

    /// Shows an open file.
    pub fn show(&mut self, path: &str) {
        if self.get(path).is_some() {
            self.shown = Some(path.to_owned());
        }
    }

    /// Opens a file with a text, or gives an open one that text.
    pub fn put(&mut self, path: &str, text: &str, dirty: bool) {
        match self.get_mut(path) {
            Some(buffer) => {
                buffer.version += u64::from(*buffer.text != *text);
                buffer.text = text.into();
                buffer.dirty = dirty;
            }
            None => self.open.push(Buffer {
                path: path.to_owned(),
                text: text.into(),
                version: 1,
                dirty,
                awaited: false,
                problems: Vec::new(),
            }),
        }
    }

    /// Says that a program waits for the edit of an open file.
    pub fn await_edit(&mut self, path: &str, awaited: bool) {
        if let Some(buffer) = self.get_mut(path) {
            buffer.awaited = awaited;
        }
    }

    /// Takes what the learner typed; answers whether it's something new.
    pub fn edit(&mut self, path: &str, text: &str) -> bool {
        let Some(buffer) = self.get_mut(path) else { return false };
        let changed = *buffer.text != *text;
        if changed {
            buffer.text = text.into();
            buffer.dirty = true;
        }
        changed
    }

    /// Takes what the session has: a text that the learner is just changing stays.
    pub fn stored(&mut self, path: &str, text: &str, problems: Vec<Problem>) {
        let Some(buffer) = self.get_mut(path) else { return };
        buffer.problems = problems;
        if !buffer.dirty && *buffer.text != *text {
            buffer.text = text.into();
            buffer.version += 1;
        }
    }

    /// Closes a file; its neighbour is shown instead.
    pub fn close(&mut self, path: &str) {
        let Some(at) = self.open.iter().position(|buffer| buffer.path == path) else { return };
        self.open.remove(at);
        if self.shown.as_deref() == Some(path) {
            self.shown = self.open.get(at).or(self.open.last()).map(|buffer| buffer.path.clone());
        }
    }

    /// Gives an open file another name.
    pub fn rename(&mut self, from: &str, to: &str) {
        if let Some(buffer) = self.get_mut(from) {
            buffer.path = to.to_owned();
        }
        if self.shown.as_deref() == Some(from) {
            self.shown = Some(to.to_owned());
        }
    }

    /// What is to be written: path and text of the files that the session doesn't have like this.
    pub fn take_dirty(&mut self) -> Vec<(String, String)> {
        let dirty = self.open.iter_mut().filter(|buffer| buffer.dirty);
        dirty
            .map(|buffer| {
                buffer.dirty = false;
                (buffer.path.clone(), buffer.text.to_string())
            })
            .collect()
    }
}

/// A path as a new file may have it: relative to the home folder, without the odd blank.
pub fn tidy(path: &str) -> Option<String> {
    let path = path.trim().trim_start_matches("~/").trim_start_matches("./");
    let fine = !path.is_empty() && !path.ends_with('/') && !path.split('/').any(|part| part == ".." || part.is_empty());
    fine.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_written_once() {
        let mut files = Files::default();
        files.put("pod.yaml", "a", true);
        files.show("pod.yaml");
        assert_eq!(files.take_dirty(), [("pod.yaml".to_owned(), "a".to_owned())]);
        assert!(files.take_dirty().is_empty());
        assert!(!files.edit("pod.yaml", "a"));
        assert!(files.edit("pod.yaml", "b"));
        assert_eq!(files.take_dirty(), [("pod.yaml".to_owned(), "b".to_owned())]);
    }

    #[test]
    fn what_the_learner_types_is_not_overwritten() {
        let mut files = Files::default();
        files.put("pod.yaml", "a", false);
        files.stored("pod.yaml", "from the shell", Vec::new());
        assert_eq!(&*files.open()[0].text, "from the shell");
        let version = files.open()[0].version;
        files.edit("pod.yaml", "mine");
        files.stored("pod.yaml", "late", Vec::new());
        assert_eq!(&*files.open()[0].text, "mine");
        assert_eq!(files.open()[0].version, version, "the editor knows its own text");
    }

    #[test]
    fn closing_shows_the_neighbour() {
        let mut files = Files::default();
        for path in ["a", "b", "c"] {
            files.put(path, "", false);
        }
        files.show("b");
        files.close("b");
        assert_eq!(files.shown().map(|buffer| buffer.path.as_str()), Some("c"));
        files.rename("c", "d");
        files.close("d");
        assert_eq!(files.shown().map(|buffer| buffer.path.as_str()), Some("a"));
        files.close("a");
        assert_eq!(files.shown(), None);
    }

    #[test]
    fn paths_are_tidied() {
        let cases = [
            (" pod.yaml ", Some("pod.yaml")),
            ("~/k8s/pod.yaml", Some("k8s/pod.yaml")),
            ("./a", Some("a")),
            ("", None),
            ("../x", None),
            ("k8s/", None),
            ("/etc/passwd", None),
        ];
        for (path, expected) in cases {
            assert_eq!(tidy(path).as_deref(), expected, "{path}");
        }
    }
}
