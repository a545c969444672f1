//! Markdown to blocks. The parsing and the HTML are pulldown-cmark's; this decides what stands by itself.

use drydock_value::Value;
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use crate::model::{Block, Lesson, Problem};
use crate::{checklist, exercise, filename};

const OPTIONS: Options = Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH).union(Options::ENABLE_TASKLISTS);

/// Reads a lesson. Whatever is wrong with it stands in the list; the lesson can be shown all the same.
pub fn parse(source: &str) -> (Lesson, Vec<Problem>) {
    let (front_matter, body, first_line) = split_front_matter(source);
    let mut reader = Reader { body, first_line, lesson: Lesson::default(), problems: Vec::new(), try_it: None };
    reader.front_matter(front_matter);
    reader.blocks();
    reader.finish_try_it();
    if reader.lesson.title.is_empty() {
        let title = reader.lesson.blocks.iter().find_map(|block| match block {
            Block::Heading { html, .. } => Some(html.clone()),
            _ => None,
        });
        reader.lesson.title = title.unwrap_or_else(|| "Lesson".into());
    }
    (reader.lesson, reader.problems)
}

/// Text with what HTML would read as markup escaped.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A line of Markdown as HTML, without the paragraph around it.
pub(crate) fn inline_html(markdown: &str) -> String {
    let html = render(Parser::new_ext(markdown, OPTIONS));
    let html = html.trim();
    html.strip_prefix("<p>").and_then(|h| h.strip_suffix("</p>")).unwrap_or(html).to_owned()
}

/// Events as HTML; raw HTML becomes text, and so do links that would run a script: a lesson may come from anywhere.
fn render<'a>(events: impl Iterator<Item = Event<'a>>) -> String {
    let mut out = String::new();
    let safe = events.map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: safe_url(dest_url), title, id })
        }
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Image { link_type, dest_url: safe_url(dest_url), title, id })
        }
        other => other,
    });
    html::push_html(&mut out, safe);
    out
}

fn safe_url(url: pulldown_cmark::CowStr<'_>) -> pulldown_cmark::CowStr<'_> {
    let scheme = url.split([':', '/', '?', '#']).next().unwrap_or("");
    let has_scheme = url.as_bytes().get(scheme.len()) == Some(&b':');
    if !has_scheme || ["http", "https", "mailto"].contains(&scheme.to_ascii_lowercase().as_str()) {
        url
    } else {
        "#".into()
    }
}

/// Front matter, the rest, and the line on which the rest begins.
fn split_front_matter(source: &str) -> (&str, &str, usize) {
    let Some(rest) = source.strip_prefix("---\n") else { return ("", source, 1) };
    let Some(end) = rest.find("\n---\n") else { return ("", source, 1) };
    let body = &rest[end + 5..];
    (&rest[..end], body, source[..source.len() - body.len()].lines().count() + 1)
}

/// A `Try It` that may still become the introduction of an exercise block.
struct TryIt {
    html: String,
    code_spans: Vec<String>,
}

struct Reader<'a> {
    body: &'a str,
    first_line: usize,
    lesson: Lesson,
    problems: Vec<Problem>,
    try_it: Option<TryIt>,
}

impl<'a> Reader<'a> {
    fn front_matter(&mut self, source: &str) {
        let data = match drydock_yaml::parse(source) {
            Ok(documents) => documents.into_iter().next().unwrap_or_default(),
            Err(error) => {
                self.problems.push(Problem { line: 1, message: format!("the front matter is not YAML: {error}") });
                Value::Null
            }
        };
        self.lesson.title = data["title"].str().to_owned();
        self.lesson.description = data["description"].str().to_owned();
        self.lesson.profile = data["drydock"]["profile"].str().to_owned();
    }

