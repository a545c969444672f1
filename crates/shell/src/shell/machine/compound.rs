//! Compound commands under way.

use super::*;

impl Shell {
    pub(super) fn if_command(&mut self, command: Arc<Command>, branch: usize, testing: bool) {
        let Kind::If { branches, otherwise } = &command.kind else { return };
        if !testing {
            return;
        }
        if self.status == 0 {
            let body = branches.get(branch).map(|(_, body)| Arc::clone(body)).unwrap_or_default();
            return self.push_list(&body);
        }
        match branches.get(branch + 1) {
            Some((test, _)) => {
                let test = Arc::clone(test);
                self.stack.push(Frame::If { command, branch: branch + 1, testing: true });
                self.push_list(&test);
            }
            None => match otherwise {
                Some(body) => self.push_list(&Arc::clone(body)),
                None => self.status = 0,
            },
        }
    }

    pub(super) fn loop_command(&mut self, command: Arc<Command>, testing: bool, status: i32) {
        let Kind::Loop { until, test, body } = &command.kind else { return };
        let list = if testing {
            if (self.status == 0) == *until {
                self.status = status;
                return;
            }
            Arc::clone(body)
        } else {
            Arc::clone(test)
        };
        let status = if testing { status } else { self.status };
        self.stack.push(Frame::Loop { command, testing: !testing, status });
        self.push_list(&list);
    }

    pub(super) fn for_command(
        &mut self,
        command: Arc<Command>,
        mut texts: Substituted,
        words: Option<Arc<Vec<String>>>,
        at: usize,
        sys: &mut Sys<'_>,
    ) {
        let Kind::For { name, words: list, body } = &command.kind else { return };
        let words = match (words, list) {
            (Some(words), _) => words,
            (None, None) => Arc::clone(&self.positional),
            (None, Some(list)) => {
                let waits = list.iter().any(|word| word.waits);
                let expanded = self.expand(&mut texts, waits, sys, |expansion| expansion.fields(list));
                match expanded {
                    Ok(words) => {
                        self.status = 0;
                        Arc::new(words)
                    }
                    Err(stop) => {
                        let again = Frame::For { command: Arc::clone(&command), texts, words: None, at };
                        return self.stopped(stop, again, sys);
                    }
                }
            }
        };
        let Some(word) = words.get(at) else {
            if at == 0 {
                self.status = 0;
            }
            return;
        };
        self.line = command.line;
        if self.options.xtrace && self.dialect == Dialect::Bash {
            let shown: Vec<String> = words.iter().map(|word| super::super::quote::quote(word)).collect();
            self.trace(&format!("for {name} in {}", shown.join(" ")), sys);
        }
        if let Err(message) = self.assign(name, word) {
            self.complain(sys, &message);
            self.status = 1;
            return;
        }
        let body = Arc::clone(body);
        self.stack.push(Frame::For { command, texts: Substituted::default(), words: Some(words), at: at + 1 });
        self.push_list(&body);
    }

    pub(super) fn for_arith(
        &mut self,
        command: Arc<Command>,
        mut texts: Substituted,
        stage: ForStage,
        sys: &mut Sys<'_>,
    ) {
        let Kind::ForArith { init, test, next, body } = &command.kind else { return };
        self.line = command.line;
        let word = match stage {
            ForStage::Init => init,
            ForStage::Test => test,
            ForStage::Next => next,
        };
        let empty = matches!(word.parts.as_slice(), [Part::Double(parts)]
            if parts.iter().all(|part| matches!(part, Part::Text(text) if text.trim().is_empty())));
        let value = if empty { Ok(1) } else { self.expand(&mut texts, word.waits, sys, |e| e.number(word)) };
        match value {
            Err(stop) => self.stopped(stop, Frame::ForArith { command: Arc::clone(&command), texts, stage }, sys),
            Ok(0) if stage == ForStage::Test => {}
            Ok(_) => {
                let texts = Substituted::default();
                if stage == ForStage::Test {
                    let body = Arc::clone(body);
                    self.stack.push(Frame::ForArith { command, texts, stage: ForStage::Next });
                    self.push_list(&body);
                } else {
                    if stage == ForStage::Init {
                        self.status = 0;
                    }
                    self.stack.push(Frame::ForArith { command, texts, stage: ForStage::Test });
                }
            }
        }
    }

