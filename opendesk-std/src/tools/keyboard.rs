//! `keyboard`.

use core::pin::pin;
use core::time::Duration;

use futures_util::future::{Either, select};
use schemars::JsonSchema;
use serde::Deserialize;

use super::beforehand::{Sensible, sensible};
use super::observe::{Observe, around};
use super::proof::entered;
use super::session::{Gesture, Session};
use super::target::Target;
use super::{Hints, Tool, ToolError, given, is_refused, schema, settle_ms};
use crate::api::{Effect, InputKey, InputText, KeyEvent, Press, TextInput};
use crate::client;
use crate::desktop::Key;

pub(super) const TOOL: Tool = Tool {
    name: "keyboard",
    title: "Use the keyboard",
    description: "Types into whatever has the keyboard. `type` takes any text, newlines and tabs included; `press` taps \
                  one key (enter, tab, escape, f5, left…); `hotkey` holds several keys together, such as [\"ctrl\", \"s\"]; \
                  `hold` keeps `key`, or `keys` together, down for a while.",
    hints: Hints { read_only: false, destructive: true, idempotent: false, open_world: true },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let asked: Arguments = sensible(given)?;
            let target = session.target(asked.peer.as_deref())?;
            let action = perform(session, &target, &asked);
            around(session, &target, asked.observe, asked.settle_ms, action).await
        })
    },
};

/// The longest that `hold` keeps a key down.
const LONGEST_HOLD: f64 = 10.0;

/// More keys than anybody holds together.
const MOST_KEYS: usize = 8;

/// How often is told how far a text is.
const PROGRESS: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    Type,
    Press,
    Hotkey,
    Hold,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// What to do.
    action: Action,
    /// The paired machine whose desktop is meant, or `local`; see opendesk_peers.
    peer: Option<String>,
    /// The text of `type`.
    text: Option<String>,
    /// The key of `press` and `hold`.
    key: Option<String>,
    /// The keys of `hotkey`, pressed in this order and released in the opposite one.
    #[serde(default)]
    keys: Vec<String>,
    /// How long `hold` keeps the key down, in seconds, at most 10.
    #[serde(default = "one")]
    hold_duration: f64,
    /// Milliseconds between the characters of `type`.
    #[serde(default)]
    interval_ms: u32,
    /// What to tell of what changed: none, ui (elements), changes (areas), picture (a new screenshot).
    #[serde(default)]
    observe: Observe,
    /// Milliseconds to wait after the action, so that a screenshot shows what it did; at most 10000.
    #[serde(default = "settle_ms")]
    #[schemars(range(max = 10_000))]
    settle_ms: u32,
}

impl Arguments {
    /// What models give that have to give every argument, 0 and nothing, is as good as left out.
    fn check_unused(&self) -> Result<(), ToolError> {
        let some = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let all = [
            ("text", some(&self.text)),
            ("key", some(&self.key)),
            ("keys", !self.keys.is_empty()),
            ("hold_duration", ![0.0, one()].contains(&self.hold_duration)),
            ("interval_ms", self.interval_ms != 0),
        ];
        let (name, takes): (_, &[&str]) = match self.action {
            Action::Type => ("type", &["text", "interval_ms"]),
            Action::Press => ("press", &["key"]),
            Action::Hotkey => ("hotkey", &["keys"]),
            Action::Hold if some(&self.key) => ("hold with `key`", &["key", "hold_duration"]),
            Action::Hold => ("hold", &["keys", "hold_duration"]),
        };
        given::check_unused(name, &all, takes)
    }
}

const fn one() -> f64 {
    1.0
}

impl Sensible for Arguments {
    fn check(&self) -> Result<(), ToolError> {
        self.check_unused()?;
        match self.action {
            Action::Type if self.text.as_ref().is_none_or(String::is_empty) => Err(missing("type needs `text`")),
            Action::Type => Ok(()),
            Action::Press => {
                let key = self.key.as_deref().ok_or_else(|| missing("press needs `key`"))?;
                key.parse::<Key>().map(drop).map_err(|error| missing(&error.to_string()))
            }
            Action::Hotkey => check(&self.keys),
            Action::Hold if !(0.0..=LONGEST_HOLD).contains(&self.hold_duration) => {
                Err(missing("`hold_duration` is 0 to 10 seconds"))
            }
            Action::Hold => check(self.held()),
        }
    }
}

