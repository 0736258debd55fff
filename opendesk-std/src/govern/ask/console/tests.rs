use std::path::PathBuf;
use std::thread;

use rustix::fd::OwnedFd;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::super::tests::question;
use super::*;
use crate::cancel::Cancel;
use crate::clock::monotonic;

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal that nobody is in front of.
struct Pty {
    /// The person's end.
    person: File,
    path: PathBuf,
    /// Keeps what is typed while nobody reads.
    _open: OwnedFd,
    seen: String,
}

impl Pty {
    fn new() -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&person).expect("it is ours");
        unlockpt(&person).expect("it is ours");
        let path = ptsname(&person, Vec::new()).expect("it has a name").into_string().expect("the name is text");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let open = rustix::fs::open(&path, flags, Mode::empty()).expect("it opens");
        Self { person: File::from(person), path: path.into(), _open: open, seen: String::new() }
    }

    fn typed(&mut self, keys: &str) {
        self.person.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Waits until the terminal shows this.
    fn wait_for(&mut self, text: &str) {
        let begun = monotonic();
        while !self.seen.contains(text) {
            assert!(begun.elapsed() < PATIENCE, "{text:?} in {:?}", self.seen);
            let mut ends = [PollFd::new(&self.person, PollFlags::IN)];
            let tick = Timespec::try_from(TICK).expect("a short time");
            if rustix::event::poll(&mut ends, Some(&tick)).expect("the terminal is there") == 0 {
                continue;
            }
            let mut chunk = [0; 4096];
            let length = self.person.read(&mut chunk).expect("the terminal is there");
            self.seen.push_str(&String::from_utf8_lossy(&chunk[..length]));
        }
    }

    /// Asks on it, while this happens to it.
    fn ask(&mut self, within: u64, cancel: &Cancel, meanwhile: impl FnOnce(&mut Self)) -> Outcome {
        let path = self.path.clone();
        self.seen.clear();
        thread::scope(|scope| {
            let limit = Limit::new(within, cancel);
            let asking = scope.spawn(move || ask(&path, &question("Do something.", within), &limit));
            meanwhile(self);
            asking.join().expect("it ends well")
        })
    }

    /// Types an answer once the question stands there.
    fn answer(&mut self, keys: &str) -> Outcome {
        self.ask(600, &Cancel::new(), |pty| {
            pty.wait_for("Type yes or no: ");
            pty.typed(keys);
        })
    }
}

#[test]
fn a_yes_is_a_word_and_return() {
    for yes in ["y\n", "yes\n", "YES\r", " yes \n"] {
        let mut pty = Pty::new();
        assert_eq!(pty.answer(yes), Outcome::Yes, "{yes:?}");
        pty.wait_for("opendesk: allowed\r\n");
        assert!(pty.seen.contains("\r\nDo something.\r\n"), "{}", pty.seen);
        assert!(pty.seen.contains("May \"laptop\" do this (process.shell)?"), "{}", pty.seen);
    }
}

#[test]
fn all_else_is_a_no() {
    let long = format!("yes{}\n", " ".repeat(3000));
    for no in ["\n", "n\n", "no\n", "yess\n", "yes please\n", "\u{4}", "no\nyes\n", &long[..3000]] {
        let keys = if no.len() == 3000 { format!("{no}x\n") } else { no.to_owned() };
        let mut pty = Pty::new();
        assert_eq!(pty.answer(&keys), Outcome::No, "{no:?}");
        pty.wait_for("opendesk: denied\r\n");
    }
}

#[test]
fn what_was_typed_before_the_question_is_no_answer() {
    let mut pty = Pty::new();
    pty.typed("yes\nyes\ny");
    // It is there to be read: the control of this test.
    pty.wait_for("yes\r\nyes\r\ny");
    let outcome = pty.ask(1, &Cancel::new(), |pty| pty.wait_for("opendesk: nobody answered"));
    assert_eq!(outcome, Outcome::Over("nobody answered within 1 s".to_owned()));
    assert_eq!(pty.answer("es\n"), Outcome::No, "nor is a line that was begun before");
}

#[test]
fn a_question_that_is_withdrawn_says_so() {
    let (mut pty, cancel) = (Pty::new(), Cancel::new());
    let outcome = pty.ask(600, &cancel, |pty| {
        pty.wait_for("Type yes or no: ");
        cancel.cancel();
        pty.wait_for("\r\nopendesk: the question was withdrawn before it was answered\r\n");
    });
    assert!(matches!(outcome, Outcome::Over(_)), "{outcome:?}");
}

#[test]
fn a_terminal_that_was_halted_keeps_nobody_waiting() {
    let mut pty = Pty::new();
    pty.typed("\u{13}");
    let outcome = pty.ask(1, &Cancel::new(), |_| {});
    assert_eq!(outcome, Outcome::Over("nobody answered within 1 s".to_owned()));
}

#[test]
fn a_terminal_that_goes_away_is_no_answer() {
    let pty = Pty::new();
    let Pty { person, path, _open: open, .. } = pty;
    drop(person);
    let cancel = Cancel::new();
    let outcome = ask(&path, &question("Do something.", 60), &Limit::new(60, &cancel));
    assert!(matches!(outcome, Outcome::Unavailable(_)), "{outcome:?}");
    drop(open);
}

#[test]
fn where_there_is_no_terminal_nobody_is_asked() {
    let cancel = Cancel::new();
    for path in ["/no/such/terminal", "/dev/null"] {
        let outcome = ask(Path::new(path), &question("Do something.", 60), &Limit::new(60, &cancel));
        assert!(matches!(outcome, Outcome::Unavailable(_)), "{path}: {outcome:?}");
    }
    assert!(!is_there(Path::new("/no/such/terminal")));
    assert!(is_there(&Pty::new().path));
}
