//! The printer of a command that changes objects: what was done to each, or the objects themselves with `-o`.

use drydock_value::Value;

use super::order;
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};
use crate::printers::{self, Printer, go, kyaml};

/// One printer for all objects of a command.
#[derive(Debug, Clone)]
pub struct Printing {
    printer: Printer,
    dry_run: DryRun,
    json: bool,
    kyaml: bool,
}

impl Printing {
    /// The printer that the flags ask for.
    ///
    /// # Errors
    /// An unknown format, or a template that cannot be read.
    pub fn new(inv: &Invocation, io: &mut Io<'_>, dry_run: DryRun) -> Result<Printing, Failure> {
        let printer = printers::for_operation(inv, io, "done", DryRun::None)?;
        let is = |format: &str| inv.flags.str("output") == format && !inv.flags.bool("show-managed-fields");
        Ok(Printing { printer, dry_run, json: is("json"), kyaml: is("kyaml") })
    }

    /// Prints an object: `pod/x operation` without `-o`.
    ///
    /// # Errors
    /// When a template does not fit the object.
    pub fn print(&mut self, io: &mut Io<'_>, object: &Value, operation: &str) -> Result<(), Failure> {
        self.printer.set_operation(&format!("{operation}{}", self.dry_run.suffix()));
        self.printer.print(io, object)
    }

    /// As [`Printing::print`], for an object that kubectl knows as a Go type: JSON has its fields in Go's order.
    ///
    /// # Errors
    /// When a template does not fit the object.
    pub fn typed(&mut self, io: &mut Io<'_>, object: &Value, operation: &str) -> Result<(), Failure> {
        if !self.json && !self.kyaml {
            return self.print(io, object, operation);
        }
        let object = printers::without_managed_fields(object);
        if self.kyaml {
            io.print(kyaml::print_typed(&object));
            return Ok(());
        }
        io.println(go::escape_html(&order::to_json_pretty(&object, 4)));
        Ok(())
    }

    /// Whether objects themselves are printed (`-o yaml` and so on, not `-o name`).
    pub fn prints_objects(&self) -> bool {
        !self.printer.is_name()
    }
}
