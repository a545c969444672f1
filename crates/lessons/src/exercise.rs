//! `exercise` blocks: YAML to [`Exercise`].

use drydock_value::Value;

use crate::markdown::inline_html;
use crate::model::{Check, Exercise, Problem, Task};

const EXERCISE_FIELDS: &[&str] = &["id", "title", "setup", "tasks"];
const TASK_FIELDS: &[&str] = &["title", "verify", "command", "hints", "solution"];

/// Reads an `exercise` block that begins at `line`. What is wrong with it goes to `problems`; what can be shown is.
pub(crate) fn parse(source: &str, line: usize, intro_html: &str, problems: &mut Vec<Problem>) -> Exercise {
    let mut complain = |message: String| problems.push(Problem { line, message });
    let data = match drydock_yaml::parse(source) {
        Ok(documents) => documents.into_iter().next().unwrap_or_default(),
        Err(error) => {
            complain(format!("the exercise is not YAML: {error}"));
            Value::Null
        }
    };
    for (field, _) in data.entries().filter(|(field, _)| !EXERCISE_FIELDS.contains(field)) {
        complain(format!("an exercise has no field \"{field}\"; it has {}", EXERCISE_FIELDS.join(", ")));
    }
    if data["id"].str().is_empty() {
        complain("an exercise needs an id, under which progress is kept".into());
    }
    if data["tasks"].items().is_empty() {
        complain("an exercise needs tasks".into());
    }
    let tasks =
        data["tasks"].items().iter().enumerate().map(|(i, task)| read_task(i + 1, task, &mut complain)).collect();
    Exercise {
        id: data["id"].str().to_owned(),
        title: data["title"].str().to_owned(),
        html: intro_html.to_owned(),
        setup: data["setup"].str().to_owned(),
        tasks,
    }
}

fn read_task(number: usize, task: &Value, complain: &mut impl FnMut(String)) -> Task {
    for (field, _) in task.entries().filter(|(field, _)| !TASK_FIELDS.contains(field)) {
        complain(format!("task {number} has no field \"{field}\"; it has {}", TASK_FIELDS.join(", ")));
    }
    if task["title"].str().is_empty() {
        complain(format!("task {number} needs a title"));
    }
    let (verify, command) = (task["verify"].str(), task["command"].str());
    let check = match (verify.is_empty(), command.is_empty()) {
        (false, _) => Check::Script(verify.to_owned()),
        (true, false) => Check::Command(command.to_owned()),
        (true, true) => {
            complain(format!("task {number} needs a verify script, or a command to be typed"));
            Check::ByHand
        }
    };
    if task["solution"].str().is_empty() {
        complain(format!("task {number} needs a solution: without one it cannot be proved"));
    }
    Task {
        html: inline_html(task["title"].str()),
        check,
        hints: task["hints"].items().iter().map(|hint| inline_html(hint.str())).collect(),
        solution: task["solution"].str().to_owned(),
    }
}
