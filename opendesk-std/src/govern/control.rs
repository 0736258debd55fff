//! The kill switch: `control.json`, by which the owner stops all controllers, whatever the policy says.
//!
//! ```json
//! {"mode": "stopped", "since": 1760000000.5, "reason": "I need the machine"}
//! ```
//!
//! Version 1 peers have the same file. Without one controllers may act; one that cannot be read refuses everything.

use std::fs::OpenOptions;
use std::io::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock;
use crate::home::file::open_careful;
use crate::home::json::{self, Style};

use crate::home::{Home, HomeError, HomeErrorKind, HomeLock, Kept, plain_text, shown, way_out};

/// The file in the home.
pub(crate) const FILE: &str = "control.json";

/// Room for a long reason.
const MAX_FILE: usize = 64 << 10;

/// Whether controllers may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// They may, as far as everything else allows it.
    #[default]
    Running,
    /// They may not.
    Stopped,
    /// They may not: the owner uses the machine themselves.
    Takeover,
}

impl Mode {
    /// As it is written in the file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Takeover => "takeover",
        }
    }
}

/// What the owner said last.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Control {
    /// Whether controllers may act.
    pub mode: Mode,
    /// Since when, in seconds since 1970; 0 where that is not known.
    pub since: f64,
    /// Why, in one line for controllers and the log; may be empty.
    pub reason: String,
}

impl Control {
    /// Reads what the owner said last.
    ///
    /// # Errors
    /// [`HomeErrorKind::Corrupt`] for a file that says nothing that can be understood, [`HomeErrorKind::Io`]. Nobody
    /// may act then.
    pub fn load(home: &Home) -> Result<Self, HomeError> {
        understand(home, home.read(FILE, MAX_FILE)?)
    }

    /// Says whether controllers may act from now on, and gives what held before and what holds now. A running host
    /// obeys within 100 ms, and in any case before the next call. What holds already keeps its time, and its reason
    /// unless another one is given.
    ///
    /// What cannot be read is written over: it refused everything, so nothing is lost with it; it is told as stopped. A
    /// stop takes effect whoever keeps the [`HomeLock`], and where the disk is full.
    ///
    /// # Errors
    /// [`HomeErrorKind::Io`], and for [`Mode::Running`] [`HomeErrorKind::Busy`].
    pub fn set(home: &Home, mode: Mode, reason: &str) -> Result<(Self, Self), HomeError> {
        Self::set_under(home, mode, reason, || home.lock())
    }

    fn set_under(
        home: &Home,
        mode: Mode,
        reason: &str,
        lock: impl FnOnce() -> Result<HomeLock, HomeError>,
    ) -> Result<(Self, Self), HomeError> {
        let change = match mode {
            Mode::Running => {
                let _lock = lock()?;
                let change = Change::to(home, mode, reason);
                home.write(FILE, &change.bytes)?;
                change
            }
            Mode::Stopped | Mode::Takeover => {
                let change = Change::to(home, mode, reason);
                change.force(home)?;
                // Somebody who held the lock meanwhile may have written what held before.
                if let Ok(_lock) = lock()
                    && Self::load(home).is_ok_and(|now| now.mode == Mode::Running)
                {
                    change.force(home)?;
                }
                change
            }
        };
        Ok((change.before, change.now))
    }

    /// What a controller is told, unless it may act.
    fn refusal(&self) -> Option<String> {
        let reason = plain_text(&self.reason);
        let why = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
        match self.mode {
            Mode::Running => None,
            Mode::Stopped => Some(format!(
                "the owner of this machine has stopped all controllers{why}; do not try again until they resume"
            )),
            Mode::Takeover => Some(format!(
                "the owner of this machine is using it themselves{why}; do not try again until they hand it back"
            )),
        }
    }
}

/// What is to be written, and what it follows.
struct Change {
    before: Control,
    now: Control,
    bytes: Vec<u8>,
}

