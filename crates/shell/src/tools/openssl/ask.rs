//! The program: it asks for what a request is about where the call does not say it, and runs the command.

use super::super::{Call, Once, find};
use super::options::Options;
use crate::{Disposition, Program, Read, Signal, Step, Sys, Wait};

/// What comes before the questions.
const BEFORE: &str = "\
You are about to be asked to enter information that will be incorporated
into your certificate request.
What you are about to enter is what is called a Distinguished Name or a DN.
There are quite a few fields but you can leave some blank
For some fields there will be a default value,
If you enter '.', the field will be left blank.
-----
";
/// What comes before the last two, which are asked for requests only and go nowhere.
const EXTRA: &str = "
Please enter the following 'extra' attributes
to be sent with your certificate request
";

/// The questions, with the attributes that the answers are for and what stands for no answer.
const QUESTIONS: [(&str, &str, &str); 9] = [
    ("C", "Country Name (2 letter code)", "AU"),
    ("ST", "State or Province Name (full name)", "Some-State"),
    ("L", "Locality Name (eg, city)", ""),
    ("O", "Organization Name (eg, company)", "Internet Widgits Pty Ltd"),
    ("OU", "Organizational Unit Name (eg, section)", ""),
    ("CN", "Common Name (e.g. server FQDN or YOUR name)", ""),
    ("emailAddress", "Email Address", ""),
    ("", "A challenge password", ""),
    ("", "An optional company name", ""),
];
/// How many of them are about the subject.
const OF_SUBJECT: usize = 7;
/// An answer may be no longer.
const ANSWER_MAX: usize = 1 << 10;

/// The program.
#[derive(Clone, Default)]
pub(crate) struct OpenSsl {
    run: Option<Box<Once>>,
    answers: Vec<String>,
    /// Whether the question that is next was put.
    asked: bool,
}

/// How many questions a call needs answered.
fn questions(words: &[String]) -> usize {
    let Some((_, rest)) = words.split_first().filter(|(name, _)| *name == "req") else { return 0 };
    let Ok(options) = Options::parse("req", super::requests::OPTIONS, rest) else { return 0 };
    let makes = options.has("new") || options.has("newkey") || options.has("x509") && !options.has("in");
    if !makes || ["subj", "config", "batch"].iter().any(|name| options.has(name)) {
        return 0;
    }
    if options.has("x509") { OF_SUBJECT } else { QUESTIONS.len() }
}

impl OpenSsl {
    /// Puts the next question and waits for its answer.
    fn ask(&mut self, sys: &mut Sys<'_>) -> Step {
        let (_, question, default) = QUESTIONS[self.answers.len()];
        if !std::mem::replace(&mut self.asked, true) {
            match self.answers.len() {
                0 => sys.eprint(BEFORE),
                OF_SUBJECT => sys.eprint(EXTRA),
                _ => {}
            }
            sys.eprint(&format!("{question} [{default}]:"));
        }
        match sys.read_line(0, ANSWER_MAX) {
            Read::Pending => Wait::read(0).into(),
            Read::Data(bytes) => {
                let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned();
                self.answers.push(text);
                self.asked = false;
                Step::Continue
            }
            Read::Eof | Read::Error(_) => {
                sys.eprint("\nproblems making Certificate Request\n");
                Step::Exit(1)
            }
        }
    }

    /// The answers as `-subj` has them.
    fn subject(&self) -> String {
        let part = |((name, _, default), answer): (&(&str, &str, &str), &String)| {
            let text = match answer.as_str() {
                "" => *default,
                "." => "",
                text => text,
            };
            let text = text.replace('\\', "\\\\").replace('/', "\\/");
            if text.is_empty() { String::new() } else { format!("/{name}={text}") }
        };
        let parts: String = QUESTIONS.iter().zip(&self.answers).take(OF_SUBJECT).map(part).collect();
        if parts.is_empty() { "/".into() } else { parts }
    }
}

impl Program for OpenSsl {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let words = sys.args().get(1..).unwrap_or_default().to_vec();
        let wanted = questions(&words);
        if self.answers.len() < wanted {
            return self.ask(sys);
        }
        if wanted > 0 {
            let mut call = Call::new(sys, "openssl");
            call.args.extend(["-subj".to_owned(), self.subject()]);
            call.sys.charge(200);
            let code = super::run(&mut call);
            return Step::Exit(call.finish(code));
        }
        let Some(tool) = find("openssl") else { return Step::Exit(127) };
        let run = self.run.get_or_insert_with(|| Box::new(Once { tool, run: super::run, input: Some(Vec::new()) }));
        run.step(sys)
    }

    fn signal(&mut self, _signal: Signal, _sys: &mut Sys<'_>) -> Disposition {
        Disposition::Default
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
