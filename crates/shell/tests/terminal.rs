//! Interactive shells, typed at through a terminal.

use drydock_sorted::SortedMap;

use drydock_shell::{Flavour, Kernel, NoHost, Options, Pid, Signal, Spawn, Stdio, TtyId, Vfs, tool_names};
use drydock_value::Time;

struct Screen {
    kernel: Kernel,
    host: NoHost,
    tty: TtyId,
    shell: Pid,
    now: Time,
    shown: String,
}

impl Screen {
    fn new() -> Screen {
        let mut files = Vfs::base();
        files.install_all("/usr/bin", tool_names().chain(["sh", "bash"]));
        files.mkdir_all("/home/learner").unwrap();
        files.write("/home/learner/.bashrc", b"PS1='\\w$ '\n").unwrap();
        files.write("/home/learner/notes.txt", b"a note\n").unwrap();
        files.write("/home/learner/.bash_history", b"echo from before\n").unwrap();
        let mut kernel = Kernel::new(files, Options { flavour: Flavour::Gnu, ..Options::default() });
        let tty = kernel.open_tty(80, 24);
        let env = SortedMap::from([
            ("HOME".to_owned(), "/home/learner".to_owned()),
            ("PATH".to_owned(), "/usr/bin".to_owned()),
        ]);
        let shell = kernel.spawn(Spawn::new(["bash"]).env(env).cwd("/home/learner").tty(tty)).unwrap();
        let mut screen =
            Screen { kernel, host: NoHost::default(), tty, shell, now: Time::default(), shown: String::new() };
        screen.settle(0);
        screen
    }

    /// Runs until nothing moves, at most so many seconds ahead.
    fn settle(&mut self, seconds: u64) {
        let end = Time(self.now.0 + seconds * 1_000_000);
        for _ in 0..10_000 {
            let activity = self.kernel.run(self.now, 20_000, &mut self.host);
            let output = self.kernel.tty_output(self.tty);
            let moved = !output.is_empty();
            self.shown.push_str(&String::from_utf8_lossy(&output));
            if activity.runnable || moved {
                continue;
            }
            match activity.wake {
                Some(wake) if wake <= end => self.now = self.now.max(wake),
                _ => break,
            }
        }
        self.now = self.now.max(end);
    }

    /// Types and returns what was printed since, without escape sequences.
    fn types(&mut self, text: &str) -> String {
        self.shown.clear();
        self.kernel.tty_input(self.tty, text.as_bytes());
        self.settle(0);
        plain(&self.shown)
    }
}

fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => {
                if chars.next() == Some('[') {
                    while chars.next().is_some_and(|c| !c.is_ascii_alphabetic()) {}
                }
            }
            '\r' | '\x07' => {}
            c => out.push(c),
        }
    }
    out
}

#[test]
fn prompts_and_commands() {
    let mut screen = Screen::new();
    assert!(plain(&screen.shown).ends_with("~$ "), "{:?}", screen.shown);
    assert!(screen.types("echo hi\r").ends_with("\nhi\n~$ "));
    assert!(screen.types("cd /tmp\r").ends_with("/tmp$ "));
    assert!(screen.types("nosuch\r").contains("bash: nosuch: command not found"));
    assert!(screen.types("echo $?\r").contains("\n127\n"));
    assert!(screen.types("for i in 1 2; do\r").ends_with("> "));
    assert!(screen.types("echo $i; done\r").contains("\n1\n2\n"));
    assert!(screen.types("cat <<E\rbody\rE\r").contains("\nbody\n"));
    assert!(screen.types("if done\r").contains("syntax error near unexpected token `done'"));
    assert!(screen.types("exit 3\r").contains("exit"));
    assert_eq!(screen.kernel.status(screen.shell), Some(3));
}

#[test]
fn history_is_kept() {
    let mut screen = Screen::new();
    assert!(screen.types("\x1b[A\r").contains("\nfrom before\n"));
    screen.types("echo one\r");
    assert!(screen.types("!!\r").contains("echo one\none\n"));
    assert!(screen.types("\x12fro\r").contains("from before"));
    assert!(screen.types("history 2\r").contains("history 2"));
    let file = screen.kernel.files().read_text("/home/learner/.bash_history").unwrap();
    assert!(file.starts_with("echo from before\necho one\n"), "{file}");
}