impl Change {
    fn to(home: &Home, mode: Mode, reason: &str) -> Self {
        let content = home.read(FILE, MAX_FILE).ok().flatten();
        let known = Control::load(home).ok();
        let held = known.as_ref().filter(|before| before.mode == mode);
        let since = held.map(|before| before.since).filter(|since| *since > 0.0).unwrap_or_else(clock::epoch_seconds);
        let given = Some(plain_text(reason)).filter(|reason| !reason.is_empty());
        let kept = || held.map(|before| plain_text(&before.reason)).unwrap_or_default();
        let now = Control { mode, since, reason: given.unwrap_or_else(kept) };
        let before = known.unwrap_or_else(|| Control {
            mode: Mode::Stopped,
            since: 0.0,
            reason: "control.json could not be read".to_owned(),
        });
        // What other programs keep there stays.
        let mut fields: Map<String, Value> =
            content.and_then(|content| serde_json::from_slice(&content).ok()).unwrap_or_default();
        fields.insert("mode".into(), mode.word().into());
        fields.insert("since".into(), now.since.into());
        fields.insert("reason".into(), now.reason.as_str().into());
        let bytes = format!("{}\n", json::object(&fields, Style::Pretty)).into_bytes();
        Self { before, now, bytes }
    }

    /// Writes it, into the file that is there where there is no room for another one beside it.
    fn force(&self, home: &Home) -> Result<(), HomeError> {
        home.write(FILE, &self.bytes).or_else(|error| {
            tracing::debug!(%error, "the file is written over in place");
            self.overwrite(home)
        })
    }

    /// Not whole or not at all, but whatever becomes of it refuses: an empty file and half a one cannot be understood.
    fn overwrite(&self, home: &Home) -> Result<(), HomeError> {
        let path = home.path().join(FILE);
        let mut options = OpenOptions::new();
        let mut file = open_careful(&path, options.write(true).create(true).truncate(true))
            .map_err(|error| HomeError::io("write", &path, &error))?;
        file.write_all(&self.bytes).and_then(|()| file.sync_all()).map_err(|error| {
            HomeError::new(
                HomeErrorKind::Io,
                format!(
                    "every call is refused from now on, but not with these words: {} cannot be written ({error}) and was cut \
                     off{}; `opendesk stop` or `opendesk resume` writes it anew",
                    shown(&path),
                    way_out(&error)
                ),
            )
        })
    }
}

fn understand(home: &Home, content: Option<Vec<u8>>) -> Result<Control, HomeError> {
    let Some(content) = content else { return Ok(Control::default()) };
    parse(&content).map_err(|why| {
        let path = shown(&home.path().join(FILE));
        let line = format!("{path} {why}, so every call is refused; `opendesk resume` writes it anew");
        HomeError::new(HomeErrorKind::Corrupt, line)
    })
}

/// As version 1 peers read it, but for what cannot be understood: they take that for leave.
fn parse(content: &[u8]) -> Result<Control, String> {
    let value: Value = serde_json::from_slice(content).map_err(|error| format!("does not parse ({error})"))?;
    let fields = value.as_object().ok_or("is not a JSON object")?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let mode = text("mode").ok_or("has no mode")?.to_ascii_lowercase();
    let known = [Mode::Running, Mode::Stopped, Mode::Takeover].into_iter().find(|known| known.word() == mode);
    Ok(Control {
        // One that comes with a later version is not there to allow more.
        mode: known.unwrap_or(Mode::Stopped),
        since: fields.get("since").and_then(Value::as_f64).unwrap_or_default(),
        reason: text("reason").unwrap_or_default().to_owned(),
    })
}

/// Looks at the kill switch as often as it is asked, and reads the file only when it may have changed.
#[derive(Debug)]
pub struct Switch {
    file: Kept,
    /// As it was read last.
    control: Result<Control, HomeError>,
}

impl Switch {
    /// The switch of a home, looked at for the first time.
    #[must_use]
    pub fn new(home: &Home) -> Self {
        let mut switch = Self { file: Kept::new(home, FILE, MAX_FILE), control: Ok(Control::default()) };
        switch.renew();
        switch
    }

    /// Looks whether controllers may act. It may be asked on an event loop, before each call.
    ///
    /// # Errors
    /// The line that a controller gets when it may not.
    pub fn look(&mut self) -> Result<(), String> {
        self.renew();
        match &self.control {
            Ok(control) => control.refusal().map_or(Ok(()), Err),
            Err(_) => Err(format!(
                "{FILE} on the host cannot be read, so every call is refused; its owner mends that by `opendesk resume`"
            )),
        }
    }

    /// What the owner had said when this was last looked at; nothing where that could not be read.
    #[must_use]
    pub const fn control(&self) -> Option<&Control> {
        match &self.control {
            Ok(control) => Some(control),
            Err(_) => None,
        }
    }

    /// Why it could not be read when this was last looked at, in a line for the owner.
    #[must_use]
    pub const fn error(&self) -> Option<&HomeError> {
        match &self.control {
            Ok(_) => None,
            Err(error) => Some(error),
        }
    }