    /// Groups top-level elements: prose is collected until something that stands by itself comes.
    fn blocks(&mut self) {
        let body = self.body;
        let mut events = Parser::new_ext(body, OPTIONS).into_offset_iter();
        let mut prose: Vec<Event<'a>> = Vec::new();
        while let Some((event, range)) = events.next() {
            let Event::Start(tag) = event else {
                prose.push(event);
                continue;
            };
            let mut inner = Vec::new();
            let mut depth = 1;
            for (event, _) in events.by_ref() {
                match event {
                    Event::Start(_) => depth += 1,
                    Event::End(_) => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
                inner.push(event);
            }
            self.element(tag, inner, range, &mut prose);
        }
        self.flush(&mut prose);
    }

    fn element(
        &mut self,
        tag: Tag<'a>,
        inner: Vec<Event<'a>>,
        range: std::ops::Range<usize>,
        prose: &mut Vec<Event<'a>>,
    ) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush(prose);
                self.finish_try_it();
                self.heading(level, inner);
            }
            Tag::CodeBlock(kind) => {
                self.flush(prose);
                self.code(kind, &inner, range);
            }
            Tag::BlockQuote(_) if is_try_it(&inner) => {
                self.flush(prose);
                self.finish_try_it();
                let code_spans = inner.iter().filter_map(|event| match event {
                    Event::Code(code) => Some(code.to_string()),
                    _ => None,
                });
                let code_spans = code_spans.collect();
                self.try_it = Some(TryIt { html: render(inner.into_iter()), code_spans });
            }
            tag => {
                self.finish_try_it();
                let end = TagEnd::from(tag.clone());
                prose.push(Event::Start(tag));
                prose.extend(inner);
                prose.push(Event::End(end));
            }
        }
    }

    fn flush(&mut self, prose: &mut Vec<Event<'a>>) {
        let html = render(prose.drain(..));
        if !html.trim().is_empty() {
            self.lesson.blocks.push(Block::Prose { html });
        }
    }

    fn heading(&mut self, level: HeadingLevel, inner: Vec<Event<'a>>) {
        let text: String = inner
            .iter()
            .filter_map(|event| match event {
                Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                _ => None,
            })
            .collect();
        let id = self.unique_heading_id(&text);
        let html = render(inner.into_iter());
        self.lesson.blocks.push(Block::Heading { level: level as u8, id, html });
    }

    fn unique_heading_id(&self, text: &str) -> String {
        let slug: String = text
            .to_lowercase()
            .chars()
            .filter_map(|c| match c {
                c if c.is_alphanumeric() => Some(c),
                ' ' | '-' | '_' => Some('-'),
                _ => None,
            })
            .collect();
        let taken = |wanted: &str| {
            self.lesson.blocks.iter().any(|block| matches!(block, Block::Heading { id, .. } if id == wanted))
        };
        let numbered = (1..).map(|n| if n == 1 { slug.clone() } else { format!("{slug}-{n}") });
        numbered.into_iter().find(|id| !taken(id)).unwrap_or(slug)
    }

    fn code(&mut self, kind: CodeBlockKind<'a>, inner: &[Event<'a>], range: std::ops::Range<usize>) {
        let info = match &kind {
            CodeBlockKind::Fenced(info) => info.as_ref(),
            CodeBlockKind::Indented => "",
        };
        let text: String = inner
            .iter()
            .filter_map(|event| match event {
                Event::Text(text) => Some(text.as_ref()),
                _ => None,
            })
            .collect();
        let language = info.split([' ', ',', '{']).next().unwrap_or("").to_lowercase();
        match language.as_str() {
            "exercise" => self.exercise(&text, range.start),
            "mermaid" => self.lesson.blocks.push(Block::Diagram { source: text }),
            _ => {
                self.finish_try_it();
                let is_yaml = matches!(language.as_str(), "yaml" | "yml");
                let following = self.body.get(range.end..).unwrap_or("");
                let file = is_yaml.then(|| filename::suggest(info, &text, following));
                self.lesson.blocks.push(Block::Code { language, text, file });
            }
        }
    }

    fn exercise(&mut self, source: &str, at: usize) {
        let intro = self.try_it.take().map(|try_it| try_it.html).unwrap_or_default();
        let line = self.first_line + self.body[..at].matches('\n').count();
        let mut exercise = exercise::parse(source, line, &intro, &mut self.problems);
        if self.lesson.exercises.iter().any(|other| other.id == exercise.id) {
            let message = format!("two exercises have the id \"{}\"", exercise.id);
            self.problems.push(Problem { line, message });
            exercise.id = format!("{}-{}", exercise.id, self.lesson.exercises.len() + 1);
        }
        self.push_exercise(exercise);
    }

    /// A `Try It` that no exercise block followed stands by itself.
    fn finish_try_it(&mut self) {
        let Some(TryIt { html, code_spans }) = self.try_it.take() else { return };
        let heading = self.lesson.blocks.iter().rev().find_map(|block| match block {
            Block::Heading { id, .. } => Some(id.clone()),
            _ => None,
        });
        let number = self.lesson.exercises.len() + 1;
        let exercise = crate::Exercise {
            id: format!("try-it-{number}-{}", heading.unwrap_or_default()),
            title: "Try It".into(),
            tasks: checklist::tasks(&code_spans, &html),
            html,
            setup: String::new(),
        };
        self.push_exercise(exercise);
    }

    fn push_exercise(&mut self, exercise: crate::Exercise) {
        self.lesson.blocks.push(Block::Exercise(self.lesson.exercises.len()));
        self.lesson.exercises.push(exercise);
    }
}

