//! kubectl, ours and the real one: the same commands with the same outcome.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::start;

/// A kubectl with a folder and a kubeconfig of its own.
pub struct Kubectl {
    program: PathBuf,
    words: Vec<String>,
    folder: PathBuf,
}

/// What a command came to: its code, and both outputs in one.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub text: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        let text = [output.stdout, output.stderr].concat();
        Ran { code: output.status.code().unwrap_or(-1), text: String::from_utf8_lossy(&text).into_owned() }
    }
}

impl Kubectl {
    /// In a new folder, with a kubeconfig that leads to the server.
    pub fn new(folder: &Path, program: &Path, words: &[&str], server: &drydock_serve::Server) -> Kubectl {
        std::fs::create_dir_all(folder).expect("a folder");
        std::fs::write(folder.join("config"), drydock_serve::kubeconfig::text(server, None, None))
            .expect("a kubeconfig");
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Kubectl { program: program.to_owned(), words, folder: folder.to_owned() }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.words).args(line.split(' ')).current_dir(&self.folder);
        command.env("KUBECONFIG", self.folder.join("config")).env("HOME", &self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn run(&self, line: &str) -> Ran {
        self.command(line).output().expect("kubectl runs").into()
    }

    fn good(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "kubectl {line}: {}", ran.text);
        ran.text
    }

    fn with_input(&self, line: &str, input: &str) -> Ran {
        let mut child = self.command(line).stdin(Stdio::piped()).spawn().expect("kubectl runs");
        child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("to write");
        child.wait_with_output().expect("kubectl ends").into()
    }
}

/// A line that a child prints with what stands in it after a word, while the child goes on.
fn wait_for(from: &mut impl Read, word: &str) -> String {
    let mut seen = String::new();
    let mut byte = [0];
    while from.read(&mut byte).expect("to read") == 1 {
        seen.push(char::from(byte[0]));
        if seen.ends_with('\n')
            && let Some((_, rest)) = seen.split_once(word)
        {
            return rest.trim_end().to_owned();
        }
    }
    panic!("{word:?} was not printed: {seen}");
}

fn session(name: &str, program: &Path, words: &[&str]) {
    let folder = std::env::temp_dir().join(format!("drydock-{name}-{}", std::process::id()));
    let server = start(|_| {});
    let kubectl = Kubectl::new(&folder, program, words, &server);

    assert!(kubectl.good("get nodes").contains("Ready"));
    assert_eq!(kubectl.good("create deployment web --image=nginx:1.27"), "deployment.apps/web created\n");
    kubectl.good("wait --for=condition=Available deployment/web --timeout=60s");
    let pod = kubectl.good("get pods -l app=web -o name");
    let pod = pod.trim();
    assert!(kubectl.good(&format!("logs {pod}")).contains("start worker process"));
    assert_eq!(kubectl.good(&format!("exec {pod} -- echo hello")), "hello\n");
    let failed = kubectl.run(&format!("exec {pod} -- ls /absent"));
    assert_eq!(failed.code, 2, "{failed:?}");
    assert!(failed.text.contains("command terminated with exit code 2"), "{failed:?}");
    let counted = kubectl.with_input(&format!("exec -i {pod} -- wc -l"), "one\ntwo\n");
    assert_eq!((counted.code, counted.text.trim()), (0, "2"), "{counted:?}");
    let absent = kubectl.run("exec web-absent -- true");
    assert_eq!(
        (absent.code, absent.text.as_str()),
        (1, "Error from server (NotFound): pods \"web-absent\" not found\n")
    );

    // Ports lead there and back.
    let mut forward = kubectl.command(&format!("port-forward {pod} :80")).spawn().expect("kubectl runs");
    let mut out = forward.stdout.take().expect("its output");
    let port = wait_for(&mut out, "Forwarding from 127.0.0.1:");
    let port: u16 = port.split(' ').next().and_then(|port| port.parse().ok()).expect("a port");
    for _ in 0..2 {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream.write_all(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n").expect("to write");
        let mut page = String::new();
        stream.read_to_string(&mut page).expect("to read");
        assert!(page.contains("Welcome to nginx!"), "{page}");
    }
    forward.kill().expect("to end it");
    forward.wait().expect("its end");

    // Logs that are followed come as they are written.
    let mut logs = kubectl.command(&format!("logs -f {pod} --since=1s")).spawn().expect("kubectl runs");
    kubectl.good(&format!("exec {pod} -- curl -s -o /dev/null localhost"));
    wait_for(logs.stdout.as_mut().expect("its output"), "\"GET / HTTP/1.1\" 200");
    logs.kill().expect("to end it");
    logs.wait().expect("its end");

    // A watch hears of what happens.
    let mut watch = kubectl.command("get configmaps --watch-only -o name").spawn().expect("kubectl runs");
    std::thread::sleep(Duration::from_millis(500));
    kubectl.good("create configmap told --from-literal=a=b");
    wait_for(watch.stdout.as_mut().expect("its output"), "configmap/told");
    watch.kill().expect("to end it");
    watch.wait().expect("its end");

    assert_eq!(kubectl.good("delete deployment web"), "deployment.apps \"web\" deleted from default namespace\n");
    drop(server);
    let refused = kubectl.run("get nodes");
    assert!(
        refused.code == 1 && refused.text.contains("was refused - did you specify the right host or port?"),
        "{refused:?}"
    );
    std::fs::remove_dir_all(&folder).expect("the folder is there");
}

#[test]
fn ours() {
    session("ours", Path::new(env!("CARGO_BIN_EXE_drydock")), &["kubectl"]);
}

#[test]
fn the_real_one() {
    match std::env::var_os("KUBECTL") {
        Some(program) => session("real", Path::new(&program), &[]),
        None => println!("skipped: the variable KUBECTL names no kubectl"),
    }
}
