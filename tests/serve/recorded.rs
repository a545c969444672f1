//! The recorded sessions, typed in a real shell by kubectl over HTTP: ours and the real one print what was recorded.
//!
//! `known-gaps.txt` names what does not yet: client, session, number of the command. Its fourth word `timing` marks what
//! comes out this way or that, as the cluster's clock goes on while a real shell is typing. What differs inside the
//! simulator too (tests/fidelity/known-gaps.txt) may differ here.

use std::fmt::Write as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use drydock_cluster::{Config, NodeConfig, store};
use drydock_value::{Value, parse_json};

use crate::mask;

/// How much faster than the wall clock the cluster goes, and sleep is over: a session that does not come out as recorded
/// is typed again, slower, as then less happens between two commands.
const SPEEDS: [f64; 3] = [10.0, 3.0, 1.0];
/// So many commands may come out otherwise though nobody expects it: the wall clock and a busy machine have a part in
/// what happens here. They are printed.
const STRAYS: usize = 3;
/// The token by which the kubeconfig's user is known.
const TOKEN: &str = "recorded";
/// How long a session may take.
const PATIENCE: Duration = Duration::from_secs(240);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests")
}

fn read(path: &Path) -> String {
    std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn lines(path: &str) -> Vec<String> {
    read(&folder().join(path)).lines().map(str::to_owned).collect()
}

/// One command's outcome in comparable lines.
fn comparable(stdout: &str, stderr: &str, code: &str) -> Vec<String> {
    let mut out = mask::lines(stdout);
    out.push("--".into());
    out.extend(mask::lines(stderr));
    out.push(format!("code {}", code.trim()));
    out
}

/// A shell script that runs every command in a shell of its own, each with its output and code in files of its own.
fn script(folder: &Path, commands: &[Value], speed: f64) -> String {
    let mut out = format!("sleep() {{ command sleep $(awk \"BEGIN {{ print ${{1%s}} / {speed} }}\"); }}\n");
    for (number, command) in commands.iter().enumerate() {
        let file = folder.join(number.to_string());
        std::fs::write(&file, command["cmd"].str()).expect("to write");
        let file = file.display();
        let _ = writeln!(out, "(eval \"$(cat {file})\") > {file}.out 2> {file}.err\necho $? > {file}.code");
    }
    out
}

/// Types a session on a new cluster; the numbers of the commands that came out otherwise, with how.
fn play(client: &str, kubectl: &Path, session: &str, commands: &[Value], speed: f64) -> Vec<(usize, String)> {
    let folder = std::env::temp_dir().join(format!("drydock-typed-{client}-{session}-{}", std::process::id()));
    for part in ["home/.kube", "work", "bin"] {
        std::fs::create_dir_all(folder.join(part)).expect("a folder");
    }
    std::os::unix::fs::symlink(kubectl, folder.join("bin/kubectl")).expect("a link");
    let server = crate::start(|options| {
        options.speed = speed;
        // Over plain HTTP clients send no tokens.
        options.tls = true;
        options.cluster = Config { nodes: NodeConfig::minikube(2), ..Config::default() };
        options.cluster.server.tokens.push((TOKEN.into(), store::User::admin()));
    });
    let config = drydock_serve::kubeconfig::text(&server, Some(TOKEN), None).replace("\"drydock\"", "\"minikube\"");
    std::fs::write(folder.join("home/.kube/config"), config).expect("a kubeconfig");
    std::fs::write(folder.join("script"), script(&folder, commands, speed)).expect("to write");

    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("bash");
    shell.arg(folder.join("script")).current_dir(folder.join("work")).process_group(0);
    shell.env("HOME", folder.join("home")).env_remove("KUBECONFIG").env("PATH", path);
    shell.env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut shell = shell.spawn().expect("a shell");
    let start = Instant::now();
    while start.elapsed() < PATIENCE && shell.try_wait().expect("its state").is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    // What it left behind in the background goes with it.
    let group = rustix::process::Pid::from_child(&shell);
    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    let _ = shell.wait();

    let mut differing = Vec::new();
    for (number, want) in commands.iter().enumerate() {
        let part = |end: &str| read(&folder.join(format!("{number}.{end}")));
        let wanted = comparable(want["stdout"].str(), want["stderr"].str(), &want["code"].int().to_string());
        let got = comparable(&part("out"), &part("err"), &part("code"));
        if wanted != got {
            let how =
                format!("$ {}\n-- recorded\n{}\n-- got\n{}", want["cmd"].str(), wanted.join("\n"), got.join("\n"));
            differing.push((number + 1, how));
        }
    }
    drop(server);
    let _ = std::fs::remove_dir_all(&folder);
    differing
}

/// Types every session, and holds what differs against the list.
fn judge(client: &str, kubectl: &Path) {
    let gaps = lines("serve/known-gaps.txt");
    let elsewhere = lines("fidelity/known-gaps.txt");
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder().join("fidelity/expected"))
        .expect("the recordings are there")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    names.sort();
    let (mut wrong, mut mended, mut found, mut total, mut same) = (Vec::new(), Vec::new(), Vec::new(), 0, 0);
    for path in names {
        let session = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let commands: Vec<Value> = read(&path).lines().map(|line| parse_json(line).expect("a recording")).collect();
        let listed = |number: usize, mark: &str| gaps.contains(&format!("{client} {session} {number}{mark}"));
        let may = |number| listed(number, " timing") || elsewhere.contains(&format!("{session} {number}"));
        let mut differing = Vec::new();
        for (attempt, speed) in SPEEDS.into_iter().enumerate() {
            let now = play(client, kubectl, &session, &commands, speed);
            differing = match attempt {
                0 => now,
                // Whatever came out as recorded once is right.
                _ => now.into_iter().filter(|(n, _)| differing.iter().any(|(known, _)| known == n)).collect(),
            };
            if differing.iter().all(|(number, _)| may(*number) || listed(*number, "")) {
                break;
            }
        }
        total += commands.len();
        same += commands.len() - differing.len();
        for (number, how) in &differing {
            found.push(format!("{client} {session} {number}"));
            if !may(*number) && !listed(*number, "") {
                wrong.push(format!("{client} {session} {number}\n{how}\n"));
            }
        }
        mended.extend((1..=commands.len()).filter_map(|number| {
            let passes = !differing.iter().any(|(known, _)| *known == number);
            (listed(number, "") && passes).then(|| format!("{client} {session} {number}"))
        }));
    }
    println!("{client}: {same} of {total} commands identical\n{}", found.join("\n"));
    let strays = wrong.join("\n");
    println!("{strays}");
    assert!(wrong.len() <= STRAYS, "{} commands do not come out as recorded:\n{strays}", wrong.len());
    assert!(mended.is_empty(), "as recorded now; take them off tests/serve/known-gaps.txt: {mended:#?}");
}

#[test]
fn ours() {
    // Called through a link named kubectl, the command is kubectl.
    judge("ours", Path::new(env!("CARGO_BIN_EXE_drydock")));
}

#[test]
fn the_real_one() {
    match std::env::var_os("KUBECTL") {
        Some(program) => judge("real", Path::new(&program)),
        None => println!("skipped: the variable KUBECTL names no kubectl"),
    }
}
