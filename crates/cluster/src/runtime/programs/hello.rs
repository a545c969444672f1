//! `hello-world`: says that it ran, and ends.

use drydock_shell::{Program, Step, Sys};

/// Says hello.
#[derive(Debug, Clone, Copy)]
pub struct Hello;

impl Program for Hello {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        sys.print(
            "\nHello from Docker!\nThis message shows that your installation appears to be working correctly.\n\n\
             The image was pulled, a container was made of it, and its program printed\nthese lines and ended.\n\n",
        );
        Step::Exit(0)
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(*self)
    }
}