impl Arguments {
    /// The keys of `hold`.
    fn held(&self) -> &[String] {
        match &self.key {
            Some(key) if !key.is_empty() || self.keys.is_empty() => core::slice::from_ref(key),
            _ => &self.keys,
        }
    }
}

async fn perform(session: &Session, target: &Target, asked: &Arguments) -> Result<String, ToolError> {
    let (said, effect) = match asked.action {
        Action::Type => {
            let text = asked.text.clone().unwrap_or_default();
            let said = typed(&text);
            (said, type_text(session, target, TextInput { text, interval_ms: asked.interval_ms }).await?)
        }
        Action::Press => {
            let key = asked.key.as_deref().unwrap_or_default();
            let mut chord = Chord::new(session, target);
            chord.down(key).await?;
            (format!("Pressed {key}."), chord.release().await?)
        }
        Action::Hotkey => {
            let mut chord = Chord::new(session, target);
            for key in &asked.keys {
                chord.down(key).await?;
            }
            (format!("Pressed {}.", asked.keys.join("+")), chord.release().await?)
        }
        Action::Hold => {
            let keys = asked.held();
            let mut chord = Chord::new(session, target);
            for key in keys {
                chord.down(key).await?;
            }
            session.pause(Duration::from_secs_f64(asked.hold_duration)).await?;
            (format!("Held {} for {} s.", keys.join("+"), asked.hold_duration), chord.release().await?)
        }
    };
    Ok(format!("{said}{}", entered(session, target, effect)))
}

/// What is said of a text that was typed; nothing of the text itself, which may be a password.
fn typed(text: &str) -> String {
    let characters = text.chars().count();
    let keys = [('\n', "line ends as Return"), ('\t', "tabs as Tab")];
    let told: Vec<String> = keys
        .into_iter()
        .map(|(key, name)| (text.chars().filter(|character| *character == key).count(), name))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    let among = if told.is_empty() { String::new() } else { format!(", among them {}", told.join(" and ")) };
    format!("Typed {characters} characters{among}.")
}

/// Types a text and tells from time to time about how far it is.
async fn type_text(session: &Session, target: &Target, input: TextInput) -> Result<Effect, ToolError> {
    let (limit, interval) = (client::CALL + input.pauses(), Duration::from_millis(input.interval_ms.into()));
    let characters = input.text.chars().count();
    let mut typing = pin!(session.call_within::<InputText>(target, &input, limit));
    let mut waited = Duration::ZERO;
    loop {
        match select(typing.as_mut(), pin!(session.sleep(PROGRESS))).await {
            Either::Left((typed, _)) => return typed,
            Either::Right(_) => {
                waited += PROGRESS;
                let (done, total) = progress(waited, interval, characters);
                session.caller.report(done, total, "typing");
            }
        }
    }
}

/// About how many characters are typed after a while; without pauses between them, how many seconds it has taken.
fn progress(waited: Duration, interval: Duration, characters: usize) -> (f64, Option<f64>) {
    if interval.is_zero() {
        return (waited.as_secs_f64(), None);
    }
    // Never all of them: that is told by the answer.
    let most = (characters as f64 - 1.0).max(0.0);
    ((waited.as_secs_f64() / interval.as_secs_f64()).floor().min(most), Some(characters as f64))
}

/// Makes sure that each of the keys is one, before the first is pressed: Super alone opens a menu.
fn check(keys: &[String]) -> Result<(), ToolError> {
    if keys.is_empty() || keys.len() > MOST_KEYS {
        return Err(missing("this action needs `keys`, 1 to 8 of them"));
    }
    for key in keys {
        key.parse::<Key>().map_err(|error| missing(&error.to_string()))?;
    }
    Ok(())
}

fn missing(why: &str) -> ToolError {
    ToolError::Arguments(why.to_owned())
}

/// Keys that are down. They come up however the call ends: also when a later key fails, and when the call is
/// dropped in between. In another session than the one in which the first went down they are up already.
struct Chord<'a> {
    session: &'a Session,
    target: &'a Target,
    gesture: Gesture,
    down: Vec<String>,
    effect: Effect,
}