#[test]
fn completion() {
    let mut screen = Screen::new();
    assert!(screen.types("cat no\t").contains("notes.txt "));
    assert!(screen.types("\r").contains("a note"));
    assert!(screen.types("whoa\t").contains("whoami "));
    screen.types("\x03");
    screen.types("mkdir aa ab\r");
    screen.types("ls a\t");
    assert!(screen.types("\t").contains("aa/  ab/"));
}

#[test]
fn control_keys() {
    let mut screen = Screen::new();
    assert!(screen.types("half a line\x03").ends_with("^C\n~$ "));
    assert!(screen.types("echo $?\r").contains("\n130\n"));
    // A child in the foreground.
    screen.types("sleep 1000\r");
    assert!(screen.types("\x03").ends_with("~$ "));
    assert!(screen.types("echo $?\r").contains("\n130\n"));
    // A reader gets lines, corrected, and the end of its input.
    screen.types("cat\r");
    assert!(screen.types("helpo\x7f\x7flo\r").ends_with("\nhello\n"));
    assert!(screen.types("\x04").ends_with("~$ "));
    // Ctrl-Z is harmless.
    assert!(screen.types("\x1aecho alive\r").contains("\nalive\n"));
    screen.types("\x04");
    assert_eq!(screen.kernel.status(screen.shell), Some(0));
}

#[test]
fn endless_output_stops_at_once() {
    let mut screen = Screen::new();
    for command in ["while true; do echo x; done\r", "yes\r", "while true; do sleep 1; done\r", "cat /dev/zero\r"] {
        screen.kernel.tty_input(screen.tty, command.as_bytes());
        // Nobody takes the output: the writer stops, and what is kept is bounded.
        for _ in 0..50 {
            screen.kernel.run(screen.now, 20_000, &mut screen.host);
        }
        screen.kernel.tty_input(screen.tty, b"\x03");
        screen.kernel.run(screen.now, 20_000, &mut screen.host);
        let left = screen.kernel.tty_output(screen.tty);
        assert!(left.len() < 200, "{command:?} leaves {} bytes", left.len());
        screen.settle(0);
        assert!(screen.types("echo again\r").contains("\nagain\n"), "{command:?}");
    }
}

#[test]
fn jobs_are_told_of() {
    let mut screen = Screen::new();
    assert!(screen.types("sleep 5 &\r").contains("[1] "));
    assert!(screen.types("jobs\r").contains("[1]+  Running"));
    screen.settle(6);
    assert!(screen.types("\r").contains("[1]+  Done"));
}

#[test]
fn a_clone_goes_on_alone() {
    let mut screen = Screen::new();
    screen.types("for i in 1 2 3; do sleep 1; echo tick $i; done\r");
    screen.settle(1);
    let mut other = screen.kernel.clone();
    screen.settle(5);
    assert!(plain(&screen.shown).contains("tick 3"));
    let mut host = NoHost::default();
    let mut shown = Vec::new();
    for seconds in 0..10 {
        other.run(Time(screen.now.0 + seconds * 1_000_000), 20_000, &mut host);
        shown.extend(other.tty_output(screen.tty));
    }
    assert!(String::from_utf8_lossy(&shown).contains("tick 3"));
}

#[test]
fn the_first_process_ignores_what_it_does_not_handle() {
    for (script, survives) in
        [("sleep 1000; true", true), ("trap 'echo bye; exit 0' TERM; while true; do sleep 0.2; done", false)]
    {
        let mut files = Vfs::base();
        files.install_all("/bin", tool_names().chain(["sh"]));
        let mut kernel = Kernel::new(files, Options { flavour: Flavour::Busybox, ..Options::default() });
        let out = kernel.pipe();
        let env = SortedMap::from([("PATH".to_owned(), "/bin".to_owned())]);
        let spawn = Spawn::new(["sh", "-c", script]).env(env).init().stdio(Stdio::Null, Stdio::Pipe(out), Stdio::Null);
        let pid = kernel.spawn(spawn).unwrap();
        let mut host = NoHost::default();
        kernel.run(Time(0), 10_000, &mut host);
        kernel.signal(pid, Signal::Term);
        for millis in 0..10u64 {
            kernel.run(Time(millis * 100_000), 10_000, &mut host);
        }
        assert_eq!(kernel.status(pid).is_none(), survives, "{script}");
        assert_eq!(kernel.drain(out), if survives { b"".as_slice() } else { b"bye\n" });
        kernel.signal(pid, Signal::Kill);
        assert!(kernel.status(pid).is_some());
        assert!(!kernel.has_processes(), "{script}");
    }
}
