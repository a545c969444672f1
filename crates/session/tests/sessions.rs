//! What a session promises: the same course of events for the same inputs, a way back, saving, and looking without
//! touching.

use std::time::Duration;

use drydock_session::{Event, Input, Options, Saved, Session, TerminalId};

const TERMINAL: TerminalId = TerminalId(0);

/// A session with an open terminal whose shell has shown its prompt.
fn open() -> Session {
    let mut session = Session::new(Options::default());
    session.input(Input::OpenTerminal { columns: 100, rows: 30 });
    pass(&mut session, 500);
    session
}

fn pass(session: &mut Session, milliseconds: u64) {
    let until = session.now() + Duration::from_millis(milliseconds);
    while !session.advance(until, 1 << 16).reached {}
}

fn type_line(session: &mut Session, line: &str, milliseconds: u64) {
    session.input(Input::Type(TERMINAL, format!("{line}\r").into_bytes()));
    pass(session, milliseconds);
}

/// What the terminal printed since the last time, without colours.
fn printed(session: &mut Session) -> String {
    let bytes: Vec<u8> = session
        .take_events()
        .into_iter()
        .flat_map(|event| match event {
            Event::Printed(TERMINAL, bytes) => bytes,
            _ => Vec::new(),
        })
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Everything that can be seen of a session.
fn state(session: &mut Session) -> (String, String, Vec<u8>, Vec<drydock_session::FileEntry>) {
    let view = serde_json::to_string(&session.view()).expect("a view is JSON");
    (session.digest(), view, session.scrollback(TERMINAL), session.files())
}

#[test]
fn a_command_typed_in_the_terminal_is_answered() {
    let mut session = open();
    printed(&mut session);
    type_line(&mut session, "kubectl get nodes", 1000);
    let output = printed(&mut session);
    assert!(output.contains("minikube") && output.contains("Ready"), "{output}");
}

#[test]
fn undo_goes_back_to_before_the_last_command() {
    let mut session = open();
    type_line(&mut session, "kubectl create deployment a --image=nginx", 3000);
    type_line(&mut session, "echo one > file.txt", 500);
    let before = state(&mut session);
    let depth = session.undo_depth();
    type_line(&mut session, "kubectl delete deployment a; rm file.txt", 5000);
    assert_ne!(state(&mut session), before);
    assert_eq!(session.undo_depth(), depth + 1);
    assert!(session.undo());
    assert_eq!(state(&mut session), before);
    // And it goes on from there as if nothing had been.
    type_line(&mut session, "cat file.txt", 500);
    assert!(printed(&mut session).contains("one"));
}

#[test]
fn the_same_inputs_give_the_same_log_and_a_clone_goes_on_alike() {
    let play = || {
        let mut session = open();
        type_line(&mut session, "kubectl create deployment a --image=nginx --replicas=3", 700);
        session
    };
    let (mut first, mut second) = (play(), play());
    let mut third = first.clone();
    for session in [&mut first, &mut second, &mut third] {
        type_line(session, "kubectl rollout status deployment/a; kubectl get pods -o wide", 8000);
    }
    let states: Vec<_> = [&mut first, &mut second, &mut third].map(state).into();
    assert_eq!(states[0], states[1]);
    assert_eq!(states[0], states[2]);
}

#[test]
fn a_saved_session_goes_on_where_it_was() {
    let mut session = open();
    type_line(&mut session, "kubectl run web --image=nginx", 200);
    // In the middle of a wait, with time cut into odd pieces.
    session.input(Input::Type(TERMINAL, b"kubectl get pods -w\r".to_vec()));
    session.advance(session.now() + Duration::from_millis(333), 40);
    let text = session.save().to_json();
    let mut restored = Session::restore(&Saved::from_json(&text).expect("what was saved can be read"));
    assert_eq!(restored.now(), session.now());
    assert_eq!(state(&mut restored), state(&mut session));
    for session in [&mut session, &mut restored] {
        pass(session, 5000);
        session.input(Input::Type(TERMINAL, vec![3]));
        pass(session, 100);
        type_line(session, "kubectl get pods", 500);
    }
    assert_eq!(state(&mut restored), state(&mut session));
    assert!(Saved::from_json("{}").is_err());
}

#[test]
fn a_check_sees_everything_and_touches_nothing() {
    let mut session = open();
    session.run("kubectl create namespace team; echo kept > here.txt");
    let before = state(&mut session);
    let output = session.check("kubectl delete namespace team --wait=false && rm here.txt && kubectl get ns -o name");
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_eq!(state(&mut session), before);
    assert_eq!(session.check("cat here.txt").stdout, "kept\n");
    assert_eq!(session.check("exit 7").code, 7);
}

#[test]
fn a_check_without_an_end_is_ended() {
    let session = open();
    assert_eq!(session.check("while true; do :; done").code, 124);
    assert_eq!(session.check("sleep 3600").code, 124);
}

#[test]
fn a_loop_without_an_end_leaves_the_session_responsive() {
    let mut session = open();
    session.input(Input::Type(TERMINAL, b"while true; do echo x; done\r".to_vec()));
    pass(&mut session, 300);
    assert!(printed(&mut session).contains("x\r\nx\r\n"));
    session.input(Input::Type(TERMINAL, vec![3]));
    pass(&mut session, 200);
    printed(&mut session);
    type_line(&mut session, "echo $((6 * 7))", 300);
    assert!(printed(&mut session).contains("42"));
}

#[test]
fn too_many_replicas_end_in_a_clear_limit() {
    let mut session = open();
    session.run("kubectl create deployment big --image=nginx");
    let output = session.run("kubectl scale deployment big --replicas=100000");
    session.run("sleep 5");
    let explained = session.run("kubectl get events; kubectl describe deployment big; kubectl get replicasets -o yaml");
    let everything = format!("{}{}{}", output.stdout, output.stderr, explained.stdout);
    assert!(everything.contains("limit") || everything.contains("pods: "), "{everything}");
    assert_eq!(session.run("kubectl get nodes").code, 0);
}

#[test]
fn garbage_gets_kubectls_own_error() {
    let mut session = open();
    let output = session.run("printf 'kind: Pod\\n  bad: [\\n' > bad.yaml; kubectl apply -f bad.yaml");
    assert_eq!(output.code, 1);
    assert!(
        output.stderr.starts_with("error: error parsing bad.yaml: error converting YAML to JSON: yaml: line "),
        "{}",
        output.stderr
    );
}

#[test]
fn an_edit_opens_the_editor_and_goes_on_when_it_is_closed() {
    let mut session = open();
    session.run("kubectl create configmap settings --from-literal=colour=red");
    type_line(&mut session, "kubectl edit configmap settings", 1000);
    let opened = session.take_events().into_iter().find_map(|event| match event {
        Event::EditorOpened(path) => Some(path),
        _ => None,
    });
    let path = opened.expect("the editor is asked for");
    let text = String::from_utf8(session.read_file(&path).expect("the file is there")).expect("it is text");
    session.input(Input::WriteFile(path.clone(), text.replace("colour: red", "colour: blue").into_bytes()));
    session.input(Input::EditorClosed(path, true));
    pass(&mut session, 1000);
    assert_eq!(session.run("kubectl get configmap settings -o jsonpath='{.data.colour}'").stdout, "blue");
}