    pub(super) fn case_command(&mut self, command: Arc<Command>, mut texts: Substituted, sys: &mut Sys<'_>) {
        let Kind::Case { subject, arms } = &command.kind else { return };
        self.line = command.line;
        let nocase = self.options.nocasematch;
        let waits = subject.waits || arms.iter().any(|arm| arm.patterns.iter().any(|word| word.waits));
        let found = self.expand(&mut texts, waits, sys, |expansion| {
            let subject = expansion.text(subject)?;
            for (index, arm) in arms.iter().enumerate() {
                if arm_matches(expansion, arm, &subject, nocase)? {
                    return Ok((subject, Some(index)));
                }
            }
            Ok((subject, None))
        });
        match found {
            Err(stop) => self.stopped(stop, Frame::Case { command: Arc::clone(&command), texts }, sys),
            Ok((subject, index)) => {
                self.status = 0;
                if let Some(index) = index {
                    self.run_arm(&command, index, subject);
                }
            }
        }
    }

    pub(super) fn run_arm(&mut self, command: &Arc<Command>, index: usize, subject: String) {
        let Kind::Case { arms, .. } = &command.kind else { return };
        let Some(arm) = arms.get(index) else { return };
        if arm.end != ArmEnd::Break {
            self.stack.push(Frame::CaseOn { command: Arc::clone(command), arm: index, end: arm.end, subject });
        }
        self.push_list(&Arc::clone(&arm.body));
    }

    pub(super) fn case_on(
        &mut self,
        command: &Arc<Command>,
        arm: usize,
        end: ArmEnd,
        subject: String,
        sys: &mut Sys<'_>,
    ) {
        let Kind::Case { arms, .. } = &command.kind else { return };
        if end == ArmEnd::Fall {
            return self.run_arm(command, arm + 1, subject);
        }
        let nocase = self.options.nocasematch;
        let found = self.expand(&mut Substituted::default(), false, sys, |expansion| {
            for (index, arm) in arms.iter().enumerate().skip(arm + 1) {
                if arm_matches(expansion, arm, &subject, nocase)? {
                    return Ok(Some(index));
                }
            }
            Ok(None)
        });
        if let Ok(Some(index)) = found {
            self.run_arm(command, index, subject);
        }
    }

    pub(super) fn test_command(&mut self, command: Arc<Command>, mut texts: Substituted, sys: &mut Sys<'_>) {
        let Kind::Test(test) = &command.kind else { return };
        self.line = command.line;
        let value =
            self.expand(&mut texts, true, sys, |expansion| super::super::builtins::evaluate_test(expansion, test));
        match value {
            Ok(value) => self.status = i32::from(!value),
            Err(Stop::Error { message, fatal: false }) => {
                self.complain(sys, &message);
                self.status = 2;
            }
            Err(stop) => self.stopped(stop, Frame::Test { command: Arc::clone(&command), texts }, sys),
        }
    }

    pub(super) fn arith_command(&mut self, command: Arc<Command>, mut texts: Substituted, sys: &mut Sys<'_>) {
        let Kind::Arith(word) = &command.kind else { return };
        self.line = command.line;
        match self.expand(&mut texts, word.waits, sys, |expansion| expansion.number(word)) {
            Ok(value) => {
                if self.options.xtrace {
                    self.trace(&format!("(( {value} ))"), sys);
                }
                self.status = i32::from(value == 0);
            }
            Err(Stop::Error { message, fatal: false }) => {
                self.complain(sys, &format!("((: {message}"));
                self.status = 1;
            }
            Err(stop) => self.stopped(stop, Frame::Arith { command: Arc::clone(&command), texts }, sys),
        }
    }

    // ---- expansion ----
}

fn arm_matches(expansion: &mut Expansion<'_, '_>, arm: &Arm, subject: &str, nocase: bool) -> Result<bool, Stop> {
    for word in &arm.patterns {
        let pattern = expansion.pattern(word)?;
        let matches = if nocase {
            pattern::matches(&pattern.to_lowercase(), &subject.to_lowercase())
        } else {
            pattern::matches(&pattern, subject)
        };
        if matches {
            return Ok(true);
        }
    }
    Ok(false)
}
