//! `kube-webhook-certgen`: makes the secret that an ingress controller's webhook has its certificate from.

use drydock_shell::{Program, Step, Sys};

/// The program.
#[derive(Debug, Clone, Copy)]
pub struct Certgen;

impl Program for Certgen {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let args = sys.args();
        let flag = |name: &str| args.iter().find_map(|word| word.strip_prefix(name)).unwrap_or_default().to_owned();
        let (namespace, secret) = (flag("--namespace="), flag("--secret-name="));
        if args.get(1).is_none_or(|word| word != "create") {
            // `patch` puts the certificate into webhook configurations, of which there is none.
            return Step::Exit(0);
        }
        let now = sys.now().rfc3339();
        let line = |level: &str, msg: &str, source: &str| {
            format!("{{\"level\":\"{level}\",\"msg\":{msg:?},\"source\":\"{source}\",\"time\":\"{now}\"}}\n")
        };
        match sys.host().control(&["certificate".to_owned(), namespace, secret]).as_deref() {
            Ok("made") => {
                sys.eprint(&line("info", "no secret found", "k8s/k8s.go:229"));
                sys.eprint(&line("info", "creating new secret", "cmd/create.go:28"));
                Step::Exit(0)
            }
            Ok(_) => {
                sys.eprint(&line("info", "secret already exists", "cmd/create.go:35"));
                Step::Exit(0)
            }
            Err(why) => {
                sys.eprint(&line("fatal", why, "k8s/k8s.go:226"));
                Step::Exit(1)
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(*self)
    }
}
