#![allow(clippy::all, clippy::disallowed_methods, missing_docs)]
use drydock_kubectl::env::*;
use drydock_kubectl::{Command, Env};
use drydock_value::Time;
struct Disk;
fn e(x: std::io::Error) -> String {
    match x.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".into(),
        std::io::ErrorKind::IsADirectory => "is a directory".into(),
        _ => x.to_string(),
    }
}
impl Files for Disk {
    fn read(&mut self, p: &str) -> Result<Vec<u8>, String> {
        std::fs::read(p).map_err(e)
    }
    fn write(&mut self, p: &str, b: &[u8]) -> Result<(), String> {
        std::fs::write(p, b).map_err(e)
    }
    fn list_dir(&mut self, p: &str) -> Result<Vec<String>, String> {
        let mut v: Vec<String> =
            std::fs::read_dir(p).map_err(e)?.map(|x| x.unwrap().file_name().into_string().unwrap()).collect();
        v.sort();
        Ok(v)
    }
    fn exists(&mut self, p: &str) -> bool {
        std::path::Path::new(p).exists()
    }
    fn is_dir(&mut self, p: &str) -> bool {
        std::path::Path::new(p).is_dir()
    }
    fn remove(&mut self, p: &str) -> Result<(), String> {
        std::fs::remove_file(p).map_err(e)
    }
    fn mkdir_all(&mut self, p: &str) -> Result<(), String> {
        std::fs::create_dir_all(p).map_err(e)
    }
}
struct In(bool);
impl Stdin for In {
    fn take(&mut self) -> Input {
        if self.0 {
            return Input::End;
        }
        self.0 = true;
        let mut v = vec![];
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut v).unwrap();
        Input::Data(v)
    }
}
fn main() {
    let env = Env {
        args: std::env::args().skip(1).collect(),
        vars: std::env::vars().collect(),
        cwd: std::env::current_dir().unwrap().to_str().unwrap().into(),
        home: std::env::var("HOME").unwrap(),
    };
    let mut c = Command::new(env);
    let mut s = In(false);
    let (mut out, mut err) = (vec![], vec![]);
    loop {
        let mut r = || 4;
        let now = Time(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as u64);
        let step = c.step(&mut Io {
            api: &mut drydock_api::Null,
            files: &mut Disk,
            stdin: &mut s,
            children: &mut Nothing,
            network: &mut Nothing,
            random: &mut r,
            now,
            terminal: Terminal::default(),
            out: &mut out,
            err: &mut err,
        });
        use std::io::Write;
        std::io::stdout().write_all(&std::mem::take(&mut out)).unwrap();
        std::io::stderr().write_all(&std::mem::take(&mut err)).unwrap();
        match step {
            Step::Exit(code) => std::process::exit(code),
            Step::Wait(_) => std::thread::sleep(std::time::Duration::from_millis(10)),
            Step::Continue => {}
        }
    }
}
