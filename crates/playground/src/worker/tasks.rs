//! The exercise that is being worked on: which of its tasks are to be looked at, and which are found solved.

use drydock_sorted::SortedSet;

use drydock_lessons::{Check, Exercise, Lesson, matches_command};

/// The lesson, and the exercise of it.
#[derive(Debug, Default)]
pub struct Tasks {
    exercises: Vec<Exercise>,
    at: usize,
    /// Nothing is looked at until an exercise is begun.
    begun: bool,
    solved: SortedSet<usize>,
    /// Exercises whose setup has run.
    set_up: SortedSet<usize>,
}

impl Tasks {
    /// Another lesson; none of its exercises is begun.
    pub fn lesson(&mut self, lesson: &Lesson) {
        *self = Tasks { exercises: lesson.exercises.clone(), ..Tasks::default() };
    }

    /// Begins an exercise, of which some tasks are solved; answers the script that prepares it, the first time.
    pub fn begin(&mut self, at: usize, solved: Vec<usize>) -> Option<String> {
        (self.at, self.begun, self.solved) = (at, true, solved.into_iter().collect());
        let setup = &self.exercises.get(at)?.setup;
        let first = self.set_up.insert(at);
        (first && self.solved.is_empty() && !setup.trim().is_empty()).then(|| setup.clone())
    }

    /// The exercise's place in the lesson.
    pub fn exercise(&self) -> usize {
        self.at
    }

    /// A task is solved, and stays so.
    pub fn solve(&mut self, task: usize) {
        self.solved.insert(task);
    }

    /// The task whose script is to be run, and the script. Scripts are looked at in order: what the third step asks for
    /// (that the pod is gone, say) is often true before the first.
    pub fn next_script(&self) -> Option<(usize, &str)> {
        self.open().find_map(|(at, check)| match check {
            Check::Script(script) => Some((at, script.as_str())),
            _ => None,
        })
    }

    /// The open task that a command solves; of several the first, so that running something once counts once.
    pub fn solved_by(&self, command: &str) -> Option<usize> {
        self.open().find_map(|(at, check)| match check {
            Check::Command(wanted) if matches_command(wanted, command) => Some(at),
            _ => None,
        })
    }

    fn open(&self) -> impl Iterator<Item = (usize, &Check)> {
        let exercise = self.exercises.get(self.at).filter(|_| self.begun);
        let tasks = exercise.into_iter().flat_map(|exercise| exercise.tasks.iter().map(|task| &task.check).enumerate());
        tasks.filter(|(at, _)| !self.solved.contains(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_lessons::Task;

    fn tasks(checks: Vec<Check>) -> Tasks {
        let task = |check| Task { html: String::new(), check, hints: vec![], solution: String::new() };
        let exercise = Exercise { tasks: checks.into_iter().map(task).collect(), ..Exercise::default() };
        let mut tasks = Tasks::default();
        tasks.lesson(&Lesson { exercises: vec![exercise], ..Lesson::default() });
        tasks
    }

    #[test]
    fn scripts_are_looked_at_in_order() {
        let mut tasks = tasks(vec![Check::Script("one".into()), Check::ByHand, Check::Script("two".into())]);
        assert_eq!(tasks.next_script(), None, "not begun");
        tasks.begin(0, vec![]);
        assert_eq!(tasks.next_script(), Some((0, "one")));
        tasks.solve(0);
        assert_eq!(tasks.next_script(), Some((2, "two")));
        tasks.begin(0, vec![0, 2]);
        assert_eq!(tasks.next_script(), None);
    }

    #[test]
    fn commands_count_in_any_order_and_once() {
        let get = || Check::Command("kubectl get pods".into());
        let mut tasks = tasks(vec![Check::Command("kubectl get nodes".into()), get(), get()]);
        tasks.begin(0, vec![]);
        assert_eq!(tasks.solved_by("kubectl get pods -A"), Some(1));
        tasks.solve(1);
        assert_eq!(tasks.solved_by("kubectl get pods"), Some(2));
        assert_eq!(tasks.solved_by("kubectl describe pods"), None);
    }
}