    fn renew(&mut self) {
        let Some(content) = self.file.renewed() else { return };
        let control = content.and_then(|content| understand(self.file.home(), content));
        if let Err(error) = &control
            && self.error() != Some(error)
        {
            tracing::error!(%error, "nobody may act");
        }
        self.control = control;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn home() -> (Home, tempfile::TempDir) {
        let root = tempfile::tempdir().expect("a temporary directory");
        (Home::open(Some(root.path().join("home"))).expect("it can be made"), root)
    }

    fn written(home: &Home) -> Value {
        serde_json::from_slice(&fs::read(home.path().join(FILE)).expect("it is there")).expect("it is JSON")
    }

    #[test]
    fn without_a_file_controllers_may_act() {
        let (home, _root) = home();
        assert_eq!(Control::load(&home), Ok(Control { mode: Mode::Running, since: 0.0, reason: String::new() }));
        let mut switch = Switch::new(&home);
        assert_eq!(switch.look(), Ok(()));
        assert!(!home.path().join(FILE).exists());
    }

    #[test]
    fn what_the_owner_says_holds_at_the_next_look() {
        let (home, _root) = home();
        let mut switch = Switch::new(&home);
        let (before, now) = Control::set(&home, Mode::Stopped, "lunch\n\u{1b}[31m").unwrap();
        assert_eq!((before.mode, now.mode, now.reason.as_str()), (Mode::Running, Mode::Stopped, "lunch [31m"));
        let refused = switch.look().unwrap_err();
        assert!(refused.contains("has stopped all controllers (lunch [31m); do not try again"), "{refused}");
        assert_eq!(switch.control(), Some(&now));
        let (before, now) = Control::set(&home, Mode::Takeover, "").unwrap();
        assert_eq!((before.mode, now.mode), (Mode::Stopped, Mode::Takeover));
        assert!(switch.look().unwrap_err().contains("is using it themselves; do not try again"));
        let (before, now) = Control::set(&home, Mode::Running, "").unwrap();
        assert_eq!((before.mode, now.mode), (Mode::Takeover, Mode::Running));
        assert_eq!(switch.look(), Ok(()));
    }

    #[test]
    fn the_file_is_that_of_a_version_1_peer_and_keeps_what_others_have_there() {
        let (home, _root) = home();
        home.write(FILE, b"{\"mode\": \"RUNNING\", \"since\": null, \"by\": {\"whom\": [1.5]}}").unwrap();
        assert_eq!(Control::load(&home).map(|control| (control.mode, control.since)), Ok((Mode::Running, 0.0)));
        let (_, now) = Control::set(&home, Mode::Stopped, "büro").unwrap();
        let file = written(&home);
        assert_eq!((&file["mode"], &file["reason"]), (&"stopped".into(), &"büro".into()));
        assert_eq!(file["since"].as_f64(), Some(now.since));
        assert_eq!(file["by"]["whom"][0], 1.5);
        assert!(now.since > 1_700_000_000.0);
    }

    #[test]
    fn saying_it_twice_changes_the_reason_if_one_is_given_and_not_since_when() {
        let (home, _root) = home();
        home.write(FILE, b"{\"mode\": \"stopped\", \"since\": 1760000000.5, \"reason\": \"a\"}").unwrap();
        let (before, now) = Control::set(&home, Mode::Stopped, "b").unwrap();
        assert_eq!((before.since, before.reason.as_str()), (1_760_000_000.5, "a"));
        assert_eq!((now.since, now.reason.as_str()), (1_760_000_000.5, "b"));
        let (_, now) = Control::set(&home, Mode::Stopped, " \n").unwrap();
        assert_eq!((now.since, now.reason.as_str()), (1_760_000_000.5, "b"), "none is given");
        assert_eq!(Control::load(&home), Ok(now));
        let (_, now) = Control::set(&home, Mode::Takeover, "").unwrap();
        assert!(now.since > 1_760_000_000.5 && now.reason.is_empty(), "{now:?}");
        home.write(FILE, b"{").unwrap();
        assert_eq!(Control::set(&home, Mode::Stopped, "").unwrap().1.reason, "", "what was there was no reason");
    }

    /// W16b.
    #[test]
    fn a_file_that_cannot_be_understood_refuses_everything() {
        let (home, _root) = home();
        let mut switch = Switch::new(&home);
        let long = vec![b' '; MAX_FILE + 1];
        let deep = "[".repeat(1 << 15);
        for damaged in
            [b"".as_slice(), b"{", b"null", b"[]", b"{}", b"{\"mode\": null}", b"\xff", &long, deep.as_bytes()]
        {
            home.write(FILE, damaged).unwrap();
            let refused = switch.look().unwrap_err();
            assert!(refused.contains("every call is refused") && !refused.contains('\n'), "{refused}");
            assert!(switch.control().is_none() && switch.error().is_some());
            assert!(Control::load(&home).is_err());
            assert_eq!(fs::read(home.path().join(FILE)).unwrap(), damaged, "it is left as it is");
            assert!(Switch::new(&home).look().is_err());
        }
        home.write(FILE, b"{").unwrap();
        let error = Control::load(&home).unwrap_err();
        assert_eq!(error.kind(), HomeErrorKind::Corrupt);
        assert!(error.to_string().contains("control.json does not parse"), "{error}");
        home.write(FILE, b"{\"mode\": \"paused\"}").unwrap();
        assert!(switch.look().unwrap_err().contains("has stopped all controllers"));
    }

    #[test]
    fn a_link_and_a_home_that_is_gone_refuse_everything() {
        let (home, root) = home();
        let mut switch = Switch::new(&home);
        fs::write(root.path().join("elsewhere"), "{\"mode\": \"running\"}").unwrap();
        std::os::unix::fs::symlink(root.path().join("elsewhere"), home.path().join(FILE)).unwrap();
        assert!(switch.look().is_err());
        Control::set(&home, Mode::Running, "").unwrap();
        assert_eq!(switch.look(), Ok(()));
        assert!(!home.path().join(FILE).is_symlink(), "the link itself was replaced");
        fs::remove_dir_all(home.path()).unwrap();
        assert!(switch.look().is_err());
    }

    #[test]
    fn every_word_is_written_over_a_file_that_cannot_be_understood() {
        for mode in [Mode::Running, Mode::Stopped, Mode::Takeover] {
            let (home, _root) = home();
            home.write(FILE, b"{\"mode\":").unwrap();
            let (before, now) = Control::set(&home, mode, "").unwrap();
            assert_eq!((before.mode, before.reason.as_str()), (Mode::Stopped, "control.json could not be read"));
            assert_eq!(Control::load(&home), Ok(now));
        }
    }

    #[test]
    fn whoever_keeps_the_lock_keeps_nobody_from_stopping() {
        let (home, _root) = home();
        let set = |mode| {
            Control::set_under(&home, mode, "", || {
                // It took effect already.
                assert_eq!(Control::load(&home).map(|control| control.mode), Ok(Mode::Stopped));
                Err(HomeError::new(HomeErrorKind::Busy, "somebody keeps it"))
            })
        };
        assert_eq!(set(Mode::Stopped).unwrap().1.mode, Mode::Stopped);
        assert_eq!(set(Mode::Running).unwrap_err().kind(), HomeErrorKind::Busy);
        assert_eq!(Control::load(&home).unwrap().mode, Mode::Stopped);
    }

    #[test]
    fn a_stop_that_nobody_takes_back_is_not_lost_between_other_writers() {
        let (home, _root) = home();
        Control::set(&home, Mode::Takeover, "").unwrap();
        std::thread::scope(|scope| {
            let held = home.lock().unwrap();
            let stopping = scope.spawn(|| Control::set(&home, Mode::Stopped, ""));
            let mut switch = Switch::new(&home);
            while switch.control().is_none_or(|control| control.mode != Mode::Stopped) {
                drop(switch.look());
            }
            // Somebody who had read it before writes what they meant to.
            home.write(FILE, b"{\"mode\": \"running\"}").unwrap();
            drop(held);
            stopping.join().unwrap().unwrap();
        });
        assert_eq!(Control::load(&home).unwrap().mode, Mode::Stopped);
    }

    #[test]
    fn a_file_that_is_written_in_place_says_it_or_refuses() {
        let (home, _root) = home();
        let change = Change::to(&home, Mode::Stopped, "full");
        change.overwrite(&home).unwrap();
        assert_eq!(Control::load(&home), Ok(change.now.clone()));
        home.write(FILE, &vec![b' '; 1000]).unwrap();
        change.overwrite(&home).unwrap();
        assert_eq!(Control::load(&home), Ok(change.now));
        let mut switch = Switch::new(&home);
        fs::write(home.path().join(FILE), &change.bytes[..change.bytes.len() / 2]).unwrap();
        assert!(switch.look().is_err());
    }
}
