use super::*;

/// An engine with a learner's clock that goes on by a millisecond with every look.
struct Bench {
    engine: Engine,
    wall: std::cell::Cell<f64>,
    told: Vec<ToPage>,
}

impl Bench {
    fn new(saved: Option<String>) -> Bench {
        let mut bench = Bench { engine: Engine::new(), wall: std::cell::Cell::new(0.0), told: Vec::new() };
        let size = Size { cols: 80, rows: 24 };
        bench.send(ToWorker::Start(Start { saved, profile: String::new(), size, speed: Speed::Max }));
        bench.send(ToWorker::Map(true));
        bench
    }

    fn send(&mut self, message: ToWorker) {
        self.engine.receive(message, self.wall.get());
    }

    /// Runs until something was told that `wanted` accepts.
    fn until(&mut self, wanted: impl Fn(&ToPage) -> bool) {
        self.turns(|_, told| told.iter().any(&wanted));
    }

    fn turns(&mut self, done: impl Fn(&Engine, &[ToPage]) -> bool) {
        for _ in 0..20_000 {
            let wall = &self.wall;
            self.engine.slice(|| {
                wall.set(wall.get() + 1.0);
                wall.get()
            });
            let told = self.engine.take();
            for message in &told {
                if let ToPage::Output { id, text } = message {
                    self.engine.receive(ToWorker::Ack { id: *id, bytes: text.len() }, self.wall.get());
                }
            }
            let found = done(&self.engine, &told);
            self.told.extend(told);
            if found {
                return;
            }
        }
        panic!("it was never told; the terminal: {:?}", self.screen());
    }

    fn run(&mut self, command: &str) {
        self.send(ToWorker::Type { id: 0, text: format!("{command}\r") });
        let before = self.engine.ended_commands.len();
        self.turns(|engine, _| engine.ended_commands.len() > before);
    }

    fn screen(&self) -> String {
        let mut screen = String::new();
        for message in &self.told {
            match message {
                ToPage::Output { text, .. } => screen.push_str(text),
                ToPage::Redraw { text, .. } => screen.clone_from(text),
                _ => {}
            }
        }
        screen
    }

    fn save(&mut self) -> String {
        self.until(|message| matches!(message, ToPage::Save(_)));
        let saved = self.told.iter().rev().find_map(|message| match message {
            ToPage::Save(text) => Some(text.clone()),
            _ => None,
        });
        saved.unwrap()
    }
}

#[test]
fn a_command_is_answered() {
    let mut bench = Bench::new(None);
    bench.run("kubectl get nodes");
    assert!(bench.screen().contains("minikube"), "{}", bench.screen());
    assert!(matches!(bench.told.first(), Some(ToPage::Hello { .. })));
    assert!(bench.told.iter().any(|message| matches!(message, ToPage::Map(change) if change.anew)));
}

#[test]
fn a_reload_goes_on() {
    let mut bench = Bench::new(None);
    bench.run("echo one > note.txt");
    let mut later = Bench::new(Some(bench.save()));
    later.run("cat note.txt");
    let screen = later.screen();
    assert!(screen.contains("echo one > note.txt") && screen.contains("one\r\n"), "{screen}");
}

#[test]
fn what_was_saved_by_another_release_is_told() {
    let bench = Bench::new(Some("{}".into()));
    let told = bench.engine.tell;
    assert!(told.iter().any(|m| matches!(m, ToPage::Started { restored: false, trouble: Some(_), .. })));
}

#[test]
fn undo_goes_back() {
    let mut bench = Bench::new(None);
    bench.run("echo one > note.txt");
    bench.run("rm note.txt");
    bench.send(ToWorker::Undo);
    bench.until(|message| matches!(message, ToPage::Undone(Some(command)) if command == "rm note.txt"));
    bench.run("cat note.txt");
    assert!(bench.screen().ends_with("$ ") && bench.screen().contains("one\r\n"), "{}", bench.screen());
}