impl<'a> Chord<'a> {
    fn new(session: &'a Session, target: &'a Target) -> Self {
        Self { session, target, gesture: Gesture::default(), down: Vec::new(), effect: Effect::Confirmed }
    }

    async fn down(&mut self, key: &str) -> Result<(), ToolError> {
        self.down.push(key.to_owned());
        let pressed = self.send(Press::Down, key).await;
        if pressed.as_ref().is_err_and(is_refused) {
            // It was not pressed. After any other failure it may have been, and a release too many does no harm.
            self.down.pop();
        }
        self.effect = self.effect.and(pressed?);
        Ok(())
    }

    /// Lets all keys up and tells what became of the chord.
    async fn release(&mut self) -> Result<Effect, ToolError> {
        while let Some(key) = self.down.last().cloned() {
            // After a failure nobody waits for the others any more.
            let released = self.send(Press::Up, &key).await?;
            self.effect = self.effect.and(released);
            self.down.pop();
        }
        Ok(self.effect)
    }

    async fn send(&mut self, action: Press, key: &str) -> Result<Effect, ToolError> {
        self.session.call_held::<InputKey>(self.target, &event(action, key), &mut self.gesture).await
    }
}

impl Drop for Chord<'_> {
    fn drop(&mut self) {
        while let Some(key) = self.down.pop() {
            self.session.call_unheard::<InputKey>(self.target, &event(Press::Up, &key));
        }
    }
}

fn event(action: Press, key: &str) -> KeyEvent {
    KeyEvent { action, keysym: key.to_owned(), modifiers: Vec::new() }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::tools::arguments;

    #[test]
    fn what_was_typed_is_counted_and_not_told() {
        assert_eq!(typed("hunter2"), "Typed 7 characters.");
        assert_eq!(typed("a\nb\n\tc"), "Typed 6 characters, among them 2 line ends as Return and 1 tabs as Tab.");
    }

    #[test]
    fn what_an_action_would_leave_unread_is_refused() {
        let of = |given: Value| {
            let asked: Arguments = arguments(given).unwrap();
            asked.check_unused().map_err(|error| error.to_string())
        };
        for right in [
            serde_json::json!({"action": "type", "text": "a", "key": "", "keys": [], "hold_duration": 0}),
            serde_json::json!({"action": "hold", "key": "", "keys": ["a", "b"], "text": ""}),
            serde_json::json!({"action": "hold", "key": "a", "hold_duration": 2, "text": null}),
        ] {
            assert_eq!(of(right.clone()), Ok(()), "{right}");
        }
        for (wrong, why) in [
            (
                serde_json::json!({"action": "hold", "key": "a", "keys": ["b"]}),
                "`keys` does not go with hold with `key`, which takes `key`, `hold_duration`",
            ),
            (serde_json::json!({"action": "hotkey", "key": "s", "keys": ["ctrl"]}), "`key` does not go with hotkey"),
            (serde_json::json!({"action": "press", "key": "a", "text": "b"}), "`text` does not go with press"),
        ] {
            assert!(of(wrong.clone()).unwrap_err().contains(why), "{wrong}");
        }
    }

    #[test]
    fn progress_grows_and_does_not_reach_its_end_before_the_answer() {
        let second = Duration::from_secs(1);
        assert_eq!(progress(second, Duration::from_millis(100), 1000), (10.0, Some(1000.0)));
        assert_eq!(progress(second * 500, Duration::from_millis(100), 1000), (999.0, Some(1000.0)));
        assert_eq!(progress(second * 3, Duration::ZERO, 1000), (3.0, None));
        assert_eq!(progress(second, second, 0), (0.0, Some(0.0)));
    }

    #[test]
    fn a_chord_with_an_unknown_key_is_refused_as_a_whole() {
        let keys = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(check(&keys(&["ctrl", "shift", "s"])).is_ok());
        assert!(check(&keys(&["meta", "hyperspace"])).unwrap_err().to_string().contains("hyperspace"));
        assert!(check(&[]).is_err() && check(&keys(&["a"; 9])).is_err());
    }
}
