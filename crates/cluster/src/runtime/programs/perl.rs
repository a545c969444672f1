//! Perl, as far as the Job of Kubernetes' documentation needs it: `print bpi(2000)`.

use drydock_shell::{Program, Step, Sys};

/// More digits would take too long.
const DIGITS_MAX: usize = 5000;

/// The interpreter.
#[derive(Debug, Clone, Default)]
pub struct Perl {
    /// Digits still to be paid for with fuel.
    work: usize,
    result: Option<String>,
}

impl Program for Perl {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        if let Some(result) = &self.result {
            if self.work > 0 {
                self.work = self.work.saturating_sub(20);
                sys.charge(2000);
                return Step::Continue;
            }
            sys.print(&format!("{result}\n"));
            return Step::Exit(0);
        }
        let args = sys.args();
        let script = args.iter().find_map(|word| {
            let rest = word.get(word.find("bpi(")? + 4..)?;
            rest.split(')').next()?.trim().parse::<usize>().ok()
        });
        match script {
            Some(digits) => {
                let digits = digits.clamp(1, DIGITS_MAX);
                self.result = Some(pi(digits));
                self.work = digits;
                Step::Continue
            }
            None if args.iter().any(|word| word == "-v" || word == "--version") => {
                sys.print("\nThis is perl 5, version 38, subversion 2 (v5.38.2) built for x86_64-linux-gnu\n");
                Step::Exit(0)
            }
            None => {
                sys.eprint("perl: this program is not simulated, except for bpi\n");
                Step::Exit(126)
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// Pi with so many digits in all, rounded, by Rabinowitz and Wagon's spigot.
fn pi(digits: usize) -> String {
    let wanted = digits + 2;
    let size = wanted * 10 / 3 + 2;
    let mut remainders = vec![2u64; size];
    let mut out: Vec<u8> = Vec::with_capacity(wanted + 2);
    let mut nines = 0;
    let mut held = 0u8;
    for _ in 0..=wanted {
        let mut carry = 0u64;
        for (index, slot) in remainders.iter_mut().enumerate().rev() {
            let value = *slot * 10 + carry * (index as u64 + 1);
            let divisor = if index == 0 { 10 } else { 2 * index as u64 + 1 };
            *slot = value % divisor;
            carry = value / divisor;
            if index == 0 {
                break;
            }
        }
        match carry {
            9 => nines += 1,
            10 => {
                out.push(held + 1);
                out.extend(std::iter::repeat_n(0, nines));
                (held, nines) = (0, 0);
            }
            digit => {
                out.push(held);
                out.extend(std::iter::repeat_n(9, nines));
                (held, nines) = (digit as u8, 0);
            }
        }
    }
    // The first is the zero that was held at the start.
    let mut found: Vec<u8> = out.into_iter().skip(1).take(digits + 1).collect();
    if found.len() > digits && found.pop().is_some_and(|next| next >= 5) {
        for digit in found.iter_mut().rev() {
            *digit += 1;
            if *digit < 10 {
                break;
            }
            *digit = 0;
        }
    }
    let mut text: String = found.iter().map(|digit| char::from(b'0' + digit)).collect();
    if text.len() > 1 {
        text.insert(1, '.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::pi;

    #[test]
    fn pi_is_right() {
        assert_eq!(pi(10), "3.141592654");
        assert_eq!(pi(50), "3.1415926535897932384626433832795028841971693993751");
        assert_eq!(pi(2000).len(), 2001);
    }
}
