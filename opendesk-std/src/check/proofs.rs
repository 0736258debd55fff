//! What was tried and what came of it.

use serde::Serialize;

use crate::api::{Error, ErrorCode, Result};
use crate::cancel::Cancel;
use crate::desktop::Computer;
use crate::home::printable;

/// Without these a controller can do nothing useful.
const ESSENTIAL: [&str; 5] = ["capture", "pointer", "buttons", "keyboard", "text"];

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done and its effect was seen.
    Ok,
    /// Something that it needs is not there.
    Missing,
    /// It should work and does not.
    Failed,
}

impl Outcome {
    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Failed => "failed",
        }
    }
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What it is about, such as `pointer`, or the name of a capability.
    pub name: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// One line: what was seen, or what was not and what to do about it.
    pub detail: String,
    /// Whether a controller can do without it.
    pub essential: bool,
}

/// All that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The desktop, as `--backend` takes it.
    pub backend: &'static str,
    /// In the order in which they were made.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether everything essential works.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.faults().is_empty()
    }

    /// What is essential and does not work, by name.
    #[must_use]
    pub fn faults(&self) -> Vec<&'static str> {
        let is_fault = |check: &&Check| check.essential && check.outcome != Outcome::Ok;
        self.checks.iter().filter(is_fault).map(|check| check.name).collect()
    }
}

/// Why something could not be proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// Something is not there.
    Missing(String),
    /// It did not do what it should.
    Failed(String),
}

/// Something that was tried.
pub(super) type Tried<T> = core::result::Result<T, Obstacle>;

/// What was seen, in one line, or why it was not.
pub(super) type Proof = Tried<String>;

impl From<Error> for Obstacle {
    fn from(error: Error) -> Self {
        match error.code {
            ErrorCode::CapabilityUnsupported => Self::Missing(error.message),
            _ => Self::Failed(error.message),
        }
    }
}

impl Obstacle {
    /// Something that did not do what it should.
    pub(super) fn failed(why: impl Into<String>) -> Self {
        Self::Failed(why.into())
    }
}

/// Checks as they are made.
pub(super) struct Proofs<'a> {
    computer: &'a dyn Computer,
    cancel: &'a Cancel,
    checks: Vec<Check>,
    /// The capabilities that were tried.
    tried: Vec<&'static str>,
}

impl<'a> Proofs<'a> {
    pub(super) const fn new(computer: &'a dyn Computer, cancel: &'a Cancel) -> Self {
        Self { computer, cancel, checks: Vec::new(), tried: Vec::new() }
    }

    /// Makes a check of something that needs no capability.
    ///
    /// # Errors
    /// `cancelled` when nobody wants it any more.
    pub(super) fn add(&mut self, name: &'static str, proof: impl FnOnce() -> Proof) -> Result<()> {
        self.cancel.check()?;
        let (outcome, detail) = match proof() {
            Ok(seen) => (Outcome::Ok, seen),
            Err(Obstacle::Missing(why)) => (Outcome::Missing, why),
            Err(Obstacle::Failed(why)) => (Outcome::Failed, why),
        };
        // What programs and servers say may have several lines, and be made to deceive.
        let detail = printable(&detail.replace(char::is_control, " "));
        self.checks.push(Check { name, outcome, detail, essential: ESSENTIAL.contains(&name) });
        Ok(())
    }

    /// Makes a check of a capability, if the desktop says that it has it.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub(super) fn prove(
        &mut self,
        name: &'static str,
        capability: &'static str,
        proof: impl FnOnce() -> Proof,
    ) -> Result<()> {
        self.tried.push(capability);
        if self.computer.capabilities().contains(&capability) {
            return self.add(name, proof);
        }
        let missing = self.computer.missing().into_iter().find(|missing| missing.capability == capability);
        let why = missing.map(|missing| missing.why);
        let backend = self.computer.name();
        self.add(name, || Err(Obstacle::Missing(why.unwrap_or_else(|| format!("not on the {backend} desktop")))))
    }

    /// The report, which also names what else the desktop found missing.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub(super) fn report(mut self) -> Result<Report> {
        for missing in self.computer.missing() {
            if !self.tried.contains(&missing.capability) {
                self.add(missing.capability, || Err(Obstacle::Missing(missing.why)))?;
            }
        }
        Ok(Report { backend: self.computer.name(), checks: self.checks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desktop::{Missing, NoDesktop};

    #[derive(Debug)]
    struct Poor;

    impl Computer for Poor {
        fn name(&self) -> &'static str {
            "poor"
        }

        fn capabilities(&self) -> Vec<&'static str> {
            vec!["input.text", "display.capture"]
        }

        fn missing(&self) -> Vec<Missing> {
            let missing = |capability, why: &str| Missing { capability, why: why.to_owned() };
            vec![missing("ui.tree", "install at-spi2-core"), missing("power.lock", "install a locker")]
        }
    }

    #[test]
    fn what_the_desktop_lacks_is_not_tried_and_told() {
        let cancel = Cancel::new();
        let mut proofs = Proofs::new(&Poor, &cancel);
        proofs.prove("capture", "display.capture", || Ok("three\ncolours".to_owned())).unwrap();
        proofs.prove("text", "input.text", || Err(Error::internal("gone").into())).unwrap();
        proofs.prove("accessibility", "ui.tree", || panic!("it is not there")).unwrap();
        proofs.prove("clipboard", "clipboard.write", || panic!("it is not there")).unwrap();
        let report = proofs.report().unwrap();
        let told: Vec<_> =
            report.checks.iter().map(|check| (check.name, check.outcome.word(), check.detail.as_str())).collect();
        let expected = [
            ("capture", "ok", "three colours"),
            ("text", "failed", "gone"),
            ("accessibility", "missing", "install at-spi2-core"),
            ("clipboard", "missing", "not on the poor desktop"),
            ("power.lock", "missing", "install a locker"),
        ];
        assert_eq!(told, expected);
        assert_eq!(report.faults(), ["text"]);
        assert!(!report.is_good());
    }

    #[test]
    fn an_error_says_whether_something_is_missing() {
        assert_eq!(
            Obstacle::from(Error::unsupported("ocr", "x11")),
            Obstacle::Missing("ocr is not available on the x11 desktop".to_owned())
        );
        assert_eq!(Obstacle::from(Error::invalid("no")), Obstacle::failed("no"));
    }

    #[test]
    fn nothing_essential_is_good_enough() {
        let cancel = Cancel::new();
        let mut proofs = Proofs::new(&NoDesktop, &cancel);
        proofs.prove("ocr", "ocr", || Ok(String::new())).unwrap();
        assert!(proofs.report().unwrap().is_good());
        cancel.cancel();
        let mut proofs = Proofs::new(&NoDesktop, &cancel);
        assert_eq!(proofs.add("capture", || Ok(String::new())).unwrap_err().code, ErrorCode::Cancelled);
    }
}