#[test]
fn time_goes_back_at_a_command() {
    let mut bench = Bench::new(None);
    bench.run("kubectl create configmap a");
    bench.run("clock step 1m");
    bench.run("kubectl create configmap b");
    bench.send(ToWorker::Command("clock rewind 30s".into()));
    bench.until(|message| matches!(message, ToPage::Redraw { .. }));
    bench.run("kubectl get configmaps");
    let screen = bench.screen();
    assert!(screen.contains("\na ") && !screen.contains("\nb "), "{screen}");
    bench.send(ToWorker::Command("fault node nowhere cut".into()));
    bench.until(|message| matches!(message, ToPage::Answer { good: false, text } if text.contains("no node")));
}

#[test]
fn the_story_is_told_while_it_is_on_show() {
    let mut bench = Bench::new(None);
    bench.run("kubectl create configmap before");
    bench.send(ToWorker::Story(true));
    bench.until(|message| {
        matches!(message, ToPage::Story { anew: true, written } if written.iter().any(|w| w.object == "configmap/before"))
    });
    bench.run("kubectl create deployment web --image=nginx");
    bench.until(|message| {
        let ToPage::Story { anew: false, written } = message else { return false };
        let made = written.iter().find(|w| w.verb == "create" && w.object.starts_with("replicaset/"));
        made.is_some_and(|made| made.cause > 0 && made.actor == "deployment-controller")
    });
    // Gone back, it is told from the beginning.
    bench.run("kubectl create configmap after");
    let written = |message: &ToPage| match message {
        ToPage::Story { written, .. } => written.iter().find(|w| w.object == "configmap/after").map(|w| w.at.clone()),
        _ => None,
    };
    bench.until(|message| written(message).is_some());
    let at = bench.told.iter().find_map(written).unwrap_or_default();
    bench.send(ToWorker::Rewind { at: at.clone(), command: true });
    let has = |message: &ToPage, object: &str| matches!(message, ToPage::Story { anew: true, written } if written.iter().any(|w| w.object == object));
    bench.until(|message| has(message, "deployment/web") && !has(message, "configmap/after"));
    // Entered again, it is there again; just before it was written, time stands still.
    bench.run("kubectl create configmap after");
    bench.send(ToWorker::Rewind { at, command: false });
    bench.until(|message| matches!(message, ToPage::Clock { speed: Speed::Paused, .. }));
}

#[test]
fn a_flood_stops_at_the_window_and_at_ctrl_c() {
    let mut bench = Bench::new(None);
    bench.send(ToWorker::Type { id: 0, text: "while true; do echo x; done\r".into() });
    let mut under_way = 0;
    for _ in 0..500 {
        let wall = &bench.wall;
        bench.engine.slice(|| {
            wall.set(wall.get() + 1.0);
            wall.get()
        });
        for message in bench.engine.take() {
            if let ToPage::Output { text, .. } = message {
                under_way += text.len();
            }
        }
    }
    assert!(under_way < 1 << 20, "nobody took anything in, yet {under_way} bytes came");
    bench.send(ToWorker::Ack { id: 0, bytes: under_way });
    bench.send(ToWorker::Type { id: 0, text: "\u{3}".into() });
    bench.until(|message| matches!(message, ToPage::Foreground { command: None, .. }));
}

#[test]
fn exercises_notice_what_is_done() {
    let mut bench = Bench::new(None);
    let lesson = "# L\n\n> **Try It**: Run `kubectl get pods`, then `kubectl get nodes`.\n";
    bench.send(ToWorker::Lesson(lesson.into()));
    bench.send(ToWorker::Exercise { index: 0, solved: vec![] });
    bench.send(ToWorker::Type { id: 0, text: "kubectl get nodes\r".into() });
    bench.until(|message| *message == ToPage::Solved { exercise: 0, task: 1 });
    bench.send(ToWorker::Type { id: 0, text: "kubectl get pods\r".into() });
    bench.until(|message| *message == ToPage::Solved { exercise: 0, task: 0 });
}
