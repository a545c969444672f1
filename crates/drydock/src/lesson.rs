//! `drydock lesson check`: every exercise is proved by playing its solutions.

use std::path::{Path, PathBuf};

use drydock_lessons::{Block, Check, Exercise, Lesson};
use drydock_session::{Options, Profile, Session};

pub const EXAMPLES: &str = "\
Examples:
  drydock lesson check lessons
  drydock lesson check lessons/02-pods/index.md

For each task in order: before its solution is run its check must fail, after it the check must succeed (within 30
seconds of the cluster's time). Exercises of a lesson follow each other on one cluster, as a learner would do them.";

/// Seconds of simulated time that a task may take to become true after its solution.
const PATIENCE_SECONDS: u32 = 30;

/// Proves every lesson at a path and prints what was found.
///
/// # Errors
/// How many problems there are.
pub fn check(path: &Path) -> Result<(), String> {
    let files = lesson_files(path)?;
    let (mut proved, mut problems) = (0, 0);
    for file in &files {
        let source = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        let (lesson, complaints) = drydock_lessons::lint(&source);
        for problem in complaints {
            println!("{}:{}: {}", file.display(), problem.line, problem.message);
            problems += 1;
        }
        match prove(&lesson) {
            Ok(tasks) => {
                println!("{}: {} exercises, {tasks} tasks proved", file.display(), lesson.exercises.len());
                proved += tasks;
            }
            Err(found) => {
                for problem in found {
                    println!("{}: {problem}", file.display());
                    problems += 1;
                }
            }
        }
    }
    println!("{proved} tasks proved in {} lessons, {problems} problems", files.len());
    if problems == 0 { Ok(()) } else { Err(format!("{problems} problems")) }
}

/// The Markdown files of lessons: a file itself, a folder's `index.md`, or those of the folders in it.
fn lesson_files(path: &Path) -> Result<Vec<PathBuf>, String> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    if path.join("index.md").is_file() {
        return Ok(vec![path.join("index.md")]);
    }
    let entries = std::fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path().join("index.md")).filter(|file| file.is_file()).collect();
    files.sort();
    if files.is_empty() { Err(format!("{}: no lesson here (an index.md)", path.display())) } else { Ok(files) }
}

/// Plays the solutions of a lesson. The number of tasks that were proved, or what went wrong.
fn prove(lesson: &Lesson) -> Result<usize, Vec<String>> {
    let profile = Profile::named(&lesson.profile).unwrap_or_default();
    let mut session = Session::new(Options { profile, ..Options::default() });
    let (mut proved, mut problems) = (0, Vec::new());
    for exercise in lesson.blocks.iter().filter_map(|block| match block {
        Block::Exercise(index) => lesson.exercises.get(*index),
        _ => None,
    }) {
        match prove_exercise(exercise, &mut session) {
            Ok(tasks) => proved += tasks,
            Err(problem) => problems.push(format!("exercise {}: {problem}", exercise.id)),
        }
    }
    if problems.is_empty() { Ok(proved) } else { Err(problems) }
}

fn prove_exercise(exercise: &Exercise, session: &mut Session) -> Result<usize, String> {
    if !exercise.setup.is_empty() {
        let output = session.run(&exercise.setup);
        if output.code != 0 {
            return Err(format!("its setup failed with code {}: {}", output.code, output.stderr));
        }
    }
    let mut proved = 0;
    for (number, task) in (1..).zip(&exercise.tasks) {
        let Check::Script(verify) = &task.check else { continue };
        if session.check(verify).code == 0 {
            return Err(format!("task {number} is solved before its solution was run"));
        }
        let solution = session.run(&task.solution);
        if solution.code != 0 {
            return Err(format!("task {number}: its solution failed with code {}: {}", solution.code, solution.stderr));
        }
        if !becomes_true(verify, session) {
            let output = session.check(verify);
            return Err(format!("task {number} is not solved by its solution: {}{}", output.stdout, output.stderr));
        }
        proved += 1;
    }
    Ok(proved)
}

fn becomes_true(verify: &str, session: &mut Session) -> bool {
    (0..PATIENCE_SECONDS).any(|_| {
        let solved = session.check(verify).code == 0;
        if !solved {
            session.run("sleep 1");
        }
        solved
    })
}
