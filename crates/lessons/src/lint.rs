//! What a lesson's author should know, beyond what parsing already says.

use crate::model::{Check, Lesson, Problem};

/// Problems of a parsed lesson: parsing's own and what its exercises lack for a learner.
pub fn lint(source: &str) -> (Lesson, Vec<Problem>) {
    let (lesson, mut problems) = crate::parse(source);
    let mut complain = |message: String| problems.push(Problem { line: 1, message });
    if lesson.description.is_empty() {
        complain("the front matter needs a description: it is shown in the list of lessons".into());
    }
    if !matches!(lesson.profile.as_str(), "" | "minikube" | "two-nodes") {
        complain(format!("there is no profile \"{}\"; there are minikube and two-nodes", lesson.profile));
    }
    for exercise in &lesson.exercises {
        for (i, task) in exercise.tasks.iter().enumerate() {
            let is_script = matches!(task.check, Check::Script(_));
            if is_script && task.hints.is_empty() {
                complain(format!("task {} of exercise {} has no hints", i + 1, exercise.id));
            }
        }
    }
    (lesson, problems)
}
