//! `keyboard`.

use core::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::session::{Gesture, Session};
use super::target::Target;
use super::{Hints, Output, Tool, ToolError, arguments, is_refused, lost, schema, settle_ms};
use crate::api::{Effect, InputKey, InputText, KeyEvent, Press, TextInput};
use crate::client;

pub(super) const TOOL: Tool = Tool {
    name: "keyboard",
    title: "Use the keyboard",
    description: "Types into whatever has the keyboard. `type` takes any text, newlines and tabs included; `press` taps \
                  one key (enter, tab, escape, f5, left…); `hotkey` holds several keys together, such as [\"ctrl\", \"s\"]; \
                  `hold` keeps a key down for a while.",
    hints: Hints { read_only: false, destructive: true, idempotent: false, open_world: true },
    schema: schema::of::<Arguments>,
    run: |session, given| {
        Box::pin(async move {
            let asked: Arguments = arguments(given)?;
            let target = session.target(asked.peer.as_deref())?;
            let said = perform(session, &target, &asked).await?;
            session.settle(asked.settle_ms).await;
            Ok(Output::text(format!("{}{said}", target.prefix())))
        })
    },
};

/// The longest that `hold` keeps a key down.
const LONGEST_HOLD: f64 = 10.0;

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
struct Arguments {
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
    /// Milliseconds to wait after the action, so that a screenshot shows what it did; at most 10000.
    #[serde(default = "settle_ms")]
    settle_ms: u32,
}

const fn one() -> f64 {
    1.0
}

async fn perform(session: &Session, target: &Target, asked: &Arguments) -> Result<String, ToolError> {
    match asked.action {
        Action::Type => {
            let text = asked.text.clone().ok_or_else(|| missing("type needs `text`"))?;
            let characters = text.chars().count();
            let input = TextInput { text, interval_ms: asked.interval_ms };
            let limit = client::CALL + input.pauses();
            let effect = session.call_within::<InputText>(target, &input, limit).await?;
            Ok(format!("Typed {characters} characters.{}", lost(effect)))
        }
        Action::Press => {
            let key = one_key(asked)?;
            let mut chord = Chord::new(session, target);
            chord.down(key).await?;
            let effect = chord.release().await?;
            Ok(format!("Pressed {key}.{}", lost(effect)))
        }
        Action::Hotkey => {
            if asked.keys.is_empty() {
                return Err(missing("hotkey needs `keys`"));
            }
            let mut chord = Chord::new(session, target);
            for key in &asked.keys {
                chord.down(key).await?;
            }
            let effect = chord.release().await?;
            Ok(format!("Pressed {}.{}", asked.keys.join("+"), lost(effect)))
        }
        Action::Hold => {
            let key = one_key(asked)?;
            if !(0.0..=LONGEST_HOLD).contains(&asked.hold_duration) {
                return Err(missing("`hold_duration` is 0 to 10 seconds"));
            }
            let mut chord = Chord::new(session, target);
            chord.down(key).await?;
            session.sleep(Duration::from_secs_f64(asked.hold_duration)).await;
            let effect = chord.release().await?;
            Ok(format!("Held {key} for {} s.{}", asked.hold_duration, lost(effect)))
        }
    }
}

fn one_key(asked: &Arguments) -> Result<&str, ToolError> {
    asked.key.as_deref().ok_or_else(|| missing("this action needs `key`"))
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