/// Whether a quote begins with the bold words `Try It`.
fn is_try_it(inner: &[Event<'_>]) -> bool {
    let mut events = inner.iter().skip_while(|event| matches!(event, Event::Start(Tag::Paragraph)));
    matches!(events.next(), Some(Event::Start(Tag::Strong)))
        && matches!(events.next(), Some(Event::Text(text)) if text.trim().eq_ignore_ascii_case("try it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Check;

    const SMALL: &str = r#"---
title: "Pods"
description: "d"
drydock: {profile: two-nodes}
---

# Pods

Some *text*.

```yaml
kind: Pod
```

Save it as `my.yaml`.

> **Try It**: run `kubectl get pods`.

```exercise
id: first
title: First
tasks:
  - title: See `pods`
    verify: kubectl get pods
    hints: [look]
    solution: kubectl get pods
```

> **Try It**: run `kubectl get nodes` now.

End.
"#;

    #[test]
    fn reads_text_code_and_exercises_in_order() {
        let (lesson, problems) = parse(SMALL);
        assert_eq!(problems, []);
        assert_eq!((lesson.title.as_str(), lesson.profile.as_str()), ("Pods", "two-nodes"));
        let kinds: Vec<&str> = lesson
            .blocks
            .iter()
            .map(|block| match block {
                Block::Heading { .. } => "heading",
                Block::Prose { .. } => "prose",
                Block::Code { .. } => "code",
                Block::Diagram { .. } => "diagram",
                Block::Exercise(_) => "exercise",
            })
            .collect();
        assert_eq!(kinds, ["heading", "prose", "code", "prose", "exercise", "exercise", "prose"]);
        assert!(matches!(&lesson.blocks[2], Block::Code { file: Some(file), .. } if file == "my.yaml"));
        assert_eq!(lesson.exercises[0].tasks[0].html, "See <code>pods</code>");
        assert!(lesson.exercises[0].html.contains("kubectl get pods"));
        assert_eq!(lesson.exercises[1].tasks[0].check, Check::Command("kubectl get nodes".into()));
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        let (_, problems) = parse("a\n\n```exercise\ntitle: x\ntasks:\n  - verify: 'true'\n    extra: 1\n```\n");
        let messages: Vec<&str> = problems.iter().map(|p| p.message.as_str()).collect();
        assert_eq!(problems[0].line, 3);
        for part in ["needs an id", "no field \"extra\"", "needs a title", "needs a solution"] {
            assert!(messages.iter().any(|message| message.contains(part)), "{part}: {messages:?}");
        }
    }

    #[test]
    fn markup_from_anywhere_is_harmless() {
        let (lesson, _) = parse("<script>alert(1)</script>\n\n[x](javascript:alert(1)) <img onerror=x>\n");
        let html = format!("{:?}", lesson.blocks);
        assert!(!html.contains("<script") && !html.contains("javascript:") && !html.contains("<img"), "{html}");
    }
}
