//! The course: its lessons in order, and what an address in `?lesson=` or in a link means.

use serde::Deserialize;

/// A lesson of the course, as `web/contents.mjs` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Its name in addresses.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it's about.
    pub description: String,
    /// Its file, relative to the lessons' folder.
    pub file: String,
}

/// Where a lesson is fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A lesson of the course.
    Course(Entry),
    /// A Markdown file elsewhere.
    Address(String),
}

impl Source {
    /// What `wanted` names: a lesson of the course by its name, its folder or its number, else an address.
    pub fn find(course: &[Entry], wanted: &str) -> Source {
        let by_number = wanted.parse::<usize>().ok().and_then(|number| course.get(number.checked_sub(1)?));
        let by_name = course.iter().find(|entry| entry.id == wanted || folder(entry) == wanted);
        match by_name.or(by_number) {
            Some(entry) => Source::Course(entry.clone()),
            None => Source::Address(wanted.to_owned()),
        }
    }

    /// Under which name progress is kept.
    pub fn id(&self) -> &str {
        match self {
            Source::Course(entry) => &entry.id,
            Source::Address(address) => address,
        }
    }

    /// The address to fetch, relative to the page.
    pub fn address(&self) -> String {
        match self {
            Source::Course(entry) => format!("lessons/{}", entry.file),
            Source::Address(address) => address.clone(),
        }
    }
}

fn folder(entry: &Entry) -> &str {
    entry.file.split('/').next().unwrap_or_default()
}

/// The lesson that a relative link such as `../02-pods/index.md` or `pods` leads to.
pub fn linked<'a>(course: &'a [Entry], href: &str) -> Option<&'a Entry> {
    let path = href.split(['#', '?']).next().unwrap_or_default();
    if path.starts_with('/') {
        return None;
    }
    let path = path.trim_start_matches("./").trim_start_matches("../").trim_end_matches('/');
    course.iter().find(|entry| {
        path == entry.id || path == entry.file || path == folder(entry) || path == entry.file.trim_end_matches(".md")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course() -> Vec<Entry> {
        ["01-orchestration", "02-pods"]
            .map(|name| Entry {
                id: name[3..].into(),
                title: name.into(),
                description: String::new(),
                file: format!("{name}/index.md"),
            })
            .into()
    }

    #[test]
    fn finds_lessons_by_any_name() {
        let course = course();
        for name in ["pods", "02-pods", "2"] {
            assert_eq!(Source::find(&course, name).address(), "lessons/02-pods/index.md", "{name}");
        }
        for address in ["https://example.org/a.md", "../seed.md", "9"] {
            assert_eq!(Source::find(&course, address), Source::Address(address.into()));
        }
    }

    #[test]
    fn links_between_lessons_are_known() {
        let course = course();
        let cases = [
            ("../02-pods/index.md", Some("pods")),
            ("../02-pods/", Some("pods")),
            ("../02-pods/index.md#start-one", Some("pods")),
            ("pods", Some("pods")),
            ("/learn/foundations/containers/", None),
            ("../09-nothing/", None),
        ];
        for (href, expected) in cases {
            assert_eq!(linked(&course, href).map(|entry| entry.id.as_str()), expected, "{href}");
        }
    }
}
