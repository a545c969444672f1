//! What the page knows of files and map, so that it's told only what is new.

use drydock_sorted::SortedMap;

use drydock_session::story::{Entry, Filter};
use drydock_session::{Session, View};

use crate::bridge::{Change, FileEntry, Problem, ToPage, Written, difference};

/// A file that is longer than this is not opened in the editor.
const FILE_BYTES_MAX: usize = 1 << 20;

/// As much of the story is told at once.
pub const STORY_MAX: usize = 300;

fn written(entry: Entry) -> Written {
    Written {
        revision: entry.revision,
        cause: entry.cause,
        at: entry.at.rfc3339_micros(),
        object: entry.object(),
        namespace: entry.key.namespace.to_string(),
        actor: entry.actor,
        verb: entry.verb.to_owned(),
        fields: entry.fields,
    }
}

/// What the page knows.
#[derive(Debug, Default)]
pub struct Shown {
    files_revision: Option<u64>,
    listing: Vec<FileEntry>,
    /// Open files, with the text that the page was told last.
    open: SortedMap<String, Option<String>>,
    /// Whether the map is on show.
    pub map: bool,
    view: Option<View>,
    revision: u64,
    /// Whether the story is on show, and up to which revision it was told.
    pub story: bool,
    told: Option<u64>,
    /// The session's revision when the story was told.
    story_at: u64,
}

impl Shown {
    /// Forgets everything but which files are open and whether the map is shown: another session begins.
    pub fn anew(&mut self) {
        let open = std::mem::take(&mut self.open).into_keys().map(|path| (path, None)).collect();
        *self = Shown { open, map: self.map, story: self.story, ..Shown::default() };
    }

    /// Follows a file from now on, and answers its text.
    pub fn open(&mut self, session: &Session, path: String) -> ToPage {
        let text = text(session, &path);
        self.open.insert(path.clone(), text.clone());
        file(path, text)
    }

    /// Follows a file no longer.
    pub fn close(&mut self, path: &str) {
        self.open.remove(path);
    }

    /// The page has written a file: it knows that text.
    pub fn wrote(&mut self, path: &str, text: &str) {
        if let Some(known) = self.open.get_mut(path) {
            *known = Some(text.to_owned());
        }
    }

    /// What is new of the files.
    pub fn files(&mut self, session: &Session, tell: &mut Vec<ToPage>) {
        let revision = session.files_revision();
        if self.files_revision == Some(revision) {
            return;
        }
        self.files_revision = Some(revision);
        let listing: Vec<FileEntry> = session
            .files()
            .into_iter()
            .filter(|entry| !entry.folder)
            .map(|entry| FileEntry { path: entry.path, size: entry.size })
            .collect();
        if listing != self.listing {
            self.listing.clone_from(&listing);
            tell.push(ToPage::Files(listing));
        }
        for (path, known) in &mut self.open {
            let now = text(session, path);
            if now != *known {
                known.clone_from(&now);
                tell.push(file(path.clone(), now));
            }
        }
    }

    /// Whether the cluster changed since the map was last told.
    pub fn map_is_stale(&self, session: &Session) -> bool {
        self.map && (self.view.is_none() || self.revision != session.revision())
    }

    /// What is new on the map. Answers whether anything that it shows has changed.
    pub fn view(&mut self, session: &mut Session, tell: &mut Vec<ToPage>) -> bool {
        let view = session.view();
        self.revision = session.revision();
        let change = match &self.view {
            Some(known) => difference(known, &view),
            None => Change { anew: true, ..difference(&View::default(), &view) },
        };
        self.view = Some(view);
        let news = !change.is_empty();
        if news {
            tell.push(ToPage::Map(Box::new(change)));
        }
        news
    }

    /// Whether the cluster changed since the story was last told.
    pub fn story_is_stale(&self, session: &Session) -> bool {
        self.story && (self.told.is_none() || self.story_at != session.revision())
    }

    /// What is new in the story.
    pub fn tell_story(&mut self, session: &Session, tell: &mut Vec<ToPage>) {
        self.story_at = session.revision();
        let filter = Filter { since: session.options().start, revision: self.told.unwrap_or(0), ..Filter::default() };
        let mut story = session.story(&filter);
        story.drain(..story.len().saturating_sub(STORY_MAX));
        let anew = self.told.is_none();
        self.told = Some(story.last().map_or(filter.revision, |entry| entry.revision));
        if anew || !story.is_empty() {
            tell.push(ToPage::Story { anew, written: story.into_iter().map(written).collect() });
        }
    }

    /// Shows the story, or no longer.
    pub fn show_story(&mut self, shown: bool) {
        (self.story, self.told) = (shown, None);
    }

    /// Whether anything on the map is on its way somewhere.
    pub fn unsettled(&self) -> bool {
        use drydock_session::PodPhase::{Pending, Running, Starting, Terminating};
        self.view.as_ref().is_some_and(|view| {
            view.pods.iter().any(|pod| matches!(pod.phase, Pending | Starting | Running | Terminating))
                || view.deployments.iter().any(|d| d.ready != d.replicas || d.updated != d.replicas)
        })
    }
}

fn text(session: &Session, path: &str) -> Option<String> {
    let bytes = session.read_file(path).ok().filter(|bytes| bytes.len() <= FILE_BYTES_MAX)?;
    String::from_utf8(bytes).ok()
}

fn file(path: String, text: Option<String>) -> ToPage {
    let problems = text.as_deref().map(|text| problems(&path, text)).unwrap_or_default();
    ToPage::File { path, text, problems }
}

/// What is wrong with a manifest, as kubectl would say it.
pub fn problems(path: &str, text: &str) -> Vec<Problem> {
    let is_manifest = path.ends_with(".yaml") || path.ends_with(".yml");
    let Some(error) = is_manifest.then(|| drydock_yaml::parse(text).err()).flatten() else { return Vec::new() };
    let message = error.to_string();
    let line = message
        .split_once("line ")
        .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
        .unwrap_or(1);
    let message = message.trim_start_matches("error converting YAML to JSON: ").to_owned();
    vec![Problem { line, message }]
}

#[cfg(test)]
mod tests {
    use super::problems;

    #[test]
    fn broken_manifests_are_marked() {
        assert!(problems("pod.yaml", "kind: Pod\n").is_empty());
        assert!(problems("notes.txt", "a: b: c\n").is_empty());
        let found = problems("pod.yaml", "kind: Pod\nmetadata:\n\tname: x\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].line, 3, "{found:?}");
    }
}
